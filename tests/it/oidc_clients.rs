//! Apps: registration by the operator, and authentication.

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::TestApp;
use harness::oidc::{App, GOOD, VERIFIER};
use serde_json::json;

#[tokio::test]
async fn a_client_is_created_listed_read_and_deleted_and_its_secret_is_shown_once() {
    let test = TestApp::new().await;
    let body = json!({
        "name": "Diagrams",
        "redirect_uris": ["https://app.example/cb", "http://127.0.0.1:3000/cb"],
        "initiate_login_uri": "https://app.example/login",
    });
    let made = test.operator(Method::POST, "/v1/clients", Some(body)).await.expect(201).json();
    let secret = made["client_secret"].as_str().unwrap();
    assert!(secret.starts_with("gh_app_") && secret.len() > 43);
    let discovery = test.browse("/.well-known/openid-configuration", None).await.expect(200);
    assert_eq!(made["issuer"], discovery.text("issuer"));
    let mut shown = made.clone();
    shown.as_object_mut().unwrap().shift_remove("client_secret");
    let path = format!("/v1/clients/{}", made["client_id"].as_str().unwrap());
    assert_eq!(test.operator(Method::GET, &path, None).await.expect(200).json(), shown);
    let list = test.operator(Method::GET, "/v1/clients", None).await.expect(200).json();
    assert_eq!(list["items"], json!([shown]));
    test.operator(Method::DELETE, &path, None).await.expect(204);
    test.operator(Method::DELETE, &path, None).await.expect(404);
    test.operator(Method::GET, &path, None).await.expect(404);
    test.operator(Method::GET, "/v1/clients/x", None).await.expect(404);
}

#[tokio::test]
async fn a_client_gets_new_urls_and_keeps_its_secret() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let path = format!("/v1/clients/{}", app.client_id);
    let change = async |body| test.operator(Method::PATCH, &path, Some(body)).await;
    let old = test.sign_in(&app, &user, GOOD).await;
    let moved =
        change(json!({"redirect_uris": ["https://new.example/cb"]})).await.expect(200).json();
    assert_eq!(moved["initiate_login_uri"], "https://app.example/login");
    assert_eq!(moved.get("client_secret"), None);
    test.authorize(&app.query(GOOD), Some(&old.cookie)).await.expect(400);
    let cleared =
        change(json!({"initiate_login_uri": null, "name": "New"})).await.expect(200).json();
    assert_eq!((&cleared["initiate_login_uri"], &cleared["name"]), (&json!(null), &json!("New")));
    test.form_of(&app, "/oauth2/token", &App::redemption(&old.code)).await.expect(200);
    for body in [json!({"redirect_uris": []}), json!({"public": true}), json!({"name": ""})] {
        change(body).await.expect(400);
    }
    test.operator(Method::PATCH, "/v1/clients/x", Some(json!({}))).await.expect(404);
}

#[tokio::test]
async fn a_url_that_programs_could_read_differently_is_not_registered() {
    let test = TestApp::new().await;
    for redirect_uris in [
        json!([]),
        json!(["http://app.example/cb"]),
        json!(["https://app.example/cb#x"]),
        json!(["https://*.example/cb"]),
        json!(["https://u@app.example/cb"]),
        json!(["https://app.example/cb", "javascript:alert(1)"]),
        json!(vec!["https://app.example/cb"; 21]),
        json!("https://app.example/cb"),
    ] {
        let body = json!({ "redirect_uris": redirect_uris });
        test.operator(Method::POST, "/v1/clients", Some(body)).await.expect(400);
    }
    let body = json!({"redirect_uris": ["https://a.example/"], "initiate_login_uri": "/login"});
    test.operator(Method::POST, "/v1/clients", Some(body)).await.expect(400);
}

#[tokio::test]
async fn an_app_authenticates_by_header_or_by_form_only() {
    let test = TestApp::new().await;
    let (app, other) = (test.app(false).await, test.app(false).await);
    let user = test.user("ada@acme.com").await;
    let secret = app.client_secret.clone().unwrap();
    let id = app.client_id.clone();
    let basic = |id: &str, secret: &str| {
        Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}"))))
    };
    let form = App::redemption(&test.sign_in(&app, &user, GOOD).await.code);
    for (authorization, more) in [
        (None, String::new()),
        (None, format!("&client_id={id}")),
        (None, format!("&client_id={id}&client_secret=")),
        (None, format!("&client_id={id}&client_secret={secret}x")),
        (None, format!("&client_id={}&client_secret={secret}", other.client_id)),
        (basic(&id, ""), String::new()),
        (basic(&id, &secret[1..]), String::new()),
        (basic(&other.client_id, &secret), String::new()),
        (basic("app_x", &secret), String::new()),
        (Some(format!("Bearer {secret}")), String::new()),
        (Some("Basic".to_owned()), String::new()),
        (Some("Basic Og==".to_owned()), String::new()),
    ] {
        let form = format!("{form}{more}");
        let answer = test.form("/oauth2/token", authorization.as_deref(), &form).await.expect(401);
        assert_eq!(answer.json()["error"], "invalid_client");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic"));
    }
    let both = format!("{form}&client_id={id}&client_secret={secret}");
    let twice = test.form("/oauth2/token", app.basic().as_deref(), &both).await.expect(400);
    assert_eq!(twice.json()["error"], "invalid_request");
    test.form("/oauth2/token", None, &both).await.expect(200);
    let form = App::redemption(&test.sign_in(&app, &user, GOOD).await.code);
    test.form("/oauth2/token", app.basic().as_deref(), &form).await.expect(200);
}

