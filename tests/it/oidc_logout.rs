//! RP-initiated logout: an app asks to end the session of the browser.

use std::time::Duration;

use harness::oidc::{App, GOOD, SignIn, encoded};
use harness::{Answer, TestApp};
use serde_json::json;

const BYE: &str = "https://app.example/bye?x=1";

/// A person with a session, and the ID token that the app got.
struct SignedIn {
    test: TestApp,
    app: App,
    user: String,
    cookie: String,
    hint: String,
}

impl SignedIn {
    async fn new() -> Self {
        let test = TestApp::new().await;
        let app = test
            .registered(json!({
                "name": "Diagrams",
                "redirect_uris": ["https://app.example/cb"],
                "initiate_login_uri": "https://app.example/login",
                "post_logout_redirect_uris": [BYE, "https://app.example/"],
            }))
            .await;
        let user = test.user("ada@acme.com").await;
        let (cookie, hint) = Self::sign_in(&test, &app, &user).await;
        Self { test, app, user, cookie, hint }
    }

    async fn sign_in(test: &TestApp, app: &App, user: &str) -> (String, String) {
        let SignIn { code, cookie } = test.sign_in(app, user, GOOD).await;
        let tokens = test.form_of(app, "/oauth2/token", &App::redemption(&code)).await;
        (cookie, tokens.expect(200).text("id_token"))
    }

    /// Signs a user in with another browser.
    async fn again(&self, user: &str) -> (String, String) {
        Self::sign_in(&self.test, &self.app, user).await
    }

    async fn get(&self, query: &str) -> Answer {
        self.test.browse(&format!("/oauth2/logout?{query}"), Some(&self.cookie)).await
    }

    async fn post(&self, cookie: Option<&str>, form: &str) -> Answer {
        self.test.form_with_cookie("/oauth2/logout", cookie, form).await
    }

    async fn has_session(&self) -> bool {
        let query = self.app.query(&format!("{GOOD}&prompt=none"));
        let answer = self.test.authorize(&query, Some(&self.cookie)).await.expect(303);
        answer.redirected("code").is_some()
    }

    fn to_bye(&self) -> String {
        format!(
            "id_token_hint={}&post_logout_redirect_uri={}&state={}",
            self.hint,
            encoded(BYE),
            encoded("a b&\u{e4}")
        )
    }
}

fn assert_removes_cookie(answer: &Answer) {
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-gatehouse-session=; "), "{cookie}");
    assert!(cookie.contains("Max-Age=0"), "{cookie}");
}

#[tokio::test]
async fn the_hint_of_the_person_ends_the_session_and_leads_to_the_app() {
    for is_posted in [false, true] {
        let signed_in = SignedIn::new().await;
        // An expired token is a good hint.
        signed_in.test.clock.advance(Duration::from_hours(2));
        assert!(signed_in.has_session().await);
        let request = signed_in.to_bye();
        let answer = if is_posted {
            signed_in.post(Some(&signed_in.cookie), &request).await
        } else {
            signed_in.get(&request).await
        };
        let answer = answer.expect(303);
        assert_eq!(
            answer.header("location"),
            Some("https://app.example/bye?x=1&state=a+b%26%C3%A4")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_removes_cookie(&answer);
        // The row is gone, not only the cookie.
        assert!(!signed_in.has_session().await);
        // Again: there is nothing to end, and the way is the same.
        let again = signed_in.get(&request).await.expect(303);
        assert!(again.header("location").unwrap().starts_with(BYE));
    }
}

#[tokio::test]
async fn the_tokens_of_apps_stay() {
    let signed_in = SignedIn::new().await;
    let rest = GOOD.replace("openid", "openid+offline_access");
    let tokens = signed_in.test.tokens(&signed_in.app, &signed_in.user, &rest).await;
    signed_in.get(&signed_in.to_bye()).await.expect(303);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert!(signed_in.test.is_active(&signed_in.app, refresh).await);
}

#[tokio::test]
async fn a_form_from_another_site_comes_without_the_cookie_and_is_sent_again_as_a_get() {
    let signed_in = SignedIn::new().await;
    let form = format!("{}&logout_hint=ada&ui_locales=de", signed_in.to_bye());
    let answer = signed_in.post(None, &form).await.expect(303);
    let location = answer.header("location").unwrap();
    let path = location.strip_prefix("https://gatehouse.example").unwrap();
    assert!(path.starts_with("/oauth2/logout?id_token_hint="), "{path}");
    assert!(signed_in.has_session().await);
    let answer = signed_in.test.browse(path, Some(&signed_in.cookie)).await.expect(303);
    assert!(answer.header("location").unwrap().starts_with(BYE));
    assert!(!signed_in.has_session().await);
}

#[tokio::test]
async fn without_the_hint_of_the_person_a_page_asks_first() {
    let mut signed_in = SignedIn::new().await;
    let bob = signed_in.test.user("bob@acme.com").await;
    let (_, bobs_hint) = signed_in.again(&bob).await;
    let bye = format!("post_logout_redirect_uri={}", encoded(BYE));
    let by_client = format!("client_id={}&{bye}&state=s%22", signed_in.app.client_id);
    let by_other = format!("id_token_hint={bobs_hint}&{bye}&state=s%22");
    for (request, expected) in [
        (String::new(), None),
        (bye.clone(), None),
        (format!("id_token_hint=x&{by_client}"), None),
        (by_client.clone(), Some("https://app.example/bye?x=1&state=s%22")),
        (by_other, Some("https://app.example/bye?x=1&state=s%22")),
    ] {
        let (cookie, _) = signed_in.again(&signed_in.user).await;
        signed_in.cookie = cookie;
        let here = &signed_in;
        let page = here.get(&request).await.expect(200);
        assert_eq!(page.header("set-cookie"), None);
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("form-action 'self'"), "{policy}");
        assert!(page.body().contains("<h1>Sign out?</h1>"), "{}", page.body());
        assert!(here.has_session().await, "{request}");
        let fields: Vec<String> = page
            .form_fields()
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        // The value of the page is for this browser.
        let (other_cookie, _) = here.again(&here.user).await;
        let elsewhere = here.post(Some(&other_cookie), &fields.join("&")).await.expect(200);
        assert!(elsewhere.body().contains("<h1>Sign out?</h1>"));
        assert!(here.has_session().await);
        let answer = here.post(Some(&here.cookie), &fields.join("&")).await;
        assert_eq!(answer.header("location"), expected, "{request}");
        assert_removes_cookie(&answer);
        assert!(!here.has_session().await);
    }
}

