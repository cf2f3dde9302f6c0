//! Request bodies: their media type, and their bytes up to a limit.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;

/// Error of reading a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BodyError {
    /// The connection ended before the body did.
    Broken,
    /// The body is over the limit; with the number of bytes that were read.
    TooLarge(usize),
}

/// Reads a body of at most `limit` bytes.
///
/// A larger body is read and discarded, up to [`DRAINED`] times the limit, since a client that is
/// still sending does not read the response. Beyond that the connection is dropped.
pub(crate) async fn read(mut body: Body, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::Broken)?;
        let Some(chunk) = frame.data_ref() else { continue };
        length = length.saturating_add(chunk.len());
        if length <= limit {
            bytes.extend_from_slice(chunk);
        } else if length > limit.saturating_mul(DRAINED) {
            break;
        }
    }
    if length > limit { Err(BodyError::TooLarge(length)) } else { Ok(bytes) }
}

/// Returns whether the body has a content coding, as `gzip` (RFC 9110 §8.4). `identity` is none.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).iter().any(|value| {
        let codings = value.to_str().unwrap_or("-").split(',').map(str::trim);
        codings.clone().any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
    })
}

/// Returns the media type without its parameters (RFC 9110 §8.3.1): empty if it is not text, `None`
/// if the request has none.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or_default();
    value.split(';').next().map(str::trim)
}

/// Returns whether the body is an HTML form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    media_type(headers)
        .is_some_and(|found| found.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// Multiple of the limit up to which a body is read and discarded.
const DRAINED: usize = 16;
