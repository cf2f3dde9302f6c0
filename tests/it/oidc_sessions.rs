//! Sessions: when a browser signs in without the identity provider, and when it must not.

use std::time::Duration;

use harness::TestApp;
use harness::oidc::{App, GOOD, claims};
use jiff::SignedDuration;
use oidc::purpose::Purpose;

/// Returns the error that a browser gets at `/oauth2/authorize`, or `code`.
async fn ask(
    test: &TestApp,
    app: &App,
    rest: &str,
    cookie: Option<&str>,
) -> Result<String, String> {
    let answer = test.authorize(&app.query(rest), cookie).await.expect(303);
    let error = || answer.redirected("error").unwrap();
    answer.redirected("code").ok_or_else(error)
}

fn with(more: &str) -> String {
    format!("{GOOD}&{more}")
}

#[tokio::test]
async fn a_session_signs_in_to_another_app_without_the_identity_provider() {
    let test = TestApp::new().await;
    let (app, other) = (test.app(false).await, test.app(true).await);
    let user = test.user("ada@acme.com").await;
    let cookie = test.sign_in(&app, &user, GOOD).await.cookie;
    let signed_in_at = test.clock.now().as_second();
    assert!(cookie.starts_with("__Host-gatehouse-session=gh_session_"));
    test.clock.advance(Duration::from_hours(1));
    let code = ask(&test, &other, &with("prompt=none"), Some(&cookie)).await.unwrap();
    let form = format!("{}&client_id={}", App::redemption(&code), other.client_id);
    let tokens = test.form("/oauth2/token", None, &form).await.expect(200).json();
    let claims = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!((&claims["sub"], &claims["auth_time"]), (&user.into(), &signed_in_at.into()));
}

#[tokio::test]
async fn a_session_does_not_sign_in_to_another_organisation_or_past_its_age() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let cookie = test.sign_in(&app, &user, GOOD).await.cookie;
    let tenant = &test.acme.id;
    test.clock.advance(Duration::from_mins(2));
    let none = "prompt=none&";
    let other_domain = GOOD.replace("acme.com", "rival.com");
    let by_tenant = GOOD.replace("domain=acme.com", &format!("tenant={tenant}"));
    let other = "0199d3a0-0000-7000-8000-000000000001";
    let by_other = GOOD.replace("domain=acme.com", &format!("tenant={other}"));
    let check = async |rest: String, answers: bool| {
        let asked = ask(&test, &app, &format!("{none}{rest}"), Some(&cookie)).await;
        assert_eq!(asked.is_ok(), answers, "{rest}: {asked:?}");
        if let Err(error) = asked {
            assert_eq!(error, "login_required", "{rest}");
        }
    };
    check(GOOD.to_owned(), true).await;
    check(by_tenant, true).await;
    check(GOOD.replace("&domain=acme.com", ""), true).await;
    check(with("max_age=120"), true).await;
    check(with("max_age=119"), false).await;
    check(other_domain, false).await;
    check(by_other, false).await;
    for prompt in ["prompt=login", "prompt=select_account"] {
        assert!(ask(&test, &app, &with(prompt), Some(&cookie)).await.is_err(), "{prompt}");
    }
}

#[tokio::test]
async fn a_cookie_of_no_valid_session_is_ignored() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let cookie = test.sign_in(&app, &user, GOOD).await.cookie;
    let rest = with("prompt=none");
    let changed =
        format!("{}{}", &cookie[..cookie.len() - 1], if cookie.ends_with('A') { 'B' } else { 'A' });
    for cookie in [
        None,
        Some("__Host-gatehouse-session="),
        Some("__Host-gatehouse-session=x"),
        Some(changed.as_str()),
        Some(cookie.trim_start_matches("__Host-")),
        Some(&format!("{cookie}; {cookie}")),
    ] {
        assert_eq!(ask(&test, &app, &rest, cookie).await, Err("login_required".to_owned()));
    }
    ask(&test, &app, &rest, Some(&cookie)).await.unwrap();
    test.clock.advance(Duration::from_hours(12));
    assert!(ask(&test, &app, &rest, Some(&cookie)).await.is_err());
}

