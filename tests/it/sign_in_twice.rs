//! A form that was posted twice leads to where the first one led, if this browser has the session of
//! that sign-in.

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::browser::{BASE, Browser, draft, later_draft, request_id};
use harness::oidc::{App, GOOD, REDIRECT_URI};
use harness::{Answer, TestApp};
use serde_json::json;

use crate::sign_in_provider_initiated::sign_in_field;

fn path(app: &App, rest: &str) -> String {
    format!("/oauth2/authorize?{}", app.query(rest))
}

/// Makes a deployment with an app, and a browser that signed in to it with this response.
async fn signed_in(rest: &str) -> (TestApp, App, Browser, String) {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, &path(&app, rest)).await;
    let response = draft(Some(&request)).response();
    let answer = browser.respond(&test, &response).await.expect(303);
    assert!(answer.redirected("code").is_some());
    (test, app, browser, response)
}

/// Posts a response again and follows our redirects. Returns the answer that leads elsewhere.
async fn again(test: &TestApp, browser: &mut Browser, response: &str) -> Answer {
    let answer = browser.respond(test, response).await.expect(303);
    let resume = answer.header("location").unwrap().to_owned();
    assert!(resume.starts_with(&format!("{BASE}/saml/sso/acme.com/resume?")), "{resume}");
    assert_eq!(answer.header("set-cookie"), None);
    browser.get(test, &resume).await.expect(303)
}

fn starts_again(answer: &Answer) -> bool {
    answer.header("location").unwrap().starts_with(&format!("{BASE}/oauth2/authorize?"))
}

#[tokio::test]
async fn a_response_that_is_posted_again_leads_to_the_app_by_the_session() {
    for rest in [GOOD.to_owned(), format!("{GOOD}&prompt=login")] {
        let (test, app, mut browser, response) = signed_in(&rest).await;
        let records = test.sign_ins().await;
        for _ in 0..2 {
            let answer = again(&test, &mut browser, &response).await;
            let location = answer.header("location").unwrap();
            assert!(location.starts_with(&format!("{REDIRECT_URI}?code=")), "{location}");
            assert_eq!(answer.redirected("state").as_deref(), Some("s1"));
            let form = App::redemption(&answer.redirected("code").unwrap());
            test.form_of(&app, "/oauth2/token", &form).await.expect(200);
        }
        assert_eq!(test.sign_ins().await, records, "no sign-in, and no refusal");
    }
}

#[tokio::test]
async fn a_response_that_is_posted_in_another_browser_is_refused() {
    let (test, app, browser, response) = signed_in(GOOD).await;
    // With a session of its own, and even with the victim's, a browser without the cookie of the
    // sign-in is refused.
    let mut other = Browser::default();
    let request = other.begin(&test, &path(&app, GOOD)).await;
    let mut own = draft(Some(&request));
    own.claims.clear();
    other.respond(&test, &own.response()).await.expect(303);
    let mut thief = browser.clone();
    thief.keep_cookies(|name| name.ends_with("session"));
    for browser in [&mut Browser::default(), &mut other, &mut thief] {
        browser.respond(&test, &response).await.expect(403);
        assert_eq!(test.sign_ins().await[0]["code"], "saml.inresponseto");
        let resume = format!("/saml/sso/acme.com/resume?sign_in={}", request_of(&response));
        browser.get(&test, &resume).await.expect(400);
    }
}

