//! Errors of a SCIM request, and their responses.
//!
//! A failure of the service names its operation and keeps its source. It is logged once, when
//! [`ScimApiError::into_answer`] turns it into an error answer of the protocol.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::reply::json;
use crate::error_chain::ErrorChain;
use crate::http::failure_code::FailureCode;
use crate::runtime::request_log::CONTENTION;
use crate::secrets::SecretsError;
use crate::secrets::scim_tokens::ScimTokensError;
use crate::store::StoreError;
use scim::error::ScimError;
use scim::schema::ResourceKind;

/// Error of a SCIM request.
#[derive(Debug, thiserror::Error)]
pub(super) enum ScimApiError {
    /// An error answer of the protocol.
    #[error(transparent)]
    Scim(#[from] ScimError),
    /// A call of the store failed.
    #[error("could not {operation}")]
    Store {
        /// The operation and the kind of its input, as "read the members of a group".
        operation: &'static str,
        /// Error of the store.
        source: StoreError,
    },
    /// The SCIM tokens of the tenant cannot be read.
    #[error("could not read the SCIM tokens of a tenant")]
    Tokens(#[from] ScimTokensError),
    /// The key that authenticates cursors cannot be read.
    #[error("could not read the cursor key")]
    CursorKey(#[source] SecretsError),
    /// The secret with the cursor key does not exist.
    #[error("could not read the cursor key: its secret does not exist")]
    NoCursorKey,
    /// A list response cannot be serialised.
    #[error("could not serialise a list response")]
    Response(#[source] serde_json::Error),
    /// The document of a row is not a JSON object.
    #[error("could not parse the stored document of a {}", kind.as_str())]
    Document {
        /// Kind of the resource.
        kind: ResourceKind,
        /// Error of the JSON parser.
        source: serde_json::Error,
    },
}

/// Adds the operation to the result of a call of the store.
pub(super) trait StoreContext<T> {
    /// Turns a [`StoreError`] into [`ScimApiError::Store`]. `operation` completes "could not …" in
    /// the log: "read a user".
    ///
    /// # Errors
    ///
    /// The error of the call.
    fn context(self, operation: &'static str) -> Result<T, ScimApiError>;
}

impl<T> StoreContext<T> for Result<T, StoreError> {
    fn context(self, operation: &'static str) -> Result<T, ScimApiError> {
        self.map_err(|source| ScimApiError::Store { operation, source })
    }
}

impl ScimApiError {
    /// Returns whether a concurrent writer changed what the request had read. A new attempt reads
    /// it again and may succeed.
    pub(super) const fn is_write_conflict(&self) -> bool {
        matches!(
            self,
            Self::Store { source: StoreError::VersionMismatch | StoreError::MemberGone, .. }
        )
    }

    /// Returns the error answer of the protocol (RFC 7644 §3.12), and logs a failure of the
    /// service.
    ///
    /// Called once for each error: for the response, or for its part of a bulk response.
    pub(super) fn into_answer(self) -> ScimError {
        let answer = match &self {
            Self::Scim(error) => error.clone(),
            Self::Store { source, .. } => answer_to(source),
            Self::Tokens(_) | Self::CursorKey(_) | Self::NoCursorKey => ScimError::Unavailable,
            Self::Response(_) | Self::Document { .. } => ScimError::Internal,
        };
        if matches!(answer, ScimError::Unavailable | ScimError::Internal) {
            tracing::error!("{}", ErrorChain(&self));
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
        let contention = (answer == ScimError::Contention).then_some(CONTENTION);
        if let Some(code) = answer.scim_type().or(contention) {
            response.extensions_mut().insert(FailureCode(code));
        }
        let headers = response.headers_mut();
        if let Some(challenge) = answer.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(encoding) = answer.accepted_encoding() {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding));
        }
        if let Some(seconds) = answer.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Returns the error answer of the protocol to a failed call of the store.
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
        StoreError::Unavailable { .. } | StoreError::Random(_) => ScimError::Unavailable,
        StoreError::Corrupt { .. } => ScimError::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_operation_and_its_cause() {
        let corrupt = StoreError::Corrupt { row: "membership of a group", attribute: "sk" };
        let failed: Result<(), _> = Err(corrupt);
        let error = failed.context("read the members of a group").unwrap_err();
        assert_eq!(
            ErrorChain(&error).to_string(),
            "could not read the members of a group: could not read the membership of a group: \
             its attribute `sk` is missing or malformed"
        );
        assert_eq!(error.into_answer(), ScimError::Internal);
    }
}
