//! Codes, access tokens, ID tokens and refresh tokens.

use std::time::Duration;

use axum::http::Method;
use harness::TestApp;
use harness::oidc::{App, GOOD, VERIFIER, claims, jose_header};
use serde_json::{Value, json};

/// Returns `GOOD` with other scopes.
fn scoped(scope: &str) -> String {
    GOOD.replace("scope=openid", &format!("scope={scope}"))
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name} in {tokens}"))
}

async fn refresh(test: &TestApp, app: &App, token: &str) -> harness::Answer {
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    test.form_of(app, "/oauth2/token", &form).await
}

#[tokio::test]
async fn a_code_is_redeemed_for_tokens_about_the_person_that_signed_in() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let sign_in = test.sign_in(&app, &user, &scoped("openid+profile+email")).await;
    let answer = test.form_of(&app, "/oauth2/token", &App::redemption(&sign_in.code)).await;
    let answer = answer.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = answer.json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(300)));
    assert_eq!(tokens["scope"], "openid profile email");
    assert_eq!(tokens.get("refresh_token"), None);

    let id_token = text(&tokens, "id_token");
    let now = test.clock.now().as_second();
    assert_eq!(
        claims(id_token),
        json!({
            "iss": "https://gatehouse.example",
            "aud": app.client_id,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": "n1",
            "sub": user,
            "tenant": test.acme.id,
            "domain": "acme.com",
            "license": claims(id_token)["license"],
            "preferred_username": "ada@acme.com",
            "updated_at": now,
            "email_verified": true,
            "email": "ada@acme.com",
        })
    );
    let jwks = test.browse("/oauth2/jwks", None).await.expect(200).json();
    assert_eq!(
        jose_header(id_token),
        json!({"alg": "RS256", "kid": jwks["keys"][0]["kid"], "typ": "JWT"})
    );
    assert_eq!(jose_header(text(&tokens, "access_token"))["typ"], "at+jwt");
    let userinfo = test.userinfo(text(&tokens, "access_token")).await.expect(200).json();
    assert_eq!((&userinfo["sub"], &userinfo["email"]), (&json!(user), &json!("ada@acme.com")));
    assert_eq!(userinfo.get("aud"), None);
}

#[tokio::test]
async fn an_app_that_asks_for_groups_gets_their_names() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let group = json!({"displayName": "Engineers", "members": [{"value": user}]});
    test.post("/Groups", group).await.expect(201);
    let tokens = test.tokens(&app, &user, &scoped("openid+groups")).await;
    assert_eq!(claims(text(&tokens, "id_token"))["groups"], json!(["Engineers"]));
}

#[tokio::test]
async fn the_second_use_of_a_code_revokes_the_tokens_of_the_first() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let sign_in = test.sign_in(&app, &user, &scoped("openid+offline_access")).await;
    let form = App::redemption(&sign_in.code);
    let tokens = test.form_of(&app, "/oauth2/token", &form).await.expect(200).json();
    let (access, refresh_token) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    assert!(test.is_active(&app, access).await && test.is_active(&app, refresh_token).await);
    test.userinfo(access).await.expect(200);

    let replay = test.form_of(&app, "/oauth2/token", &form).await.expect(400);
    assert_eq!(replay.json()["error"], "invalid_grant");
    assert!(!test.is_active(&app, access).await && !test.is_active(&app, refresh_token).await);
    test.userinfo(access).await.expect(401);
    refresh(&test, &app, refresh_token).await.expect(400);
}

#[tokio::test]
async fn a_code_redeemed_in_parallel_works_once() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let form = App::redemption(&test.sign_in(&app, &user, GOOD).await.code);
    let redeem = || test.form_of(&app, "/oauth2/token", &form);
    let answers =
        tokio::join!(redeem(), redeem(), redeem(), redeem(), redeem(), redeem(), redeem());
    let answers: [harness::Answer; 7] = answers.into();
    let counted = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(counted, 1);
}

#[tokio::test]
async fn a_code_expires_after_a_minute() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let (early, late) =
        (test.sign_in(&app, &user, GOOD).await, test.sign_in(&app, &user, GOOD).await);
    test.clock.advance(Duration::from_secs(59));
    test.form_of(&app, "/oauth2/token", &App::redemption(&early.code)).await.expect(200);
    test.clock.advance(Duration::from_secs(1));
    test.form_of(&app, "/oauth2/token", &App::redemption(&late.code)).await.expect(400);
}

