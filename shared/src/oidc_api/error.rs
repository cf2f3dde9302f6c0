//! The error of a request of an app or a browser, and its response.
//!
//! A failure of ours is logged once, where it becomes a response.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::form::FormError;
use super::reply::json;
use crate::error_chain::ErrorChain;
use crate::http::failure_code::FailureCode;
use crate::secrets::oidc_keys::OidcKeysError;
use crate::sign_in::{SignInError, pages};
use crate::store::StoreError;
use oidc::error::{ErrorCode, OauthError};

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum OidcApiError {
    /// The protocol has an error for it; nothing is wrong with us.
    #[error(transparent)]
    Oauth(#[from] OauthError),
    /// The form cannot be read.
    #[error(transparent)]
    Form(#[from] FormError),
    /// There is no bearer token at all, which is no error of the token (RFC 6750 §3.1).
    #[error("there is no bearer token")]
    NoToken,
    /// The path does not take this method.
    #[error("this method is not allowed here")]
    MethodNotAllowed,
    /// A step of the sign-in failed.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The table refused a write, or cannot be used.
    #[error("could not use the table")]
    Store(#[from] StoreError),
    /// The signing keys cannot be read or used.
    #[error("could not use the signing keys")]
    Keys(#[from] OidcKeysError),
    /// The operating system gives no randomness.
    #[error("could not draw random bytes: {0}")]
    Random(getrandom::Error),
}

impl OidcApiError {
    /// Returns the error of the protocol. Logs a failure of ours.
    pub(super) fn into_oauth_error(self) -> OauthError {
        match self {
            Self::Oauth(error) => error,
            Self::Form(error) => error.oauth_error(),
            Self::NoToken => OauthError::invalid_request("there is no bearer token"),
            Self::MethodNotAllowed => {
                OauthError::invalid_request("this method is not allowed here")
            }
            Self::SignIn(error) => error.into_oauth_error(),
            Self::Store(_) | Self::Keys(_) | Self::Random(_) => {
                tracing::error!("{}", ErrorChain(&self));
                OauthError::UNAVAILABLE
            }
        }
    }

    /// Makes the page for a person, where the error may not be sent to an app. `login_url` is where the
    /// person may begin again.
    pub(super) fn into_page(self, login_url: Option<&str>) -> Response {
        self.into_page_with(|status, detail| pages::invalid_request(status, detail, login_url))
    }

    /// Makes the page for a person whom an app wants to sign out.
    pub(super) fn into_logout_page(self) -> Response {
        self.into_page_with(pages::invalid_logout)
    }

    fn into_page_with(self, page: impl Fn(StatusCode, &str) -> Response) -> Response {
        let is_too_large = matches!(self, Self::Form(FormError::TooLarge));
        let error = self.into_oauth_error();
        if error.code == ErrorCode::TemporarilyUnavailable {
            return pages::unavailable(error.code.as_str(), None);
        }
        let status =
            if is_too_large { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
        page(status, error.description)
    }
}

impl IntoResponse for OidcApiError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoToken => {
                let response = json(StatusCode::UNAUTHORIZED, &json!({}));
                return with_challenge(response, "Bearer realm=\"userinfo\"");
            }
            Self::MethodNotAllowed => {
                return json(StatusCode::METHOD_NOT_ALLOWED, &body(self.into_oauth_error()));
            }
            // RFC 6749 §5.2 uses 400 where HTTP has no better status.
            Self::Form(FormError::TooLarge) => Some(StatusCode::PAYLOAD_TOO_LARGE),
            Self::Oauth(_)
            | Self::Form(FormError::Oauth(_))
            | Self::SignIn(_)
            | Self::Store(_)
            | Self::Keys(_)
            | Self::Random(_) => None,
        };
        let error = self.into_oauth_error();
        let status = status.unwrap_or_else(|| status_of(error));
        let mut response = json(status, &body(error));
        response.extensions_mut().insert(FailureCode(error.code.as_str()));
        match error.code {
            ErrorCode::InvalidClient => {
                with_challenge(response, "Basic realm=\"oauth2\", charset=\"UTF-8\"")
            }
            ErrorCode::InvalidToken => {
                with_challenge(response, "Bearer realm=\"userinfo\", error=\"invalid_token\"")
            }
            ErrorCode::InvalidRequest
            | ErrorCode::InvalidGrant
            | ErrorCode::UnauthorizedClient
            | ErrorCode::UnsupportedGrantType
            | ErrorCode::InvalidScope
            | ErrorCode::AccessDenied
            | ErrorCode::UnsupportedResponseType
            | ErrorCode::TemporarilyUnavailable
            | ErrorCode::LoginRequired
            | ErrorCode::RequestNotSupported
            | ErrorCode::RequestUriNotSupported
            | ErrorCode::RegistrationNotSupported
            | ErrorCode::UnsupportedTokenType => response,
        }
    }
}

fn status_of(error: OauthError) -> StatusCode {
    StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST)
}

/// The body of an error response (RFC 6749 §5.2).
fn body(error: OauthError) -> Value {
    json!({ "error": error.code.as_str(), "error_description": error.description })
}

/// Adds the authentication scheme that the client should use (RFC 9110 §11.6.1).
fn with_challenge(mut response: Response, challenge: &'static str) -> Response {
    let challenge = HeaderValue::from_static(challenge);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