#[tokio::test]
async fn a_session_stays_ended_after_a_deactivation_and_a_later_activation() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let cookie = test.sign_in(&app, &user, GOOD).await.cookie;
    let rest = with("prompt=none");
    ask(&test, &app, &rest, Some(&cookie)).await.unwrap();
    test.set_active(&user, false).await;
    assert!(ask(&test, &app, &rest, Some(&cookie)).await.is_err());
    let purpose = Purpose::App(Box::new(test.request(&app, GOOD)));
    let refused = test.complete(test.signed_in(&user).await, purpose).await.expect(303);
    assert_eq!(refused.redirected("error").as_deref(), Some("access_denied"));
    assert_eq!(refused.header("set-cookie"), None);
    let start = Purpose::Start { target: None };
    test.complete(test.signed_in(&user).await, start).await.expect(403);
    test.set_active(&user, true).await;
    assert!(ask(&test, &app, &rest, Some(&cookie)).await.is_err());
}

#[tokio::test]
async fn the_identity_provider_can_end_a_session_earlier() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let end = test.clock.now() + SignedDuration::from_mins(10);
    let mut signed_in = test.signed_in(&user).await;
    signed_in.authentication.not_on_or_after = Some(end);
    let rest = GOOD.replace("openid", "openid+offline_access");
    let purpose = Purpose::App(Box::new(test.request(&app, &rest)));
    let answer = test.complete(signed_in, purpose).await.expect(303);
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=600;"));
    let form = App::redemption(&answer.redirected("code").unwrap());
    let tokens = test.form_of(&app, "/oauth2/token", &form).await.expect(200).json();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    test.clock.advance(Duration::from_secs(599));
    ask(&test, &app, &with("prompt=none"), Some(&answer.cookie())).await.unwrap();
    assert!(test.is_active(&app, refresh).await);
    test.clock.advance(Duration::from_secs(1));
    assert!(ask(&test, &app, &with("prompt=none"), Some(&answer.cookie())).await.is_err());
    assert!(!test.is_active(&app, refresh).await);
}

#[tokio::test]
async fn an_old_authentication_is_not_enough_for_a_request_for_a_new_one() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    for (rest, minutes, error) in [
        ("prompt=login", 10, Some("login_required")),
        ("prompt=login", 1, None),
        ("max_age=60", 10, Some("login_required")),
        ("max_age=60", 2, Some("login_required")),
        ("max_age=0", 2, None),
        ("max_age=0", 10, Some("login_required")),
        ("max_age=3600", 10, None),
        ("x=y", 600, None),
    ] {
        let purpose = Purpose::App(Box::new(test.request(&app, &with(rest))));
        let mut signed_in = test.signed_in(&user).await;
        let auth_time = test.clock.now() - SignedDuration::from_mins(minutes);
        signed_in.authentication.auth_time = auth_time;
        let answer = test.complete(signed_in, purpose).await.expect(303);
        assert_eq!(answer.redirected("error").as_deref(), error, "{rest} {minutes}");
        assert_eq!(answer.header("set-cookie").is_some(), error.is_none(), "{rest} {minutes}");
    }
}

#[tokio::test]
async fn a_person_of_another_organisation_is_refused() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let rest = GOOD.replace("acme.com", "rival.com");
    let purpose = Purpose::App(Box::new(test.request(&app, &rest)));
    let answer = test.complete(test.signed_in(&user).await, purpose).await.expect(303);
    assert_eq!(answer.redirected("error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn a_test_of_a_connection_signs_nobody_in() {
    let test = TestApp::new().await;
    let user = test.user("ada@acme.com").await;
    let answer = test.complete(test.signed_in(&user).await, Purpose::Test).await.expect(200);
    assert_eq!(answer.header("set-cookie"), None);
}