#[tokio::test]
async fn a_code_works_only_with_its_app_its_redirect_uri_and_its_verifier() {
    let test = TestApp::new().await;
    let (app, other) = (test.app(false).await, test.app(false).await);
    let user = test.user("ada@acme.com").await;
    let code = test.sign_in(&app, &user, GOOD).await.code;
    let good = App::redemption(&code);
    test.form_of(&other, "/oauth2/token", &good).await.expect(400);
    for (from, to, error) in [
        (VERIFIER, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", "invalid_grant"),
        (VERIFIER, "", "invalid_request"),
        ("%2f%63%62", "%2f%63%63", "invalid_grant"),
        ("&redirect_uri=", "&other=", "invalid_request"),
        (code.as_str(), "gh_code_x", "invalid_grant"),
        (&code, "", "invalid_request"),
        ("authorization_code", "password", "unsupported_grant_type"),
        ("grant_type=authorization_code", "", "invalid_request"),
        ("grant_type", "grant_type=authorization_code&grant_type", "invalid_request"),
    ] {
        assert!(good.contains(from), "{from}");
        let answer = test.form_of(&app, "/oauth2/token", &good.replace(from, to)).await.expect(400);
        assert_eq!(answer.json()["error"], error, "{from} -> {to}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    // None of these requests used the code.
    test.form_of(&app, "/oauth2/token", &good).await.expect(200);
}

#[tokio::test]
async fn a_refresh_token_is_replaced_and_its_second_use_revokes_the_grant() {
    let test = TestApp::new().await;
    let app = test.app(false).await;
    let other = test.app(false).await;
    let user = test.user("ada@acme.com").await;
    let tokens = test.tokens(&app, &user, &scoped("openid+email+offline_access")).await;
    let first = text(&tokens, "refresh_token");
    refresh(&test, &other, first).await.expect(400);
    test.clock.advance(Duration::from_hours(24));
    let next = refresh(&test, &app, first).await.expect(200).json();
    let second = text(&next, "refresh_token");
    assert_ne!(first, second);
    let id_token = claims(text(&next, "id_token"));
    assert_eq!(id_token["sub"], user);
    assert_eq!(id_token["auth_time"], claims(text(&tokens, "id_token"))["auth_time"]);
    test.userinfo(text(&next, "access_token")).await.expect(200);

    let narrow = format!("grant_type=refresh_token&refresh_token={second}&scope=openid");
    let narrow = test.form_of(&app, "/oauth2/token", &narrow).await.expect(200).json();
    let userinfo = test.userinfo(text(&narrow, "access_token")).await.expect(200).json();
    assert_eq!(userinfo.get("email"), None);
    let third = text(&narrow, "refresh_token");
    let wide = format!("grant_type=refresh_token&refresh_token={third}&scope=openid+groups");
    let wide = test.form_of(&app, "/oauth2/token", &wide).await.expect(400);
    assert_eq!(wide.json()["error"], "invalid_scope");

    test.clock.advance(Duration::from_secs(31));
    let reuse = refresh(&test, &app, first).await.expect(400);
    assert_eq!(reuse.json()["error"], "invalid_grant");
    refresh(&test, &app, third).await.expect(400);
    test.userinfo(text(&next, "access_token")).await.expect(401);
}

#[tokio::test]
async fn refresh_tokens_expire_a_week_after_the_sign_in() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let tokens = test.tokens(&app, &user, &scoped("openid+offline_access")).await;
    let mut token = text(&tokens, "refresh_token").to_owned();
    for _ in 0..6 {
        test.clock.advance(Duration::from_hours(24));
        let next = refresh(&test, &app, &token).await.expect(200).json();
        text(&next, "refresh_token").clone_into(&mut token);
    }
    test.clock.advance(Duration::from_hours(24));
    refresh(&test, &app, &token).await.expect(400);
}

#[tokio::test]
async fn a_deactivation_revokes_tokens_at_once_and_permanently() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let tokens = test.tokens(&app, &user, &scoped("openid+offline_access")).await;
    let (access, refresh_token) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    let waiting = test.sign_in(&app, &user, GOOD).await;
    test.userinfo(access).await.expect(200);

    test.set_active(&user, false).await;
    for _ in 0..2 {
        let refused = test.userinfo(access).await.expect(401);
        let challenge = refused.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        assert!(!test.is_active(&app, access).await);
        assert!(!test.is_active(&app, refresh_token).await);
        let refused = refresh(&test, &app, refresh_token).await.expect(400);
        assert_eq!(refused.json()["error"], "invalid_grant");
        let late = test.form_of(&app, "/oauth2/token", &App::redemption(&waiting.code)).await;
        late.expect(400);
        // Old tokens stay revoked when the user is active again.
        test.set_active(&user, true).await;
    }
    let again = test.tokens(&app, &user, GOOD).await;
    test.userinfo(text(&again, "access_token")).await.expect(200);
}

#[tokio::test]
async fn tokens_of_a_deleted_user_or_app_do_not_count() {
    let test = TestApp::new().await;
    let (app, kept) = (test.app(false).await, test.app(false).await);
    let (ada, eve) = (test.user("ada@acme.com").await, test.user("eve@acme.com").await);
    let of_ada = test.tokens(&kept, &ada, GOOD).await;
    let of_app = test.tokens(&app, &eve, GOOD).await;
    test.scim(Method::DELETE, &format!("/Users/{ada}"), None).await.expect(204);
    test.userinfo(text(&of_ada, "access_token")).await.expect(401);
    test.userinfo(text(&of_app, "access_token")).await.expect(200);
    let path = format!("/v1/clients/{}", app.client_id);
    test.operator(Method::DELETE, &path, None).await.expect(204);
    test.userinfo(text(&of_app, "access_token")).await.expect(401);
}

#[tokio::test]
async fn an_access_token_expires_after_five_minutes_and_works_as_no_other_kind() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let tokens = test.tokens(&app, &user, &scoped("openid+offline_access")).await;
    let access = text(&tokens, "access_token");
    for other in ["id_token", "refresh_token"] {
        test.userinfo(text(&tokens, other)).await.expect(401);
    }
    assert!(!test.is_active(&app, text(&tokens, "id_token")).await);
    test.userinfo("").await.expect(401);
    let other_end = if access.ends_with('A') { "Q" } else { "A" };
    test.userinfo(&format!("{}{other_end}", &access[..access.len() - 1])).await.expect(401);
    let missing = test.browse("/oauth2/userinfo", None).await.expect(401);
    assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"userinfo\""));
    test.clock.advance(Duration::from_secs(299));
    test.userinfo(access).await.expect(200);
    test.clock.advance(Duration::from_secs(1));
    test.userinfo(access).await.expect(401);
    assert!(!test.is_active(&app, access).await);
}

