//! Unsolicited responses: sign-ins that the identity provider starts.

use harness::TestApp;
use harness::browser::{Browser, draft};
use serde_json::json;

/// Returns the hidden field of the page with one button.
pub(crate) fn sign_in_field(html: &[u8]) -> String {
    let html = String::from_utf8_lossy(html);
    let (_, rest) =
        html.split_once("name=\"sign_in\" value=\"").unwrap_or_else(|| panic!("{html}"));
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn unsolicited_responses_are_refused_unless_allowed() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    browser.respond(&test, &draft(None).response()).await.expect(403);
    assert_eq!(test.sign_ins().await[0]["code"], "saml.inresponseto");
}

#[tokio::test]
async fn an_unsolicited_response_signs_in_only_after_a_button_is_pressed() {
    let settings = json!({"jit": true, "allow_idp_initiated": true});
    let test = TestApp::with_connection(settings).await;
    let mut browser = Browser::default();
    let page = browser.respond(&test, &draft(None).response()).await.expect(200);
    assert!(!browser.cookies().contains("session"));
    let field = sign_in_field(&page.bytes);
    let button = [("sign_in", field.as_str())];
    // The form in another browser.
    let mut victim = Browser::default();
    victim.post(&test, "/saml/sso/acme.com/continue", &button).await.expect(400);
    assert!(!victim.cookies().contains("session"));
    let mut twin = browser.clone();
    browser.post(&test, "/saml/sso/acme.com/continue", &button).await.expect(200);
    assert!(browser.cookies().contains("session"));
    // The button pressed twice: the second press gives nothing, and leads on.
    let second = twin.post(&test, "/saml/sso/acme.com/continue", &button).await.expect(303);
    assert!(second.header("location").unwrap().contains("/saml/sso/acme.com/resume?"));
    assert!(!twin.cookies().contains("session"));
    assert_eq!(test.sign_ins().await[0]["began"], "provider");
}

#[tokio::test]
async fn an_unsolicited_response_works_once() {
    let settings = json!({"jit": true, "allow_idp_initiated": true});
    let test = TestApp::with_connection(settings).await;
    let response = draft(None).response();
    Browser::default().respond(&test, &response).await.expect(200);
    Browser::default().respond(&test, &response).await.expect(403);
    assert_eq!(test.sign_ins().await[0]["code"], "saml.replay");
}

#[tokio::test]
async fn an_unsolicited_response_that_names_a_request_is_refused() {
    let settings = json!({"jit": true, "allow_idp_initiated": true});
    let test = TestApp::with_connection(settings).await;
    let other = Browser::default().begin(&test, "/saml/sso/acme.com").await;
    for request in [other.as_str(), "_0000000000000000000000000000000000000000", "x"] {
        let response = draft(Some(request)).response();
        Browser::default().respond(&test, &response).await.expect(403);
        assert_eq!(test.sign_ins().await[0]["code"], "saml.inresponseto", "{request}");
    }
}
