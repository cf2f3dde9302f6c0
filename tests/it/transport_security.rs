//! `Strict-Transport-Security` on the answers of every function (RFC 6797).

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use harness::{OPERATOR_KEY, TestApp};
use shared::runtime::state::AppState;
use shared::{directory_api, oidc_api, operator_api, saml_api, scim_api};

use crate::template::ROUTERS;

/// Returns the routers of all functions, in the order of [`ROUTERS`]. They stay apart: each has
/// answers of its own to unknown paths.
fn routers(app: &AppState) -> [Router; 6] {
    [
        scim_api::router(app.clone()),
        saml_api::acs_router(app.clone()),
        saml_api::metadata_router(app.clone()),
        oidc_api::router(app.clone()),
        operator_api::router(app.clone()),
        directory_api::router(app.clone()),
    ]
}

async fn headers_at(base_url: Option<&str>) -> Vec<Option<String>> {
    let test = TestApp::with(|config| config.base_url = base_url.map(str::to_owned)).await;
    let mut found = Vec::new();
    for (router, (_, paths)) in routers(&test.app).into_iter().zip(ROUTERS) {
        let function = test.beside(router);
        let unknown = format!("{}/nope/nope", paths[0]);
        for path in paths.iter().copied().chain([unknown.as_str()]) {
            let path = path.replace("{*rest}", "rest").replace(['{', '}'], "");
            for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
                for bearer in ["none", test.acme.token.as_str(), OPERATOR_KEY] {
                    let request = Request::builder().method(method.clone()).uri(&path);
                    let request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
                    let answer = function.send(request.body(Body::empty()).unwrap()).await;
                    found.push(answer.header("strict-transport-security").map(str::to_owned));
                }
            }
        }
    }
    found
}

#[tokio::test]
async fn every_answer_over_tls_tells_browsers_to_stay_with_tls() {
    for base_url in [Some("https://id.example"), None] {
        let found = headers_at(base_url).await;
        assert!(found.len() > 600, "{}", found.len());
        let expected = Some("max-age=63072000".to_owned());
        assert!(found.iter().all(|value| *value == expected), "{base_url:?}");
    }
}

#[tokio::test]
async fn no_answer_over_http_does() {
    let found = headers_at(Some("http://127.0.0.1:7400")).await;
    assert!(found.iter().all(Option::is_none));
}
