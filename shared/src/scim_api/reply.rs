//! SCIM answers: media type, `ETag`, `Location`, errors.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Exactly this, without a charset: Microsoft's validator stops at anything else.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/scim+json");

/// The outcome of an operation, before it is a response of its own or one of a bulk response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Reply {
    /// 200, 201, 204 or 304.
    pub(super) status: StatusCode,
    /// The body, as JSON text, when the status has one.
    pub(super) body: Option<String>,
    /// `W/"3"`, when a single resource is concerned.
    pub(super) etag: Option<String>,
    /// Absolute URL of the resource concerned.
    pub(super) location: Option<String>,
}

impl Reply {
    /// 200 with a document that is not a versioned resource.
    pub(super) const fn document(body: String) -> Self {
        Self { status: StatusCode::OK, body: Some(body), etag: None, location: None }
    }

    /// 304: the client has this version.
    pub(super) const fn not_modified(etag: String) -> Self {
        Self { status: StatusCode::NOT_MODIFIED, body: None, etag: Some(etag), location: None }
    }

    /// 204.
    pub(super) const fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, etag: None, location: None }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => json(self.status, body),
            None => self.status.into_response(),
        };
        let headers = response.headers_mut();
        if let Some(etag) = self.etag.and_then(|etag| etag.parse().ok()) {
            headers.insert(header::ETAG, etag);
        }
        if self.status == StatusCode::CREATED
            && let Some(location) = self.location.and_then(|location| location.parse().ok())
        {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}

/// A response with a JSON text, not to be kept by caches.
pub(super) fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, MEDIA_TYPE);
    // Directory data: no proxy keeps it.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
