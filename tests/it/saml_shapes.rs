//! Responses as different identity providers send them are accepted. `saml_oracle` compares their
//! signatures with an independent implementation.

use harness::saml::shapes;

#[test]
fn every_valid_shape_is_accepted_with_its_person() {
    let shapes = shapes::all();
    assert!(shapes.len() >= 30);
    for shape in shapes {
        let verdict = shape.settings.verify(shape.response.as_bytes());
        match verdict.result {
            Ok(assertion) => {
                let email = assertion.profile.email.unwrap_or_default();
                let named = assertion.identity.best().value;
                assert!(email == shape.email || email == named, "{}: {email}", shape.name);
            }
            Err(error) => panic!("{}: {} {error}", shape.name, error.code()),
        }
    }
}
