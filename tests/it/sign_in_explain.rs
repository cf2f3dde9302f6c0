//! Explaining a response: all checks, and nothing is written.

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::browser::{BASE, draft, draft_for};
use harness::saml::draft::Draft;
use harness::saml::encryption::Encryption;
use harness::saml::keys::KEYS;
use harness::saml::metadata;
use harness::saml::signing::Signing;
use harness::saml::world::IDP;
use harness::{Answer, TestApp};
use serde_json::{Value, json};

async fn ask(test: &TestApp, body: Value) -> Answer {
    let path = format!("/v1/tenants/{}/connections/acme.com/explain", test.acme.id);
    test.operator(Method::POST, &path, Some(body)).await
}

async fn explained(test: &TestApp, draft: &Draft) -> Value {
    let field = BASE64_STANDARD.encode(draft.response());
    ask(test, json!({"saml_response": field})).await.expect(200).json()
}

/// Returns the sorted characters of `rows`, whose attributes have no fixed order.
fn letters(rows: &str) -> Vec<char> {
    let mut letters: Vec<char> = rows.chars().collect();
    letters.sort_unstable();
    letters
}

/// Returns whether the response would be accepted, and the first check that failed.
fn verdict(explanation: &Value) -> (bool, Option<&str>) {
    (explanation["accepted"].as_bool().unwrap(), explanation["code"].as_str())
}

#[tokio::test]
async fn explaining_writes_nothing() {
    let test = TestApp::with_connection(json!({"jit": true, "allow_idp_initiated": true})).await;
    let before = letters(&test.rows().await);
    for request in [Some("_1"), None] {
        assert_eq!(verdict(&explained(&test, &draft(request)).await), (true, None));
    }
    let broken = Draft { sign_assertion: None, ..draft(None) };
    assert_eq!(verdict(&explained(&test, &broken).await), (false, Some("saml.sig.present")));
    assert_eq!(letters(&test.rows().await), before);
}

#[tokio::test]
async fn explaining_and_signing_in_reach_the_same_verdict() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let foreign = Signing { key: |keys| &keys.attacker, ..Signing::default() };
    let encrypted = Some(Encryption::default());
    for (draft, expected) in [
        (Draft { encrypt: encrypted, ..draft(Some("_1")) }, (true, None)),
        (draft(None), (false, Some("saml.inresponseto"))),
        (
            Draft { sign_assertion: Some(foreign), ..draft(Some("_1")) },
            (false, Some("saml.sig.key")),
        ),
        (
            Draft { in_response_to: Some("_2".to_owned()), ..draft(Some("_1")) },
            (false, Some("saml.inresponseto")),
        ),
        (
            draft_for("https://other.example/acs", "https://other.example", Some("_1")),
            (false, Some("saml.dest")),
        ),
    ] {
        assert_eq!(verdict(&explained(&test, &draft).await), expected);
    }
}

#[tokio::test]
async fn a_deactivated_user_would_be_refused() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let user = test.user("ada@acme.com").await;
    assert_eq!(verdict(&explained(&test, &draft(Some("_1"))).await), (true, None));
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    test.patch(&format!("/Users/{user}"), off).await.expect(200);
    let explanation = explained(&test, &draft(Some("_1"))).await;
    assert_eq!(verdict(&explanation), (false, Some("user.state")));
    assert_eq!(explanation["claims"], json!(null));
    assert!(!explanation.to_string().contains("ada@acme.com"), "{explanation}");
}

#[tokio::test]
async fn a_member_of_a_federation_is_verified_with_its_own_keys_and_url() {
    let test = TestApp::with_connection(json!({})).await;
    let other = "https://other.example/saml";
    let keys = metadata::key("use=\"signing\"", &KEYS.idp_next);
    let role = metadata::descriptor(&keys, &metadata::services());
    let members = metadata::usual(IDP) + &metadata::entity(other, &role);
    let federation = metadata::federation(&members);
    let settings = json!({"jit": true, "member_domains": {IDP: ["acme.com"]}});
    test.connect("acme.com", &federation, settings).await.expect(200);
    let acs = format!("{BASE}/saml/sso/acme.com/federated");
    let good = draft_for(&acs, &format!("{BASE}/saml/metadata/acme.com"), Some("_1"));
    assert_eq!(verdict(&explained(&test, &good).await), (true, None));
    let impostor =
        Draft { issuer: other.to_owned(), response_issuer: Some(other.to_owned()), ..good.clone() };
    assert_eq!(verdict(&explained(&test, &impostor).await), (false, Some("saml.sig.key")));
    let stranger = Draft { response_issuer: Some("https://who.example".to_owned()), ..good };
    assert_eq!(verdict(&explained(&test, &stranger).await), (false, Some("saml.issuer")));
    // The issuer decides, not the ACS.
    assert_eq!(verdict(&explained(&test, &draft(Some("_1"))).await), (true, None));
}

#[tokio::test]
async fn malformed_requests_for_an_explanation_are_refused() {
    let test = TestApp::with_connection(json!({})).await;
    for body in [
        json!({}),
        json!({"saml_response": 1}),
        json!({"saml_response": "", "surprise": true}),
        json!({"saml_response": "", "at": "yesterday"}),
    ] {
        ask(&test, body).await.expect(400);
    }
    let far = json!({"saml_response": BASE64_STANDARD.encode(draft(None).response()), "at": "9999-12-30T22:00:00Z"});
    assert!(!verdict(&ask(&test, far).await.expect(200).json()).0);
    let eve = test.tenant("Eve").await;
    let path = format!("/v1/tenants/{}/connections/acme.com/explain", eve.id);
    let body = json!({"saml_response": ""});
    test.operator(Method::POST, &path, Some(body)).await.expect(404);
}
