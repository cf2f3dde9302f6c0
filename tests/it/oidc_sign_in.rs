//! Sign-ins from the app through the identity provider and back to the app.

use std::time::Duration;

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::browser::{BASE, Browser, Idp, draft, draft_for, request_id, request_xml};
use harness::oidc::{App, GOOD, REDIRECT_URI, claims};
use harness::saml::draft::{at, authn};
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{Answer, TestApp};
use serde_json::{Value, json};

fn path(app: &App, rest: &str) -> String {
    format!("/oauth2/authorize?{}", app.query(rest))
}

fn html(answer: &Answer) -> String {
    String::from_utf8(answer.bytes.clone()).unwrap()
}

#[tokio::test]
async fn a_person_signs_in_to_an_app_and_then_without_the_identity_provider() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let mut browser = Browser::default();
    let hint = GOOD.replace("domain=acme.com", "login_hint=Ada%40acme.com");
    let hint = hint.replace("scope=openid", "scope=openid+email");
    let request = browser.begin(&test, &path(&app, &hint)).await;
    let answer = browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
    assert_eq!(answer.redirected("state").as_deref(), Some("s1"));
    assert_eq!(answer.redirected("iss").as_deref(), Some(BASE));
    let form = App::redemption(&answer.redirected("code").unwrap());
    let tokens = test.form_of(&app, "/oauth2/token", &form).await.expect(200).json();
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    let users = test.get("/Users").await.json();
    assert_eq!(id_token["sub"], users["Resources"][0]["id"]);
    assert_eq!((&id_token["email"], &id_token["nonce"]), (&json!("ada@acme.com"), &json!("n1")));
    assert_eq!(id_token["email_verified"], true);
    assert_eq!(id_token["auth_time"], test.clock.now().as_second() - 10);
    let [record] = test.sign_ins().await.try_into().unwrap();
    assert_eq!(record["succeeded"], true);

    // The same response in another browser is refused.
    let mut other = Browser::default();
    let replay = other.respond(&test, &draft(Some(&request)).response()).await;
    assert!(replay.status.is_client_error());
    assert_eq!(replay.header("location"), None);

    test.clock.advance(Duration::from_hours(1));
    let again = browser.get(&test, &path(&app, &format!("{GOOD}&prompt=none"))).await.expect(303);
    assert!(again.redirected("code").is_some());
}

#[tokio::test]
async fn prompt_login_asks_the_identity_provider_to_authenticate_anew() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, &path(&app, GOOD)).await;
    browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
    for (more, forced) in
        [("prompt=login", true), ("max_age=5", true), ("prompt=select_account", false)]
    {
        let answer = browser.get(&test, &path(&app, &format!("{GOOD}&{more}"))).await;
        let xml = request_xml(&answer.expect(303));
        assert_eq!(xml.contains("ForceAuthn=\"true\""), forced, "{more}: {xml}");
    }
}

/// The skew of SAML is for the times of a message. The app compares `auth_time` with `max_age` itself.
#[tokio::test]
async fn an_authentication_that_is_older_than_max_age_is_not_enough_whatever_the_skew_is() {
    let test = TestApp::with_connection(json!({"jit": true, "clock_skew_seconds": 300})).await;
    let app = test.app(false).await;
    for (max_age, age, error) in [
        (60, 205, Some("login_required")),
        (60, 61, Some("login_required")),
        (60, 60, None),
        (300, 205, None),
        // Authenticated after the request.
        (1, 0, None),
    ] {
        let mut browser = Browser::default();
        let rest = format!("{GOOD}&max_age={max_age}");
        let answer = browser
            .sign_in(&test, &path(&app, &rest), Idp::USUAL, |draft| {
                draft.authn = authn(&at(-age), None);
            })
            .await
            .expect(303);
        assert_eq!(answer.redirected("error").as_deref(), error, "{max_age} {age}");
        assert_eq!(browser.has_session(), error.is_none(), "{max_age} {age}");
    }
}

