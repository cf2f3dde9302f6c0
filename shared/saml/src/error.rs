//! Errors of a refused sign-in: one variant for each of the 25 checks, each with two texts.
//!
//! `Display` is the text for administrators and may quote the identity provider.
//! [`SamlError::public_text`] is the text for the person and quotes nothing: no parser message, no
//! name, no URL. What is fixed for a check is in the table of [`crate::checks`].

mod reasons;

use crate::check_table::{Actor, CheckId};
use crate::decryption::DecryptionError;
use crate::signature::{AlgorithmPart, SignatureError, TRANSFORMS};
use crate::xml::XmlError;

pub use reasons::{
    ConnectionError, FormError, InResponseToError, RecipientError, SessionError, SubjectError,
    TimeError, UserError,
};

/// A refused sign-in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SamlError {
    /// 1: the form post is not usable.
    #[error("the form is not a SAML response: {0}")]
    Form(FormError),
    /// 2: the XML is ambiguous, or is not one response with one assertion.
    #[error("the response is not acceptable XML: {0}")]
    Xml(XmlError),
    /// 3: the identity provider refused.
    #[error(
        "the identity provider answered {code}{}{}",
        joined(" / ", sub_code.as_deref()),
        joined(": ", message.as_deref())
    )]
    Status {
        /// The top-level status code.
        code: String,
        /// The second-level status code, which has the reason.
        sub_code: Option<String>,
        /// The `StatusMessage` of a signed response.
        message: Option<String>,
    },
    /// 4: the version of SAML is not 2.0.
    #[error("the version is \"{received}\", not 2.0")]
    Version {
        /// The received version.
        received: String,
    },
    /// 5: there is no such connection, or it is not ready.
    #[error("the connection is {0}")]
    Connection(ConnectionError),
    /// 6: the issuer is not the configured provider.
    #[error("the issuer is \"{received}\", not the configured \"{expected}\"")]
    Issuer {
        /// The configured entity id.
        expected: String,
        /// The received entity id.
        received: String,
    },
    /// 7: a part that the connection requires to be signed is not.
    #[error("not signed: {required} must be")]
    SignatureMissing {
        /// The part that the connection requires to be signed.
        required: &'static str,
        /// The part that is signed.
        signed: &'static str,
    },
    /// 8: an algorithm is outside the allow-list.
    #[error("the {} {received} is not accepted; choose {}", part.name(), part.accepted())]
    SignatureAlgorithm {
        /// The part of the signature that names the algorithm.
        part: AlgorithmPart,
        /// The received algorithm.
        received: String,
    },
    /// 9: the signature verifies with no configured key.
    #[error(
        "no trusted key made the signature{}; trusted: {}",
        joined("; the response carries certificate ", embedded.as_deref()),
        trusted.join(", ")
    )]
    SignatureKey {
        /// Fingerprints of the configured keys.
        trusted: Vec<String>,
        /// Fingerprint of the certificate in the message. For comparison only, never trusted.
        embedded: Option<String>,
    },
    /// 10: the signature does not cover exactly the element that is read.
    #[error("the signature does not cover the message: {0}")]
    SignatureReference(SignatureError),
    /// 11: the assertion could not be decrypted.
    #[error("the assertion could not be decrypted: {0}")]
    Decryption(DecryptionError),
    /// 12: the response is addressed to another URL.
    #[error("the destination is \"{}\", not \"{expected}\"", received.as_deref().unwrap_or(NOTHING))]
    Destination {
        /// Our URL.
        expected: String,
        /// The received URL.
        received: Option<String>,
    },
    /// 13: there is no bearer confirmation for our URL.
    #[error("no bearer confirmation for \"{expected}\": {reason}")]
    Recipient {
        /// Our URL.
        expected: String,
        /// The reason why the best confirmation does not hold.
        reason: RecipientError,
    },
    /// 14: an instant is too early, too late or malformed.
    #[error("{0}")]
    Time(TimeError),
    /// 15: the assertion is for another app.
    #[error("the audience is \"{}\", not \"{expected}\"", received.join("\", \""))]
    Audience {
        /// Our entity id.
        expected: String,
        /// The received audiences.
        received: Vec<String>,
    },
    /// 16: this browser has no such request open.
    #[error("{0}")]
    InResponseTo(InResponseToError),
    /// 17: the assertion was used before.
    #[error("this response was used before")]
    Replay,
    /// 18: the authentication context is not one that the connection accepts.
    #[error("the authentication context is \"{received}\"; the connection accepts {}", expected.join(", "))]
    AuthnContext {
        /// The contexts that the connection accepts.
        expected: Vec<String>,
        /// The received context.
        received: String,
    },
    /// 19: there is no session at the identity provider, or it has ended.
    #[error("{0}")]
    Session(SessionError),
    /// 20: the assertion does not identify a person.
    #[error("the assertion does not identify the person: {0}")]
    Subject(SubjectError),
    /// 21: a required attribute is missing.
    #[error("no usable {missing} among the attributes: {}", received.join(", "))]
    Attributes {
        /// The missing attribute, in words.
        missing: &'static str,
        /// Names of the received attributes.
        received: Vec<String>,
    },
    /// 22: the e-mail address is not in a domain of the tenant.
    #[error("{}", foreign_domain(domain))]
    UserDomain {
        /// The domain of the address; empty if the assertion has no address.
        domain: String,
    },
    /// 23: the user may not sign in.
    #[error("the user {0}")]
    UserState(UserError),
    /// 24: no licence seat is free.
    #[error("no licence seat is free: all {seats} are in use")]
    UserLicence {
        /// Size of the pool.
        seats: u64,
    },
    /// 25: the app that asked is deleted, or its redirect URI is no longer registered.
    #[error("{redirect_uri} is no longer a registered redirect URI of the app")]
    AppRedirect {
        /// The redirect URI of the authorization request.
        redirect_uri: String,
    },
}

