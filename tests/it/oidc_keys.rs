//! Signing keys: created once, published, and rotated without a failed sign-in.

use std::collections::HashSet;
use std::time::Duration;

use axum::http::Method;
use harness::TestApp;
use harness::oidc::{App, GOOD, jose_header};

async fn kids(test: &TestApp) -> Vec<String> {
    let jwks = test.browse("/oauth2/jwks", None).await.expect(200).json();
    let keys = jwks["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Another process of the same deployment.
fn beside(test: &TestApp) -> TestApp {
    test.beside(shared::oidc_api::router(test.with_config(test.app.config.clone())))
}

#[tokio::test]
async fn processes_that_start_together_use_the_same_keys() {
    let test = TestApp::new().await;
    let others = [beside(&test), beside(&test), beside(&test)];
    let (first, second, third) = tokio::join!(kids(&others[0]), kids(&others[1]), kids(&others[2]));
    assert_eq!(first.len(), 2);
    assert_eq!(first, second);
    assert_eq!(first, third);
}

#[tokio::test]
async fn no_sign_in_fails_during_a_rotation() {
    let test = TestApp::new().await;
    let slow = beside(&test);
    let app = test.app(false).await;
    let user = test.user("ada@acme.com").await;
    let before = kids(&slow).await;
    let published: HashSet<String> = before.iter().cloned().collect();
    let old = test.tokens(&app, &user, GOOD).await;

    let rotated =
        test.operator(Method::POST, "/v1/oidc-keys/rotate", None).await.expect(200).json();
    assert_eq!(
        (rotated["current"].as_str(), rotated["previous"].as_str()),
        (Some(before[1].as_str()), Some(before[0].as_str()))
    );
    // The signing key was published before, and older tokens still count.
    let new = test.tokens(&app, &user, GOOD).await;
    let kid = jose_header(new["id_token"].as_str().unwrap())["kid"].as_str().unwrap().to_owned();
    assert!(published.contains(&kid) && kid == before[1]);
    for tokens in [&old, &new] {
        let token = tokens["access_token"].as_str().unwrap();
        test.userinfo(token).await.expect(200);
        // A process that has not read the rotation yet knows both keys too.
        slow.userinfo(token).await.expect(200);
    }
    let code = test.sign_in(&app, &user, GOOD).await.code;
    let late =
        slow.form_of(&app, "/oauth2/token", &App::redemption(&code)).await.expect(200).json();
    test.userinfo(late["access_token"].as_str().unwrap()).await.expect(200);
    assert!(kids(&test).await.contains(&before[0]));

    test.operator(Method::POST, "/v1/oidc-keys/rotate", None).await.expect(409);
    // Every reader must know the next key; API Gateway caches keys for two hours.
    test.clock.advance(Duration::from_hours(23));
    test.operator(Method::POST, "/v1/oidc-keys/rotate", None).await.expect(409);
    test.clock.advance(Duration::from_hours(1));
    test.operator(Method::POST, "/v1/oidc-keys/rotate", None).await.expect(200);
    assert!(!kids(&test).await.contains(&before[0]));
}

#[tokio::test]
async fn discovery_names_every_endpoint_and_capability() {
    let test = TestApp::new().await;
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let answer = test.browse(path, None).await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        let document = answer.json();
        assert_eq!(document["issuer"], "https://gatehouse.example");
        assert_eq!(document["code_challenge_methods_supported"][0], "S256");
        let endpoints = document.as_object().unwrap().iter();
        let endpoints: Vec<_> = endpoints
            .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
            .map(|(_, url)| url.as_str().unwrap())
            .collect();
        assert_eq!(endpoints.len(), 7);
        for url in endpoints {
            let path = url.strip_prefix("https://gatehouse.example").unwrap();
            assert!(shared::oidc_api::ROUTES.contains(&path), "{path}");
        }
    }
}
