//! The discovery document and the public keys. Only these responses may be cached, and read by
//! scripts of any site.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::error::OidcApiError;
use super::reply::json;
use crate::http::base_url::BaseUrl;
use crate::runtime::state::AppState;
use crate::secrets::oidc_keys::JWKS_LIFE;
use oidc::discovery;

/// Shows the discovery document (OpenID Connect Discovery §4, RFC 8414 §3).
pub(super) async fn configuration(State(app): State<AppState>, headers: HeaderMap) -> Response {
    let base_url = BaseUrl::of(&app.config, &headers);
    public_json(&discovery::document(|path| base_url.join(path)))
}

/// Shows the public keys (RFC 7517 §5).
pub(super) async fn jwks(State(app): State<AppState>) -> Result<Response, OidcApiError> {
    let keys = app.oidc_keys.ensure(app.clock.now()).await?;
    Ok(public_json(&keys.jwks()))
}

fn public_json(document: &Value) -> Response {
    let mut response = json(StatusCode::OK, document);
    let headers = response.headers_mut();
    headers.remove(header::PRAGMA);
    let life = format!("public, max-age={}", JWKS_LIFE.as_secs());
    if let Ok(life) = HeaderValue::from_str(&life) {
        headers.insert(header::CACHE_CONTROL, life);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
