//! SCIM responses: media type, `ETag` and `Location`.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer_size::check_answer;
use scim::error::ScimError;

/// Media type of every response, without a charset: Microsoft's validator rejects any other value.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/scim+json");

/// Result of an operation: an HTTP response, or its part of a bulk response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Reply {
    /// Status: 200, 201, 204 or 304.
    pub(super) status: StatusCode,
    /// Body as JSON text, if the status has one.
    pub(super) body: Option<String>,
    /// Entity tag of the resource, as `W/"3"`.
    pub(super) etag: Option<String>,
    /// Absolute URL of the resource.
    pub(super) location: Option<String>,
}

impl Reply {
    /// Makes a reply of status 200 with a document that is not a versioned resource.
    pub(super) const fn document(body: String) -> Self {
        Self { status: StatusCode::OK, body: Some(body), etag: None, location: None }
    }

    /// Makes a reply of status 304: the client has this version.
    pub(super) const fn not_modified(etag: String) -> Self {
        Self { status: StatusCode::NOT_MODIFIED, body: None, etag: Some(etag), location: None }
    }

    /// Makes a reply of status 204.
    pub(super) const fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, etag: None, location: None }
    }

    /// Checks that the reply to a read is not larger than Lambda allows.
    ///
    /// # Errors
    ///
    /// `tooMany` with the remedy.
    pub(super) fn checked(self) -> Result<Self, ScimError> {
        if let Some(body) = &self.body {
            check_answer(body)?;
        }
        Ok(self)
    }

    /// Leaves the body out if it is larger than Lambda allows: the reply to a write that has
    /// happened must not be an error.
    pub(super) fn without_large_body(self) -> Self {
        match &self.body {
            Some(body) if check_answer(body).is_err() => {
                let is_created = self.status == StatusCode::CREATED;
                let status = if is_created { self.status } else { StatusCode::NO_CONTENT };
                Self { status, body: None, ..self }
            }
            Some(_) | None => self,
        }
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

/// Makes a response with a JSON text, which caches must not store.
pub(super) fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, MEDIA_TYPE);
    // Directory data must not stay in a proxy.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
