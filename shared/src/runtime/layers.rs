//! The layers that the router of every function has.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;

use crate::runtime::request_log::log_request;
use crate::runtime::state::AppState;

/// Adds the layers and the state: every answer, also that of an unknown path, is logged and tells
/// browsers to use TLS alone.
pub(crate) fn with_layers(router: Router<AppState>, app: AppState) -> Router {
    let transport_security = from_fn_with_state(app.clone(), require_tls);
    router.layer(transport_security).layer(from_fn(log_request)).with_state(app)
}

/// Adds `Strict-Transport-Security` (RFC 6797) if the base URL is `https`. Over `http`, on a laptop,
/// it must not be there (§7.2).
async fn require_tls(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    // Without a base URL the service is behind API Gateway, which serves only TLS.
    if app.config.base_url.as_ref().is_none_or(|url| url.starts_with("https://")) {
        let value = HeaderValue::from_static(TWO_YEARS);
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// Without `includeSubDomains`: names below a host like `example.com` or `id.example.com` belong to
/// the operator, who may serve some of them without TLS, and the header could not be taken back for
/// two years. Our own cookies do not need it: no other name can set or read a `__Host-` cookie.
const TWO_YEARS: &str = "max-age=63072000";
