//! What ends a sign-in before anybody is signed in.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::pages;
use crate::secrets::saml_keys::SamlKeysError;
use crate::store::StoreError;
use saml::authn_request::RequestError;
use saml::error::{FormError, SamlError};

/// Why a sign-in does not go on.
#[derive(Debug)]
pub(super) enum Failure {
    /// One of the checks failed.
    Refused(SamlError),
    /// The link does not lead anywhere: never, or not any more.
    Link,
    /// A service that we depend on does not answer; the log has the reason.
    Unavailable,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(error) => {
                pages::refused(status(&error), error.code(), error.public_text(), None, None)
            }
            Self::Link => {
                let text = "This link is not valid, or not any more. Start again at your app.";
                pages::refused(StatusCode::BAD_REQUEST, "saml.link", text, None, None)
            }
            Self::Unavailable => {
                let text = "Sign-in is unavailable at the moment. Please try again.";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                pages::refused(status, "unavailable", text, None, None)
            }
        }
    }
}

/// The status of the page of a refusal.
pub(super) const fn status(error: &SamlError) -> StatusCode {
    match error {
        SamlError::Form(FormError::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
        SamlError::Form(_) | SamlError::Xml(_) => StatusCode::BAD_REQUEST,
        SamlError::Connection(_) => StatusCode::NOT_FOUND,
        SamlError::Status { .. }
        | SamlError::Version { .. }
        | SamlError::Issuer { .. }
        | SamlError::SignatureMissing { .. }
        | SamlError::SignatureAlgorithm { .. }
        | SamlError::SignatureKey { .. }
        | SamlError::SignatureReference(_)
        | SamlError::Decryption(_)
        | SamlError::Destination { .. }
        | SamlError::Recipient { .. }
        | SamlError::Time(_)
        | SamlError::Audience { .. }
        | SamlError::InResponseTo(_)
        | SamlError::Replay
        | SamlError::AuthnContext { .. }
        | SamlError::Session(_)
        | SamlError::Subject(_)
        | SamlError::Attributes { .. }
        | SamlError::UserDomain { .. }
        | SamlError::UserState(_)
        | SamlError::UserLicence { .. }
        | SamlError::AppRedirect => StatusCode::FORBIDDEN,
    }
}

impl From<SamlError> for Failure {
    fn from(error: SamlError) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the table cannot be used");
        Self::Unavailable
    }
}

impl From<SamlKeysError> for Failure {
    fn from(error: SamlKeysError) -> Self {
        tracing::error!(error = %error, "the SAML keys cannot be read");
        Self::Unavailable
    }
}

impl From<RequestError> for Failure {
    fn from(fault: RequestError) -> Self {
        tracing::error!(error = %fault, "a request cannot be written");
        Self::Unavailable
    }
}
