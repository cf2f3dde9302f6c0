//! Answers of identity providers as the field sends them: white space around URIs, other bindings, and
//! whose turn it is to act on a refusal.

use std::slice;
use std::time::Duration;

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::TestApp;
use harness::browser::{BASE, Browser, Idp, draft, percent_encoded};
use harness::saml::attacks::encryption::with_encrypted_name_id;
use harness::saml::draft::{Draft, claim};
use harness::saml::encryption::{Encryption, KeyPlace, encrypt_as};
use harness::saml::signing::Signing;
use harness::saml::world::{IDP, SP, Settings};
use proptest::prelude::*;
use saml::checks::{CheckId, Outcome};
use serde_json::{Value, json};

/// URIs of a response, each in an attribute or in an element.
const URIS: [(&str, &str, &str); 9] = [
    ("Recipient=\"", "https://sp.example/saml/sso/acme.com", "\""),
    ("Destination=\"", "https://sp.example/saml/sso/acme.com", "\""),
    ("Audience>", "https://sp.example/saml/metadata/acme.com", "<"),
    ("Issuer>", IDP, "<"),
    ("Method=\"", "urn:oasis:names:tc:SAML:2.0:cm:bearer", "\""),
    ("StatusCode Value=\"", "urn:oasis:names:tc:SAML:2.0:status:Success", "\""),
    ("NameID Format=\"", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", "\""),
    ("InResponseTo=\"", "REQUEST", "\""),
    (
        "AuthnContextClassRef>",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        "<",
    ),
];

/// Puts white space around every occurrence of a URI, and signs the result.
fn spaced(draft: &Draft, uri: usize, before: &str, after: &str) -> String {
    let (start, value, end) = URIS[uri];
    let value = value.replace("REQUEST", draft.in_response_to.as_deref().unwrap_or_default());
    let change = |text: &str| {
        let from = format!("{start}{value}{end}");
        assert!(text.contains(&from), "{from} in {text}");
        text.replace(&from, &format!("{start}{before}{value}{after}{end}"))
    };
    let mut draft = draft.clone();
    draft.name_id =
        if start.starts_with("NameID") { change(&draft.name_id) } else { draft.name_id };
    draft.status = if start.starts_with("Status") { change(&draft.status) } else { draft.status };
    for part in [&mut draft.confirmations, &mut draft.conditions, &mut draft.authn] {
        if part.contains(&format!("{start}{value}{end}")) {
            *part = change(part);
        }
    }
    let around = |value: &str| format!("{before}{value}{after}");
    match start {
        "Destination=\"" => draft.destination = draft.destination.as_deref().map(around),
        "Issuer>" => {
            draft.issuer = around(&draft.issuer);
            draft.response_issuer = draft.response_issuer.as_deref().map(around);
        }
        "InResponseTo=\"" => draft.in_response_to = draft.in_response_to.as_deref().map(around),
        _ => {}
    }
    draft.response()
}

