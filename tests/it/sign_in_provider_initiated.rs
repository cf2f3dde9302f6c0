//! Responses that nobody asked for.

use harness::TestApp;
use harness::browser::{Browser, draft};
use serde_json::json;

/// The hidden field of the page with one button.
fn sign_in_field(html: &[u8]) -> String {
    let html = String::from_utf8_lossy(html);
    let (_, rest) =
        html.split_once("name=\"sign_in\" value=\"").unwrap_or_else(|| panic!("{html}"));
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn they_are_refused_unless_switched_on() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    browser.respond(&test, &draft(None).response()).await.expect(403);
    assert_eq!(test.sign_ins().await[0]["code"], "saml.inresponseto");
}

#[tokio::test]
async fn the_person_has_to_press_a_button() {
    let settings = json!({"jit": true, "allow_idp_initiated": true});
    let test = TestApp::with_connection(settings).await;
    let mut browser = Browser::default();
    let page = browser.respond(&test, &draft(None).response()).await.expect(200);
    assert!(!browser.cookies().contains("session"));
    let field = sign_in_field(&page.bytes);
    let button = [("sign_in", field.as_str())];
    // In the browser of somebody else, who was sent the button.
    let mut victim = Browser::default();
    victim.post(&test, "/saml/sso/acme.com/continue", &button).await.expect(400);
    assert!(!victim.cookies().contains("session"));
    let mut twin = browser.clone();
    browser.post(&test, "/saml/sso/acme.com/continue", &button).await.expect(200);
    assert!(browser.cookies().contains("session"));
    twin.post(&test, "/saml/sso/acme.com/continue", &button).await.expect(400);
    assert_eq!(test.sign_ins().await[0]["began"], "provider");
}

#[tokio::test]
async fn they_work_once() {
    let settings = json!({"jit": true, "allow_idp_initiated": true});
    let test = TestApp::with_connection(settings).await;
    let response = draft(None).response();
    Browser::default().respond(&test, &response).await.expect(200);
    Browser::default().respond(&test, &response).await.expect(403);
    assert_eq!(test.sign_ins().await[0]["code"], "saml.replay");
}

#[tokio::test]
async fn a_made_up_request_is_no_request() {
    let settings = json!({"jit": true, "allow_idp_initiated": true});
    let test = TestApp::with_connection(settings).await;
    let other = Browser::default().begin(&test, "/saml/sso/acme.com").await;
    for request in [other.as_str(), "_0000000000000000000000000000000000000000", "x"] {
        let response = draft(Some(request)).response();
        Browser::default().respond(&test, &response).await.expect(403);
        assert_eq!(test.sign_ins().await[0]["code"], "saml.inresponseto", "{request}");
    }
}
