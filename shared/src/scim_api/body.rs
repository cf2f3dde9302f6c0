//! The JSON body of a SCIM request, within limits.

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use serde_json::Value;

use super::error::ScimApiError;
use crate::http::body::{self, BodyFault};
use scim::error::ScimError;

/// Largest body, in bytes; also `bulk.maxPayloadSize` (RFC 7644 §3.7.4).
pub(crate) const MAX_BODY: usize = 1_048_576;

/// A body that is JSON by its media type and by its content.
pub(super) struct JsonBody(pub(super) Value);

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = ScimApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ScimApiError> {
        let json = is_json(request.headers());
        let bytes = body::read(request.into_body(), MAX_BODY).await.map_err(fault)?;
        if !json {
            return Err(ScimError::UnsupportedMediaType.into());
        }
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            ScimError::InvalidSyntax(format!(
                "the body is not JSON that we can read: line {}, column {}",
                error.line(),
                error.column()
            ))
        })?;
        Ok(Self(value))
    }
}

/// `application/scim+json`, `application/json`, both with any parameter, or no media type at all.
fn is_json(headers: &HeaderMap) -> bool {
    let known = ["application/scim+json", "application/json"];
    body::media_type(headers)
        .is_none_or(|found| known.iter().any(|known| known.eq_ignore_ascii_case(found)))
}

fn fault(fault: BodyFault) -> ScimError {
    match fault {
        BodyFault::Broken => ScimError::InvalidSyntax("the body ended before its time".to_owned()),
        BodyFault::TooLarge(_) => {
            ScimError::PayloadTooLarge(format!("the body is over {MAX_BODY} bytes"))
        }
    }
}
