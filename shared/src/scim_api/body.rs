//! The JSON body of a SCIM request, within limits.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::scim::error::ScimError;

/// Largest body, in bytes; also `bulk.maxPayloadSize` (RFC 7644 §3.7.4).
pub(crate) const MAX_BODY: usize = 1_048_576;

/// How much of a body that is too large is read off the connection, in bytes, so that its sender
/// gets to see the 413. Beyond that the connection is dropped.
const MAX_DRAIN: usize = 16 * MAX_BODY;

/// A body that is JSON by its media type and by its content.
pub(super) struct JsonBody(pub(super) Value);

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = ScimError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ScimError> {
        let json = is_json(request.headers());
        let bytes = read(request.into_body()).await?;
        if !json {
            return Err(ScimError::UnsupportedMediaType);
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            ScimError::InvalidSyntax(format!(
                "the body is not JSON that we can read: line {}, column {}",
                error.line(),
                error.column()
            ))
        })
    }
}

/// `application/scim+json`, `application/json`, both with any parameter, or no media type at all.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let essence = value.to_str().unwrap_or("-").split(';').next().unwrap_or_default().trim();
    ["application/scim+json", "application/json"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(essence))
}

async fn read(mut body: Body) -> Result<Vec<u8>, ScimError> {
    let mut bytes = Vec::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|_| ScimError::InvalidSyntax("the body ended before its time".to_owned()))?;
        let Some(chunk) = frame.data_ref() else { continue };
        seen += chunk.len();
        if seen <= MAX_BODY {
            bytes.extend_from_slice(chunk);
        } else if seen > MAX_DRAIN {
            break;
        }
    }
    if seen > MAX_BODY {
        return Err(ScimError::PayloadTooLarge(format!("the body is over {MAX_BODY} bytes")));
    }
    Ok(bytes)
}
