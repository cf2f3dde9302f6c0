//! `id_token_hint`: the app says whom it expects.

use std::time::Duration;

use harness::TestApp;
use harness::browser::{Browser, Idp, person};
use harness::oidc::{App, GOOD, SignIn};
use harness::saml::draft::Draft;
use serde_json::json;

/// Two users with a session each, and the ID tokens that an app got for them.
struct Two {
    test: TestApp,
    app: App,
    ada: Known,
    bob: Known,
}

struct Known {
    cookie: String,
    id_token: String,
    access_token: String,
}

impl Two {
    async fn new() -> Self {
        let (test, app, ada) = TestApp::with_app_and_user().await;
        let bob = test.user("bob@acme.com").await;
        let ada = Self::known(&test, &app, &ada).await;
        let bob = Self::known(&test, &app, &bob).await;
        Self { test, app, ada, bob }
    }

    async fn known(test: &TestApp, app: &App, user: &str) -> Known {
        let SignIn { code, cookie } = test.sign_in(app, user, GOOD).await;
        let form = App::redemption(&code);
        let tokens = test.form_of(app, "/oauth2/token", &form).await.expect(200);
        let (id_token, access_token) = (tokens.text("id_token"), tokens.text("access_token"));
        Known { cookie, id_token, access_token }
    }

    /// Asks with a hint, by GET and by POST. Returns `code` or the error.
    async fn ask(&self, app: &App, cookie: Option<&str>, rest: &str) -> String {
        let query = app.query(rest);
        let by_get = self.test.authorize(&query, cookie).await.expect(303);
        let by_post = self.test.form_with_cookie("/oauth2/authorize", cookie, &query).await;
        let of = |answer: &harness::Answer| match answer.redirected("code") {
            Some(_) => "code".to_owned(),
            None => answer.redirected("error").unwrap_or_default(),
        };
        assert_eq!(of(&by_get), of(&by_post.expect(303)));
        of(&by_get)
    }
}

fn silent(hint: &str) -> String {
    format!("{GOOD}&prompt=none&id_token_hint={hint}")
}

#[tokio::test]
async fn a_session_answers_only_for_the_person_of_the_hint() {
    let two = Two::new().await;
    let Two { test, app, ada, bob } = &two;
    for (cookie, hint, expect) in [
        (Some(&ada.cookie), &ada.id_token, "code"),
        (Some(&bob.cookie), &bob.id_token, "code"),
        (Some(&ada.cookie), &bob.id_token, "login_required"),
        (Some(&bob.cookie), &ada.id_token, "login_required"),
        (None, &ada.id_token, "login_required"),
    ] {
        assert_eq!(two.ask(app, cookie.map(String::as_str), &silent(hint)).await, expect);
    }
    // An expired token is a good hint, and names the organisation too.
    test.clock.advance(Duration::from_hours(2));
    let rest = silent(&ada.id_token).replace("&domain=acme.com", "");
    assert_eq!(two.ask(app, Some(&ada.cookie), &rest).await, "code");
    assert_eq!(two.ask(app, Some(&bob.cookie), &rest).await, "login_required");
}

#[tokio::test]
async fn a_token_that_is_no_id_token_of_ours_for_the_app_is_no_hint() {
    let two = Two::new().await;
    let Two { test, app, ada, bob } = &two;
    let other = test.app(false).await;
    let (head, rest) = ada.id_token.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let (_, bobs) = bob.id_token.split_once('.').unwrap();
    let (bobs, _) = bobs.split_once('.').unwrap();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    for hint in [
        "x",
        "a.b.c",
        ada.access_token.as_str(),
        &format!("{head}.{bobs}.{signature}"),
        &format!("{none}.{claims}."),
        &format!("{none}.{claims}.{signature}"),
        &ada.id_token[..ada.id_token.len() - 4],
        &format!("{}&id_token_hint={}", ada.id_token, ada.id_token),
    ] {
        let asked = two.ask(app, Some(&ada.cookie), &silent(hint)).await;
        assert_eq!(asked, "invalid_request", "{hint}");
    }
    let asked = two.ask(&other, Some(&ada.cookie), &silent(&ada.id_token)).await;
    assert_eq!(asked, "invalid_request");
    assert_eq!(two.ask(app, Some(&ada.cookie), &silent(&ada.id_token)).await, "code");
}

fn ada(draft: &mut Draft) {
    person("p-ada", "ada@acme.com")(draft);
}

fn bob(draft: &mut Draft) {
    person("p-bob", "bob@acme.com")(draft);
}

#[tokio::test]
async fn a_sign_in_is_accepted_only_from_the_person_of_the_hint() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let path = |rest: &str| format!("/oauth2/authorize?{}", app.query(rest));
    let mut browser = Browser::default();
    let answer = browser.sign_in(&test, &path(GOOD), Idp::USUAL, ada).await.expect(303);
    let form = App::redemption(&answer.redirected("code").unwrap());
    let hint = test.form_of(&app, "/oauth2/token", &form).await.expect(200).text("id_token");
    let hinted = path(&format!("{GOOD}&id_token_hint={hint}"));
    assert!(browser.get(&test, &hinted).await.expect(303).redirected("code").is_some());

    // Bob has the session: it is not used, and the identity provider is asked.
    let mut other = Browser::default();
    other.sign_in(&test, &path(GOOD), Idp::USUAL, bob).await.expect(303);
    let session = other.cookies();
    let answer = other.sign_in(&test, &hinted, Idp::USUAL, bob).await.expect(303);
    assert_eq!(answer.redirected("error").as_deref(), Some("login_required"));
    assert_eq!(answer.redirected("state").as_deref(), Some("s1"));
    // The session that Bob had is still his.
    assert!(session.contains("session") && other.has_session());
    let answer = other.sign_in(&test, &hinted, Idp::USUAL, ada).await.expect(303);
    assert!(answer.redirected("code").is_some());
}
