//! What a person sees where there is no app to go to.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::http::html;
use crate::runtime::request_log::FailureCode;

/// A page of fixed sentences; nothing of the request is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// The status.
    pub(super) status: StatusCode,
    /// The heading.
    pub(super) title: &'static str,
    /// What to do.
    pub(super) text: &'static str,
    /// For the developer of the app; empty when there is nothing to say.
    pub(super) detail: &'static str,
    /// For the log; empty when nothing failed.
    pub(super) code: &'static str,
}

impl Page {
    /// The app's request is not one that may be answered to the app.
    pub(super) const fn refused(detail: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "This sign-in link is not valid",
            text: "Go back to the app and try again.",
            detail,
            code: "invalid_request",
        }
    }

    /// A service that we depend on does not answer.
    pub(super) const UNAVAILABLE: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        title: "Sign-in is unavailable",
        text: "Please try again in a moment.",
        detail: "",
        code: "temporarily_unavailable",
    };
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let Self { status, title, text, detail, code } = self;
        let detail = if detail.is_empty() {
            String::new()
        } else {
            format!("\n<p>For the developers of the app: {detail}.</p>")
        };
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
            <meta name=\"viewport\" content=\"width=device-width\">\n\
            <meta name=\"color-scheme\" content=\"light dark\">\n\
            <title>{title}</title>\n<main>\n<h1>{title}</h1>\n<p>{text}</p>{detail}\n</main>\n</html>\n"
        );
        let mut response = html::page(status, html, "form-action 'none'");
        if !code.is_empty() {
            response.extensions_mut().insert(FailureCode(code));
        }
        response
    }
}
