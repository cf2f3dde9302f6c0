//! The purpose of a sign-in: decides where the browser goes once the person is known.
//!
//! Stored with the pending sign-in while the person is at the identity provider.

use serde::{Deserialize, Serialize};

use super::authorize::AuthorizeRequest;

/// The reason why a sign-in was started.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Purpose {
    /// An app sent an authorization request. It gets a code.
    App(Box<AuthorizeRequest>),
    /// The person started at our sign-in URL or at the identity provider. An app is asked to send
    /// an authorization request.
    Start {
        /// The page of an app that the person asked for.
        target: Option<String>,
    },
    /// An administrator tests the connection. Nobody is signed in.
    Test,
}
