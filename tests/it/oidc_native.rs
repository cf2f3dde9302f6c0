//! Native apps (RFC 8252): redirect URIs on the loopback interface and with private-use schemes.

use axum::http::Method;
use harness::browser::{Browser, draft};
use harness::items::text;
use harness::oidc::{App, GOOD};
use harness::{Answer, TestApp};
use serde_json::{Value, json};

const PRIVATE_USE: &str = "com.example.app:/callback";

fn native() -> Value {
    json!({
        "redirect_uris": [PRIVATE_USE, "http://127.0.0.1/cb", "http://[::1]/cb?x=1", "http://localhost/cb"],
        "public": true,
    })
}

async fn ask(test: &TestApp, app: &App, redirect_uri: &str, cookie: &str) -> Answer {
    test.authorize(&app.query_to(redirect_uri, GOOD), Some(cookie)).await
}

/// Redeems a code as a public client.
async fn redeem(test: &TestApp, app: &App, redirect_uri: &str, code: &str) -> Answer {
    let form = format!("{}&client_id={}", App::redemption_at(redirect_uri, code), app.client_id);
    test.form("/oauth2/token", None, &form).await
}

#[tokio::test]
async fn a_native_app_is_answered_at_the_port_that_it_asks_with() {
    let test = TestApp::new().await;
    let (web, app) = (test.app(false).await, test.registered(native()).await);
    let user = test.user("ada@acme.com").await;
    let cookie = test.sign_in(&web, &user, GOOD).await.cookie;
    for asked in [
        "http://127.0.0.1:51004/cb",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:51004/cb?x=1",
    ] {
        let answer = ask(&test, &app, asked, &cookie).await.expect(303);
        assert!(answer.header("location").unwrap().starts_with(asked), "{asked}");
        let code = answer.redirected("code").unwrap();
        // The code is bound to the URI that was asked for, not to the registered one.
        for other in ["http://127.0.0.1:51005/cb", "http://[::1]/cb?x=1", "http://localhost/cb"] {
            assert_eq!(
                redeem(&test, &app, other, &code).await.expect(400).text("error"),
                "invalid_grant"
            );
        }
        redeem(&test, &app, asked, &code).await.expect(200);
    }
    for other in [
        "http://127.0.0.1:51004/cb2",
        "http://127.0.0.1:51004/cb/",
        "http://127.0.0.1:51004/cb?x",
        "http://127.0.0.1:51004/cb#x",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:51004@evil.example/cb",
        "http://127.0.0.1.evil.example:51004/cb",
        "http://127.0.0.2:51004/cb",
        "http://user@127.0.0.1:51004/cb",
        "https://127.0.0.1:51004/cb",
        "http://[::1]:51004/cb",
        "http://localhost:51004/cb",
        "http://0x7f.1:51004/cb",
    ] {
        let answer = ask(&test, &app, other, &cookie).await.expect(400);
        assert_eq!(answer.header("location"), None, "{other}");
    }
}

#[tokio::test]
async fn the_port_of_an_app_with_a_secret_does_not_vary() {
    let test = TestApp::new().await;
    let app = test.registered(json!({"redirect_uris": ["http://127.0.0.1/cb"]})).await;
    let user = test.user("ada@acme.com").await;
    let cookie = test.sign_in(&test.app(false).await, &user, GOOD).await.cookie;
    ask(&test, &app, "http://127.0.0.1/cb", &cookie).await.expect(303);
    ask(&test, &app, "http://127.0.0.1:51004/cb", &cookie).await.expect(400);
}

