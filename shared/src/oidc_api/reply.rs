//! Answers: JSON, redirects, errors. None may be kept by a cache unless it says so.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::form::FormError;
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::FailureCode;
use crate::secrets::oidc_keys::KeysError;
use crate::store::StoreError;
use oidc::error::{ErrorCode, OauthError};
use oidc::redirect_uri::AppUrl;

/// Why a program's request failed (RFC 6749 §5.2, RFC 6750 §3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Failure {
    /// As OAuth says it.
    Oauth(OauthError),
    /// There is no bearer token at all, which is no error of the token (RFC 6750 §3.1).
    NoToken,
    /// The path exists and does not take this method.
    MethodNotAllowed,
    /// The form is not one that can be read.
    Form(FormError),
}

impl From<FormError> for Failure {
    fn from(fault: FormError) -> Self {
        Self::Form(fault)
    }
}

impl From<OauthError> for Failure {
    fn from(error: OauthError) -> Self {
        Self::Oauth(error)
    }
}

impl From<StoreError> for OauthError {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the table cannot be used");
        Self::UNAVAILABLE
    }
}

impl From<KeysError> for OauthError {
    fn from(error: KeysError) -> Self {
        tracing::error!(error = %error, "the signing keys cannot be used");
        Self::UNAVAILABLE
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Oauth(error.into())
    }
}

impl From<KeysError> for Failure {
    fn from(error: KeysError) -> Self {
        Self::Oauth(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Oauth(error) => failed(error),
            Self::NoToken => {
                challenge(json(StatusCode::UNAUTHORIZED, &json!({})), "Bearer realm=\"userinfo\"")
            }
            Self::MethodNotAllowed => {
                let error = OauthError::invalid_request("this method is not allowed here");
                json(StatusCode::METHOD_NOT_ALLOWED, &body(error))
            }
            Self::Form(fault) => {
                let mut response = failed(fault.error());
                // RFC 6749 §5.2 has 400 for all that HTTP has no better status for.
                if fault == FormError::TooLarge {
                    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
                }
                response
            }
        }
    }
}

fn failed(error: OauthError) -> Response {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = json(status, &body(error));
    response.extensions_mut().insert(FailureCode(error.code.as_str()));
    if error.code == ErrorCode::InvalidClient {
        return challenge(response, "Basic realm=\"oauth2\", charset=\"UTF-8\"");
    }
    if error.code == ErrorCode::InvalidToken {
        return challenge(response, "Bearer realm=\"userinfo\", error=\"invalid_token\"");
    }
    response
}

fn body(error: OauthError) -> Value {
    json!({ "error": error.code.as_str(), "error_description": error.description })
}

fn challenge(mut response: Response, challenge: &'static str) -> Response {
    let challenge = HeaderValue::from_static(challenge);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// JSON that no cache may keep (RFC 6749 §5.1).
pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// The browser goes on to a URL of an app, by GET whatever brought it here (RFC 9700 §4.12), and
/// does not tell where it comes from (RFC 9700 §4.2.4).
pub(super) fn redirect(url: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(url) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The error of an authorization request, to the app (RFC 6749 §4.1.2.1, RFC 9207 §2).
pub(super) fn redirect_error(
    base_url: &BaseUrl,
    redirect_uri: &AppUrl,
    state: Option<&str>,
    error: OauthError,
) -> Response {
    let issuer = base_url.join("");
    let parameters = [
        ("error", error.code.as_str()),
        ("error_description", error.description),
        ("iss", issuer.as_str()),
    ];
    let url = redirect_uri.with(parameters.into_iter().chain(state.map(|state| ("state", state))));
    let mut response = redirect(&url);
    response.extensions_mut().insert(FailureCode(error.code.as_str()));
    response
}
