//! Authorization requests: errors that are sent to the app, and errors that are shown on a page.

use harness::oidc::{App, GOOD, REDIRECT_URI, encoded};
use harness::{Answer, TestApp};
use oidc::purpose::Purpose;

/// Asserts that the response is a page and no redirect.
fn assert_page(answer: Answer, status: u16, what: &str) {
    let answer = answer.expect(status);
    assert_eq!(answer.header("location"), None, "{what}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{what}");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let text = String::from_utf8(answer.bytes).unwrap();
    assert!(!text.contains("evil") && !text.contains("alert"), "{text}");
}

#[tokio::test]
async fn an_unknown_app_or_redirect_uri_gets_a_page_and_no_redirect() {
    let test = TestApp::new().await;
    let app = test.app(false).await;
    let good = app.query(GOOD);
    let (id, uri) = (format!("client_id={}", app.client_id), encoded(REDIRECT_URI));
    for (from, to) in [
        (id.as_str(), ""),
        (&id, "client_id=app_00000000000000000000000000000000"),
        (&id, "client_id=%3Cscript%3Ealert(1)"),
        (&id, &format!("{id}&{id}")),
        (&uri, ""),
        (&uri, &format!("{uri}&redirect_uri={uri}")),
        (&uri, &encoded("https://app.example/cb?x=evil")),
    ] {
        assert_page(test.authorize(&good.replace(from, to), None).await, 400, to);
    }
    let long = format!("{good}&x={}", "a".repeat(20_000));
    assert_page(test.authorize(&long, None).await, 400, "long");
    assert_page(test.authorize("", None).await, 400, "nothing");
}

