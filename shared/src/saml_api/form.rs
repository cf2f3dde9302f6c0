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
}

/// The largest response in base64, percent-encoded.
const MAX_BODY: usize = 1_048_576;

/// More than any provider sends.
const MAX_FIELDS: usize = 16;
