//! The page of the demo app: a button to sign in, or the claims of the signed-in user.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use crate::html;
use saml::xml::escape;

/// Shows the claims of the user, or a button to sign in if there are none.
pub(super) fn home(domain: &str, claims: Option<&Map<String, Value>>) -> Response {
    let Some(claims) = claims else {
        let domain = escape(domain);
        let body = format!(
            "<p>You are not signed in.</p>\
             <p class=\"actions\"><a class=\"btn p\" href=\"/demo/sign-in\">Sign in with {domain}</a>\
             <a class=\"btn\" href=\"/demo/sign-in?again\">Sign in as another user</a></p>{FOOT}"
        );
        return html::card(StatusCode::OK, "Demo app", &body);
    };
    let claims = claims.iter().map(|(name, value)| {
        format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(&to_text(value)))
    });
    let body = format!(
        "<p>Gatehouse told the app this about you:</p><dl>{}</dl>\
         <form method=\"post\" action=\"/demo/sign-out\"><button>Sign out</button></form>{FOOT}",
        claims.collect::<String>()
    );
    html::card(StatusCode::OK, "You are signed in", &body)
}

fn to_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

const FOOT: &str = "<p class=\"foot\"><a href=\"/demo/events\">Changes of the directory</a> · \
                    <a href=\"/\">Values and commands of this Gatehouse</a></p>";
