//! Bearer tokens (RFC 6750 §2.1).

use axum::http::{HeaderMap, header};

/// Returns the token of the `Authorization` header; `None` also if the header is there twice.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}
