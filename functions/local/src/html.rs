//! The frame of every page of `local`. The stylesheet is that of all Gatehouse pages; no page has a
//! script.

use axum::http::StatusCode;
use axum::response::Response;

use saml::xml::escape;
use shared::http::html::{self, STYLESHEET};

/// A narrow page with one card. `title` is text, `body` is HTML.
///
/// Its forms may be sent anywhere: they go to Gatehouse, which redirects, and Chromium applies a
/// `form-action` of the page to the redirect too.
pub(crate) fn card(status: StatusCode, title: &str, body: &str) -> Response {
    let heading = escape(title);
    let body = format!("<div class=\"card\"><h1>{heading}</h1>{body}</div>");
    html::page(status, document(title, "narrow", &body), "")
}

/// A card that reports an error.
pub(crate) fn error(status: StatusCode, text: &str) -> Response {
    let body = format!(
        "<p role=\"alert\">{}</p><p class=\"foot\"><a href=\"/demo\">Back to the demo app</a></p>",
        escape(text)
    );
    card(status, "The sign-in failed", &body)
}

/// A wide page without forms. `title` is text, `body` is HTML.
pub(crate) fn wide(title: &str, body: &str) -> Response {
    let body = format!("<h1>{}</h1>{body}", escape(title));
    html::page(StatusCode::OK, document(title, "wide", &body), "form-action 'none'")
}

fn document(title: &str, class: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{}</title>\n<style>{STYLESHEET}</style>\n</head>\n\
         <body>\n<main class=\"{class}\">\n{body}\n</main>\n</body>\n</html>\n",
        escape(title)
    )
}
