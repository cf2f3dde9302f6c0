//! Redirects of a browser to another site.

use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Sends the browser to `url` by GET, whatever method brought it here (303, RFC 9700 §4.12). The
/// other site does not learn our URL (RFC 9700 §4.2.4), and no cache stores the response.
///
/// # Errors
///
/// When `url` has characters that a header cannot hold.
pub(crate) fn see_other(url: &str) -> Result<Response, InvalidHeaderValue> {
    let headers = HeaderMap::from_iter([
        (header::LOCATION, HeaderValue::from_str(url)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ]);
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