impl SamlError {
    /// The check that failed.
    pub const fn check(&self) -> CheckId {
        match self {
            Self::Form(_) => CheckId::Form,
            Self::Xml(_) => CheckId::Xml,
            Self::Status { .. } => CheckId::Status,
            Self::Version { .. } => CheckId::Version,
            Self::Connection(_) => CheckId::Connection,
            Self::Issuer { .. } => CheckId::Issuer,
            Self::SignatureMissing { .. } => CheckId::SignaturePresent,
            Self::SignatureAlgorithm { .. } => CheckId::SignatureAlgorithm,
            Self::SignatureKey { .. } => CheckId::SignatureKey,
            Self::SignatureReference(_) => CheckId::SignatureReference,
            Self::Decryption(_) => CheckId::Decryption,
            Self::Destination { .. } => CheckId::Destination,
            Self::Recipient { .. } => CheckId::Recipient,
            Self::Time(_) => CheckId::Time,
            Self::Audience { .. } => CheckId::Audience,
            Self::InResponseTo(_) => CheckId::InResponseTo,
            Self::Replay => CheckId::Replay,
            Self::AuthnContext { .. } => CheckId::AuthnContext,
            Self::Session(_) => CheckId::Session,
            Self::Subject(_) => CheckId::Subject,
            Self::Attributes { .. } => CheckId::Attributes,
            Self::UserDomain { .. } | Self::UserState(UserError::OtherDomain) => {
                CheckId::UserDomain
            }
            Self::UserState(_) => CheckId::UserState,
            Self::UserLicence { .. } => CheckId::UserLicence,
            Self::AppRedirect { .. } => CheckId::AppRedirect,
        }
    }

