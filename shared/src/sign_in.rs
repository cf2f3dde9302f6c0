//! What the two halves of a sign-in tell each other: why it was begun, and who came back.

pub mod metadata_fetch;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use oidc::authorize::AuthorizeRequest;
use types::ids::{ResourceId, TenantId};

/// Why a sign-in was begun, and so where it ends.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Purpose {
    /// An app asked who the person is: it gets a code.
    App(Box<AuthorizeRequest>),
    /// The person began here or at the identity provider: an app is asked to begin.
    Start {
        /// The page of the app that the person wants, as it was asked for.
        target: Option<String>,
    },
    /// An admin tries the connection: nobody is signed in.
    Test,
}

/// A person whom an identity provider has vouched for, matched to a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedIn {
    /// Whose user.
    pub tenant: TenantId,
    /// The user.
    pub user: ResourceId,
    /// The connection that was used.
    pub domain: String,
    /// When the identity provider authenticated the person (SAML core §2.7.2, `AuthnInstant`).
    pub authn_instant: Timestamp,
    /// When it wants the session to end (SAML core §2.7.2, `SessionNotOnOrAfter`).
    pub session_not_on_or_after: Option<Timestamp>,
}
