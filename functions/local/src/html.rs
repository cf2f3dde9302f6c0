//! The few pages of the demo, around one frame.

use std::sync::LazyLock;

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use saml::xml::escaped;
use sha2::{Digest as _, Sha256};

/// A page; `body` is HTML, `title` is text.
pub(crate) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let title = escaped(title);
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style><main><h1>{title}</h1>{body}</main></html>"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, Html(html)).into_response()
}

/// A page that says what went wrong.
pub(crate) fn failure(status: StatusCode, text: &str) -> Response {
    page(status, "This did not work", &format!("<p role=\"alert\">{}</p>", escaped(text)))
}

/// No script, no style but ours, nothing from elsewhere, no frame around it. There is no `form-action`: forms go to
/// Gatehouse, which redirects on, and Chromium holds that against the page too.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'"
    )
});

const STYLE: &str = "\
:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}\
main{max-width:34rem;margin:10vh auto;padding:0 1rem}\
button,.button{display:block;width:100%;box-sizing:border-box;margin:.75rem 0;padding:.75rem 1rem;\
font:inherit;text-align:start;text-decoration:none;color:inherit;background:transparent;\
border:1px solid #777;border-radius:.5rem;cursor:pointer}\
button:hover,.button:hover{border-color:currentcolor}\
small{float:inline-end;opacity:.75}\
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1.5rem}dt{opacity:.75}dd{margin:0;overflow-wrap:anywhere}";