#[tokio::test]
async fn uris_are_compared_without_the_white_space_around_them() {
    let contexts = [URIS[8].1];
    let settings = json!({"jit": true, "authn_contexts": contexts});
    let test = TestApp::with_connection(settings).await;
    for (uri, (start, ..)) in URIS.iter().enumerate() {
        for (before, after) in [(" ", ""), ("", " "), ("\n  ", "\t"), ("&#10;", "&#13;&#9; ")] {
            let mut browser = Browser::default();
            let request = browser.begin(&test, "/saml/sso/acme.com").await;
            let mut draft = draft(Some(&request));
            draft.assertion_id = format!("_{request}");
            let response = spaced(&draft, uri, before, after);
            let answer = browser.respond(&test, &response).await;
            let record = &test.sign_ins().await[0];
            assert_eq!(answer.status, 200, "{start} {before:?} {after:?}: {record}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// White space within a URI is another URI.
    #[test]
    fn a_space_within_a_uri_makes_another_one(uri in 0..4_usize, place in 1..20_usize) {
        let draft = Draft::default();
        let (_, value, _) = URIS[uri];
        let (head, tail) = value.split_at(place);
        let split = format!("{head} {tail}");
        let changed = Draft {
            confirmations: draft.confirmations.replace(&format!("Recipient=\"{value}\""), &format!("Recipient=\"{split}\"")),
            conditions: draft.conditions.replace(&format!(">{value}<"), &format!(">{split}<")),
            destination: draft.destination.clone().map(|url| if uri == 1 { split.clone() } else { url }),
            issuer: if uri == 3 { split.clone() } else { draft.issuer.clone() },
            ..draft
        };
        prop_assert!(Settings::default().verify(changed.response().as_bytes()).result.is_err());
    }
}

#[tokio::test]
async fn a_message_by_another_binding_is_refused_by_name_and_starts_no_sign_in() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let response = percent_encoded(&BASE64_STANDARD.encode(draft(None).response()));
    let redirect = "the response came by HTTP-Redirect (GET)";
    for (query, message) in [
        (format!("SAMLResponse={response}&RelayState=x"), redirect),
        ("RelayState=x&SAMLResponse=".to_owned(), redirect),
        (format!("SAMLResponse={response}&SAMLRequest=x"), redirect),
        ("SAMLart=AAQAAMFbLinlXaCM".to_owned(), "the response came by HTTP-Artifact"),
        ("SAMLRequest=fZJNT8MwDIbv".to_owned(), "a SAMLRequest came"),
        ("wa=wsignin1.0&wresult=%3Cx%2F%3E".to_owned(), "an answer of WS-Federation came"),
    ] {
        for path in ["/saml/sso/acme.com", "/saml/sso/acme.com/federated"] {
            let mut browser = Browser::default();
            browser.begin(&test, "/saml/sso/acme.com").await;
            // Records of the same millisecond have no order.
            test.clock.advance(Duration::from_millis(1));
            let page = browser.get(&test, &format!("{path}?{query}")).await.expect(400);
            assert_eq!(page.header("location"), None);
            assert_eq!(page.header("set-cookie"), None, "no sign-in begins");
            let record = test.sign_ins().await.swap_remove(0);
            assert_eq!(
                (&record["code"], &record["actor"]),
                (&json!("saml.form"), &json!("idp_admin"))
            );
            assert!(record["message"].as_str().unwrap().contains(message), "{record}");
        }
    }
    // By POST too.
    for (field, message) in [
        ("SAMLart", "the response came by HTTP-Artifact"),
        ("SAMLRequest", "a SAMLRequest came"),
        ("wresult", "an answer of WS-Federation came"),
    ] {
        let mut browser = Browser::default();
        browser.post(&test, "/saml/sso/acme.com", &[(field, "x")]).await.expect(400);
        let record = test.sign_ins().await.swap_remove(0);
        assert!(record["message"].as_str().unwrap().contains(message), "{record}");
    }
    // Anything else in the query begins a sign-in, also at the other address.
    for path in ["/saml/sso/acme.com?RelayState=x", "/saml/sso/acme.com/federated"] {
        Browser::default().get(&test, path).await.expect(303);
    }
}

/// The record of a refused sign-in.
async fn refused(test: &TestApp, change: impl FnOnce(&mut Draft)) -> Value {
    let (_, answer) = test.sign_in_at(Idp::USUAL, change).await;
    answer.expect(403);
    test.sign_ins().await.swap_remove(0)
}

#[track_caller]
fn assert_told(record: &Value, code: &str, actor: &str) {
    assert_eq!((&record["code"], &record["actor"]), (&json!(code), &json!(actor)), "{record}");
}

#[tokio::test]
async fn the_party_that_can_act_is_told() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let none = refused(&test, |draft| draft.authn = String::new()).await;
    assert_told(&none, "saml.session", "idp_admin");
    let check = none["checks"].as_array().unwrap().iter().find(|line| line["id"] == "saml.session");
    assert!(check.unwrap()["expected"].as_str().unwrap().contains("AuthnStatement"), "{none}");
    let over = |draft: &mut Draft| {
        draft.authn = draft
            .authn
            .replace("AuthnInstant", "SessionNotOnOrAfter=\"2020-01-01T00:00:00Z\" AuthnInstant");
    };
    assert_told(&refused(&test, over).await, "saml.session", "person");
    let early = |draft: &mut Draft| {
        draft.authn = harness::saml::draft::authn("2036-01-01T00:00:00Z", None);
    };
    assert_told(&refused(&test, early).await, "saml.session", "idp_admin");
    let triple_des = |draft: &mut Draft| {
        draft.encrypt = Some(Encryption::with("http://www.w3.org/2001/04/xmlenc#tripledes-cbc"));
    };
    assert_told(&refused(&test, triple_des).await, "saml.enc", "idp_admin");
    let contradiction = |draft: &mut Draft| draft.in_response_to = Some("_other".to_owned());
    assert_told(&refused(&test, contradiction).await, "saml.inresponseto", "idp_admin");
    // A tile of the provider, where the setting forbids to begin there.
    let mut browser = Browser::default();
    let page = browser.respond(&test, &draft(None).response()).await.expect(403);
    assert!(page.body().contains("own page is off for this app"), "{}", page.body());
    let record = test.sign_ins().await.swap_remove(0);
    assert_told(&record, "saml.inresponseto", "tenant_admin");
    // A request of another browser.
    let request = Browser::default().begin(&test, "/saml/sso/acme.com").await;
    Browser::default().respond(&test, &draft(Some(&request)).response()).await.expect(403);
    let record = test.sign_ins().await.swap_remove(0);
    assert_told(&record, "saml.inresponseto", "person");
}

#[test]
fn a_response_that_is_signed_with_a_refused_algorithm_counts_as_signed() {
    let sha1 = || Signing {
        algorithm: "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        ..Signing::default()
    };
    let response = Draft { sign_assertion: None, sign_response: Some(sha1()), ..Draft::default() };
    let assertion = Draft { sign_assertion: Some(sha1()), ..Draft::default() };
    for draft in [response, assertion] {
        let verdict = Settings::default().verify(draft.response().as_bytes());
        assert_eq!(verdict.result.unwrap_err().code(), "saml.sig.alg");
        assert_eq!(verdict.checks.outcome(CheckId::SignaturePresent), Outcome::Passed);
    }
}

/// Verifies a draft, and shows the identifier that decides, or the code of the refusal.
fn identified(draft: &Draft) -> String {
    match Settings::default().verify(draft.response().as_bytes()).result {
        Ok(assertion) => assertion.identity.best().value,
        Err(error) => error.code().to_owned(),
    }
}

#[test]
fn an_encrypted_name_id_is_read_if_it_shows_that_it_is_for_this_connection() {
    let ours = format!(" SPNameQualifier=\"{SP}\"");
    let beside = |cipher| Encryption { place: KeyPlace::Beside, ..Encryption::with(cipher) };
    for how in
        [Encryption::with("aes256-gcm"), Encryption::with("aes128-gcm"), beside("aes128-gcm")]
    {
        assert_eq!(identified(&with_encrypted_name_id(&ours, "u-17", &how)), "u-17");
        assert_eq!(identified(&with_encrypted_name_id("", "bo@acme.com", &how)), "bo@acme.com");
        // In a signed response, and in an encrypted assertion.
        let draft = with_encrypted_name_id(&ours, "u-17", &how);
        let signed = Draft {
            sign_assertion: None,
            sign_response: Some(Signing::default()),
            ..draft.clone()
        };
        assert_eq!(identified(&signed), "u-17");
        assert_eq!(identified(&Draft { encrypt: Some(how), ..draft }), "u-17");
    }
    let cbc = with_encrypted_name_id(&ours, "u-17", &Encryption::with("aes128-cbc"));
    assert_eq!(identified(&cbc), "u-17");
}

#[test]
fn encrypted_attributes_are_read_if_they_are_addresses_of_the_connection() {
    let how = Encryption::with("aes256-gcm");
    let encrypted = |name: &str, value: &str| {
        let plain = format!(
            "<saml:Attribute xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Name=\"{name}\">\
             <saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>"
        );
        encrypt_as("EncryptedAttribute", &plain, &how)
    };
    let verify = |parts: &[String]| {
        let statement = format!("<A:AttributeStatement>{}</A:AttributeStatement>", parts.concat());
        let draft = Draft { claims: Vec::new(), assertion_extra: statement, ..Draft::default() };
        let verdict = Settings::default().verify(draft.response().as_bytes());
        let outcome = verdict.checks.outcome(CheckId::Attributes);
        let names = verdict.result.unwrap().attributes;
        (names.into_iter().map(|attribute| attribute.name).collect::<Vec<_>>(), outcome)
    };
    let (mail, name) = (encrypted("mail", "bo@acme.com"), encrypted("displayName", "Bo"));
    let foreign = encrypted("mail", "bo@victim.example");
    assert_eq!(verify(slice::from_ref(&mail)), (vec!["mail".to_owned()], Outcome::Passed));
    // Any other could be of another tenant: it is not used, and the record says so.
    for unused in [name, foreign] {
        let expect = (vec!["mail".to_owned()], Outcome::Warning);
        assert_eq!(verify(&[unused, mail.clone()]), expect);
    }
    // Work for our private keys is bounded.
    let many: Vec<String> = (0..9).map(|_| mail.clone()).collect();
    let (names, outcome) = verify(&many);
    assert_eq!((names.len(), outcome), (8, Outcome::Warning));
}

#[tokio::test]
async fn names_of_attributes_of_saml_1_name_the_person() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let urns = |draft: &mut Draft| {
        draft.name_id = "<A:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\">_t</A:NameID>".to_owned();
        draft.claims = vec![
            claim("urn:mace:dir:attribute-def:eduPersonPrincipalName", &["ada@acme.com"]),
            claim("urn:mace:dir:attribute-def:givenName", &["Ada"]),
            claim("urn:mace:dir:attribute-def:sn", &["Lovelace"]),
        ];
    };
    let (_, answer) = test.sign_in_at(Idp::USUAL, urns).await;
    answer.expect(200);
    let user = test.sign_ins().await[0]["user"].as_str().unwrap().to_owned();
    let user = test.scim(Method::GET, &format!("/Users/{user}"), None).await.expect(200).json();
    assert_eq!(user["userName"], "ada@acme.com");
    assert_eq!(user["name"], json!({"givenName": "Ada", "familyName": "Lovelace"}));
    let entity = format!("{BASE}/saml/metadata/acme.com");
    assert!(entity.starts_with("https://sp.example"), "the URIs above are of this deployment");
}
