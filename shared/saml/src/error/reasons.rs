//! The reasons of one check: each enum is the content of one variant of `SamlError`.

use super::NOTHING;

/// The form post is not usable.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FormError {
    /// There is no `SAMLResponse` field, or more than one.
    #[error("there must be one SAMLResponse field")]
    Field,
    /// The field has more than the permitted number of bytes.
    #[error("{0} bytes are too many")]
    TooLarge(usize),
    /// The field is not base64.
    #[error("SAMLResponse is not base64")]
    NotBase64,
}

/// The connection is not ready.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConnectionError {
    /// No connection has this name.
    #[error("unknown")]
    Unknown,
    /// No identity provider is configured yet.
    #[error("not configured")]
    NotConfigured,
    /// An administrator disabled it.
    #[error("switched off")]
    Disabled,
}

/// The subject confirmations do not hold (SAML profiles §4.1.4.2).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecipientError {
    /// No confirmation has the bearer method.
    #[error("no confirmation has the bearer method")]
    NoBearer,
    /// The recipient is another URL, or missing.
    #[error("the recipient is \"{}\"", .0.as_deref().unwrap_or(NOTHING))]
    Other(Option<String>),
    /// `NotOnOrAfter` is missing.
    #[error("it has no NotOnOrAfter")]
    Endless,
    /// There is a `NotBefore`, which the profile forbids.
    #[error("it has a NotBefore")]
    NotBefore,
}

/// An instant is malformed or out of range. `what` names the attribute.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TimeError {
    /// The value is not an instant with a time zone.
    #[error("{what} is \"{received}\", not an instant in UTC")]
    Malformed {
        /// Name of the attribute.
        what: &'static str,
        /// The received value.
        received: String,
    },
    /// The instant is ahead of our clock by more than the skew.
    #[error("{what} is {seconds} s ahead of our clock; is the provider's clock right?")]
    Early {
        /// Name of the attribute.
        what: &'static str,
        /// The difference in seconds.
        seconds: i64,
    },
    /// The instant is behind our clock by more than the skew.
    #[error("{what} passed {seconds} s ago by our clock; is the provider's clock right?")]
    Late {
        /// Name of the attribute.
        what: &'static str,
        /// The difference in seconds.
        seconds: i64,
    },
    /// The validity period is empty.
    #[error("NotBefore is not before NotOnOrAfter")]
    Never,
}

/// `InResponseTo` does not match an open request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InResponseToError {
    /// This browser did not send the request, or the request has expired.
    #[error("it answers request \"{0}\", which is not open in this browser")]
    Unknown(String),
    /// There is none, and the connection does not accept unsolicited responses.
    #[error("it answers no request, and provider-initiated sign-in is off")]
    Unsolicited,
    /// Response and assertion have different values.
    #[error("response and assertion answer different requests")]
    Contradiction,
}

/// The authentication statement is missing or not valid now.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SessionError {
    /// There is no `AuthnStatement`.
    #[error("the assertion has no AuthnStatement")]
    NoStatement,
    /// An instant is malformed or in the future.
    #[error("{0}")]
    Instant(TimeError),
    /// `SessionNotOnOrAfter` is in the past.
    #[error("the session at the identity provider is over")]
    Over,
}

/// The subject does not identify a person.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SubjectError {
    /// There is no name identifier and no subject-id.
    #[error("there is no NameID and no subject-id attribute")]
    Missing,
    /// The name identifier changes at every sign-in.
    #[error("the NameID is transient, and nothing else identifies the person")]
    Transient,
    /// The name identifier is empty or too long.
    #[error("the NameID is empty or longer than 1024 characters")]
    Length,
    /// There are more addresses than are looked at.
    #[error("there are more than 20 e-mail addresses and principal names")]
    TooManyAddresses,
    /// The name identifier is encrypted separately, which is not supported.
    #[error("the NameID is encrypted; encrypt the whole assertion instead")]
    Encrypted,
}

/// The user may not sign in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UserError {
    /// No user has this identity, and sign-in does not create users.
    #[error("does not exist, and sign-in does not create users here")]
    Unknown,
    /// SCIM or an administrator deactivated the user.
    #[error("is deactivated")]
    Deactivated,
    /// The user is another identity of this identity provider already.
    #[error(
        "is linked to another identity of this identity provider; remove that link, or let the \
         directory send the new identifier as externalId"
    )]
    Linked,
    /// The matched user has no name or address in a domain that the connection speaks for.
    #[error("has no userName and no primary address in a domain that this connection speaks for")]
    OtherDomain,
    /// Several users have the asserted address.
    #[error("cannot be told: several users have this primary address, or this externalId")]
    Ambiguous,
    /// A userName that only looks the same keeps a new user from being created.
    #[error("cannot be created: a user has a userName that is the same in its folded form")]
    NameTaken,
}

impl UserError {
    /// The text for the person: what is true of their account, and the way on.
    pub(super) const fn public_text(self) -> &'static str {
        match self {
            Self::Unknown => {
                "You have no account here yet. Ask an administrator of your organisation to add \
                 you."
            }
            Self::Deactivated => {
                "Your access was switched off by your organisation. Ask an administrator to \
                 switch it on."
            }
            Self::Linked => {
                "Your account here belongs to another sign-in of your organisation. Ask an \
                 administrator to release it."
            }
            Self::OtherDomain => {
                "Your account here has no address in a domain of your organisation's sign-in. Ask \
                 an administrator to correct the address of your account."
            }
            Self::Ambiguous => {
                "Several accounts here could be yours. Ask an administrator to correct their \
                 addresses."
            }
            Self::NameTaken => {
                "A name that looks like yours is taken by an account here. Ask an administrator \
                 to add you under another one."
            }
        }
    }
}