#[tokio::test]
async fn a_public_app_has_pkce_instead_of_a_secret_and_may_not_introspect() {
    let test = TestApp::new().await;
    let app = test.app(true).await;
    assert_eq!(app.client_secret, None);
    let user = test.user("ada@acme.com").await;
    let code =
        test.sign_in(&app, &user, &GOOD.replace("openid", "openid+offline_access")).await.code;
    let id = format!("&client_id={}", app.client_id);
    let form = App::redemption(&code);
    test.form("/oauth2/token", None, &format!("{form}{id}&client_secret=x")).await.expect(401);
    let tokens = test.form("/oauth2/token", None, &format!("{form}{id}")).await.expect(200).json();
    let access = tokens["access_token"].as_str().unwrap();
    test.form("/oauth2/introspect", None, &format!("token={access}{id}")).await.expect(401);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={refresh}{id}");
    test.form("/oauth2/token", None, &form).await.expect(200);
    test.form("/oauth2/revoke", None, &format!("token={access}{id}")).await.expect(200);
    test.userinfo(access).await.expect(401);
}

#[tokio::test]
async fn only_an_app_with_a_secret_may_leave_pkce_out() {
    let test = TestApp::new().await;
    let user = test.user("ada@acme.com").await;
    let register = async |public: bool| {
        let body = json!({
            "redirect_uris": ["https://app.example/oauth2/idpresponse"],
            "pkce": "optional",
            "public": public,
        });
        test.operator(Method::POST, "/v1/clients", Some(body)).await
    };
    register(true).await.expect(400);
    let made = register(false).await.expect(201).json();
    assert_eq!(made["pkce"], "optional");
    let field = |name: &str| made[name].as_str().unwrap().to_owned();
    let app = App { client_id: field("client_id"), client_secret: Some(field("client_secret")) };
    let session = test.sign_in(&test.app(false).await, &user, GOOD).await.cookie;
    let ask = async |more: &str| {
        let query = format!(
            "client_id={}&redirect_uri=https%3A%2F%2Fapp.example%2Foauth2%2Fidpresponse\
            &response_type=code&scope=openid&state=s1&domain=acme.com{more}",
            app.client_id
        );
        let answer = test.authorize(&query, Some(&session)).await.expect(303);
        answer.redirected("code").ok_or_else(|| answer.redirected("error").unwrap())
    };
    let redeem = async |code: &str, verifier: &str| {
        let form = format!(
            "grant_type=authorization_code&code={code}{verifier}\
            &redirect_uri=https%3A%2F%2Fapp.example%2Foauth2%2Fidpresponse"
        );
        test.form_of(&app, "/oauth2/token", &form).await
    };
    let challenge = "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
        &code_challenge_method=S256";
    let verifier = format!("&code_verifier={VERIFIER}");
    // Without PKCE, like a load balancer.
    let code = ask("").await.unwrap();
    redeem(&code, &verifier).await.expect(400);
    redeem(&code, "").await.expect(200);
    // A challenge that is sent counts. A challenge without its method is an error.
    let code = ask(challenge).await.unwrap();
    redeem(&code, "").await.expect(400);
    redeem(&code, &verifier).await.expect(200);
    assert_eq!(ask("&code_challenge_method=S256").await, Err("invalid_request".to_owned()));
    // The operator can require PKCE again; that also applies to codes already issued.
    let code = ask("").await.unwrap();
    let path = format!("/v1/clients/{}", app.client_id);
    let required = json!({"pkce": "required"});
    let changed = test.operator(Method::PATCH, &path, Some(required)).await.expect(200).json();
    assert_eq!(changed["pkce"], "required");
    redeem(&code, "").await.expect(400);
    assert_eq!(ask("").await, Err("invalid_request".to_owned()));
}

#[tokio::test]
async fn bodies_of_another_type_or_size_are_refused() {
    let test = TestApp::new().await;
    for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
        let long = format!("client_id={}", "a".repeat(20_000));
        let answer = test.form(path, None, &long).await.expect(413);
        assert_eq!(answer.json()["error"], "invalid_request", "{path}");
        let json = axum::http::Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("content-type", "application/json")
            .body("{}".into());
        let answer = test.send(json.unwrap()).await.expect(400);
        assert_eq!(answer.json()["error"], "invalid_request", "{path}");
        test.browse(path, None).await.expect(405);
    }
}