fn request_of(response: &str) -> String {
    let (_, rest) = response.split_once("InResponseTo=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn without_the_session_of_the_sign_in_it_starts_again() {
    let (test, app, browser, response) = signed_in(GOOD).await;
    // The answer to the first post never arrived, or the person signed out.
    let mut without = browser.clone();
    without.keep_cookies(|name| name.ends_with("ended"));
    assert!(starts_again(&again(&test, &mut without, &response).await));
    // The session of a later sign-in.
    let mut later = Browser::default();
    test.clock.advance(std::time::Duration::from_secs(5));
    let request = later.begin(&test, &path(&app, GOOD)).await;
    later.respond(&test, &later_draft(&request, 5).response()).await.expect(303);
    later.keep_cookies(|name| name.ends_with("session"));
    without.add_cookies(&later);
    assert!(starts_again(&again(&test, &mut without, &response).await));
    // A session that counts no more.
    let id = test.get("/Users").await.json()["Resources"][0]["id"].as_str().unwrap().to_owned();
    test.set_active(&id, false).await;
    let mut ended = browser.clone();
    assert!(starts_again(&again(&test, &mut ended, &response).await));
    test.set_active(&id, true).await;
    assert!(starts_again(&again(&test, &mut ended, &response).await));
}

#[tokio::test]
async fn another_assertion_for_an_ended_sign_in_is_refused() {
    let (test, _, mut browser, response) = signed_in(GOOD).await;
    let request = request_of(&response);
    let mut second = draft(Some(&request));
    second.assertion_id = "_another".to_owned();
    browser.respond(&test, &second.response()).await.expect(403);
    assert_eq!(test.sign_ins().await[0]["code"], "saml.inresponseto");
    // The same one, but changed or unsigned.
    let mut unsigned = draft(Some(&request));
    unsigned.sign_assertion = None;
    browser.respond(&test, &unsigned.response()).await.expect(403);
    let changed = response.replace("ada@acme.com", "eve@acme.com");
    browser.respond(&test, &changed).await.expect(403);
}

#[tokio::test]
async fn a_response_is_not_known_again_after_the_time_of_its_sign_in() {
    let (test, _, mut browser, response) = signed_in(GOOD).await;
    test.clock.advance(std::time::Duration::from_mins(11));
    browser.respond(&test, &response).await.expect(403);
}

#[tokio::test]
async fn a_sign_in_that_no_app_began_leads_to_the_same_app_again() {
    let test = TestApp::with_connection(json!({"jit": true, "allow_idp_initiated": true})).await;
    test.app(false).await;
    let target = "https://app.example/documents/7";
    let mut browser = Browser::default();
    let start = format!("/saml/sso/acme.com?target={target}");
    let request = browser.begin(&test, &start).await;
    let response = draft(Some(&request)).response();
    let first = browser.respond(&test, &response).await.expect(303);
    let second = again(&test, &mut browser, &response).await;
    assert_eq!(second.header("location"), first.header("location"));

    // A response that nobody asked for: the page again, with the same button, then the app.
    let mut browser = Browser::default();
    let response = draft(None).response();
    let page = browser.respond(&test, &response).await.expect(200);
    let button = sign_in_field(&page.bytes);
    let page = browser.respond(&test, &response).await.expect(200);
    assert_eq!(sign_in_field(&page.bytes), button);
    let press = [("sign_in", button.as_str())];
    let first = browser.post(&test, "/saml/sso/acme.com/continue", &press).await.expect(303);
    let second = browser.post(&test, "/saml/sso/acme.com/continue", &press).await.expect(303);
    let resume = second.header("location").unwrap().to_owned();
    let second = browser.get(&test, &resume).await.expect(303);
    assert_eq!(second.header("location"), first.header("location"));
    let third = again(&test, &mut browser, &response).await;
    assert_eq!(third.header("location"), first.header("location"));
    Browser::default().respond(&test, &response).await.expect(403);
    assert_eq!(test.sign_ins().await[0]["code"], "saml.replay");
}

#[tokio::test]
async fn the_response_to_a_test_that_is_posted_again_says_that_the_test_has_ended() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let link = format!("/v1/tenants/{}/connections/acme.com/test", test.acme.id);
    let link = test.operator(Method::POST, &link, None).await.expect(201).text("url");
    let mut browser = Browser::default();
    let request = request_id(&browser.begin_test(&test, &link).await.expect(303));
    let field = BASE64_STANDARD.encode(draft(Some(&request)).response());
    let fields = [("SAMLResponse", field.as_str())];
    let page = browser.post(&test, "/saml/sso/acme.com", &fields).await.expect(200);
    assert!(page.body().contains("The connection works"));
    let led = browser.post(&test, "/saml/sso/acme.com", &fields).await.expect(303);
    let resume = led.header("location").unwrap().to_owned();
    let page = browser.get(&test, &resume).await.expect(200);
    assert!(page.body().contains("The test has ended"), "{}", page.body());
}

#[tokio::test]
async fn a_refused_test_says_how_to_test_again() {
    let test = TestApp::with_connection(json!({})).await;
    let link = format!("/v1/tenants/{}/connections/acme.com/test", test.acme.id);
    let link = test.operator(Method::POST, &link, None).await.expect(201).text("url");
    let mut browser = Browser::default();
    let request = request_id(&browser.begin_test(&test, &link).await.expect(303));
    let page = browser.respond(&test, &draft(Some(&request)).response()).await.expect(403);
    assert!(page.body().contains("ask for a new link"), "{}", page.body());
    assert!(!page.body().contains("Try again"), "{}", page.body());
}
