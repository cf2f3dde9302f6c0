//! The page to sign in at.

use axum::http::StatusCode;
use axum::response::Response;
use saml::xml::{base64_of, escaped};
use shared::built_in_idp::Person;

use super::request::Request;
use crate::html;

/// One person, and the response if it is this one.
pub(super) struct Choice {
    pub(super) person: &'static Person<'static>,
    pub(super) response: String,
}

/// A button for each person. Its form holds the finished response (HTTP-POST binding, SAML bindings §3.5), so that no
/// script is needed to send it.
pub(super) fn sign_in(request: &Request, choices: &[Choice]) -> Response {
    let relay_state = request.relay_state.as_deref().map_or_else(String::new, |value| {
        format!("<input type=\"hidden\" name=\"RelayState\" value=\"{}\">", escaped(value))
    });
    let acs_url = escaped(&request.acs_url);
    let forms: Vec<_> = choices
        .iter()
        .map(|Choice { person: Person { given_name, family_name, email, groups: _ }, response }| {
            format!(
                "<form method=\"post\" action=\"{acs_url}\">\
                 <input type=\"hidden\" name=\"SAMLResponse\" value=\"{}\">{relay_state}\
                 <button>{given_name} {family_name} <small>{email}</small></button></form>",
                base64_of(response.as_bytes())
            )
        })
        .collect();
    html::page(
        StatusCode::OK,
        "Acme: who are you?",
        &format!(
            "<p>This is the demo's identity provider. A real one would ask for a password.</p>{}",
            forms.concat()
        ),
    )
}