    /// The stable code, `saml.audience` and so on.
    pub const fn code(&self) -> &'static str {
        // Two states of check 23 that somebody can undo have codes of their own.
        if matches!(self, Self::UserState(UserError::Linked)) {
            return "user.linked";
        }
        if matches!(self, Self::UserState(UserError::Ambiguous)) {
            return "user.ambiguous";
        }
        self.check().info().code
    }

    /// The party that must act.
    pub const fn actor(&self) -> Actor {
        if let Self::Decryption(error) = self {
            return error.actor();
        }
        if let Self::UserDomain { domain } = self
            && domain.is_empty()
        {
            return CheckId::Attributes.info().actor;
        }
        if let Self::InResponseTo(error) = self {
            return error.actor();
        }
        if let Self::Session(error) = self {
            return error.actor();
        }
        self.check().info().actor
    }

    /// Whether the response does not fit the connection, so that every person is refused and not
    /// only this person, browser or response.
    pub const fn is_connection_wide(&self) -> bool {
        if let Self::InResponseTo(error) = self {
            return error.is_connection_wide();
        }
        if let Self::Session(error) = self {
            return error.is_connection_wide();
        }
        self.check().info().is_connection_wide
    }

    /// The text for the person. Quotes nothing of the response.
    pub const fn public_text(&self) -> &'static str {
        if let Self::UserState(error) = self {
            return error.public_text();
        }
        if let Self::Form(error) = self {
            return error.public_text();
        }
        if let Self::InResponseTo(error) = self {
            return error.public_text();
        }
        if let Self::Session(error) = self {
            return error.public_text();
        }
        if let Self::UserDomain { domain } = self
            && domain.is_empty()
        {
            return CheckId::Subject.info().public_text;
        }
        self.check().info().public_text
    }

    /// The expected value, for the record: that of this sign-in, or else the fixed one of the
    /// check. Never empty.
    pub fn expected(&self) -> String {
        match self {
            Self::Issuer { expected, .. }
            | Self::Destination { expected, .. }
            | Self::Audience { expected, .. } => expected.clone(),
            Self::Recipient { expected, reason } => reason.expected(expected),
            Self::SignatureMissing { required, .. } => format!("{required} signed"),
            Self::SignatureAlgorithm { part, .. } => part.accepted().to_owned(),
            Self::SignatureReference(SignatureError::Transform(_)) => TRANSFORMS.to_owned(),
            Self::SignatureKey { trusted: list, .. }
            | Self::AuthnContext { expected: list, .. }
                if !list.is_empty() =>
            {
                list.join(", ")
            }
            Self::Form(error) => error.expected().to_owned(),
            Self::Decryption(error) => error.expected().to_owned(),
            Self::Time(error) => error.expected().to_owned(),
            Self::InResponseTo(error) => error.expected().to_owned(),
            Self::Session(error) => error.expected().to_owned(),
            Self::Subject(error) => error.expected().to_owned(),
            Self::UserState(error) => error.expected().to_owned(),
            Self::Xml(_)
            | Self::Status { .. }
            | Self::Version { .. }
            | Self::Connection(_)
            | Self::SignatureKey { .. }
            | Self::SignatureReference(_)
            | Self::Replay
            | Self::AuthnContext { .. }
            | Self::Attributes { .. }
            | Self::UserDomain { .. }
            | Self::UserLicence { .. }
            | Self::AppRedirect { .. } => self.check().info().expected.to_owned(),
        }
    }

    /// The received value, for the record. Never empty, and never the whole text for
    /// administrators, which the record has beside it.
    pub fn received(&self) -> String {
        match self {
            Self::Form(error) => error.received(),
            Self::Xml(error) => error.received(),
            Self::Status { code, sub_code, .. } => {
                format!("{code}{}", joined(" / ", sub_code.as_deref()))
            }
            Self::Version { received }
            | Self::Issuer { received, .. }
            | Self::SignatureAlgorithm { received, .. }
            | Self::AuthnContext { received, .. } => or_nothing(Some(received)),
            Self::Connection(error) => error.to_string(),
            Self::SignatureMissing { signed, .. } => (*signed).to_owned(),
            Self::SignatureKey { embedded, .. } => {
                embedded.clone().unwrap_or_else(|| "a signature without a certificate".to_owned())
            }
            Self::SignatureReference(error) => error.received(),
            Self::Decryption(error) => error.received(),
            Self::Destination { received, .. } => or_nothing(received.as_deref()),
            Self::Recipient { reason, .. } => reason.received(),
            Self::Time(error) => error.received(),
            Self::Audience { received, .. } | Self::Attributes { received, .. } => {
                or_nothing(Some(&received.join(", ")))
            }
            Self::InResponseTo(error) => error.received(),
            Self::Replay => "one that was used before".to_owned(),
            Self::Session(error) => error.received(),
            Self::Subject(error) => error.received().to_owned(),
            Self::UserDomain { domain } => or_nothing(Some(domain)),
            Self::UserState(error) => error.received().to_owned(),
            Self::UserLicence { seats } => format!("{seats} of {seats} in use"),
            Self::AppRedirect { redirect_uri } => redirect_uri.clone(),
        }
    }
}

impl From<XmlError> for SamlError {
    fn from(error: XmlError) -> Self {
        if let XmlError::TooLarge(bytes) = error {
            return Self::Form(FormError::TooLarge(bytes));
        }
        Self::Xml(error)
    }
}

fn joined(separator: &str, part: Option<&str>) -> String {
    part.map_or_else(String::new, |part| format!("{separator}{part}"))
}

fn foreign_domain(domain: &str) -> String {
    if domain.is_empty() {
        return "the assertion has no e-mail address by which a user could be found".to_owned();
    }
    format!("the e-mail domain \"{domain}\" is not verified for this organisation")
}

fn or_nothing(received: Option<&str>) -> String {
    received.filter(|text| !text.is_empty()).unwrap_or(NOTHING).to_owned()
}

const NOTHING: &str = "(nothing)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_of_a_user_has_a_sentence_of_its_own_with_a_way_on() {
        let states = [
            UserError::Unknown,
            UserError::Deactivated,
            UserError::Linked,
            UserError::OtherDomain,
            UserError::Ambiguous,
            UserError::NameTaken,
        ];
        let mut texts: Vec<&str> =
            states.iter().map(|state| SamlError::UserState(*state).public_text()).collect();
        for (state, text) in states.iter().zip(&texts) {
            assert!(text.contains("Ask an administrator"), "{state:?}");
            assert_eq!(text.contains("no account"), *state == UserError::Unknown, "{state:?}");
        }
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), states.len());
    }
}
