//! Scripts of other web sites can read public documents, and the answers to a public client that has
//! registered their origin (Fetch standard, CORS protocol).

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use harness::oidc::{App, GOOD};
use harness::{Answer, OPERATOR_KEY, TestApp};
use serde_json::json;
use shared::{directory_api, oidc_api, operator_api, saml_api, scim_api};

use crate::template::ROUTERS;

/// Discovery, under its two names, and the keys: a library in a page fetches them to verify a
/// token.
const PUBLIC: [&str; 3] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/oauth2/jwks",
];

/// The endpoints that a single-page app calls. Their preflights are answered to every origin that
/// could be registered, because they name no client.
pub(crate) const OF_PUBLIC_CLIENTS: [&str; 3] =
    ["/oauth2/token", "/oauth2/userinfo", "/oauth2/revoke"];

const ORIGIN: &str = "https://app.example";

/// A request that a browser sends for a script of another site, without anything that needs a
/// preflight, except for the bearer token.
fn request(method: Method, path: &str, bearer: Option<&str>) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header(header::ORIGIN, ORIGIN);
    let request = match bearer {
        Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    };
    request.body(Body::empty()).unwrap()
}

/// The preflight that a browser sends before such a request with a bearer token.
fn preflight(path: &str, origin: &str) -> Request<Body> {
    Request::builder()
        .method(Method::OPTIONS)
        .uri(path)
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type")
        .body(Body::empty())
        .unwrap()
}

fn allowed<'a>(answer: &'a Answer, what: &str) -> Option<&'a str> {
    answer.header(&format!("access-control-allow-{what}"))
}

#[tokio::test]
async fn scripts_of_sites_that_nobody_registered_can_read_discovery_and_keys_only() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app.clone();
    let all = Router::new()
        .merge(scim_api::router(app.clone()))
        .merge(operator_api::router(app.clone()))
        .merge(saml_api::acs_router(app.clone()))
        .merge(saml_api::metadata_router(app.clone()))
        .merge(directory_api::router(app.clone()))
        .merge(oidc_api::router(app));
    let token = test.acme.token.clone();
    let tenant = test.acme.id.clone();
    let test = test.beside(all);
    let (mut open, mut closed) = (Vec::new(), 0);
    for path in ROUTERS.iter().flat_map(|(_, paths)| *paths) {
        let here = path.replace("{domain}", "acme.com").replace("{tenant}", &tenant);
        let here = here.replace(['{', '}'], "");
        let answer = test.send(preflight(&here, ORIGIN)).await;
        let is_public = PUBLIC.contains(path);
        let is_answered = is_public || OF_PUBLIC_CLIENTS.contains(path);
        let expect = is_answered.then_some(if is_public { "*" } else { ORIGIN });
        assert_eq!(allowed(&answer, "origin"), expect, "{here}");
        assert_eq!(allowed(&answer, "credentials"), None, "{here}");
        assert_eq!(answer.status == StatusCode::NO_CONTENT, is_answered, "{here}");
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            for bearer in [None, Some(token.as_str()), Some(OPERATOR_KEY)] {
                let answer = test.send(request(method.clone(), &here, bearer)).await;
                let may_read = method == Method::GET && PUBLIC.contains(path);
                let origin = allowed(&answer, "origin");
                assert_eq!(origin, may_read.then_some("*"), "{method} {here}");
                // `*` excludes credentials, and no request here is a preflight.
                for other in ["credentials", "methods", "headers"] {
                    let name = format!("access-control-allow-{other}");
                    assert_eq!(answer.header(&name), None, "{method} {here}");
                }
                if may_read {
                    assert_eq!(answer.expect(200).header("set-cookie"), None, "{here}");
                    open.push(*path);
                } else {
                    closed += usize::from(answer.status == StatusCode::OK);
                }
            }
        }
    }
    open.dedup();
    assert_eq!(open, PUBLIC);
    // Responses with content were among the checked ones.
    assert!(closed > 20, "{closed}");
}

