//! The ways in which one check can fail.

use super::NOTHING;

/// What is wrong with the form post.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FormFault {
    /// No `SAMLResponse` field, or more than one.
    #[error("there must be one SAMLResponse field")]
    Field,
    /// Over the limit.
    #[error("{0} bytes are too many")]
    TooLarge(usize),
    /// Not base64.
    #[error("SAMLResponse is not base64")]
    NotBase64,
}

/// What is wrong with the connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConnectionFault {
    /// None for this domain.
    #[error("unknown")]
    Unknown,
    /// No identity provider was configured yet.
    #[error("not configured")]
    NotConfigured,
    /// Switched off by an administrator.
    #[error("switched off")]
    Disabled,
}

/// What is wrong with the subject confirmations (SAML profiles §4.1.4.2).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecipientFault {
    /// None with the bearer method.
    #[error("no confirmation has the bearer method")]
    NoBearer,
    /// For another URL.
    #[error("the recipient is \"{}\"", .0.as_deref().unwrap_or(NOTHING))]
    Other(Option<String>),
    /// Without an end.
    #[error("it has no NotOnOrAfter")]
    Endless,
    /// With a beginning, which the profile forbids.
    #[error("it has a NotBefore")]
    NotBefore,
}

/// What is wrong with an instant. `what` names the attribute.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TimeFault {
    /// Not an instant with a zone.
    #[error("{what} is \"{received}\", not an instant in UTC")]
    Malformed {
        /// Which attribute.
        what: &'static str,
        /// Its value.
        received: String,
    },
    /// Ahead of our clock by more than the skew.
    #[error("{what} is {seconds} s ahead of our clock: is the provider's clock right?")]
    Early {
        /// Which attribute.
        what: &'static str,
        /// By how much.
        seconds: i64,
    },
    /// Behind our clock by more than the skew.
    #[error(
        "{what} was over {seconds} s ago by our clock: too slow, or is the provider's clock right?"
    )]
    Late {
        /// Which attribute.
        what: &'static str,
        /// By how much.
        seconds: i64,
    },
    /// `NotBefore` is not before `NotOnOrAfter`.
    #[error("NotBefore is not before NotOnOrAfter")]
    Never,
}

/// What is wrong with `InResponseTo`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InResponseToFault {
    /// It answers a request that this browser did not make, or that is over.
    #[error("it answers request \"{0}\", which this browser has not open")]
    Unknown(String),
    /// It answers none, and the connection does not accept that.
    #[error("it answers no request, and provider-initiated sign-in is off")]
    Unsolicited,
    /// Response and assertion say different things.
    #[error("response and assertion answer different requests")]
    Contradiction,
}

/// What is wrong with the authentication statement.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SessionFault {
    /// None.
    #[error("the assertion has no AuthnStatement: it does not say that anybody signed in")]
    NoStatement,
    /// Not an instant, or in the future.
    #[error("{0}")]
    Instant(TimeFault),
    /// Over.
    #[error("the session at the identity provider is over")]
    Over,
}

/// What is wrong with the subject.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SubjectFault {
    /// No name identifier and no subject-id.
    #[error("there is no NameID and no subject-id attribute")]
    Missing,
    /// Only one that changes at every sign-in.
    #[error("the NameID is transient, and nothing else identifies the person")]
    Transient,
    /// Empty, or longer than an identifier can be.
    #[error("the NameID is empty or longer than 1024 characters")]
    Length,
    /// Encrypted by itself, which is not supported.
    #[error("the NameID is encrypted; encrypt the whole assertion instead")]
    Encrypted,
}

/// Why a user may not sign in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UserFault {
    /// Nobody by that identity, and sign-in does not create users.
    #[error("does not exist, and sign-in does not create users here")]
    Unknown,
    /// Deactivated through SCIM or by an administrator.
    #[error("is deactivated")]
    Deactivated,
    /// Known at this provider by another identifier: an address was given to somebody else.
    #[error("is already linked to another identity of this identity provider")]
    Linked,
}