#[tokio::test]
async fn a_person_comes_back_to_a_native_app_from_the_identity_provider() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.registered(native()).await;
    for redirect_uri in [PRIVATE_USE, "http://127.0.0.1:51004/cb"] {
        let mut browser = Browser::default();
        let path = format!("/oauth2/authorize?{}", app.query_to(redirect_uri, GOOD));
        let request = browser.begin(&test, &path).await;
        let answer = browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
        let location = answer.header("location").unwrap();
        assert!(location.starts_with(&format!("{redirect_uri}?code=")), "{location}");
        assert_eq!(answer.redirected("state").as_deref(), Some("s1"));
        let code = answer.redirected("code").unwrap();
        redeem(&test, &app, redirect_uri, &code).await.expect(200);
    }
    for other in ["com.example.app:/callback/", "com.example.app:/", "com.example.app://callback"] {
        test.authorize(&app.query_to(other, GOOD), None).await.expect(400);
    }
    let silent = app.query_to(PRIVATE_USE, &format!("{GOOD}&prompt=none"));
    let error = test.authorize(&silent, None).await.expect(303);
    assert!(error.header("location").unwrap().starts_with(&format!("{PRIVATE_USE}?error=")));
}

#[tokio::test]
async fn a_private_use_scheme_is_registered_for_a_public_app_only() {
    let test = TestApp::new().await;
    let post = async |body| test.operator(Method::POST, "/v1/clients", Some(body)).await;
    for field in ["redirect_uris", "post_logout_redirect_uris"] {
        let mut body = json!({"redirect_uris": ["https://app.example/cb"]});
        body[field] = json!([PRIVATE_USE]);
        let refused = post(body.clone()).await.expect(400).text("detail");
        assert!(refused.starts_with(field) && refused.contains("public app only"), "{refused}");
        body["public"] = json!(true);
        post(body).await.expect(201);
        let client = test.app(false).await.client_id;
        let path = format!("/v1/clients/{client}");
        let mut change = json!({});
        change[field] = json!([PRIVATE_USE]);
        test.operator(Method::PATCH, &path, Some(change)).await.expect(400);
    }
    for uri in [
        "myapp:/callback",
        "com.example.app:callback",
        "Com.Example.App:/callback",
        "com.example.app:/callback#x",
        "com.example.app://user@callback/",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///x",
        "blob:https://app.example/x",
    ] {
        let body = json!({"redirect_uris": [uri], "public": true});
        assert!(post(body).await.expect(400).text("detail").starts_with("redirect_uris"), "{uri}");
        let body = json!({"redirect_uris": [PRIVATE_USE], "public": true, "initiate_login_uri": PRIVATE_USE});
        post(body).await.expect(400);
    }
}

/// An earlier version reads `uris` as URLs, and fails on every other URI in it.
#[tokio::test]
async fn private_use_schemes_are_stored_apart_from_urls() {
    let test = TestApp::new().await;
    let app = test.registered(native()).await;
    let row = async || {
        let rows = test.items().await;
        rows.into_iter().find(|row| text(row, "sk") == app.client_id).unwrap()
    };
    let before = row().await;
    assert_eq!(
        text(&before, "uris"),
        r#"["http://127.0.0.1/cb","http://[::1]/cb?x=1","http://localhost/cb"]"#
    );
    assert_eq!(text(&before, "puris"), r#"["com.example.app:/callback"]"#);
    let path = format!("/v1/clients/{}", app.client_id);
    let read = test.operator(Method::GET, &path, None).await.expect(200).json();
    assert_eq!(read["redirect_uris"].as_array().unwrap().len(), 4);
    let lists = json!({
        "redirect_uris": ["https://app.example/cb"],
        "post_logout_redirect_uris": ["https://app.example/bye"],
        "web_origins": ["https://app.example"],
    });
    let changed = test.operator(Method::PATCH, &path, Some(lists.clone())).await.expect(200).json();
    for (name, list) in lists.as_object().unwrap() {
        assert_eq!(changed[name], *list);
    }
    assert!(row().await.get("puris").is_none());
    let none = json!({"post_logout_redirect_uris": [], "web_origins": []});
    test.operator(Method::PATCH, &path, Some(none)).await.expect(200);
    let after = row().await;
    assert!(after.get("plo").is_none() && after.get("wo").is_none(), "{after}");
}
