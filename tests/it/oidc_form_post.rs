//! `response_mode=form_post`: the response as a form that the browser posts to the app.

use harness::browser::{BASE, Browser, draft};
use harness::oidc::{App, GOOD, REDIRECT_URI, encoded, unescaped};
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{Answer, TestApp};
use serde_json::json;

/// Asserts that the answer is a page with a form for the app.
fn assert_form(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.body());
    assert_eq!(answer.header("location"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-"));
    assert!(policy.contains("form-action https://app.example "), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let page = answer.body();
    let action = format!("<form method=\"post\" action=\"{REDIRECT_URI}\">");
    assert!(page.contains(&action) && page.contains("<button"), "{page}");
}

#[tokio::test]
async fn a_code_comes_in_a_form_through_the_identity_provider_and_from_a_session() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let state = "\"'<script>alert(1)</script>&amp; \u{e4}+%";
    let rest = GOOD.replace("state=s1", &format!("state={}", encoded(state)));
    let path =
        format!("/oauth2/authorize?{}", app.query(&format!("{rest}&response_mode=form_post")));
    let mut browser = Browser::default();
    let request = browser.begin(&test, &path).await;
    let first = browser.respond(&test, &draft(Some(&request)).response()).await;
    assert!(browser.has_session());
    let second = browser.get(&test, &path).await;
    for answer in [first, second] {
        assert_form(&answer);
        assert!(!answer.body().contains("<script>alert"));
        assert_eq!(answer.form_field("state").as_deref(), Some(state));
        assert_eq!(answer.form_field("iss").as_deref(), Some(BASE));
        let names: Vec<String> = answer.form_fields().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["code", "iss", "state"]);
        let form = App::redemption(&answer.form_field("code").unwrap());
        test.form_of(&app, "/oauth2/token", &form).await.expect(200);
    }
}

#[tokio::test]
async fn an_error_comes_in_a_form_too() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    for (more, error) in [
        ("&prompt=none", "login_required"),
        ("&max_age=x", "invalid_request"),
        ("&request=x", "request_not_supported"),
    ] {
        let query = app.query(&format!("{GOOD}&response_mode=form_post{more}"));
        for answer in
            [test.authorize(&query, None).await, test.form("/oauth2/authorize", None, &query).await]
        {
            assert_form(&answer);
            assert_eq!(answer.form_field("error").as_deref(), Some(error));
            assert!(answer.form_field("error_description").is_some());
            assert_eq!(answer.form_field("state").as_deref(), Some("s1"));
            assert_eq!(answer.form_field("iss").as_deref(), Some("https://gatehouse.example"));
        }
    }
    // After the identity provider: the person is of another organisation.
    let rest = format!("{}&response_mode=form_post", GOOD.replace("acme.com", "rival.com"));
    let purpose = oidc::purpose::Purpose::App(Box::new(test.request(&app, &rest)));
    let answer = test.complete(test.signed_in(&user).await, purpose).await;
    assert_form(&answer);
    assert_eq!(answer.form_field("error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn a_mode_that_cannot_be_used_is_an_error_that_goes_to_the_app_by_query() {
    let test = TestApp::new().await;
    let app = test.app(false).await;
    let native = json!({"redirect_uris": ["com.example.app:/cb"], "public": true});
    let native = test.registered(native).await;
    let to_native = |more: &str| native.query_to("com.example.app:/cb", &format!("{GOOD}{more}"));
    for query in [
        app.query(&format!("{GOOD}&response_mode=fragment")),
        app.query(&format!("{GOOD}&response_mode=web_message")),
        app.query(&format!("{GOOD}&response_mode=query.jwt")),
        app.query(&format!("{GOOD}&response_mode=form_post&response_mode=form_post")),
        to_native("&response_mode=form_post"),
    ] {
        let answer = test.authorize(&query, None).await.expect(303);
        assert_eq!(answer.redirected("error").as_deref(), Some("invalid_request"), "{query}");
        assert_eq!(answer.redirected("state").as_deref(), Some("s1"));
    }
    // The mode can be used, and the state cannot be returned.
    let long = "s".repeat(4_097);
    for state in ["a%0Ab", "%FF", &long] {
        let rest = GOOD.replace("state=s1", &format!("state={state}"));
        let query = app.query(&format!("{rest}&response_mode=form_post"));
        let answer = test.authorize(&query, None).await;
        assert_form(&answer);
        assert_eq!(answer.form_field("error").as_deref(), Some("invalid_request"), "{state}");
        assert_eq!(answer.form_field("state"), None, "{state}");
    }
    // Without an app there is nobody to tell.
    let unknown = app.query_to("https://evil.example/", &format!("{GOOD}&response_mode=form_post"));
    test.authorize(&unknown, None).await.expect(400);
}

#[tokio::test]
async fn a_person_who_chooses_a_connection_keeps_the_mode() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let second = json!({"jit": true, "domains": ["acme.com"]});
    test.connect("acme.org", &metadata::usual(IDP), second).await.expect(200);
    let app = test.app(false).await;
    let mut browser = Browser::default();
    let rest = format!("{GOOD}&response_mode=form_post");
    let page = browser.get(&test, &format!("/oauth2/authorize?{}", app.query(&rest))).await;
    let links = page.expect(200).body();
    let link = links.split("href=\"").find(|rest| rest.contains("connection=acme.com")).unwrap();
    let request = browser.begin(&test, &unescaped(link.split('"').next().unwrap())).await;
    let answer = browser.respond(&test, &draft(Some(&request)).response()).await;
    assert_form(&answer);
    assert!(answer.form_field("code").is_some());
}

#[tokio::test]
async fn discovery_names_the_modes() {
    let test = TestApp::new().await;
    let path = "/.well-known/openid-configuration";
    let document = test.browse(path, None).await.expect(200).json();
    assert_eq!(document["response_modes_supported"], json!(["query", "form_post"]));
    assert_eq!(document["end_session_endpoint"], "https://gatehouse.example/oauth2/logout");
}