#[tokio::test]
async fn an_app_introspects_and_revokes_only_its_own_tokens() {
    let test = TestApp::new().await;
    let (app, other) = (test.app(false).await, test.app(false).await);
    let user = test.user("ada@acme.com").await;
    let tokens = test.tokens(&app, &user, &scoped("openid+offline_access")).await;
    let (access, refresh_token) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    for token in [access, refresh_token] {
        let form = format!("token={token}");
        let answer = test.form_of(&app, "/oauth2/introspect", &form).await.expect(200).json();
        assert_eq!((&answer["active"], &answer["sub"]), (&json!(true), &json!(user)), "{answer}");
        let answer = test.form_of(&other, "/oauth2/introspect", &form).await.expect(200);
        assert_eq!(answer.json(), json!({"active": false}));
        let refused = test.form_of(&other, "/oauth2/revoke", &form).await.expect(400);
        assert_eq!(refused.json()["error"], "invalid_grant");
        assert!(test.is_active(&app, token).await);
        test.form("/oauth2/introspect", None, &form).await.expect(401);
        test.form("/oauth2/revoke", None, &form).await.expect(401);
    }
    for unknown in ["x", "a.b.c", "gh_refresh_x"] {
        assert!(!test.is_active(&app, unknown).await);
        test.form_of(&app, "/oauth2/revoke", &format!("token={unknown}")).await.expect(200);
    }
    test.form_of(&app, "/oauth2/revoke", &format!("token={refresh_token}")).await.expect(200);
    assert!(!test.is_active(&app, access).await && !test.is_active(&app, refresh_token).await);
    refresh(&test, &app, refresh_token).await.expect(400);
}

#[tokio::test]
async fn a_token_of_another_issuer_is_refused() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let tokens = test.tokens(&app, &user, GOOD).await;
    let mut config = test.app.config.clone();
    config.base_url = Some("https://other.example".to_owned());
    let elsewhere = test.beside(shared::oidc_api::router(test.with_config(config)));
    elsewhere.userinfo(text(&tokens, "access_token")).await.expect(401);
    test.userinfo(text(&tokens, "access_token")).await.expect(200);
}

#[tokio::test]
async fn the_table_stores_no_usable_secret() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let sign_in = test.sign_in(&app, &user, &scoped("openid+offline_access")).await;
    let form = App::redemption(&sign_in.code);
    let tokens = test.form_of(&app, "/oauth2/token", &form).await.expect(200).json();
    let rows = test.rows().await;
    assert!(rows.contains(&user) && rows.contains("C#"));
    let (_, cookie) = sign_in.cookie.split_once('=').unwrap();
    for secret in [
        sign_in.code.as_str(),
        cookie,
        text(&tokens, "refresh_token"),
        text(&tokens, "access_token"),
        app.client_secret.as_deref().unwrap(),
    ] {
        let random = &secret[secret.len() - 43..];
        assert!(!rows.contains(random));
    }
}
