//! Form bodies, up to a limit.

use axum::extract::Request;

use crate::http::body::{self, BodyError, is_form};
use oidc::error::OauthError;
use oidc::parameters::{MAX_BYTES, Parameters};

/// Why a form cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum FormError {
    /// The body is over the limit.
    #[error("the body is too long")]
    TooLarge,
    /// The body is broken or no form.
    #[error(transparent)]
    Oauth(#[from] OauthError),
}

impl FormError {
    /// Returns the error for the developer of the app.
    pub(super) const fn oauth_error(self) -> OauthError {
        match self {
            Self::TooLarge => OauthError::invalid_request("the body is too long"),
            Self::Oauth(error) => error,
        }
    }
}

/// Reads the parameters of a form body. Parameters of the query are ignored: credentials in a URL
/// end up in logs (RFC 6749 §2.3.1).
pub(super) async fn read(request: Request) -> Result<Parameters, FormError> {
    let is_form = is_form(request.headers());
    let body = body::read(request.into_body(), MAX_BYTES).await.map_err(|error| match error {
        BodyError::Broken => OauthError::invalid_request("the body is incomplete").into(),
        BodyError::TooLarge(_) => FormError::TooLarge,
    })?;
    if !is_form {
        let expected = "the body must be application/x-www-form-urlencoded";
        return Err(OauthError::invalid_request(expected).into());
    }
    let text = std::str::from_utf8(&body);
    let text = text.map_err(|_| OauthError::invalid_request("the body is not UTF-8"))?;
    Ok(Parameters::parse(text)?)
}
