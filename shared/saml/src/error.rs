//! Why a sign-in is refused: one variant for each check, each with two texts.
//!
//! `Display` is the administrator's text and may quote what the identity provider sent.
//! [`SamlError::public_text`] is the person's and quotes nothing: no parser text, no name, no URL.

mod faults;

use super::checks::CheckId;
use super::decryption::DecryptionFault;
use super::signature::SignatureFault;
use super::xml::XmlFault;

pub use faults::{
    ConnectionFault, FormFault, InResponseToFault, RecipientFault, SessionFault, SubjectFault,
    TimeFault, UserFault,
};

/// A refused sign-in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SamlError {
    /// 1: not a usable form post.
    #[error("the form is not a SAML response: {0}")]
    Form(FormFault),
    /// 2: not one response with one assertion, in XML that has one reading.
    #[error("the response is not acceptable XML: {0}")]
    Xml(XmlFault),
    /// 3: the identity provider refused.
    #[error(
        "the identity provider answered {code}{}{}",
        joined(" / ", sub_code.as_deref()),
        joined(": ", message.as_deref())
    )]
    Status {
        /// The top-level status code.
        code: String,
        /// The second-level code, the real reason.
        sub_code: Option<String>,
        /// The provider's own words.
        message: Option<String>,
    },
    /// 4: another version of SAML.
    #[error("the version is \"{received}\", not 2.0")]
    Version {
        /// What the message says.
        received: String,
    },
    /// 5: no such connection, or one that is not ready.
    #[error("the connection is {0}")]
    Connection(ConnectionFault),
    /// 6: from somebody else.
    #[error("the issuer is \"{received}\", not the configured \"{expected}\"")]
    Issuer {
        /// The configured entity id.
        expected: String,
        /// The one in the message.
        received: String,
    },
    /// 7: what must be signed is not.
    #[error("not signed: {required} must be")]
    SignatureMissing {
        /// What the connection demands.
        required: &'static str,
    },
    /// 8: an algorithm outside the allow-list.
    #[error("the algorithm {received} is not accepted; choose RSA or ECDSA with SHA-256")]
    SignatureAlgorithm {
        /// What the message uses.
        received: String,
    },
    /// 9: no configured key verifies it.
    #[error(
        "no trusted key made the signature{}; trusted: {}",
        joined("; the response carries certificate ", embedded.as_deref()),
        trusted.join(", ")
    )]
    SignatureKey {
        /// Fingerprints of the configured keys.
        trusted: Vec<String>,
        /// Fingerprint of the certificate in the message. Shown to compare, trusted by nobody.
        embedded: Option<String>,
    },
    /// 10: signed, but not exactly what is read.
    #[error("the signature does not cover the message: {0}")]
    SignatureReference(SignatureFault),
    /// 11: no assertion came out of the encrypted one.
    #[error("the assertion could not be decrypted: {0}")]
    Decryption(DecryptionFault),
    /// 12: meant for another URL.
    #[error("the destination is \"{}\", not \"{expected}\"", received.as_deref().unwrap_or(NOTHING))]
    Destination {
        /// Our URL.
        expected: String,
        /// The one in the message.
        received: Option<String>,
    },
    /// 13: no bearer confirmation for our URL.
    #[error("no bearer confirmation for \"{expected}\": {fault}")]
    Recipient {
        /// Our URL.
        expected: String,
        /// What is wrong with the nearest one.
        fault: RecipientFault,
    },
    /// 14: too early, too late or not an instant.
    #[error("{0}")]
    Time(TimeFault),
    /// 15: meant for another app.
    #[error("the audience is \"{}\", not \"{expected}\"", received.join("\", \""))]
    Audience {
        /// Our entity id.
        expected: String,
        /// Those in the message.
        received: Vec<String>,
    },
    /// 16: nobody here asked for it.
    #[error("{0}")]
    InResponseTo(InResponseToFault),
    /// 17: used before.
    #[error("this response was used before")]
    Replay,
    /// 18: not signed in the way the connection demands.
    #[error("the authentication context is \"{received}\"; the connection accepts {}", expected.join(", "))]
    AuthnContext {
        /// What the connection accepts.
        expected: Vec<String>,
        /// What the provider says.
        received: String,
    },
    /// 19: the session at the provider is over, or there is none.
    #[error("{0}")]
    Session(SessionFault),
    /// 20: nobody is named.
    #[error("the assertion names nobody: {0}")]
    Subject(SubjectFault),
    /// 21: a needed attribute is missing.
    #[error("no usable {missing} among the attributes: {}", received.join(", "))]
    Attributes {
        /// What is needed.
        missing: &'static str,
        /// Names of the attributes that came.
        received: Vec<String>,
    },
    /// 22: the e-mail address is in a domain that is not the tenant's.
    #[error("the e-mail domain \"{domain}\" is not verified for this organisation")]
    UserDomain {
        /// The domain.
        domain: String,
    },
    /// 23: the user may not sign in.
    #[error("the user {0}")]
    UserState(UserFault),
    /// 24: no seat.
    #[error("no licence seat is free: all {seats} are in use")]
    UserLicence {
        /// Size of the pool.
        seats: u64,
    },
    /// 25: the app's URL is not registered, or the code was not redeemed in time.
    #[error("the app's redirect URI is not registered")]
    AppRedirect,
}

