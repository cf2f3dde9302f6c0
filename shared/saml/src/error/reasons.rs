//! The reasons of one check: each enum is the content of one variant of `SamlError`.

use super::{NOTHING, or_nothing};
use crate::check_table::{Actor, CheckId};

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
    /// The response came by another binding than HTTP-POST, which SAML profiles §4.1.2 forbids.
    #[error(
        "the response came by {0}; set the provider to HTTP-POST, which SAML demands for responses"
    )]
    Binding(&'static str),
    /// A request came instead of a response, of logout for example.
    #[error("a SAMLRequest came; this address takes responses to sign-ins only")]
    Request,
    /// An answer of WS-Federation came.
    #[error("an answer of WS-Federation came; set the provider to SAML 2.0")]
    WsFederation,
}

impl FormError {
    /// The text for the person, who may be the administrator in a test: the binding is no secret.
    pub(super) const fn public_text(&self) -> &'static str {
        match self {
            Self::Binding(_) => {
                "Your organisation's sign-in service answered by another binding than HTTP-POST, \
                 which it must use."
            }
            Self::Request => {
                "Your organisation's sign-in service sent a request where its answer belongs."
            }
            Self::WsFederation => {
                "Your organisation's sign-in service answered by WS-Federation instead of SAML 2.0."
            }
            Self::Field | Self::TooLarge(_) | Self::NotBase64 => CheckId::Form.info().public_text,
        }
    }

    pub(super) const fn expected(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "a SAMLResponse of at most 512 KiB",
            Self::Binding(_) => "a SAMLResponse by HTTP-POST",
            Self::Field | Self::NotBase64 | Self::Request | Self::WsFederation => {
                CheckId::Form.info().expected
            }
        }
    }

    pub(super) fn received(&self) -> String {
        match self {
            Self::Field => "no such field, or several".to_owned(),
            Self::TooLarge(bytes) => format!("{bytes} bytes"),
            Self::NotBase64 => "other text".to_owned(),
            Self::Binding(binding) => (*binding).to_owned(),
            Self::Request => "a SAMLRequest".to_owned(),
            Self::WsFederation => "wresult".to_owned(),
        }
    }
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

impl RecipientError {
    pub(super) fn expected(&self, url: &str) -> String {
        match self {
            Self::NoBearer => format!("a bearer confirmation for {url}"),
            Self::Other(_) => url.to_owned(),
            Self::Endless => "a NotOnOrAfter".to_owned(),
            Self::NotBefore => "no NotBefore".to_owned(),
        }
    }

    pub(super) fn received(&self) -> String {
        match self {
            Self::Other(received) => or_nothing(received.as_deref()),
            Self::NoBearer | Self::Endless => NOTHING.to_owned(),
            Self::NotBefore => "a NotBefore".to_owned(),
        }
    }
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

impl TimeError {
    pub(super) const fn expected(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "an instant in UTC, as 2026-01-31T12:00:00Z",
            Self::Early { .. } => "an instant that our clock has reached",
            Self::Late { .. } => "an instant that our clock has not reached",
            Self::Never => "NotBefore before NotOnOrAfter",
        }
    }

    pub(super) fn received(&self) -> String {
        match self {
            Self::Malformed { received, .. } => or_nothing(Some(received)),
            Self::Early { what, seconds } => format!("{what}: {seconds} s ahead"),
            Self::Late { what, seconds } => format!("{what}: {seconds} s ago"),
            Self::Never => "an empty period".to_owned(),
        }
    }
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

impl InResponseToError {
    pub(super) const fn actor(&self) -> Actor {
        match self {
            Self::Unknown(_) => CheckId::InResponseTo.info().actor,
            // The person did what the provider offers; the setting forbids it.
            Self::Unsolicited => Actor::TenantAdmin,
            Self::Contradiction => Actor::IdpAdmin,
        }
    }

    pub(super) const fn is_connection_wide(&self) -> bool {
        matches!(self, Self::Contradiction)
    }

    pub(super) const fn public_text(&self) -> &'static str {
        match self {
            Self::Unknown(_) => CheckId::InResponseTo.info().public_text,
            Self::Unsolicited => {
                "Sign-in from your organisation's own page is off for this app. Begin at the app, \
                 or ask an administrator of your organisation to allow it."
            }
            Self::Contradiction => CheckId::Xml.info().public_text,
        }
    }

    pub(super) const fn expected(&self) -> &'static str {
        match self {
            Self::Unknown(_) => CheckId::InResponseTo.info().expected,
            Self::Unsolicited => "a request of ours, or the setting allow_idp_initiated",
            Self::Contradiction => "the same request in response and assertion",
        }
    }

    pub(super) fn received(&self) -> String {
        match self {
            Self::Unknown(request) => or_nothing(Some(request)),
            Self::Unsolicited => NOTHING.to_owned(),
            Self::Contradiction => "different requests".to_owned(),
        }
    }
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

impl SessionError {
    pub(super) const fn actor(&self) -> Actor {
        match self {
            Self::NoStatement | Self::Instant(_) => Actor::IdpAdmin,
            Self::Over => CheckId::Session.info().actor,
        }
    }

    pub(super) const fn is_connection_wide(&self) -> bool {
        matches!(self, Self::NoStatement | Self::Instant(_))
    }

    pub(super) const fn public_text(&self) -> &'static str {
        match self {
            Self::NoStatement => CheckId::Subject.info().public_text,
            Self::Instant(_) => CheckId::Time.info().public_text,
            Self::Over => CheckId::Session.info().public_text,
        }
    }

    pub(super) const fn expected(&self) -> &'static str {
        match self {
            Self::NoStatement => "an AuthnStatement; let the provider state the authentication",
            Self::Instant(error) => error.expected(),
            Self::Over => CheckId::Session.info().expected,
        }
    }

    pub(super) fn received(&self) -> String {
        match self {
            Self::NoStatement => NOTHING.to_owned(),
            Self::Instant(error) => error.received(),
            Self::Over => "a SessionNotOnOrAfter that has passed".to_owned(),
        }
    }
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
}

impl SubjectError {
    pub(super) const fn received(&self) -> &'static str {
        match self {
            Self::Missing => NOTHING,
            Self::Transient => "a transient NameID alone",
            Self::Length => "a NameID of another length",
            Self::TooManyAddresses => "more of them",
        }
    }

    pub(super) const fn expected(&self) -> &'static str {
        match self {
            Self::Missing | Self::Transient => CheckId::Subject.info().expected,
            Self::Length => "a NameID of 1 to 1024 characters",
            Self::TooManyAddresses => "at most 20 e-mail addresses and principal names",
        }
    }
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
    pub(super) const fn received(self) -> &'static str {
        match self {
            Self::Unknown => "no such user",
            Self::Deactivated => "a deactivated user",
            Self::Linked => "a user with another identity of this provider",
            Self::OtherDomain => "a user of other domains",
            Self::Ambiguous => "several users",
            Self::NameTaken => "a name that another user has in its folded form",
        }
    }

    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Unknown => "a user with this address, or the setting jit",
            Self::Deactivated => CheckId::UserState.info().expected,
            Self::Linked => "a user without another identity of this provider",
            Self::OtherDomain => "a user with an address in a domain of the connection",
            Self::Ambiguous => "one user with this address or externalId",
            Self::NameTaken => "a userName that no other user has",
        }
    }

    /// The text for the person: what is true of their account, and the way on.
    pub(super) const fn public_text(self) -> &'static str {
        match self {
            Self::Unknown => {
                "There is no account here with your address as its name or main address. Ask an \
                 administrator of your organisation to add you, or to correct your account."
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
