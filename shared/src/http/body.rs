//! Request bodies: what they say they are, and their bytes up to a limit.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;

/// Why a body is not there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BodyFault {
    /// The connection ended before the body did.
    Broken,
    /// It is over the limit. So many bytes were seen.
    TooLarge(usize),
}

/// The bytes of a body of at most `limit` bytes.
///
/// A larger one is read off the connection, up to [`DRAINED`] times the limit, and forgotten, so
/// that its sender gets to see the answer. Beyond that the connection is dropped.
pub(crate) async fn read(mut body: Body, limit: usize) -> Result<Vec<u8>, BodyFault> {
    let mut bytes = Vec::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyFault::Broken)?;
        let Some(chunk) = frame.data_ref() else { continue };
        seen = seen.saturating_add(chunk.len());
        if seen <= limit {
            bytes.extend_from_slice(chunk);
        } else if seen > limit.saturating_mul(DRAINED) {
            break;
        }
    }
    if seen > limit { Err(BodyFault::TooLarge(seen)) } else { Ok(bytes) }
}

/// The media type without its parameters (RFC 9110 §8.3.1); empty if it is no text. None if the
/// request names none.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or_default();
    value.split(';').next().map(str::trim)
}

/// Whether the body is what a form of a page posts.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    media_type(headers)
        .is_some_and(|found| found.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

const DRAINED: usize = 16;
