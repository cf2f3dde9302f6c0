//! What a person sees where there is no app to go to.

use askama::Template;
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

#[derive(Debug, Template)]
#[template(path = "message.html")]
struct Message {
    title: &'static str,
    text: &'static str,
    detail: &'static str,
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
        let Ok(html) = (Message { title, text, detail }).render() else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut response = html::page(status, html, "form-action 'none'");
        if !code.is_empty() {
            response.extensions_mut().insert(FailureCode(code));
        }
        response
    }
}
