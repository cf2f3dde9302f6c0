//! Classifies connection errors for the SDKs, which decide by the class whether to retry.

use std::error::Error;
use std::io;

use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::retry::ErrorKind;
use hyper_util::client::legacy;
use tokio::time::error::Elapsed;

pub(super) fn classify(error: legacy::Error) -> ConnectorError {
    if cause::<Elapsed>(&error).is_some() {
        return ConnectorError::timeout(error.into());
    }
    let Some(http) = cause::<hyper::Error>(&error) else {
        // There was no connection: unknown host, connection refused, certificate not trusted.
        return if error.is_connect() || cause::<io::Error>(&error).is_some() {
            ConnectorError::io(error.into())
        } else {
            ConnectorError::other(error.into(), None)
        };
    };
    if http.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if http.is_user() {
        ConnectorError::user(error.into())
    } else if http.is_closed() || http.is_canceled() || cause::<io::Error>(http).is_some() {
        ConnectorError::io(error.into())
    } else {
        // The peer closed the connection before its response was complete.
        let kind = http.is_incomplete_message().then_some(ErrorKind::TransientError);
        ConnectorError::other(error.into(), kind)
    }
}

/// Returns the first error of this type in a chain of sources.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
