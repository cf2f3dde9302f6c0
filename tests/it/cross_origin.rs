//! Scripts of other web sites can read public documents only (Fetch standard, CORS protocol).

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use harness::{OPERATOR_KEY, TestApp};
use serde_json::json;
use shared::{oidc_api, operator_api, saml_api, scim_api};

use crate::template::ROUTERS;

/// Discovery, under its two names, and the keys: a library in a page fetches them to verify a
/// token.
const PUBLIC: [&str; 3] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/oauth2/jwks",
];

/// A request that a browser sends for a script of another site, without anything that needs a
/// preflight, except for the bearer token.
fn request(method: Method, path: &str, bearer: Option<&str>) -> Request<Body> {
    let request =
        Request::builder().method(method).uri(path).header(header::ORIGIN, "https://app.example");
    let request = match bearer {
        Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    };
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn scripts_of_other_sites_can_read_discovery_and_keys_only() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app.clone();
    let all = Router::new()
        .merge(scim_api::router(app.clone()))
        .merge(operator_api::router(app.clone()))
        .merge(saml_api::acs_router(app.clone()))
        .merge(saml_api::metadata_router(app.clone()))
        .merge(oidc_api::router(app));
    let token = test.acme.token.clone();
    let tenant = test.acme.id.clone();
    let test = test.beside(all);
    let (mut open, mut closed) = (Vec::new(), 0);
    for path in ROUTERS.iter().flat_map(|(_, paths)| *paths) {
        let here = path.replace("{domain}", "acme.com").replace("{tenant}", &tenant);
        let here = here.replace(['{', '}'], "");
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            for bearer in [None, Some(token.as_str()), Some(OPERATOR_KEY)] {
                let answer = test.send(request(method.clone(), &here, bearer)).await;
                let allowed = answer.header("access-control-allow-origin");
                let may_read = method == Method::GET && PUBLIC.contains(path);
                assert_eq!(allowed, may_read.then_some("*"), "{method} {here}");
                // `*` excludes credentials, and no request needs a preflight.
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