/// A request of a script, with a form.
async fn call(
    test: &TestApp,
    origin: &str,
    bearer: Option<&str>,
    path: &str,
    form: &str,
) -> Answer {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::ORIGIN, origin)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(bearer) = bearer {
        request = request.header(header::AUTHORIZATION, bearer);
    }
    test.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_page_of_a_registered_origin_redeems_codes_and_reads_errors() {
    let test = TestApp::new().await;
    let app = test
        .registered(json!({
            "redirect_uris": [harness::oidc::REDIRECT_URI],
            "public": true,
            "web_origins": [ORIGIN, "http://localhost:5173"],
        }))
        .await;
    let user = test.user("ada@acme.com").await;
    let id = format!("&client_id={}", app.client_id);
    let others = ["https://app.example:8443", "http://app.example", "https://evil.example", "null"];
    for origin in [ORIGIN, "http://localhost:5173"].into_iter().chain(others) {
        let expected = Some(origin).filter(|origin| !others.contains(origin));
        let assert_readable = |answer: &Answer, status: u16| {
            assert_eq!(answer.status, status, "{}", answer.body());
            assert_eq!(allowed(answer, "origin"), expected, "{origin}");
            assert_eq!(answer.header("vary"), expected.map(|_| "origin"), "{origin}");
            assert_eq!(allowed(answer, "credentials"), None);
        };
        let code = test.sign_in(&app, &user, GOOD).await.code;
        let form = format!("{}{id}", App::redemption(&code));
        let tokens = call(&test, origin, None, "/oauth2/token", &form).await;
        assert_readable(&tokens, 200);
        let bearer = format!("Bearer {}", tokens.text("access_token"));
        let userinfo = call(&test, origin, Some(&bearer), "/oauth2/userinfo", "").await;
        assert_readable(&userinfo, 200);
        // Refusals too: a used code, a wrong grant type, a token that has ended.
        assert_readable(&call(&test, origin, None, "/oauth2/token", &form).await, 400);
        let unknown = format!("grant_type=password{id}");
        assert_readable(&call(&test, origin, None, "/oauth2/token", &unknown).await, 400);
        let ended = call(&test, origin, Some(&bearer), "/oauth2/userinfo", "").await;
        assert_readable(&ended, 401);
        let token = format!("token={}{id}", tokens.text("access_token"));
        assert_readable(&call(&test, origin, None, "/oauth2/revoke", &token).await, 200);
        assert_readable(&call(&test, origin, None, "/oauth2/revoke", &id[1..]).await, 400);
        // Nobody knows the client of these.
        let stranger = "grant_type=x&client_id=app_00000000000000000000000000000000";
        let unknown = call(&test, origin, None, "/oauth2/token", stranger).await.expect(401);
        assert_eq!(allowed(&unknown, "origin"), None);
        let no_token = call(&test, origin, Some("Bearer x"), "/oauth2/userinfo", "").await;
        assert_eq!(allowed(&no_token.expect(401), "origin"), None);
    }
}

#[tokio::test]
async fn only_a_public_app_has_origins() {
    let test = TestApp::new().await;
    let new = |public: bool, origins: serde_json::Value| {
        let uris = [harness::oidc::REDIRECT_URI];
        let body = json!({"redirect_uris": uris, "public": public, "web_origins": origins});
        test.operator(Method::POST, "/v1/clients", Some(body))
    };
    new(true, json!([ORIGIN])).await.expect(201);
    new(false, json!([])).await.expect(201);
    let refused = new(false, json!([ORIGIN])).await.expect(400).text("detail");
    assert!(refused.contains("for a public app only"), "{refused}");
    for origin in [
        "https://app.example/",
        "https://app.example:443",
        "http://app.example",
        "https://*.example",
        "app.example",
        "null",
        "*",
    ] {
        let refused = new(true, json!([origin])).await.expect(400).text("detail");
        assert!(refused.starts_with("web_origins"), "{refused}");
    }
    let confidential = test.app(false).await;
    let path = format!("/v1/clients/{}", confidential.client_id);
    let change = json!({"web_origins": [ORIGIN]});
    test.operator(Method::PATCH, &path, Some(change)).await.expect(400);
}

#[tokio::test]
async fn a_preflight_names_the_origin_the_methods_and_the_headers() {
    let test = TestApp::new().await;
    for path in OF_PUBLIC_CLIENTS {
        let answer = test.send(preflight(path, "http://localhost:5173")).await.expect(204);
        assert_eq!(allowed(&answer, "origin"), Some("http://localhost:5173"));
        let methods = if path == "/oauth2/userinfo" { "GET, POST" } else { "POST" };
        assert_eq!(allowed(&answer, "methods"), Some(methods));
        assert_eq!(allowed(&answer, "headers"), Some("authorization, content-type"));
        assert_eq!((answer.header("vary"), answer.bytes.len()), (Some("origin"), 0));
        // An origin that nobody can register.
        for origin in ["null", "http://app.example", "https://app.example/", "x"] {
            let answer = test.send(preflight(path, origin)).await.expect(405);
            assert_eq!(allowed(&answer, "origin"), None, "{origin}");
        }
    }
}
