//! The demo app with responses that are not meant for it. A browser test covers successful
//! sign-ins.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use tower::ServiceExt as _;

use super::{CALLBACK, ClientCredentials, DemoApp, SIGN_IN};
use oidc::client::ClientId;

#[tokio::test]
async fn a_sign_in_has_state_nonce_and_pkce() {
    let begun = get(&app(), SIGN_IN, None).await;
    let (url, _) = location_and_cookie(&begun);
    for part in ["state=", "nonce=", "code_challenge=", "code_challenge_method=S256", "domain="] {
        assert!(url.contains(part), "{part} in {url}");
    }
    let again = get(&app(), &format!("{SIGN_IN}?again"), None).await;
    assert!(location_and_cookie(&again).0.contains("prompt=login"));
}

#[tokio::test]
async fn a_response_is_accepted_once_and_in_the_browser_that_started() {
    let app = app();
    let begun = get(&app, SIGN_IN, None).await;
    let (url, cookie) = location_and_cookie(&begun);
    let (_, query) = url.split_once('?').unwrap();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let state = pairs.find(|(name, _)| name == "state").unwrap().1.into_owned();
    let response = |state: &str| format!("{CALLBACK}?error=access_denied&state={state}");

    // The page shows the error only if the response is accepted.
    let says = async |path: String, cookie| text_of(get(&app, &path, cookie).await).await;
    assert!(!says(response(&state), None).await.contains("access_denied"));
    assert!(!says(response(&state), Some("gatehouse-demo=other")).await.contains("access_denied"));
    assert!(says(response(&state), Some(&cookie)).await.contains("access_denied"));
    assert!(!says(response(&state), Some(&cookie)).await.contains("access_denied"));
}

#[tokio::test]
async fn an_error_of_gatehouse_is_shown_as_text() {
    let app = app();
    let begun = get(&app, SIGN_IN, None).await;
    let (url, cookie) = location_and_cookie(&begun);
    let state = url.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let path = format!("{CALLBACK}?error=%3Cscript%3E&state={state}");
    let page = text_of(get(&app, &path, Some(&cookie)).await).await;
    assert!(page.contains("&lt;script") && !page.contains("<script"), "{page}");
}

fn app() -> Router {
    let credentials = ClientCredentials {
        id: ClientId::new([7; 16]),
        secret: "secret".to_owned(),
        redirect_uri: format!("http://127.0.0.1:7400{CALLBACK}"),
    };
    DemoApp::new("http://127.0.0.1:7400", "acme.com", credentials, Router::new()).router()
}

async fn get(app: &Router, path: &str, cookie: Option<&str>) -> Response {
    let mut request = Request::get(path);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn location_and_cookie(response: &Response) -> (String, String) {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let text = |name| response.headers()[name].to_str().unwrap().to_owned();
    let cookie = text(header::SET_COOKIE);
    (text(header::LOCATION), cookie.split(';').next().unwrap().to_owned())
}

async fn text_of(response: Response) -> String {
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}