#[tokio::test]
async fn other_errors_are_sent_to_the_app_with_state_and_issuer() {
    let test = TestApp::new().await;
    let app = test.app(false).await;
    for (from, to, error) in [
        ("response_type=code", "response_type=token", "unsupported_response_type"),
        ("scope=openid", "scope=email", "invalid_scope"),
        ("S256", "plain", "invalid_request"),
        ("&code_challenge_method=S256", "", "invalid_request"),
        ("nonce=n1", "nonce=n1&nonce=n2", "invalid_request"),
        ("nonce=n1", "prompt=none", "login_required"),
        ("nonce=n1", "request=x", "request_not_supported"),
        ("nonce=n1", "request_uri=https%3A%2F%2Fapp.example", "request_uri_not_supported"),
        ("nonce=n1", "registration=x", "registration_not_supported"),
        ("&domain=acme.com", "", "invalid_request"),
    ] {
        let answer = test.authorize(&app.query(&GOOD.replace(from, to)), None).await.expect(303);
        let location = answer.header("location").unwrap();
        assert!(location.starts_with(&format!("{REDIRECT_URI}?error=")), "{location}");
        assert_eq!(answer.redirected("error").as_deref(), Some(error), "{to}");
        assert_eq!(answer.redirected("state").as_deref(), Some("s1"), "{to}");
        assert_eq!(answer.redirected("iss").as_deref(), Some("https://gatehouse.example"), "{to}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn a_state_comes_back_exactly_with_codes_and_with_errors() {
    let (test, app, user) = TestApp::with_app_and_user().await;
    let cookie = test.sign_in(&app, &user, GOOD).await.cookie;
    let longest = "\u{e4}=&".repeat(1_024);
    assert_eq!(longest.len(), 4_096);
    for state in ["a b+c%2B", "\"<>'&#38;", "\u{1f600}/?#=", "\r\n\t\0", "{\"a\": [1]}", &longest] {
        let rest = GOOD.replace("state=s1", &format!("state={}", encoded(state)));
        for (cookie, name) in [(Some(cookie.as_str()), "code"), (None, "error")] {
            let query = app.query(&format!("{rest}&prompt=none"));
            let answer = test.form_with_cookie("/oauth2/authorize", cookie, &query).await;
            let answer = answer.expect(303);
            assert!(answer.redirected(name).is_some(), "{state:?}");
            assert_eq!(answer.redirected("state").as_deref(), Some(state), "{name}");
        }
    }
    for state in [format!("{longest}x"), "\u{e4}".to_owned()] {
        let encoded =
            encoded(&state).replace("%c3%a4", if state.len() < 9 { "%e4" } else { "%c3%a4" });
        let rest = GOOD.replace("state=s1", &format!("state={encoded}"));
        let answer = test.form("/oauth2/authorize", None, &app.query(&rest)).await.expect(303);
        assert_eq!(answer.redirected("error").as_deref(), Some("invalid_request"));
        assert_eq!(answer.redirected("state"), None);
    }
}

#[tokio::test]
async fn an_authorization_request_may_be_a_form() {
    let test = TestApp::new().await;
    let app = test.app(false).await;
    let form = app.query(&GOOD.replace("nonce=n1", "prompt=none"));
    let answer = test.form("/oauth2/authorize", None, &form).await.expect(303);
    assert_eq!(answer.redirected("error").as_deref(), Some("login_required"));
}

/// 100 redirect URIs that an attacker could try.
fn open_redirects() -> Vec<String> {
    let mut payloads: Vec<String> = [
        "https://evil.example",
        "https://evil.example/cb",
        "https://evil.example/https://app.example/cb",
        "https://evil.example/?https://app.example/cb",
        "https://evil.example#https://app.example/cb",
        "//evil.example",
        "///evil.example",
        "////evil.example/cb",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/evil.example",
        "/",
        "evil.example",
        "http:evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https:\\\\evil.example",
        "https:/\\evil.example",
        "http://app.example/cb",
        "HTTPS://app.example/cb",
        "https://APP.example/cb",
        "https://app.example/CB",
        "https://app.example/cb/",
        "https://app.example/cb//",
        "https://app.example//cb",
        "https://app.example/./cb",
        "https://app.example/x/../cb",
        "https://app.example/cb/..",
        "https://app.example/cb/../evil",
        "https://app.example/cb/%2e%2e/evil",
        "https://app.example/cb/..%2fevil",
        "https://app.example/cb%2f..%2fevil",
        "https://app.example/%63b",
        "https://app.example/cb?",
        "https://app.example/cb?x",
        "https://app.example/cb?next=https://evil.example",
        "https://app.example/cb#",
        "https://app.example/cb#evil",
        "https://app.example/cb;evil",
        "https://app.example/cb%00",
        "https://app.example/cb%00.evil.example",
        "https://app.example/cb%0d%0aLocation:https://evil.example",
        "https://app.example/cb\r\nLocation: https://evil.example",
        "https://app.example/cb\nevil",
        "https://app.example/cb\tevil",
        " https://app.example/cb",
        "https://app.example/cb ",
        "\thttps://app.example/cb",
        "\0https://app.example/cb",
        "https://app.example:443/cb",
        "https://app.example:80/cb",
        "https://app.example:/cb",
        "https://app.example:evil/cb",
        "https://app.example./cb",
        "https://app.example.evil.example/cb",
        "https://app.exampleevil.example/cb",
        "https://evilapp.example/cb",
        "https://evil.app.example/cb",
        "https://app.example@evil.example/cb",
        "https://app.example:x@evil.example/cb",
        "https://app.example%40evil.example/cb",
        "https://evil.example%2f@app.example/cb",
        "https://user@app.example/cb",
        "https://@app.example/cb",
        "https://app.example\\@evil.example/cb",
        "https://app.example\\.evil.example/cb",
        "https://app.example%5c.evil.example/cb",
        "https://evil.example\\app.example/cb",
        "https://evil.example?app.example/cb",
        "https://evil.example;app.example/cb",
        "https://evil.example%23app.example/cb",
        "https://evil.example%E3%80%82app.example/cb",
        "https://app。example/cb",
        "https://app.example／cb",
        "https://аpp.example/cb",
        "https://app.exаmple/cb",
        "https://xn--pp-6kc.example/cb",
        "https://[::1]/cb",
        "https://127.0.0.1/cb",
        "https://2130706433/cb",
        "https://0x7f.1/cb",
        "https://localhost/cb",
        "http://localhost/cb",
        "javascript:alert(1)",
        "javascript://app.example/cb%0aalert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        "ftp://app.example/cb",
        "blob:https://app.example/cb",
        "app.example://cb",
        "https://app.example/cb,https://evil.example",
        "https://app.example/cb https://evil.example",
        "*",
    ]
    .map(str::to_owned)
    .into();
    payloads.push(format!("https://app.example/cb?{}", "a".repeat(4_000)));
    assert_eq!(payloads.len(), 100);
    payloads
}

#[tokio::test]
async fn a_hundred_open_redirects_are_refused() {
    let test = TestApp::new().await;
    let app = test.app(false).await;
    for payload in open_redirects() {
        let query =
            format!("client_id={}&redirect_uri={}&{GOOD}", app.client_id, encoded(&payload));
        let answer = test.authorize(&query, None).await.expect(400);
        assert_eq!(answer.header("location"), None, "{payload:?}");
        let form = test.form("/oauth2/authorize", None, &query).await.expect(400);
        assert_eq!(form.header("location"), None, "{payload:?}");
    }
    let good = format!("client_id={}&redirect_uri={}&{GOOD}", app.client_id, encoded(REDIRECT_URI));
    test.authorize(&good, None).await.expect(303);
}

#[tokio::test]
async fn a_sign_in_leads_only_to_pages_of_an_app() {
    let test = TestApp::new().await;
    test.app(false).await;
    let user = test.user("ada@acme.com").await;
    for payload in open_redirects() {
        let target = Some(payload.clone());
        let answer = test.complete(test.signed_in(&user).await, Purpose::Start { target }).await;
        let location = answer.expect(303).header("location").unwrap().to_owned();
        assert!(location.starts_with("https://app.example/login?iss="), "{payload:?} {location}");
        if let Some((_, target)) = location.split_once("target_link_uri=") {
            assert!(target.starts_with("https%3A%2F%2Fapp.example%2F"), "{payload:?} {location}");
        }
        let known = shared::sign_in::is_page_of_an_app(&test.app, &payload).await.unwrap();
        assert_eq!(known, location.contains("target_link_uri"), "{payload:?}");
    }
    let page = "https://app.example/documents/7?x=1";
    let target = Some(page.to_owned());
    let answer =
        test.complete(test.signed_in(&user).await, Purpose::Start { target }).await.expect(303);
    assert_eq!(answer.redirected("target_link_uri").as_deref(), Some(page));
    assert_eq!(answer.redirected("login_hint").as_deref(), Some("acme.com"));
    assert_eq!(answer.redirected("code"), None);
}

#[tokio::test]
async fn a_deleted_app_gets_no_code() {
    let test = TestApp::new().await;
    let app: App = test.app(false).await;
    let user = test.user("ada@acme.com").await;
    let purpose = Purpose::App(Box::new(test.request(&app, GOOD)));
    let path = format!("/v1/clients/{}", app.client_id);
    test.operator(axum::http::Method::DELETE, &path, None).await.expect(204);
    let answer = test.complete(test.signed_in(&user).await, purpose).await;
    assert_page(answer, 403, "gone");
}
