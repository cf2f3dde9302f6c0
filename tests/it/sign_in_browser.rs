//! The sign-ins that one browser has under way (rule 20).

use axum::body::Body;
use axum::http::{Method, Request, header};
use harness::TestApp;
use harness::browser::{BASE, Browser, draft, person};
use harness::saml::metadata;
use harness::saml::world::IDP;
use local::dynamodb::{CallLog, Dynamo, client_over};
use serde_json::json;

fn pending_cookies(browser: &Browser) -> usize {
    browser.cookies().matches("gatehouse-sign-in-").count()
}

#[tokio::test]
async fn the_newest_of_many_sign_ins_of_a_browser_succeeds() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    let mut requests = Vec::new();
    for _ in 0..21 {
        requests.push(browser.begin(&test, "/saml/sso/acme.com").await);
        assert!(pending_cookies(&browser) <= 5, "{}", browser.cookies());
    }
    let oldest = browser.respond(&test, &draft(Some(&requests[15])).response()).await;
    assert_eq!(oldest.status, 403);
    for request in [&requests[20], &requests[16]] {
        browser.respond(&test, &draft(Some(request)).response()).await.expect(200);
    }
}

/// A page with 20 images: the browser sends all requests before the first answer.
#[tokio::test]
async fn sign_ins_begun_at_once_do_not_keep_a_later_one_from_succeeding() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    for _ in 0..20 {
        let mut image = Browser::default();
        image.begin(&test, "/saml/sso/acme.com").await;
        browser.add_cookies(&image);
    }
    assert_eq!(pending_cookies(&browser), 20);
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    assert_eq!(pending_cookies(&browser), 5);
    browser.respond(&test, &draft(Some(&request)).response()).await.expect(200);
}

/// Makes a deployment with the connection `acme.com` that counts its calls.
async fn counted() -> (TestApp, CallLog<Dynamo>) {
    let calls = CallLog::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(calls.clone()), |config| {
        config.base_url = Some(BASE.to_owned());
    })
    .await;
    test.travel().await;
    test.connect("acme.com", &metadata::usual(IDP), json!({})).await.expect(200);
    calls.take();
    (test, calls)
}

#[tokio::test]
async fn two_hundred_cookies_cost_one_read_of_five_rows() {
    let (test, calls) = counted().await;
    let cookie = |n| format!("__Host-gatehouse-sign-in-_{n:040x}={}", "A".repeat(43));
    let cookies = (0..200).map(cookie).collect::<Vec<String>>().join("; ");
    let request = Request::builder().method(Method::POST).uri("/saml/sso/acme.com");
    let request = request.header(header::COOKIE, cookies);
    test.send(request.body(Body::empty()).unwrap()).await.expect(400);
    let taken = calls.take();
    let batches = taken.iter().filter(|call| call.operation == "BatchGetItem");
    let units: Vec<f64> = batches.map(|call| call.read_units).collect();
    // The connection with its authority; then one unit for each row of a sign-in, also for one that
    // does not exist.
    assert_eq!(units, [3.0, 5.0], "{taken:?}");
}

#[tokio::test]
async fn starting_a_sign_in_reads_nothing_for_the_cookies_of_the_browser() {
    let (test, calls) = counted().await;
    let mut browser = Browser::default();
    let mut first = None;
    for _ in 0..9 {
        calls.take();
        browser.begin(&test, "/saml/sso/acme.com").await;
        let count = calls.take().len();
        assert_eq!(*first.get_or_insert(count), count);
    }
}

/// Rule 19. A form that another site posts comes without the cookie of the session: it is
/// `SameSite=Lax`.
#[tokio::test]
async fn a_link_replaces_no_session_of_another_person_though_the_form_comes_without_it() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    test.app(false).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
    for (name, asks) in [("eve", true), ("ada", false)] {
        let request = browser.begin(&test, "/saml/sso/acme.com").await;
        let mut posting = browser.clone();
        posting.keep_cookies(|name| !name.ends_with("session"));
        let mut draft = draft(Some(&request));
        if asks {
            person(name, "eve@acme.com")(&mut draft);
        }
        let answer = posting.respond(&test, &draft.response()).await;
        assert_eq!(answer.status, if asks { 200 } else { 303 }, "{name}");
        assert_eq!(answer.body().contains("Continue as"), asks, "{name}");
        assert_eq!(posting.has_session(), !asks, "{name}");
    }
    // A session that is over is nobody's.
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    browser.keep_cookies(|name| !name.ends_with("session"));
    let path = format!("/v1/tenants/{}/end-sessions", test.acme.id);
    test.operator(Method::POST, &path, None).await.expect(204);
    let mut draft = draft(Some(&request));
    person("eve", "eve@acme.com")(&mut draft);
    browser.respond(&test, &draft.response()).await.expect(303);
}
