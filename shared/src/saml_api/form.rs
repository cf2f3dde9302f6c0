//! The form that an identity provider's page posts (SAML bindings §3.5.4).

use axum::extract::Request;

use crate::http::body::{self, BodyError};
use saml::error::{FormError, SamlError};

/// The fields of a form.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the form of a request, up to a limit.
    ///
    /// # Errors
    ///
    /// [`SamlError::Form`] if the body is too large, broken or not a form.
    pub(super) async fn read(request: Request) -> Result<Self, SamlError> {
        let is_form = body::is_form(request.headers());
        let bytes =
            body::read(request.into_body(), MAX_BODY).await.map_err(|error| match error {
                BodyError::Broken => SamlError::Form(FormError::Field),
                BodyError::TooLarge(seen) => SamlError::Form(FormError::TooLarge(seen)),
            })?;
        if !is_form {
            return Err(SamlError::Form(FormError::Field));
        }
        Ok(Self(form_urlencoded::parse(&bytes).into_owned().take(MAX_FIELDS).collect()))
    }

    /// Returns a field, or `None` if it is missing or there twice.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(found, _)| found == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Returns the field `SAMLResponse`.
    ///
    /// # Errors
    ///
    /// [`FormError`], which names the message that came instead.
    pub(super) fn response(&self) -> Result<&str, FormError> {
        let other = || other_message(&self.0).unwrap_or(FormError::Field);
        self.one("SAMLResponse").ok_or_else(other)
    }
}

/// Returns the error of a message that came in a query: a response by another binding than
/// HTTP-POST, or a message that is no response. A query without one starts a sign-in.
pub(super) fn message_in_query(query: &str) -> Option<FormError> {
    let fields: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).into_owned().take(MAX_FIELDS).collect();
    let is_response = fields.iter().any(|(name, _)| name == "SAMLResponse");
    if is_response {
        Some(FormError::Binding("HTTP-Redirect (GET)"))
    } else {
        other_message(&fields)
    }
}

/// Returns the error of a message that is no `SAMLResponse`.
fn other_message(fields: &[(String, String)]) -> Option<FormError> {
    fields.iter().find_map(|(name, _)| match name.as_str() {
        "SAMLart" => Some(FormError::Binding("HTTP-Artifact")),
        "SAMLRequest" => Some(FormError::Request),
        "wresult" => Some(FormError::WsFederation),
        _ => None,
    })
}

/// The largest response in base64, percent-encoded.
const MAX_BODY: usize = 1_048_576;

/// More than any provider sends.
const MAX_FIELDS: usize = 16;
