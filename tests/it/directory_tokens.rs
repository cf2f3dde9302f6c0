//! Tokens of an app itself, for the directory (RFC 6749 §4.4): who gets one, and where it counts.

use harness::TestApp;
use harness::oidc::{App, GOOD, claims, jose_header};
use serde_json::json;

const CLIENT_CREDENTIALS: &str = "grant_type=client_credentials";

#[tokio::test]
async fn an_app_with_a_secret_gets_a_token_for_the_directory_and_nothing_else() {
    let test = TestApp::new().await;
    let app = test.app(false).await;
    let rows = test.rows().await;
    for scope in ["", "&scope=directory.read", "&scope="] {
        let form = format!("{CLIENT_CREDENTIALS}{scope}");
        let answer = test.form_of(&app, "/oauth2/token", &form).await.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let body = answer.json();
        let names: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(names, ["access_token", "token_type", "expires_in", "scope"]);
        assert_eq!(
            (&body["token_type"], &body["expires_in"], &body["scope"]),
            (&json!("Bearer"), &json!(600), &json!("directory.read"))
        );
        let token = body["access_token"].as_str().unwrap();
        assert_eq!(jose_header(token)["typ"], "at+jwt");
        let mut claims = claims(token);
        let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
        assert_eq!(jti.as_str().unwrap().len(), 32);
        let now = test.clock.now().as_second();
        let expected = json!({
            "iss": "https://gatehouse.example",
            "aud": "https://gatehouse.example/directory",
            "sub": app.client_id,
            "client_id": app.client_id,
            "iat": now,
            "exp": now + 600,
            "scope": "directory.read",
        });
        assert_eq!(claims, expected);
    }
    assert_eq!(test.rows().await, rows, "no row stands for such a token");
}

#[tokio::test]
async fn an_app_may_send_its_secret_in_the_form_too() {
    let test = TestApp::new().await;
    let App { client_id, client_secret } = test.app(false).await;
    let secret = client_secret.unwrap();
    let form = format!("{CLIENT_CREDENTIALS}&client_id={client_id}&client_secret={secret}");
    test.form("/oauth2/token", None, &form).await.expect(200);
    let wrong = form.replace(&secret, "gh_app_wrong");
    let refused = test.form("/oauth2/token", None, &wrong).await.expect(401);
    assert_eq!(refused.json()["error"], "invalid_client");
}

#[tokio::test]
async fn another_scope_or_an_app_without_a_secret_gets_no_token() {
    let test = TestApp::new().await;
    let (app, public) = (test.app(false).await, test.app(true).await);
    for scope in ["openid", "directory.read+openid", "directory.write", "DIRECTORY.READ"] {
        let form = format!("{CLIENT_CREDENTIALS}&scope={scope}");
        let refused = test.form_of(&app, "/oauth2/token", &form).await.expect(400);
        assert_eq!(refused.json()["error"], "invalid_scope", "{scope}");
    }
    let twice = format!("{CLIENT_CREDENTIALS}&scope=directory.read&scope=directory.read");
    let refused = test.form_of(&app, "/oauth2/token", &twice).await.expect(400);
    assert_eq!(refused.json()["error"], "invalid_request");
    let form = format!("{CLIENT_CREDENTIALS}&client_id={}", public.client_id);
    let refused = test.form("/oauth2/token", None, &form).await.expect(400);
    assert_eq!(refused.json()["error"], "unauthorized_client");
}

#[tokio::test]
async fn a_sign_in_does_not_grant_the_scope_of_the_directory() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let rest = GOOD.replace("scope=openid", "scope=openid+directory.read");
    let tokens = test.tokens(&app, &user, &rest).await;
    assert_eq!(tokens["scope"], "openid");
}

#[tokio::test]
async fn a_token_for_the_directory_counts_at_no_endpoint_of_a_sign_in() {
    let test = TestApp::new().await;
    let app = test.app(false).await;
    let token = test.directory_token(&app).await;
    test.userinfo(&token).await.expect(401);
    assert!(!test.is_active(&app, &token).await);
    let form = format!("token={token}");
    let refused = test.form_of(&app, "/oauth2/revoke", &form).await.expect(400);
    assert_eq!(refused.json()["error"], "unsupported_token_type");
    let refresh = format!("grant_type=refresh_token&refresh_token={token}");
    test.form_of(&app, "/oauth2/token", &refresh).await.expect(400);
    let hint = GOOD.replace("&state=s1", &format!("&state=s1&id_token_hint={token}"));
    let refused = test.authorize(&app.query(&hint), None).await.expect(303);
    assert_eq!(refused.redirected("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn discovery_names_the_grant_and_the_scope() {
    let test = TestApp::new().await;
    let document = test.browse("/.well-known/openid-configuration", None).await.expect(200).json();
    for (list, value) in
        [("grant_types_supported", "client_credentials"), ("scopes_supported", "directory.read")]
    {
        let values = document[list].as_array().unwrap();
        assert!(values.contains(&json!(value)), "{list}: {values:?}");
    }
}
