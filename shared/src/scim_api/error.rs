//! Failures of a SCIM request: an answer of the protocol, or a service of ours that failed.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scim::error::ScimError;

use super::reply::json;
use crate::runtime::request_log::FailureCode;
use crate::secrets::SecretsError;
use crate::secrets::scim_tokens::TokenError;
use crate::store::StoreError;

/// Why a handler did not do what the client asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum ScimApiError {
    /// The protocol has an answer for it; nothing is wrong with us.
    #[error(transparent)]
    Scim(#[from] ScimError),
    /// The table refused a write, or cannot be used.
    #[error("could not use the table")]
    Store(#[from] StoreError),
    /// The tenant's bearer tokens cannot be read.
    #[error("could not read the SCIM tokens of the tenant")]
    Tokens(#[from] TokenError),
    /// The key that authenticates cursors cannot be read.
    #[error("could not read the cursor key")]
    CursorKey(#[source] SecretsError),
    /// The secret with the cursor key does not exist.
    #[error("the secret with the cursor key does not exist")]
    NoCursorKey,
    /// A list response cannot be written as JSON.
    #[error("could not write the response")]
    Response(#[source] serde_json::Error),
    /// A row holds a document that is not a JSON object.
    #[error("could not read the stored document of a {resource_type}")]
    Document {
        /// `User` or `Group`.
        resource_type: &'static str,
        /// What the JSON parser says.
        source: serde_json::Error,
    },
}

impl ScimApiError {
    /// The answer of the protocol (RFC 7644 §3.12).
    ///
    /// Logs a failure of ours. Called once for each failure, when its response is made.
    pub(super) fn into_answer(self) -> ScimError {
        let answer = match &self {
            Self::Scim(error) => error.clone(),
            Self::Store(error) => answer_to(error),
            Self::Tokens(_) | Self::CursorKey(_) | Self::NoCursorKey => ScimError::Unavailable,
            Self::Response(_) | Self::Document { .. } => ScimError::Internal,
        };
        if matches!(answer, ScimError::Unavailable | ScimError::Internal) {
            tracing::error!(error = &self as &dyn std::error::Error, "{self}");
        }
        answer
    }
}

impl IntoResponse for ScimApiError {
    fn into_response(self) -> Response {
        let answer = self.into_answer();
        let status =
            StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json(status, answer.body().to_string());
        if let Some(scim_type) = answer.scim_type() {
            response.extensions_mut().insert(FailureCode(scim_type));
        }
        let headers = response.headers_mut();
        if let Some(challenge) = answer.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = answer.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The answer of the protocol to a failed call of the store.
fn answer_to(error: &StoreError) -> ScimError {
    match error {
        StoreError::Conflict(attribute) => ScimError::Uniqueness { attribute: attribute.as_str() },
        StoreError::NoSeat { seats } => ScimError::NoSeat { seats: *seats },
        StoreError::VersionMismatch | StoreError::MemberGone | StoreError::Contention => {
            ScimError::Contention
        }
        StoreError::NotFound => ScimError::NotFound("resource".to_owned()),
        StoreError::TooLarge => {
            ScimError::PayloadTooLarge("the resource is too large to store".to_owned())
        }
        StoreError::Unavailable(_) => ScimError::Unavailable,
        StoreError::Corrupt(_) => ScimError::Internal,
    }
}
