//! What the two halves of a sign-in tell each other: who came back.

pub mod metadata_fetch;

use jiff::Timestamp;

use types::ids::{ResourceId, TenantId};

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
