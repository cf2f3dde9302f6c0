//! Which answers a script of any web site may read (Fetch standard, CORS protocol): the documents
//! that are public anyway.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use harness::{OPERATOR_KEY, TestApp};
use serde_json::json;
use shared::{oidc_api, operator_api, saml_api, scim_api};

use crate::template::ROUTERS;

/// Discovery, under its two names, and the keys: what a library in a page fetches to check a token.
const PUBLIC: [&str; 3] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/oauth2/jwks",
];

/// A request as a browser sends it for a script of another site, with nothing that would make it
/// ask beforehand, save the bearer token that the sweep needs.
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
async fn only_discovery_and_keys_may_be_read_by_scripts_of_other_sites() {
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
                // A star and credentials do not go together, and no request needs leave beforehand.
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
    // The sweep has seen answers that are worth reading.
    assert!(closed > 20, "{closed}");
}
