//! The record of one sign-in: 25 checks, each passed, failed or not reached.
//!
//! The numbers and identifiers are stable: the portal, the logs and the documentation use them.
//! The verifier runs checks 1 to 4, 6 to 16 and 18 to 21; the others need storage, and whoever
//! runs them adds them with [`Checks::pass`] and [`Checks::fail`].

use serde::{Serialize, Serializer};

use super::error::SamlError;

/// One of the 25 checks, in their order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum CheckId {
    /// 1: the form field is there, small enough and base64.
    Form,
    /// 2: the XML passes the gate and has the shape of one response with one assertion.
    Xml,
    /// 3: the identity provider says Success.
    Status,
    /// 4: SAML 2.0.
    Version,
    /// 5: the connection exists, is configured and switched on.
    Connection,
    /// 6: response and assertion come from the configured entity.
    Issuer,
    /// 7: what must be signed is signed.
    SignaturePresent,
    /// 8: with accepted algorithms.
    SignatureAlgorithm,
    /// 9: by a configured key.
    SignatureKey,
    /// 10: over exactly the element that is used.
    SignatureReference,
    /// 11: the assertion could be decrypted.
    Decryption,
    /// 12: the response was meant for this URL.
    Destination,
    /// 13: a bearer confirmation for this URL.
    Recipient,
    /// 14: now is within all times.
    Time,
    /// 15: the assertion was meant for us.
    Audience,
    /// 16: it answers a request of this browser, or may come without one.
    InResponseTo,
    /// 17: it was not used before.
    Replay,
    /// 18: the person signed in the way the connection demands.
    AuthnContext,
    /// 19: the session at the identity provider is alive.
    Session,
    /// 20: it says who.
    Subject,
    /// 21: the attributes that are needed are there.
    Attributes,
    /// 22: the e-mail domain belongs to the tenant.
    UserDomain,
    /// 23: the user is active, or may be created.
    UserState,
    /// 24: a licence seat is free.
    UserLicence,
    /// 25: the app's redirect URI is registered.
    AppRedirect,
}

impl CheckId {
    /// All, in order.
    pub const ALL: [Self; 25] = [
        Self::Form,
        Self::Xml,
        Self::Status,
        Self::Version,
        Self::Connection,
        Self::Issuer,
        Self::SignaturePresent,
        Self::SignatureAlgorithm,
        Self::SignatureKey,
        Self::SignatureReference,
        Self::Decryption,
        Self::Destination,
        Self::Recipient,
        Self::Time,
        Self::Audience,
        Self::InResponseTo,
        Self::Replay,
        Self::AuthnContext,
        Self::Session,
        Self::Subject,
        Self::Attributes,
        Self::UserDomain,
        Self::UserState,
        Self::UserLicence,
        Self::AppRedirect,
    ];

    /// The stable identifier, in the portal, in logs and in the documentation.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Form => "saml.form",
            Self::Xml => "saml.xml",
            Self::Status => "saml.status",
            Self::Version => "saml.version",
            Self::Connection => "saml.connection",
            Self::Issuer => "saml.issuer",
            Self::SignaturePresent => "saml.sig.present",
            Self::SignatureAlgorithm => "saml.sig.alg",
            Self::SignatureKey => "saml.sig.key",
            Self::SignatureReference => "saml.sig.ref",
            Self::Decryption => "saml.enc",
            Self::Destination => "saml.dest",
            Self::Recipient => "saml.recipient",
            Self::Time => "saml.time",
            Self::Audience => "saml.audience",
            Self::InResponseTo => "saml.inresponseto",
            Self::Replay => "saml.replay",
            Self::AuthnContext => "saml.authncontext",
            Self::Session => "saml.session",
            Self::Subject => "saml.subject",
            Self::Attributes => "saml.attributes",
            Self::UserDomain => "user.domain",
            Self::UserState => "user.state",
            Self::UserLicence => "user.licence",
            Self::AppRedirect => "app.redirect",
        }
    }

    /// What is checked, in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Form => "The answer arrived whole",
            Self::Xml => "It is one well-formed SAML response",
            Self::Status => "The provider signed the person in",
            Self::Version => "It is SAML 2.0",
            Self::Connection => "The connection is set up and on",
            Self::Issuer => "It comes from the configured provider",
            Self::SignaturePresent => "It is signed",
            Self::SignatureAlgorithm => "The signature uses a safe algorithm",
            Self::SignatureKey => "A trusted key made the signature",
            Self::SignatureReference => "The signature covers what we read",
            Self::Decryption => "The assertion could be decrypted",
            Self::Destination => "It was sent to this address",
            Self::Recipient => "The assertion was issued for this address",
            Self::Time => "It is valid now",
            Self::Audience => "It was issued for this app",
            Self::InResponseTo => "This browser asked for it",
            Self::Replay => "It was not used before",
            Self::AuthnContext => "The person signed in strongly enough",
            Self::Session => "The provider's session is alive",
            Self::Subject => "It says who the person is",
            Self::Attributes => "The needed attributes are there",
            Self::UserDomain => "The e-mail domain is verified",
            Self::UserState => "The person may sign in",
            Self::UserLicence => "A licence is free",
            Self::AppRedirect => "The app's address is registered",
        }
    }
}