#[tokio::test]
async fn a_deactivated_person_gets_no_code() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, &path(&app, GOOD)).await;
    browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
    let id = test.get("/Users").await.json()["Resources"][0]["id"].as_str().unwrap().to_owned();
    test.set_active(&id, false).await;
    // The session is gone, so the identity provider is asked. Its response is refused too.
    let request = browser.begin(&test, &path(&app, GOOD)).await;
    let answer = browser.respond(&test, &draft(Some(&request)).response()).await;
    assert_eq!(answer.redirected("code"), None);
    assert_eq!(answer.redirected("error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn the_app_is_told_that_an_organisation_has_no_connection() {
    let test = TestApp::with_connection(json!({})).await;
    let app = test.app(false).await;
    let nobody = test.tenant("Nobody").await;
    for named in [
        "domain=unknown.com".to_owned(),
        "login_hint=ada%40unknown.com".to_owned(),
        format!("tenant={}", nobody.id),
        "tenant=unknown".to_owned(),
    ] {
        let rest = GOOD.replace("domain=acme.com", &named);
        let answer = test.authorize(&app.query(&rest), None).await.expect(303);
        assert_eq!(answer.redirected("error").as_deref(), Some("access_denied"), "{named}");
    }
}

#[tokio::test]
async fn a_tenant_with_several_connections_lets_the_person_choose() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let name = json!({"external_id": "customer-17"});
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    test.operator(Method::PATCH, &tenant, Some(name)).await.expect(200);
    let mut browser = Browser::default();
    let by_tenant = GOOD.replace("domain=acme.com", "tenant=customer-17");
    browser.begin(&test, &path(&app, &by_tenant)).await;

    test.connect("acme.org", &metadata::usual(IDP), json!({"jit": true, "domains": ["acme.com"]}))
        .await
        .expect(200);
    let page = browser.get(&test, &path(&app, &by_tenant)).await.expect(200);
    let choices = html(&page);
    let link = choices.split("href=\"").find(|rest| rest.contains("connection=acme.org")).unwrap();
    let link = link.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let request = request_id(&browser.get(&test, &link).await.expect(303));
    let (acs, entity_id) =
        (format!("{BASE}/saml/sso/acme.org"), format!("{BASE}/saml/metadata/acme.org"));
    let response = draft_for(&acs, &entity_id, Some(&request)).response();
    let field = BASE64_STANDARD.encode(response);
    let answer = browser.post(&test, "/saml/sso/acme.org", &[("SAMLResponse", &field)]).await;
    let answer = answer.expect(303);
    assert_eq!(answer.redirected("state").as_deref(), Some("s1"));
    assert!(answer.redirected("code").is_some());
}

#[tokio::test]
async fn a_sign_in_that_the_person_started_ends_at_the_app() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let mut browser = Browser::default();
    let page = "https://app.example/documents/7";
    let start = format!("/saml/sso/acme.com?target={page}");
    let request = browser.begin(&test, &start).await;
    let answer = browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
    assert!(answer.header("location").unwrap().starts_with("https://app.example/login?iss="));
    assert_eq!(answer.redirected("target_link_uri").as_deref(), Some(page));
    // The app now sends an authorization request, which the session answers.
    let hint = answer.redirected("login_hint").unwrap();
    let rest = GOOD.replace("domain=", "login_hint=").replace("acme.com", &hint);
    let answer = browser.get(&test, &path(&app, &rest)).await.expect(303);
    assert!(answer.redirected("code").is_some());
}

