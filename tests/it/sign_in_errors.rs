//! A refusal goes back to the app that asked, with the reference of its record.

use std::time::Duration;

use axum::http::Method;
use harness::browser::{BASE, Browser, draft, percent_encoded, person, request_id};
use harness::oidc::{App, GOOD, REDIRECT_URI};
use harness::saml::draft::{Draft, at, authn};
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{Answer, TestApp};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::secrets::SecretName;

fn path(app: &App, rest: &str) -> String {
    format!("/oauth2/authorize?{}", app.query(rest))
}

/// A change of a response.
type Change = Box<dyn FnOnce(&mut Draft)>;

#[track_caller]
fn assert_told(answer: &Answer, error: &str) -> String {
    let answer = answer.clone().expect(303);
    let location = answer.header("location").unwrap();
    assert!(location.starts_with(&format!("{REDIRECT_URI}?error=")), "{location}");
    assert_eq!(answer.redirected("error").as_deref(), Some(error), "{location}");
    assert_eq!(answer.redirected("state").as_deref(), Some("s1"), "{location}");
    assert_eq!(answer.redirected("iss").as_deref(), Some(BASE), "{location}");
    answer.redirected("error_description").unwrap()
}

/// Signs in to an app with a changed response. Returns the answer and the record.
async fn refused(
    test: &TestApp,
    app: &App,
    change: impl FnOnce(&mut Draft),
) -> (Browser, Answer, Value) {
    let mut browser = Browser::default();
    let request = browser.begin(test, &path(app, GOOD)).await;
    let mut draft = draft(Some(&request));
    change(&mut draft);
    let answer = browser.respond(test, &draft.response()).await;
    (browser, answer, test.sign_ins().await[0].clone())
}

#[tokio::test]
async fn an_app_is_told_of_the_refusal_of_a_person_with_the_reference_and_no_personal_data() {
    let test = TestApp::with_connection(json!({})).await;
    let app = test.app(false).await;
    let user = json!({"userName": "off@acme.com", "active": false,
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]});
    test.post("/Users", user).await.expect(201);
    let denied = "<P:Status><P:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\">\
                  <P:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:RequestDenied\"/>\
                  </P:StatusCode></P:Status>";
    let cases: [(&str, &str, Change); 5] = [
        ("saml.status", "access_denied", Box::new(move |d| d.status = denied.to_owned())),
        (
            "saml.session",
            "login_required",
            Box::new(|d| d.authn = authn(&at(-600), Some(&at(-10)))),
        ),
        ("user.domain", "access_denied", Box::new(person("n1", "ada@evil.example"))),
        ("user.state", "access_denied", Box::new(person("n2", "ada@acme.com"))),
        ("user.state", "access_denied", Box::new(person("n3", "off@acme.com"))),
    ];
    for (code, error, change) in cases {
        let (browser, answer, record) = refused(&test, &app, change).await;
        let description = assert_told(&answer, error);
        assert_eq!(record["code"], code, "{record}");
        let reference = record["reference"].as_str().unwrap();
        assert!(description.ends_with(&format!(". Reference: {reference}")), "{description}");
        for personal in ["ada", "off@", "n1", "n2", "n3", "evil"] {
            assert!(!description.contains(personal), "{description}");
        }
        assert!(!browser.has_session(), "{code}");
    }
    // The sentence is that of the page: true of the account.
    let (_, answer, _) = refused(&test, &app, person("n3", "off@acme.com")).await;
    let description = assert_told(&answer, "access_denied");
    assert!(description.starts_with("Your access was switched off"), "{description}");
}

