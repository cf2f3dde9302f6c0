//! Form bodies, up to a limit.

use axum::extract::Request;

use crate::http::body::{self, BodyFault, is_form};
use oidc::error::OauthError;
use oidc::parameters::{MAX_BYTES, Parameters};

/// Why a form is not there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FormError {
    /// It is over the limit.
    TooLarge,
    /// As OAuth says it.
    Oauth(OauthError),
}

impl FormError {
    /// What the developer of the app reads.
    pub(super) const fn error(self) -> OauthError {
        match self {
            Self::TooLarge => OauthError::invalid_request("the body is too long"),
            Self::Oauth(error) => error,
        }
    }
}

impl From<OauthError> for FormError {
    fn from(error: OauthError) -> Self {
        Self::Oauth(error)
    }
}

/// The parameters of a form body. Those of a query do not count: credentials in a URL end up in
/// logs (RFC 6749 §2.3.1).
pub(super) async fn read(request: Request) -> Result<Parameters, FormError> {
    let is_form = is_form(request.headers());
    let body = body::read(request.into_body(), MAX_BYTES).await.map_err(|fault| match fault {
        BodyFault::Broken => OauthError::invalid_request("the body ended before its time").into(),
        BodyFault::TooLarge(_) => FormError::TooLarge,
    })?;
    if !is_form {
        let expected = "the body must be application/x-www-form-urlencoded";
        return Err(OauthError::invalid_request(expected).into());
    }
    let text = std::str::from_utf8(&body);
    let text = text.map_err(|_| OauthError::invalid_request("the body is not UTF-8"))?;
    Ok(Parameters::parse(text)?)
}
