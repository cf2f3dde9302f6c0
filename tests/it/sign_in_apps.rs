//! Sign-ins that no app began: which app they open.

use axum::http::Method;
use harness::browser::{BASE, Browser, draft};
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{Answer, TestApp};
use serde_json::{Value, json};

use crate::sign_in_provider_initiated::sign_in_field;

async fn register(test: &TestApp, name: &str, login: Option<&str>) -> String {
    let host: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let body = json!({
        "name": name,
        "redirect_uris": [format!("https://{}.example/cb", host.to_lowercase())],
        "initiate_login_uri": login,
    });
    test.operator(Method::POST, "/v1/clients", Some(body)).await.expect(201).text("client_id")
}

/// Clicks the tile at the identity provider, and the button of our page.
async fn click_tile(test: &TestApp, number: usize) -> (Browser, Answer) {
    let mut browser = Browser::default();
    let mut draft = draft(None);
    draft.assertion_id = format!("_tile{number}");
    let page = browser.respond(test, &draft.response()).await.expect(200);
    let button = sign_in_field(&page.bytes);
    let fields = [("sign_in", button.as_str())];
    let answer = browser.post(test, "/saml/sso/acme.com/continue", &fields).await;
    (browser, answer)
}

/// The links of a page, with their texts.
fn links(page: &Answer) -> Vec<(String, String)> {
    let html = page.body();
    let links = html.split("href=\"").skip(1).map(|rest| {
        let (url, rest) = rest.split_once("\">").unwrap();
        let text = rest.split('<').next().unwrap();
        (text.to_owned(), url.replace("&#38;", "&").replace("&amp;", "&"))
    });
    links.collect()
}

fn app_redirect(record: &Value) -> Value {
    let checks = record["checks"].as_array().unwrap();
    checks.iter().find(|check| check["id"] == "app.redirect").unwrap()["received"].clone()
}

#[tokio::test]
async fn a_tile_opens_the_only_app_or_asks_which() {
    let test = TestApp::with_connection(json!({"jit": true, "allow_idp_initiated": true})).await;
    let (_, page) = click_tile(&test, 0).await;
    assert!(page.expect(200).body().contains("Open the app that you want to use"));
    register(&test, "Hidden", None).await;
    let docs = register(&test, "Docs", Some("https://docs.example/login")).await;
    let (_, opened) = click_tile(&test, 1).await;
    let opened = opened.expect(303);
    assert!(opened.header("location").unwrap().starts_with("https://docs.example/login?iss="));

    register(&test, "<b>Boards", Some("https://boards.example/login?x=1")).await;
    let (browser, page) = click_tile(&test, 2).await;
    let page = page.expect(200);
    assert!(browser.has_session());
    let iss = "iss=https%3A%2F%2Fsp.example&login_hint=acme.com";
    let expected = [
        ("&#60;b&#62;Boards".to_owned(), format!("https://boards.example/login?x=1&{iss}")),
        ("Docs".to_owned(), format!("https://docs.example/login?{iss}")),
    ];
    assert_eq!(links(&page), expected, "{}", page.body());
    assert_eq!(app_redirect(&test.sign_ins().await[0]), "one of 2 apps, by choice");

    // A sign-in at our own URL asks too, unless it names a page.
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    let page = browser.respond(&test, &draft(Some(&request)).response()).await.expect(200);
    assert_eq!(links(&page), expected);
    let target = "https://docs.example/7";
    let request = browser.begin(&test, &format!("/saml/sso/acme.com?target={target}")).await;
    let opened = browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
    assert_eq!(opened.redirected("target_link_uri").as_deref(), Some(target));

    // The connection decides, until that app is gone.
    let decided = json!({"jit": true, "allow_idp_initiated": true, "default_app": docs});
    let set = test.connect("acme.com", &metadata::usual(IDP), decided.clone()).await.expect(200);
    assert_eq!(set.json()["default_app"], docs);
    let (_, opened) = click_tile(&test, 3).await;
    let opened = opened.expect(303);
    assert!(opened.header("location").unwrap().starts_with("https://docs.example/login?iss="));
    register(&test, "Mail", Some("https://mail.example/login")).await;
    test.operator(Method::DELETE, &format!("/v1/clients/{docs}"), None).await.expect(204);
    let (_, page) = click_tile(&test, 4).await;
    assert_eq!(links(&page.expect(200)).len(), 2);
    // The setting of the app that is gone does not stand in the way of other settings.
    test.connect("acme.com", &metadata::usual(IDP), decided).await.expect(200);
    let reset = json!({"jit": true});
    let reset = test.connect("acme.com", &metadata::usual(IDP), reset).await.expect(200).json();
    assert_eq!(reset["default_app"], Value::Null);
}

#[tokio::test]
async fn the_default_app_is_one_that_can_be_opened() {
    let test = TestApp::with_connection(json!({})).await;
    let hidden = register(&test, "Hidden", None).await;
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    for (id, problem) in [
        (hidden.as_str(), "has no initiate_login_uri"),
        ("app_00000000000000000000000000000000", "is the client_id of no app"),
        ("docs", "is the client_id of no app"),
        ("", "is the client_id of no app"),
    ] {
        let body = json!({"default_app": id});
        let told = test.operator(Method::PUT, &path, Some(body)).await.expect(400).text("detail");
        assert!(told.contains(problem), "{id}: {told}");
    }
    let shown = test.operator(Method::GET, &path, None).await.expect(200).json();
    assert_eq!(shown["default_app"], Value::Null);
}

#[tokio::test]
async fn the_page_with_apps_loads_nothing_and_names_no_other_site() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    for name in ["One", "Two"] {
        let login = format!("https://{}.example/login", name.to_lowercase());
        register(&test, name, Some(&login)).await;
    }
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    let page = browser.respond(&test, &draft(Some(&request)).response()).await.expect(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'none'"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(links(&page).iter().all(|(_, url)| !url.starts_with(BASE)), "{}", page.body());
}
