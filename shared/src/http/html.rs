//! Responses that are HTML pages, and the one stylesheet of all pages.
//!
//! A page loads nothing: the stylesheet is inline. Its Content Security Policy allows that
//! stylesheet by its hash, and whatever else the page names.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

/// The stylesheet of every page, for the element `<style>`. Light and dark.
pub const STYLESHEET: &str = include_str!("../../templates/app.css");

/// Makes the response for a page: no cache stores it and no other site frames it.
///
/// The Content Security Policy allows [`STYLESHEET`] and the directives in `policy`, which are
/// separated by `; `; everything else is forbidden.
pub fn page(status: StatusCode, html: String, policy: &str) -> Response {
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let style = hash_source(STYLESHEET);
    let policy = format!(
        "default-src 'none'; style-src {style}; base-uri 'none'; frame-ancestors 'none'; {policy}"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Returns the source expression that allows exactly this inline text (CSP3 §2.3.1).
pub fn hash_source(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)))
}