/// The outcome of check 25 in a record, with what was received.
#[tokio::test]
async fn an_app_is_opened_with_a_domain_of_a_connection_whose_name_is_none() {
    let test = TestApp::with_connection(json!({})).await;
    let app = test.app(false).await;
    test.user("ada@acme.com").await;
    let own = format!("/v1/tenants/{}/connections/acme.org", test.acme.id);
    let settings = json!({"domains": ["acme.com"], "idp_metadata_xml": metadata::usual(IDP)});
    test.operator(Method::PUT, &own, Some(settings)).await.expect(200);
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.org").await;
    let (acs, entity_id) =
        (format!("{BASE}/saml/sso/acme.org"), format!("{BASE}/saml/metadata/acme.org"));
    let field = BASE64_STANDARD.encode(draft_for(&acs, &entity_id, Some(&request)).response());
    let answer = browser.post(&test, "/saml/sso/acme.org", &[("SAMLResponse", &field)]).await;
    let hint = answer.expect(303).redirected("login_hint").unwrap();
    let rest = GOOD.replace("domain=acme.com", &format!("login_hint={hint}"));
    let answer = browser.get(&test, &path(&app, &rest)).await.expect(303);
    assert!(answer.redirected("code").is_some(), "{hint}");
}

fn app_redirect(record: &Value) -> (&str, &str) {
    let checks = record["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["id"] == "app.redirect").unwrap();
    (check["outcome"].as_str().unwrap(), check["received"].as_str().unwrap())
}

#[tokio::test]
async fn the_record_says_where_the_sign_in_ended() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    browser.respond(&test, &draft(Some(&request)).response()).await.expect(200);
    assert_eq!(app_redirect(&test.sign_ins().await[0]), ("warning", "no app has one"));

    let app = test.app(false).await;
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
    let login = "https://app.example/login";
    assert_eq!(app_redirect(&test.sign_ins().await[0]), ("passed", login));

    let mut browser = Browser::default();
    let request = browser.begin(&test, &path(&app, GOOD)).await;
    browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
    let record = &test.sign_ins().await[0];
    assert_eq!(app_redirect(record), ("passed", REDIRECT_URI));
    let checks = record["checks"].as_array().unwrap();
    let not_reached = checks.iter().filter(|check| check["outcome"] == "not_reached");
    let not_reached: Vec<&Value> = not_reached.map(|check| &check["id"]).collect();
    assert_eq!(not_reached, ["saml.enc"], "the assertion was not encrypted");
}

#[tokio::test]
async fn a_sign_in_to_an_app_that_was_deleted_meanwhile_is_refused() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, &path(&app, GOOD)).await;
    let client = format!("/v1/clients/{}", app.client_id);
    test.operator(Method::DELETE, &client, None).await.expect(204);
    let page = browser.respond(&test, &draft(Some(&request)).response()).await.expect(403);
    assert!(!browser.cookies().contains("session"), "{}", browser.cookies());
    let record = &test.sign_ins().await[0];
    assert_eq!((&record["succeeded"], &record["code"]), (&json!(false), &json!("app.redirect")));
    let message = record["message"].as_str().unwrap();
    assert_eq!(
        message,
        format!("{REDIRECT_URI} is no longer a registered redirect URI of the app")
    );
    assert_eq!(app_redirect(record), ("failed", REDIRECT_URI));
    assert!(html(&page).contains(record["reference"].as_str().unwrap()));
}

/// The link of the button "Try again".
fn retry_url(page: &Answer) -> String {
    let html = html(page);
    let (before, _) = html.split_once("\">Try again</a>").unwrap_or_else(|| panic!("{html}"));
    let (_, url) = before.rsplit_once("href=\"").unwrap();
    url.replace("&#38;", "&").replace("&amp;", "&")
}

