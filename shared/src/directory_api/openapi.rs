//! `/directory/v1/openapi.json`: the description of this API (`OpenAPI` 3.1), written by hand and
//! compared by the tests with every request and response they see.

use axum::http::header;
use axum::response::IntoResponse;

use super::params::NoQuery;

/// The `OpenAPI` document.
pub const OPENAPI: &str = include_str!("openapi.json");

/// Returns the document. Public: it holds nothing of a deployment, and changes only with one.
pub(super) async fn document(_: NoQuery) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, OPENAPI)
}
