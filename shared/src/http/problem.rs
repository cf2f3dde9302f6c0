//! Problem details (RFC 9457): the answers of the operator API and of the directory API to requests
//! that fail.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::failure_code::FailureCode;

/// The problem details of an answer (RFC 9457 §3.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Problem {
    status: StatusCode,
    /// A stable code that programs can compare.
    code: &'static str,
    /// A text for people. It contains nothing of the parts that the API depends on.
    pub(crate) detail: String,
}

impl Problem {
    /// Makes a problem.
    pub(crate) const fn new(status: StatusCode, code: &'static str, detail: String) -> Self {
        Self { status, code, detail }
    }

    /// The body, the path, a parameter or a cursor is not valid for the operation.
    pub(crate) const fn invalid(detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    /// The caller has not proved its identity.
    pub(crate) const fn unauthorized(detail: String) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// The named thing does not exist.
    pub(crate) fn not_found(thing: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("no such {thing}"))
    }

    /// The path exists, but not with this method.
    pub(crate) fn method_not_allowed() -> Self {
        let detail = "this path does not support this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail.to_owned())
    }

    /// The thing exists already, a limit is reached, or the state does not allow the operation.
    pub(crate) const fn conflict(detail: String) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// The body has more bytes than allowed.
    pub(crate) fn too_large(limit: usize) -> Self {
        let detail = format!("the body has more than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// A service that we depend on fails. The caller logs the reason.
    pub(crate) fn unavailable() -> Self {
        let detail = "a service that Gatehouse depends on is unavailable; send the request again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail.to_owned())
    }
}

/// A 401 names the scheme `Bearer`, which the caller may replace by a challenge with more details.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, code, detail } = self;
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "code": code,
            "detail": detail,
        });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status;
        response.extensions_mut().insert(FailureCode(code));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