#[tokio::test]
async fn what_everybody_of_an_organisation_meets_is_a_page_that_leads_back_to_the_app() {
    let test = TestApp::with_connection(json!({})).await;
    let app = test.app(false).await;
    let cases: [(&str, u16, Change); 4] = [
        ("saml.xml", 400, Box::new(|d| d.response_extra = "<P:Extensions/>".to_owned())),
        ("saml.sig.present", 403, Box::new(|d| d.sign_assertion = None)),
        (
            "saml.audience",
            403,
            Box::new(|d| d.conditions = d.conditions.replace("/saml/metadata/acme.com", "/x")),
        ),
        ("saml.session", 403, Box::new(|d| d.authn = String::new())),
    ];
    for (code, status, change) in cases {
        let (_, answer, record) = refused(&test, &app, change).await;
        let page = answer.expect(status).body();
        assert_eq!(record["code"], code, "{record}");
        let reference = record["reference"].as_str().unwrap();
        assert!(page.contains(reference) && page.contains("Try again"), "{page}");
        let link = page.split("href=\"").find(|rest| rest.starts_with(REDIRECT_URI)).unwrap();
        let link = link.split('"').next().unwrap().replace("&#38;", "&");
        for part in ["?error=access_denied&", "&state=s1", &format!("Reference%3A+{reference}")] {
            assert!(link.contains(part), "{part} in {link}");
        }
    }
    // An app that asked for a form gets one.
    let mut browser = Browser::default();
    let rest = format!("{GOOD}&response_mode=form_post");
    let request = browser.begin(&test, &path(&app, &rest)).await;
    let unsigned = Draft { sign_assertion: None, ..draft(Some(&request)) };
    let answer = browser.respond(&test, &unsigned.response()).await.expect(403);
    let policy = answer.header("content-security-policy").unwrap().to_owned();
    assert!(policy.contains("form-action https://app.example "), "{policy}");
    assert!(answer.body().contains("Back to the app"), "{}", answer.body());
    assert_eq!(answer.form_field("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.form_field("state").as_deref(), Some("s1"));
}

#[tokio::test]
async fn a_response_that_cannot_be_read_leads_back_to_the_only_app_that_waits() {
    let test = TestApp::with_connection(json!({})).await;
    let app = test.app(false).await;
    let mut browser = Browser::default();
    browser.begin(&test, &path(&app, GOOD)).await;
    for unreadable in ["<a", "<a><!-- x --></a>"] {
        let answer = browser.respond(&test, unreadable).await.expect(400);
        assert!(answer.body().contains("Back to the app"), "{}", answer.body());
    }
    // With two under way, nobody can tell which one is meant.
    browser.begin(&test, &path(&app, GOOD)).await;
    let answer = browser.respond(&test, "<a").await.expect(400);
    assert!(!answer.body().contains("Back to the app"), "{}", answer.body());
    // Nor can a stranger's browser.
    let answer = Browser::default().respond(&test, "<a").await.expect(400);
    assert!(!answer.body().contains("Back to the app"), "{}", answer.body());
}

#[tokio::test]
async fn a_link_that_is_not_valid_leads_back_to_an_app_that_is_known() {
    const LOGIN: &str = "https://app.example/login";
    let test = TestApp::with_connection(json!({})).await;
    let app = test.app(false).await;
    let query = app.query_to("https://evil.example/cb", GOOD);
    let wrong = format!("/oauth2/authorize?{query}");
    let page = Browser::default().get(&test, &wrong).await.expect(400).body();
    let link = format!("href=\"{LOGIN}\">Back to the app");
    assert!(page.contains(&link) && !page.contains("evil.example"), "{page}");
    let change = json!({"initiate_login_uri": null});
    let path = format!("/v1/clients/{}", app.client_id);
    test.operator(Method::PATCH, &path, Some(change)).await.expect(200);
    let page = Browser::default().get(&test, &wrong).await.expect(400).body();
    assert!(!page.contains("Back to the app"), "{page}");
}

#[tokio::test]
async fn a_refusal_is_a_page_where_no_app_is_known_to_wait_for_it() {
    let test = TestApp::with_connection(json!({})).await;
    let app = test.app(false).await;
    // Another browser's request: whose app waits is not known.
    let request = Browser::default().begin(&test, &path(&app, GOOD)).await;
    let mut other = Browser::default();
    other.begin(&test, &path(&app, GOOD)).await;
    let page = other.respond(&test, &draft(Some(&request)).response()).await.expect(403);
    assert!(page.body().contains("Try again"), "{}", page.body());
    // The redirect URI is registered no more: nothing may be sent there.
    let mut browser = Browser::default();
    let request = browser.begin(&test, &path(&app, GOOD)).await;
    test.user("ada@acme.com").await;
    let client = format!("/v1/clients/{}", app.client_id);
    let moved = json!({"redirect_uris": ["https://app.example/other"]});
    test.operator(Method::PATCH, &client, Some(moved)).await.expect(200);
    let mut refused = draft(Some(&request));
    refused.conditions = refused.conditions.replace("/saml/metadata/acme.com", "/x");
    let page = browser.respond(&test, &refused.response()).await.expect(403);
    assert!(page.body().contains("answered for a different app"), "{}", page.body());
    let page = browser.respond(&test, &draft(Some(&request)).response()).await.expect(403);
    assert!(page.body().contains("Ask an administrator"), "{}", page.body());
    assert!(!page.body().contains("Try again"), "{}", page.body());
}

#[tokio::test]
async fn an_app_is_told_that_a_key_of_ours_cannot_be_read() {
    let test = TestApp::with_connection(json!({"sign_requests": true})).await;
    let app = test.app(false).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, &path(&app, GOOD)).await;
    test.app.secrets.put(SecretName::SamlKeys, &SecretString::from("damaged")).await.unwrap();
    // Keys are cached for a minute.
    test.clock.advance(Duration::from_mins(2));
    let answer = test.authorize(&app.query(GOOD), None).await;
    let description = assert_told(&answer, "temporarily_unavailable");
    assert_eq!(description, "try again in a moment");
    let answer = browser.respond(&test, &draft(Some(&request)).response()).await;
    assert_told(&answer, "temporarily_unavailable");
}

#[tokio::test]
async fn an_app_is_told_that_the_connection_was_switched_off_meanwhile() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, &path(&app, GOOD)).await;
    let off = json!({"enabled": false});
    test.connect("acme.com", &metadata::usual(IDP), off).await.expect(200);
    let answer = browser.respond(&test, &draft(Some(&request)).response()).await;
    assert_told(&answer, "access_denied");
}

#[tokio::test]
async fn an_app_is_told_that_the_chosen_member_of_a_federation_is_gone() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let members = |names: &[&str]| {
        let members: String = names.iter().map(|name| metadata::usual(name)).collect();
        metadata::federation(&members.replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", ""))
    };
    let both = members(&[IDP, "https://other.example/saml"]);
    test.connect("acme.com", &both, json!({})).await.expect(200);
    let mut browser = Browser::default();
    let page = browser.get(&test, &path(&app, GOOD)).await.expect(200).body();
    let (_, rest) = page.split_once("sign_in=").unwrap();
    let id = rest.split('&').next().unwrap();
    let with =
        |idp: &str| format!("/saml/sso/acme.com/with?sign_in={id}&idp={}", percent_encoded(idp));
    let answer = browser.get(&test, &with("https://gone.example/saml")).await;
    assert_told(&answer, "access_denied");
    request_id(&browser.get(&test, &with(IDP)).await.expect(303));
}