#[tokio::test]
async fn a_refused_person_can_try_again() {
    let test = TestApp::with_connection(json!({})).await;
    let app = test.app(false).await;
    let target = "https://app.example/documents/7";
    let start = format!("/saml/sso/acme.com?target={target}");
    for begin in ["/saml/sso/acme.com", &start, &path(&app, GOOD)] {
        let mut browser = Browser::default();
        let request = browser.begin(&test, begin).await;
        let mut refused = draft(Some(&request));
        if begin.starts_with("/oauth2") {
            // A page, and not an answer to the app: the response is not one to a sign-in of this
            // browser.
            refused = draft(Some("_0000000000000000000000000000000000000000"));
        }
        let page = browser.respond(&test, &refused.response()).await.expect(403);
        let again = retry_url(&page);
        // The link starts a sign-in of the same purpose: it succeeds once there is a user.
        let request = browser.begin(&test, &again).await;
        let ada = test.user("ada@acme.com").await;
        let answer = browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
        if begin == start {
            assert_eq!(answer.redirected("target_link_uri").as_deref(), Some(target));
        }
        assert_eq!(answer.redirected("code").is_some(), begin.starts_with("/oauth2"), "{begin}");
        test.scim(Method::DELETE, &format!("/Users/{ada}"), None).await.expect(204);
    }
    let foreign = "/saml/sso/acme.com?target=https://evil.example";
    let page = Browser::default().get(&test, foreign).await.expect(400);
    assert_eq!(retry_url(&page), format!("{BASE}/saml/sso/acme.com"));
    let unknown = Browser::default().get(&test, "/saml/sso/unknown.com").await.expect(404);
    assert!(!html(&unknown).contains("Try again"));
}

#[tokio::test]
async fn an_address_names_the_organisation_in_either_spelling_of_its_domain() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let ascii = "xn--bcher-kva.example";
    test.verify_domain(&test.acme.id, ascii).await;
    let settings = json!({"jit": true, "domains": [ascii]});
    test.connect("acme.com", &metadata::usual(IDP), settings).await.expect(200);
    let encoded = harness::oidc::encoded;
    for hint in ["ada@bücher.example", "ada@xn--bcher-kva.example", " Ada@BÜCHER.example "] {
        let named = format!("login_hint={}", encoded(hint));
        let asked = path(&app, &GOOD.replace("domain=acme.com", &named));
        Browser::default().begin(&test, &asked).await;
        let found = test.form_of(&app, "/oauth2/lookup", &named).await.expect(200).json();
        assert_eq!((&found["sso"], &found["tenant"]), (&json!(true), &json!(test.acme.id)));
    }
    let named = format!("domain={}", encoded("bücher.example"));
    let asked = path(&app, &GOOD.replace("domain=acme.com", &named));
    Browser::default().begin(&test, &asked).await;
    // Letters that only look like the domain do not name it.
    let named = format!("login_hint={}", encoded("ada@ａcme.com"));
    let asked = app.query(&GOOD.replace("domain=acme.com", &named));
    let answer = test.authorize(&asked, None).await.expect(303);
    assert_eq!(answer.redirected("error").as_deref(), Some("invalid_request"));
    let found = test.form_of(&app, "/oauth2/lookup", &named).await.expect(200).json();
    assert_eq!(found, json!({"sso": false}));
}

/// Row A15: the operator's own ids may be UUIDs.
#[tokio::test]
async fn a_tenant_is_named_by_an_external_id_that_looks_like_an_id_of_ours() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let external_id = "5e3a1f0c-0000-7000-8000-000000000042";
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    let name = json!({"external_id": external_id});
    test.operator(Method::PATCH, &tenant, Some(name)).await.expect(200);
    let mut browser = Browser::default();
    for named in [external_id, &test.acme.id] {
        let asked = path(&app, &GOOD.replace("domain=acme.com", &format!("tenant={named}")));
        let request = Browser::default().begin(&test, &asked).await;
        assert!(request.starts_with('_'));
    }
    let asked = path(&app, &GOOD.replace("domain=acme.com", &format!("tenant={external_id}")));
    let request = browser.begin(&test, &asked).await;
    let answer = browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
    assert!(answer.redirected("code").is_some());
    // The session answers for the same name, and the lookup returns it.
    assert!(browser.get(&test, &asked).await.expect(303).redirected("code").is_some());
    let found = test.form_of(&app, "/oauth2/lookup", "login_hint=a%40acme.com").await;
    assert_eq!(found.expect(200).json()["external_id"], external_id);
}
