//! The requirements of a connection beyond the protocol: signed parts, the way of signing
//! in, an e-mail address. Through the operator API and the whole service.

use axum::http::Method;
use harness::TestApp;
use harness::browser::{Browser, draft, request_xml};
use harness::saml::draft::{Draft, at, authn, claim};
use harness::saml::signing::Signing;
use serde_json::{Value, json};

const MFA: &str = "https://refeds.org/profile/mfa";
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// Signs in with the response that `edit` makes of a good one, and compares the failed check.
async fn check(
    test: &TestApp,
    edit: impl FnOnce(Draft) -> Draft,
    expect: Option<(&str, &str, &str)>,
) {
    let mut browser = Browser::default();
    let request = browser.begin(test, "/saml/sso/acme.com").await;
    let response = edit(draft(Some(&request))).response();
    let status = if expect.is_some() { 403 } else { 200 };
    browser.respond(test, &response).await.expect(status);
    let record = test.sign_ins().await.swap_remove(0);
    let checks = record["checks"].as_array().unwrap();
    let failed: Vec<_> = checks.iter().filter(|check| check["outcome"] == "failed").collect();
    let owned = |value: &Value| value.as_str().unwrap().to_owned();
    let failures: Vec<_> = failed
        .iter()
        .map(|check| (owned(&check["id"]), owned(&check["expected"]), owned(&check["received"])))
        .collect();
    let wanted: Vec<_> = expect
        .into_iter()
        .map(|(id, expected, received)| (id.to_owned(), expected.to_owned(), received.to_owned()))
        .collect();
    assert_eq!(failures, wanted);
}

fn unchanged(draft: Draft) -> Draft {
    draft
}

fn only_response_signed(draft: Draft) -> Draft {
    Draft { sign_assertion: None, sign_response: Some(Signing::default()), ..draft }
}

fn both_signed(draft: Draft) -> Draft {
    Draft { sign_response: Some(Signing::default()), ..draft }
}

#[tokio::test]
async fn required_signatures_are_enforced() {
    let missing = |expected, received| Some(("saml.sig.present", expected, received));
    let (of_assertion, of_response) = ("the assertion is signed", "the response is signed");
    let both = "the response and the assertion signed";
    for (setting, without_response, without_assertion) in [
        ("either", None, None),
        ("response", missing("the response signed", of_assertion), None),
        ("assertion", None, missing("the assertion signed", of_response)),
        ("both", missing(both, of_assertion), missing(both, of_response)),
    ] {
        let settings = json!({"jit": true, "require_signed": setting});
        let test = TestApp::with_connection(settings).await;
        check(&test, unchanged, without_response).await;
        check(&test, only_response_signed, without_assertion).await;
        check(&test, both_signed, None).await;
    }
}

#[tokio::test]
async fn only_accepted_authentication_contexts_sign_in() {
    let test = TestApp::with_connection(json!({"jit": true, "authn_contexts": [MFA]})).await;
    let refused = |received| Some(("saml.authncontext", MFA, received));
    check(&test, unchanged, refused(PASSWORD)).await;
    let with = |class: &'static str| {
        move |draft| Draft { authn: authn(&at(-10), None).replace(PASSWORD, class), ..draft }
    };
    check(
        &test,
        with("https://refeds.org/profile/mfa/"),
        refused("https://refeds.org/profile/mfa/"),
    )
    .await;
    check(&test, with(""), refused("(nothing)")).await;
    check(&test, with(MFA), None).await;

    let test =
        TestApp::with_connection(json!({"jit": true, "authn_contexts": [MFA, PASSWORD]})).await;
    check(&test, unchanged, None).await;
}

#[tokio::test]
async fn accepted_authentication_contexts_are_requested() {
    let begin = async |test: &TestApp| {
        request_xml(&Browser::default().get(test, "/saml/sso/acme.com").await.expect(303))
    };
    let test = TestApp::with_connection(json!({"authn_contexts": [MFA, "urn:a&b"]})).await;
    let request = begin(&test).await;
    let (_, rest) = request.split_once("<saml2p:RequestedAuthnContext").unwrap();
    let (requested, _) = rest.split_once("</saml2p:RequestedAuthnContext>").unwrap();
    assert!(requested.contains("Comparison=\"exact\""), "{request}");
    let classes: Vec<_> = requested.split("AuthnContextClassRef>").collect();
    assert_eq!((classes[1], classes[3]), (&*format!("{MFA}</saml2:"), "urn:a&amp;b</saml2:"));

    // Nothing that a provider may not be able to fulfil is asked for without a setting.
    let test = TestApp::with_connection(json!({})).await;
    let request = begin(&test).await;
    for part in ["RequestedAuthnContext", "NameIDPolicy", "ForceAuthn", "IsPassive"] {
        assert!(!request.contains(part), "{part} in {request}");
    }
}

#[tokio::test]
async fn a_required_email_address_is_enforced() {
    let test = TestApp::with_connection(json!({"require_email": true})).await;
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "a7@acme.com", "externalId": "7"});
    test.post("/Users", user).await.expect(201);
    let anonymous = |draft| Draft {
        name_id: "<A:NameID>7</A:NameID>".to_owned(),
        claims: vec![claim("email", &["not an address"])],
        ..draft
    };
    // The names of attributes are personal data, which records keep only with `keep_claims`.
    check(&test, anonymous, Some(("saml.attributes", "e-mail address", "(not kept)"))).await;
    test.connect("acme.com", &harness::saml::metadata::usual(harness::saml::world::IDP), json!({}))
        .await
        .expect(200);
    check(&test, anonymous, None).await;
}

#[tokio::test]
async fn requirements_are_shown_kept_and_reset_by_a_put() {
    let test = TestApp::with_connection(json!({})).await;
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    let names = ["require_signed", "authn_contexts", "require_email"];
    let put = async |body: Value| {
        let shown = test.operator(Method::PUT, &path, Some(body)).await.expect(200).json();
        let read = test.operator(Method::GET, &path, None).await.expect(200).json();
        assert_eq!(shown, read);
        names.map(|name| shown[name].clone())
    };
    let new = [json!("either"), json!([]), json!(false)];
    assert_eq!(put(json!({})).await, new);
    let set = json!({"require_signed": "both", "authn_contexts": [MFA], "require_email": true});
    assert_eq!(put(set).await, [json!("both"), json!([MFA]), json!(true)]);
    let null = json!({"require_signed": null, "authn_contexts": null, "require_email": null});
    assert_eq!(put(null).await, new);
}

#[tokio::test]
async fn invalid_requirements_are_refused_with_the_reason() {
    let test = TestApp::with_connection(json!({})).await;
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    let long = format!("urn:{}", "x".repeat(300));
    for (body, part) in [
        (json!({"require_signed": "none"}), "unknown variant `none`, expected one of `either`"),
        (json!({"require_signed": ["both"]}), "expected a string"),
        (json!({"authn_contexts": MFA}), "expected a sequence"),
        (json!({"authn_contexts": [7]}), "expected a string"),
        (json!({"authn_contexts": ["mfa"]}), "must be an absolute URI"),
        (json!({"authn_contexts": ["urn:two words"]}), "must be an absolute URI"),
        (json!({"authn_contexts": [long]}), "at most 256 characters"),
        (json!({"authn_contexts": vec![MFA; 17]}), "authn_contexts must have at most 16 items"),
        (json!({"require_email": "yes"}), "expected a boolean"),
    ] {
        let problem = test.operator(Method::PUT, &path, Some(body.clone())).await.expect(400);
        assert!(problem.text("detail").contains(part), "{body}: {}", problem.text("detail"));
    }
}
