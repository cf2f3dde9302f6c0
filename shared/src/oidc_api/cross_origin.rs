//! Which scripts of web pages may read our answers to an app (CORS protocol of the Fetch standard).
//!
//! A public client that runs in a browser registers the origins of its pages. An answer to it, a
//! refusal too, names the origin that asked if it is one of these. A preflight names no client, and
//! its answer says nothing about one: it allows the request, so that the script of any origin can
//! send it, as it could without a preflight; the answer to the request itself decides what the
//! script reads. No answer allows credentials, so that no cookie comes with such a request.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::error::OidcApiError;
use oidc::client::Client;
use oidc::web_origin::WebOrigin;

/// `OPTIONS` at a document that scripts of every origin may read.
pub(super) async fn preflight_public(headers: HeaderMap) -> Result<Response, OidcApiError> {
    if !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return Err(OidcApiError::MethodNotAllowed);
    }
    Ok(permit("*", "GET", "*"))
}

/// `OPTIONS` at an endpoint that takes POST.
pub(super) async fn preflight_post(headers: HeaderMap) -> Result<Response, OidcApiError> {
    preflight(&headers, "POST")
}

/// `OPTIONS` at an endpoint that takes GET and POST.
pub(super) async fn preflight_get_and_post(headers: HeaderMap) -> Result<Response, OidcApiError> {
    preflight(&headers, "GET, POST")
}

fn preflight(headers: &HeaderMap, methods: &'static str) -> Result<Response, OidcApiError> {
    let is_preflight = headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let origin = origin(headers).filter(|_| is_preflight);
    let origin = origin.filter(|origin| WebOrigin::parse(origin).is_ok());
    let origin = origin.ok_or(OidcApiError::MethodNotAllowed)?;
    Ok(permit(origin, methods, "authorization, content-type"))
}

/// The answer to a preflight that is permitted.
fn permit(origin: &str, methods: &'static str, allowed: &'static str) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    allow(&mut response, origin);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, allowed),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Lets scripts of the origin that sends the request read the response, if the client has it.
pub(super) fn readable(headers: &HeaderMap, client: &Client, mut response: Response) -> Response {
    if let Some(origin) = origin(headers).filter(|origin| client.has_web_origin(origin)) {
        allow(&mut response, origin);
        response.headers_mut().insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("www-authenticate"),
        );
    }
    response
}

/// Returns the origin of the script that sends a request; `None` also if there are two.
pub(super) fn origin(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::ORIGIN).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    value.to_str().ok()
}

fn allow(response: &mut Response, origin: &str) {
    if let Ok(origin) = HeaderValue::from_str(origin) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    }
}
