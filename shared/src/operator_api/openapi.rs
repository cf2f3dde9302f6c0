//! `/v1/openapi.json`: the description of this API (`OpenAPI` 3.1).
//!
//! It is written by hand, and the tests compare it with every request and response they see. The
//! function contains only text and no generator.

use axum::http::header;
use axum::response::IntoResponse;

use super::caller::Operator;
use super::params::NoQuery;

/// The `OpenAPI` document.
pub const OPENAPI: &str = include_str!("openapi.json");

/// Returns the document. It changes only with a deployment, so the caller may cache it; shared
/// caches may not, because only the operator may read it.
pub(super) async fn document(_: Operator, _: NoQuery) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "private, max-age=300"),
    ];
    (headers, OPENAPI)
}
