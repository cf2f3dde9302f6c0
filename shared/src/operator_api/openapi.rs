//! `/v1/openapi.json`: the description of this API, for programs (`OpenAPI` 3.1).
//!
//! It is written by hand and held to the code by tests: every request and answer of the tests is
//! compared with it. So a function carries text, and nothing that makes it.

use axum::http::header;
use axum::response::IntoResponse;

use super::caller::Operator;

/// The document.
pub const OPENAPI: &str = include_str!("openapi.json");

/// Answers what it is until the next deployment, so it may be kept for a while; by the caller
/// alone, since others may not read it.
pub(super) async fn document(_: Operator) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "private, max-age=300"),
    ];
    (headers, OPENAPI)
}