impl Serialize for CheckId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// How a check came out.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it must be.
    Passed,
    /// Let through, and worth a look.
    Warning,
    /// Refused.
    Failed,
    /// An earlier failure left nothing to look at, or nothing asked for it.
    NotReached,
}

/// One line of the record.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Check {
    /// Which check.
    pub id: CheckId,
    /// How it came out.
    pub outcome: Outcome,
    /// What it had to be; empty where that says nothing.
    pub expected: String,
    /// What it was; from the provider, for the administrator only.
    pub received: String,
}

/// The record: always 25 lines, in order.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Checks(Vec<Check>);

impl Default for Checks {
    fn default() -> Self {
        let line = |id| Check {
            id,
            outcome: Outcome::NotReached,
            expected: String::new(),
            received: String::new(),
        };
        Self(CheckId::ALL.map(line).to_vec())
    }
}

impl Checks {
    /// The lines, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Check> {
        self.0.iter()
    }

    /// How one check came out.
    pub fn outcome(&self, id: CheckId) -> Outcome {
        self.0.iter().find(|line| line.id == id).map_or(Outcome::NotReached, |line| line.outcome)
    }

    /// Notes that a check passed. A failure stays one: a second signature that is good does not
    /// make up for a first that is not.
    pub fn pass(&mut self, id: CheckId, expected: impl Into<String>, received: impl Into<String>) {
        self.note(id, Outcome::Passed, expected.into(), received.into());
    }

    /// Notes what was let through and is worth a look.
    pub fn warn(&mut self, id: CheckId, expected: impl Into<String>, received: impl Into<String>) {
        self.note(id, Outcome::Warning, expected.into(), received.into());
    }

    /// Notes a refusal.
    pub fn fail(&mut self, error: &SamlError) {
        self.note(error.check(), Outcome::Failed, error.expected(), error.received());
    }

    fn note(&mut self, id: CheckId, outcome: Outcome, expected: String, received: String) {
        if let Some(line) = self.0.iter_mut().find(|line| line.id == id)
            && line.outcome != Outcome::Failed
        {
            *line = Check { id, outcome, expected, received };
        }
    }
}

impl<'a> IntoIterator for &'a Checks {
    type Item = &'a Check;
    type IntoIter = std::slice::Iter<'a, Check>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_has_every_check_in_order() {
        let ids: Vec<_> = Checks::default().iter().map(|line| line.id).collect();
        assert_eq!(ids, CheckId::ALL);
        assert!(ids.is_sorted());
    }

    #[test]
    fn a_failure_is_not_made_up_for() {
        let mut checks = Checks::default();
        checks.fail(&SamlError::Replay);
        checks.pass(CheckId::Replay, "", "");
        assert_eq!(checks.outcome(CheckId::Replay), Outcome::Failed);
    }
}