#[tokio::test]
async fn without_a_registered_page_the_person_sees_that_they_are_signed_out() {
    for uri in ["", "https://app.example/bye", "https://app.example/cb", "https://evil.example/"] {
        let signed_in = SignedIn::new().await;
        let query =
            format!("id_token_hint={}&post_logout_redirect_uri={}", signed_in.hint, encoded(uri));
        let page = signed_in.get(&query).await.expect(200);
        assert_eq!(page.header("location"), None, "{uri}");
        assert!(page.body().contains("You are signed out"), "{uri}");
        let again = "href=\"https://app.example/login?iss=https%3A%2F%2F";
        assert!(page.body().contains(again), "{}", page.body());
        assert_removes_cookie(&page);
        assert!(!signed_in.has_session().await);
    }
}

#[tokio::test]
async fn a_malformed_request_gets_a_page_and_ends_nothing() {
    let signed_in = SignedIn::new().await;
    let other = signed_in.test.app(false).await;
    let bye = signed_in.to_bye();
    for request in [
        format!("{bye}&client_id={}", other.client_id),
        format!("{bye}&client_id=x"),
        format!("{bye}&state=2"),
        format!("{bye}&post_logout_redirect_uri={}", encoded(BYE)),
        format!("id_token_hint={}&state={}", signed_in.hint, "s".repeat(4_097)),
        format!("id_token_hint={}&state=%0A", signed_in.hint),
    ] {
        let page = signed_in.get(&request).await.expect(400);
        assert_eq!(page.header("location"), None, "{request}");
        assert!(page.body().contains("This sign-out link is not valid"));
        signed_in.post(Some(&signed_in.cookie), &request).await.expect(400);
    }
    assert!(signed_in.has_session().await);
}

#[tokio::test]
async fn a_native_app_gets_its_browser_back() {
    let test = TestApp::new().await;
    let app = test
        .registered(json!({
            "public": true,
            "redirect_uris": ["https://app.example/cb"],
            "post_logout_redirect_uris": ["com.example.app:/bye"],
        }))
        .await;
    let user = test.user("ada@acme.com").await;
    let cookie = test.sign_in(&app, &user, GOOD).await.cookie;
    let path = format!(
        "/oauth2/logout?client_id={}&post_logout_redirect_uri=com.example.app%3A%2Fbye",
        app.client_id
    );
    let page = test.browse(&path, Some(&cookie)).await.expect(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' com.example.app: https:"), "{policy}");
    let answer = test.browse(&path, None).await.expect(303);
    assert_eq!(answer.header("location"), Some("com.example.app:/bye"));
}
