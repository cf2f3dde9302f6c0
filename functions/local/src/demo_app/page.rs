//! The application's one page.

use axum::http::StatusCode;
use axum::response::Response;
use saml::xml::escaped;
use serde_json::{Map, Value};

use crate::html;

/// What is known about the person, or a way to sign in.
pub(super) fn home(claims: Option<&Map<String, Value>>) -> Response {
    let Some(claims) = claims else {
        return html::page(
            StatusCode::OK,
            "Demo application",
            "<p>You are not signed in.</p>\
             <a class=\"button\" href=\"/demo/sign-in\">Sign in with Acme <small>acme.com</small></a>\
             <a class=\"button\" href=\"/demo/sign-in?again\">Sign in as somebody else</a>",
        );
    };
    let list: Vec<_> = claims
        .iter()
        .map(|(name, value)| {
            format!("<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(&shown(value)))
        })
        .collect();
    html::page(
        StatusCode::OK,
        "You are signed in",
        &format!(
            "<p>This is what Gatehouse told the application.</p><dl>{}</dl>\
             <form method=\"post\" action=\"/demo/sign-out\"><button>Sign out</button></form>",
            list.concat()
        ),
    )
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
