//! The error of a sign-in, and the page or OAuth error that it becomes.
//!
//! A failure of ours is logged once, where it becomes a response. The person's page quotes nothing
//! of the identity provider's response.

use axum::http::StatusCode;
use axum::http::header::InvalidHeaderValue;
use axum::response::Response;

use super::pages::{self, Refusal, ToApp};
use crate::error_chain::ErrorChain;
use crate::secrets::SecretsError;
use crate::secrets::saml_keys::SamlKeysError;
use crate::store::StoreError;
use oidc::error::{ErrorCode, OauthError};
use saml::authn_request::RequestError;
use saml::error::{FormError, SamlError};

/// Why a sign-in does not go on.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// One of the checks failed.
    #[error(transparent)]
    Refused(#[from] SamlError),
    /// The link is malformed, used, expired or of another browser.
    #[error("the link is not valid, or no longer valid")]
    Link,
    /// The app gets an error of OAuth.
    #[error(transparent)]
    Oauth(#[from] OauthError),
    /// The table refused a write, or cannot be used.
    #[error("could not use the table")]
    Store(#[from] StoreError),
    /// The service provider's keys cannot be read or used.
    #[error("could not use the SAML keys")]
    SamlKeys(#[from] SamlKeysError),
    /// The request to the identity provider cannot be written.
    #[error("could not write the AuthnRequest")]
    AuthnRequest(#[from] RequestError),
    /// The metadata of the identity provider names no endpoint for requests.
    #[error("the identity provider has no endpoint for requests")]
    NoEndpoint,
    /// The key of the links cannot be read.
    #[error("could not read the link key")]
    LinkKey(#[source] SecretsError),
    /// The secret with the key of the links does not exist.
    #[error("the secret with the link key does not exist")]
    NoLinkKey,
    /// The operating system gives no randomness.
    #[error("could not draw random bytes: {0}")]
    Random(getrandom::Error),
    /// A URL or a cookie has characters that a header cannot hold.
    #[error("could not write a header of the response")]
    Header(#[from] InvalidHeaderValue),
}

impl SignInError {
    /// Makes the page for the person. `retry_url` is where the person may try again.
    ///
    /// Logs a failure of ours.
    pub fn into_response(self, retry_url: Option<&str>) -> Response {
        match self.into_told() {
            Told::Refused(error) => refused(&error, None, &WayOn { retry_url, ..WayOn::default() }),
            Told::Link => pages::refused(&Refusal {
                status: StatusCode::BAD_REQUEST,
                code: "saml.link",
                text: "This link is not valid, or no longer valid. Start again at your app.",
                reference: None,
                hint: None,
                retry_url,
                to_app: None,
            }),
            Told::Oauth(error) => {
                pages::invalid_request(StatusCode::BAD_REQUEST, error.description, None)
            }
            Told::Unavailable => pages::unavailable("unavailable", retry_url),
        }
    }

    /// Returns the error that the app is told (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
    ///
    /// Logs a failure of ours.
    pub(crate) fn into_oauth_error(self) -> OauthError {
        match self.into_told() {
            Told::Oauth(error) => error,
            Told::Refused(error) => OauthError::new(ErrorCode::AccessDenied, error.public_text()),
            Told::Link => REFUSED,
            Told::Unavailable => OauthError::UNAVAILABLE,
        }
    }

    /// Returns what others are told, and logs a failure of ours.
    fn into_told(self) -> Told {
        match self {
            Self::Refused(error) => Told::Refused(error),
            Self::Link => Told::Link,
            Self::Oauth(error) => Told::Oauth(error),
            Self::Store(_)
            | Self::SamlKeys(_)
            | Self::AuthnRequest(_)
            | Self::NoEndpoint
            | Self::LinkKey(_)
            | Self::NoLinkKey
            | Self::Random(_)
            | Self::Header(_) => {
                tracing::error!("{}", ErrorChain(&self));
                Told::Unavailable
            }
        }
    }
}

/// What the person and the app are told of an error.
enum Told {
    Refused(SamlError),
    Link,
    Oauth(OauthError),
    /// A failure of ours, of which nothing is told.
    Unavailable,
}

/// Makes the page of a refusal. A connection or an app that cannot be used is not offered again.
/// `hint` is the way on of a person who cannot try again.
pub(crate) fn refused(error: &SamlError, reference: Option<&str>, way_on: &WayOn<'_>) -> Response {
    let WayOn { hint, retry_url, to_app } = *way_on;
    let can_retry = !matches!(error, SamlError::Connection(_) | SamlError::AppRedirect { .. });
    pages::refused(&Refusal {
        status: status(error),
        code: error.code(),
        text: error.public_text(),
        reference,
        hint,
        retry_url: retry_url.filter(|_| can_retry),
        to_app,
    })
}

/// The ways on from the page of a refusal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WayOn<'a> {
    /// A sentence for a person who cannot try again.
    pub(crate) hint: Option<&'a str>,
    /// The URL at which the person may try again.
    pub(crate) retry_url: Option<&'a str>,
    /// The way to the app that waits for an answer.
    pub(crate) to_app: Option<&'a ToApp>,
}

const fn status(error: &SamlError) -> StatusCode {
    if matches!(error, SamlError::Form(FormError::TooLarge(_))) {
        StatusCode::PAYLOAD_TOO_LARGE
    } else if matches!(error, SamlError::Form(_) | SamlError::Xml(_)) {
        StatusCode::BAD_REQUEST
    } else if matches!(error, SamlError::Connection(_)) {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::FORBIDDEN
    }
}

const REFUSED: OauthError = OauthError::new(ErrorCode::AccessDenied, "the sign-in was refused");
