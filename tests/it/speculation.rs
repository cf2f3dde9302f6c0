//! Requests that nobody made, of link checkers, mail scanners and browsers that load ahead, write
//! nothing and use nothing up.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, header};
use harness::browser::{BASE, Browser, draft, request_id};
use harness::oidc::GOOD;
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{Answer, OPERATOR_KEY, TestApp};
use serde_json::json;
use shared::{oidc_api, operator_api, saml_api, scim_api};

use crate::template::ROUTERS;

/// Routes whose GET begins or ends something.
const BEGINNING: [&str; 6] = [
    "/saml/sso/{domain}",
    "/saml/sso/{domain}/federated",
    "/saml/sso/{domain}/with",
    "/saml/sso/{domain}/resume",
    "/oauth2/authorize",
    "/oauth2/logout",
];

/// Headers by which a browser says that it loads ahead, or a part of a page.
const AHEAD: [(&str, &str); 6] = [
    ("sec-purpose", "prefetch"),
    ("sec-purpose", "prefetch;prerender"),
    ("purpose", "prefetch"),
    ("x-purpose", "preview"),
    ("x-moz", "prefetch"),
    ("sec-fetch-mode", "no-cors"),
];

/// A deployment, a browser that is in the middle of everything, and what it could open.
struct World {
    test: TestApp,
    browser: Browser,
    authorize: String,
    member: String,
    resume: String,
    link: String,
}

impl World {
    async fn new() -> Self {
        let test = TestApp::with_connection(json!({"jit": true})).await;
        let all = Router::new()
            .merge(scim_api::router(test.app.clone()))
            .merge(operator_api::router(test.app.clone()))
            .merge(saml_api::acs_router(test.app.clone()))
            .merge(saml_api::metadata_router(test.app.clone()))
            .merge(oidc_api::router(test.app.clone()));
        let members = [IDP, "https://other.example/saml"].map(metadata::usual).concat();
        let members = members.replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "");
        let federation = metadata::federation(&members);
        test.connect("members.example", &federation, json!({})).await.expect(200);
        let app = test.app(false).await;
        let authorize = format!("/oauth2/authorize?{}", app.query(GOOD));
        let path = format!("/v1/tenants/{}/connections/acme.com/test", test.acme.id);
        let link = test.operator(Method::POST, &path, None).await.expect(201).text("url");
        let mut browser = Browser::default();
        let request = browser.begin(&test, &authorize).await;
        browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
        let page = browser.get(&test, "/saml/sso/members.example").await.expect(200).body();
        let (_, member) = page.split_once("href=\"").unwrap();
        let member = member.split('"').next().unwrap().replace("&#38;", "&");
        let resume = format!("/saml/sso/acme.com/resume?sign_in={request}");
        let test = test.beside(all);
        Self { test, browser, authorize, member, resume, link }
    }

    /// The path that a route is tried with: the browser could go on there, if it can anywhere.
    fn path(&self, route: &str) -> String {
        match route {
            "/oauth2/authorize" => self.authorize.clone(),
            "/saml/sso/{domain}/with" => self.member.replace(BASE, ""),
            "/saml/sso/{domain}/resume" => self.resume.clone(),
            "/saml/sso/{domain}/test/{id}" => self.link.replace(BASE, ""),
            "/saml/sso/{domain}/test/{id}/begin" => {
                format!("{}/begin", self.link.replace(BASE, ""))
            }
            other => other
                .replace("{domain}", "acme.com")
                .replace("{tenant}", &self.test.acme.id)
                .replace(['{', '}'], ""),
        }
    }

    async fn send(&self, method: Method, path: &str, ahead: Option<(&str, &str)>) -> Answer {
        let token = if path.starts_with("/v1") { OPERATOR_KEY } else { &self.test.acme.token };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, self.browser.cookies())
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        if let Some((name, value)) = ahead {
            request = request.header(name, value);
        }
        self.test.send(request.body(Body::empty()).unwrap()).await
    }
}

fn without_length(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove(header::CONTENT_LENGTH);
    headers
}

#[tokio::test]
async fn a_request_that_nobody_made_changes_nothing_on_any_route() {
    let world = World::new().await;
    // The keys exist before: they are created at their first use. The use of a token is noted once a
    // minute.
    world.send(Method::GET, "/oauth2/jwks", None).await.expect(200);
    world.send(Method::GET, "/scim/v2/Users", None).await.expect(200);
    let before = world.test.rows().await;
    let mut beginning = Vec::new();
    for route in ROUTERS.iter().flat_map(|(_, routes)| *routes) {
        let path = world.path(route);
        let is_beginning = BEGINNING.contains(route);
        if is_beginning {
            beginning.push(*route);
        }
        let head = world.send(Method::HEAD, &path, None).await;
        let mut answers = vec![("HEAD".to_owned(), head.clone())];
        for method in [Method::GET, Method::HEAD] {
            for ahead in AHEAD {
                let answer = world.send(method.clone(), &path, Some(ahead)).await;
                if is_beginning {
                    assert_eq!(answer.status, 403, "{route} {ahead:?}");
                    assert_eq!(answer.header("cache-control"), Some("no-store"), "{route}");
                }
                answers.push((format!("{method} {ahead:?}"), answer));
            }
        }
        if is_beginning {
            assert_eq!(head.status, 204, "{route}");
            assert_eq!(head.header("cache-control"), Some("no-store"), "{route}");
        } else {
            // Also a plain GET, as a scanner sends it.
            let get = world.send(Method::GET, &path, None).await;
            assert_eq!(head.status, get.status, "{route}");
            assert_eq!(without_length(&head.headers), without_length(&get.headers), "{route}");
            answers.push(("GET".to_owned(), get));
        }
        assert!(head.bytes.is_empty(), "{route}");
        for (sent, answer) in answers {
            assert_eq!(answer.header("set-cookie"), None, "{route} {sent}");
        }
        assert_eq!(world.test.rows().await, before, "{route}");
    }
    assert_eq!(beginning.len(), BEGINNING.len(), "{beginning:?}");

    // The person goes on as if nothing had been sent.
    let World { test, mut browser, authorize, member, resume, link } = world;
    assert!(browser.get(&test, &authorize).await.expect(303).redirected("code").is_some());
    assert!(browser.get(&test, &resume).await.expect(303).redirected("code").is_some());
    request_id(&browser.get(&test, &member).await.expect(303));
    request_id(&browser.begin_test(&test, &link).await.expect(303));
}
