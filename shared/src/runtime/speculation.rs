//! Requests that nobody made: those of link checkers, mail scanners, browsers that load ahead, and the
//! parts of other sites' pages.
//!
//! `GET` and `HEAD` are safe methods (RFC 9110 §9.2.1), but a sign-in begins with a `GET`: a row, a
//! cookie, a code. Such a route has [`only_on_demand`] around it.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::failure_code::FailureCode;

/// Middleware of a `GET` route that begins or changes something: a request that nobody made does
/// not reach the handler.
///
/// `HEAD` gets 204: it says nothing of the resource, because to find that out would begin
/// something. A request that loads ahead gets 403, which is no success, so that the browser drops
/// the answer and asks again when the person follows the link. The usual 503 would raise the alarm
/// for failures of ours, and any page can make a browser load ahead. So does a request for a part of
/// a page: a page with many images must not begin sign-ins that displace the person's own (rule 20).
pub async fn only_on_demand(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let mut response = if loads_ahead(headers) || is_part_of_page(headers) {
        let mut refused = StatusCode::FORBIDDEN.into_response();
        refused.extensions_mut().insert(FailureCode("speculative"));
        refused
    } else if request.method() == Method::HEAD {
        StatusCode::NO_CONTENT.into_response()
    } else {
        return next.run(request).await;
    };
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

/// Whether a browser sends the request before the person follows the link, or to show a picture of
/// the page.
fn loads_ahead(headers: &HeaderMap) -> bool {
    let values = PURPOSE_HEADERS.iter().flat_map(|name| headers.get_all(*name));
    values.filter_map(|value| value.to_str().ok()).any(|value| {
        let value = value.to_ascii_lowercase();
        PURPOSES.iter().any(|purpose| value.contains(purpose))
    })
}

/// Whether a browser says that the request does not open a page: for an image, a script or `fetch`
/// (Fetch Metadata §2.3). Older browsers say nothing.
fn is_part_of_page(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode != "navigate")
}

/// `Sec-Purpose` is that of the Fetch standard; older browsers send the others.
const PURPOSE_HEADERS: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

const PURPOSES: [&str; 3] = ["prefetch", "prerender", "preview"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_of_a_request_that_nobody_made_is_known() {
        let check = |name: &'static str, value: &'static str, expected: bool| {
            let headers = HeaderMap::from_iter([(
                header::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )]);
            let refused = loads_ahead(&headers) || is_part_of_page(&headers);
            assert_eq!(refused, expected, "{name}: {value}");
        };
        check("sec-purpose", "prefetch", true);
        check("sec-purpose", "prefetch;prerender", true);
        check("sec-purpose", "prefetch;anonymous-client-ip", true);
        check("purpose", "prefetch", true);
        check("purpose", "Prefetch", true);
        check("x-purpose", "preview", true);
        check("x-moz", "prefetch", true);
        check("purpose", "fetch", false);
        check("sec-fetch-mode", "no-cors", true);
        check("sec-fetch-mode", "cors", true);
        check("sec-fetch-mode", "navigate", false);
        check("accept", "prefetch", false);
        assert!(!loads_ahead(&HeaderMap::new()));
    }
}