/// Who has to do something about a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Actor {
    /// The administrator of the identity provider.
    IdpAdmin,
    /// The organisation's administrator, in our portal.
    TenantAdmin,
    /// The person who signs in.
    Person,
    /// The team that runs the app.
    Operator,
}

impl SamlError {
    /// Which of the 25 checks failed.
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
            Self::UserDomain { .. } => CheckId::UserDomain,
            Self::UserState(_) => CheckId::UserState,
            Self::UserLicence { .. } => CheckId::UserLicence,
            Self::AppRedirect => CheckId::AppRedirect,
        }
    }

    /// The stable code, `saml.audience` and so on.
    pub const fn code(&self) -> &'static str {
        self.check().code()
    }

    /// Whether the response does not fit the connection, so that everybody who comes through it is
    /// refused, and not this person, browser or response alone.
    pub const fn is_of_connection(&self) -> bool {
        match self {
            Self::Version { .. }
            | Self::Issuer { .. }
            | Self::SignatureMissing { .. }
            | Self::SignatureAlgorithm { .. }
            | Self::SignatureKey { .. }
            | Self::SignatureReference(_)
            | Self::Decryption(_)
            | Self::Destination { .. }
            | Self::Recipient { .. }
            | Self::Time(_)
            | Self::Audience { .. }
            | Self::AuthnContext { .. }
            | Self::Subject(_)
            | Self::Attributes { .. } => true,
            // A connection that is not ready, or that nobody has, is known to whoever set it up.
            Self::Connection(_)
            | Self::Form(_)
            | Self::Xml(_)
            | Self::Status { .. }
            | Self::InResponseTo(_)
            | Self::Replay
            | Self::Session(_)
            | Self::UserDomain { .. }
            | Self::UserState(_)
            | Self::UserLicence { .. }
            | Self::AppRedirect => false,
        }
    }

    /// What it had to be, for the record.
    pub fn expected(&self) -> String {
        match self {
            Self::Issuer { expected, .. }
            | Self::Destination { expected, .. }
            | Self::Recipient { expected, .. }
            | Self::Audience { expected, .. } => expected.clone(),
            Self::Status { .. } => super::names::SUCCESS.to_owned(),
            Self::Version { .. } => "2.0".to_owned(),
            Self::SignatureMissing { required } => format!("{required} signed"),
            Self::SignatureAlgorithm { .. } => "RSA or ECDSA with SHA-256, 384 or 512".to_owned(),
            Self::SignatureKey { trusted, .. } => trusted.join(", "),
            Self::AuthnContext { expected, .. } => expected.join(", "),
            Self::Attributes { missing, .. } => (*missing).to_owned(),
            Self::Form(_)
            | Self::Xml(_)
            | Self::Connection(_)
            | Self::SignatureReference(_)
            | Self::Decryption(_)
            | Self::Time(_)
            | Self::InResponseTo(_)
            | Self::Replay
            | Self::Session(_)
            | Self::Subject(_)
            | Self::UserDomain { .. }
            | Self::UserState(_)
            | Self::UserLicence { .. }
            | Self::AppRedirect => String::new(),
        }
    }

    /// What it was, for the record; the administrator's text where a value says too little.
    pub fn received(&self) -> String {
        match self {
            Self::Version { received }
            | Self::Issuer { received, .. }
            | Self::SignatureAlgorithm { received }
            | Self::AuthnContext { received, .. } => received.clone(),
            Self::Destination { received, .. } => {
                received.clone().unwrap_or_else(|| NOTHING.to_owned())
            }
            Self::Audience { received, .. } | Self::Attributes { received, .. } => {
                received.join(", ")
            }
            Self::SignatureKey { embedded, .. } => embedded.clone().unwrap_or_default(),
            Self::Recipient { fault, .. } => fault.to_string(),
            Self::Form(_)
            | Self::Xml(_)
            | Self::Status { .. }
            | Self::Connection(_)
            | Self::SignatureMissing { .. }
            | Self::SignatureReference(_)
            | Self::Decryption(_)
            | Self::Time(_)
            | Self::InResponseTo(_)
            | Self::Replay
            | Self::Session(_)
            | Self::Subject(_)
            | Self::UserDomain { .. }
            | Self::UserState(_)
            | Self::UserLicence { .. }
            | Self::AppRedirect => self.to_string(),
        }
    }

    /// Who must act.
    pub const fn actor(&self) -> Actor {
        match self {
            Self::Form(_)
            | Self::Xml(_)
            | Self::Status { .. }
            | Self::Version { .. }
            | Self::SignatureMissing { .. }
            | Self::SignatureAlgorithm { .. }
            | Self::SignatureReference(_)
            | Self::Destination { .. }
            | Self::Recipient { .. }
            | Self::Time(_)
            | Self::Audience { .. }
            | Self::AuthnContext { .. }
            | Self::Subject(_)
            | Self::Attributes { .. } => Actor::IdpAdmin,
            Self::Connection(_)
            | Self::Issuer { .. }
            | Self::SignatureKey { .. }
            | Self::Decryption(_)
            | Self::UserDomain { .. }
            | Self::UserState(_)
            | Self::UserLicence { .. } => Actor::TenantAdmin,
            Self::InResponseTo(_) | Self::Replay | Self::Session(_) => Actor::Person,
            Self::AppRedirect => Actor::Operator,
        }
    }

    /// What the person may read. Every failure up to a good signature has one text, so that
    /// nobody learns from the page which step a made-up response got to.
    pub const fn public_text(&self) -> &'static str {
        match self {
            Self::Form(_)
            | Self::Xml(_)
            | Self::Version { .. }
            | Self::Issuer { .. }
            | Self::SignatureMissing { .. }
            | Self::SignatureAlgorithm { .. }
            | Self::SignatureKey { .. }
            | Self::SignatureReference(_)
            | Self::Decryption(_) => {
                "Your organisation's sign-in service answered in a way that we cannot trust."
            }
            Self::Status { .. } => "Your organisation's sign-in service did not sign you in.",
            Self::Connection(_) => "Sign-in is not set up for your organisation yet.",
            Self::Destination { .. } | Self::Recipient { .. } | Self::Audience { .. } => {
                "Your organisation's sign-in service answered for a different app."
            }
            Self::Time(_) => {
                "The answer of your organisation's sign-in service is not valid at this time."
            }
            Self::InResponseTo(_) => {
                "This sign-in was not started in this browser, or it took too long. Start again."
            }
            Self::Replay => "This sign-in was used before. Start again.",
            Self::AuthnContext { .. } => {
                "Your organisation demands a stronger way of signing in for this app."
            }
            Self::Session(_) => {
                "Your session at your organisation's sign-in service is over. Start again."
            }
            Self::Subject(_) | Self::Attributes { .. } => {
                "Your organisation's sign-in service did not tell us enough about you."
            }
            Self::UserDomain { .. } => {
                "Your e-mail address is not in a domain of this organisation."
            }
            Self::UserState(UserFault::Unknown | UserFault::Linked) => {
                "You have no account here yet."
            }
            Self::UserState(UserFault::Deactivated) => {
                "Your access was switched off by your organisation."
            }
            Self::UserLicence { .. } => "Your organisation has no free licence for you.",
            Self::AppRedirect => {
                "The app asked for an answer at an address that is not registered."
            }
        }
    }
}

impl From<XmlFault> for SamlError {
    fn from(fault: XmlFault) -> Self {
        if let XmlFault::TooLarge(bytes) = fault {
            return Self::Form(FormFault::TooLarge(bytes));
        }
        Self::Xml(fault)
    }
}

fn joined(separator: &str, part: Option<&str>) -> String {
    part.map_or_else(String::new, |part| format!("{separator}{part}"))
}

const NOTHING: &str = "(nothing)";
