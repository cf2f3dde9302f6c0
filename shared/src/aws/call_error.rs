//! Why a call to an AWS service failed, in the form that the log shows.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId as _;

/// Error of one call, after the SDK's attempts. Holds neither the request nor the response.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The service refused the call because there are too many.
    #[error("throttled: {0}")]
    Throttled(String),
    /// The service answered with another error: its code, its message and the id of the request.
    #[error("{0}")]
    Refused(String),
    /// No answer came in time.
    #[error("timed out")]
    TimedOut,
    /// The request was not sent, or its answer did not arrive or cannot be read.
    #[error("no answer")]
    NoAnswer(#[source] Box<dyn Error + Send + Sync>),
}

impl<E, R> From<SdkError<E, R>> for CallError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        if let SdkError::ServiceError(error) = error {
            return Self::refused(error.err());
        }
        if matches!(&error, SdkError::DispatchFailure(failure) if failure.is_timeout()) {
            return Self::TimedOut;
        }
        // A timeout of the SDK itself has a source too, which says no more than its variant.
        if matches!(error, SdkError::TimeoutError(_)) {
            return Self::TimedOut;
        }
        error.into_source().map_or(Self::TimedOut, Self::NoAnswer)
    }
}

impl CallError {
    /// Returns the error of a service that answered.
    pub fn refused(error: &impl ProvideErrorMetadata) -> Self {
        let code = error.code().unwrap_or("unknown error");
        let mut text = code.to_owned();
        if let Some(message) = error.message() {
            text = format!("{text}: {message}");
        }
        if let Some(id) = error.meta().request_id() {
            text = format!("{text} (request {id})");
        }
        if THROTTLING.contains(&code) { Self::Throttled(text) } else { Self::Refused(text) }
    }
}

/// Codes by which DynamoDB and Secrets Manager say that calls come too fast.
const THROTTLING: [&str; 4] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TooManyRequestsException",
];

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;

    use super::*;

    #[test]
    fn an_error_of_the_service_is_shown_by_code_message_and_request() {
        let error = |code: &str, message: Option<&str>| {
            let error = ErrorMetadata::builder().code(code).custom("aws_request_id", "4XQ");
            let error = match message {
                Some(message) => error.message(message),
                None => error,
            };
            CallError::refused(&error.build()).to_string()
        };
        assert_eq!(
            error("ThrottlingException", Some("Rate exceeded")),
            "throttled: ThrottlingException: Rate exceeded (request 4XQ)"
        );
        assert_eq!(
            error("ResourceNotFoundException", None),
            "ResourceNotFoundException (request 4XQ)"
        );
    }
}
