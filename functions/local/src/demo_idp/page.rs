//! The sign-in page of the demo identity provider.

use axum::http::StatusCode;
use axum::response::Response;

use super::request::SignInRequest;
use crate::html;
use saml::xml::{encode_base64, escape};
use shared::built_in_idp::Person;

/// A person, and the response that signs this person in.
pub(super) struct Choice {
    pub(super) person: &'static Person<'static>,
    pub(super) response: String,
}

/// Shows a button for each person. The form of the button holds the finished response (HTTP-POST
/// binding, SAML bindings §3.5), so that no script is needed to send it.
pub(super) fn choose(request: &SignInRequest, choices: &[Choice]) -> Response {
    let relay_state = request.relay_state.as_deref().map_or_else(String::new, |value| {
        format!("<input type=\"hidden\" name=\"RelayState\" value=\"{}\">", escape(value))
    });
    let acs_url = escape(&request.acs_url);
    let forms = choices.iter().map(|Choice { person, response }| {
        let Person { given_name, family_name, email, groups: _ } = person;
        format!(
            "<li><form method=\"post\" action=\"{acs_url}\">\
             <input type=\"hidden\" name=\"SAMLResponse\" value=\"{}\">{relay_state}\
             <button class=\"btn\">{given_name} {family_name}<small>{email}</small></button>\
             </form></li>",
            encode_base64(response.as_bytes())
        )
    });
    let body = format!(
        "<p>This is the demo identity provider. Choose a user; a real identity provider asks for a \
         password.</p><ul class=\"choices\">{}</ul>",
        forms.collect::<String>()
    );
    html::card(StatusCode::OK, "Sign in to Acme", &body)
}
