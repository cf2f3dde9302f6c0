//! The table of the 25 checks of a sign-in. To add a check, add a row here and a variant of
//! [`SamlError`](crate::error::SamlError).
//!
//! The order and the codes are stable: the portal, the logs, stored records and the documentation
//! use them.

use serde::{Serialize, Serializer};

/// One row of the table. Every text is fixed; values of one sign-in are in its record.
#[derive(Clone, Copy, Debug)]
pub struct CheckInfo {
    /// The stable identifier, `saml.audience` and so on.
    pub code: &'static str,
    /// A short title of the check.
    pub title: &'static str,
    /// The expected value in words, for failures that know no value of their own.
    pub expected: &'static str,
    /// The party that must act on a failure.
    pub actor: Actor,
    /// Whether a failure shows that the response does not fit the connection, so that every person
    /// is refused and not only this person, browser or response.
    pub is_connection_wide: bool,
    /// Whether the received value names the person, so that records omit it by default.
    pub is_personal: bool,
    /// The text of a failure for the person. Quotes nothing of the response.
    pub public_text: &'static str,
}

/// The party that must act on a failed check.
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

impl Actor {
    /// The name in records and in the operator API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdpAdmin => "idp_admin",
            Self::TenantAdmin => "tenant_admin",
            Self::Person => "person",
            Self::Operator => "operator",
        }
    }
}

/// Declares [`CheckId`] and its rows together, so that neither exists without the other.
macro_rules! check_table {
    ($($(#[$doc:meta])+ $id:ident => $info:expr,)+) => {
        /// One of the 25 checks, in order.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum CheckId {
            $($(#[$doc])+ $id,)+
        }

        impl CheckId {
            /// All checks, in order.
            pub const ALL: &[Self] = &[$(Self::$id,)+];

            /// The row of this check.
            pub const fn info(self) -> &'static CheckInfo {
                match self {
                    $(Self::$id => const { &$info },)+
                }
            }
        }
    };
}

check_table! {
    /// 1: the form field is present, within the size limit, and base64.
    Form => CheckInfo {
        code: "saml.form",
        title: "The answer arrived whole",
        expected: "one field SAMLResponse in base64",
        actor: Actor::IdpAdmin,
        is_connection_wide: false,
        is_personal: false,
        public_text: UNTRUSTED,
    },
    /// 2: the XML passes the gate and has the shape of one response with one assertion.
    Xml => CheckInfo {
        code: "saml.xml",
        title: "It is one well-formed SAML response",
        expected: "one SAML response with one assertion",
        actor: Actor::IdpAdmin,
        is_connection_wide: false,
        is_personal: false,
        public_text: UNTRUSTED,
    },
    /// 3: the status is Success.
    Status => CheckInfo {
        code: "saml.status",
        title: "The provider signed the person in",
        expected: crate::names::SUCCESS,
        actor: Actor::IdpAdmin,
        is_connection_wide: false,
        is_personal: false,
        public_text: "Your organisation's sign-in service did not sign you in.",
    },
    /// 4: the version is SAML 2.0.
    Version => CheckInfo {
        code: "saml.version",
        title: "It is SAML 2.0",
        expected: "2.0",
        actor: Actor::IdpAdmin,
        is_connection_wide: true,
        is_personal: false,
        public_text: UNTRUSTED,
    },
    /// 5: the connection exists, is configured and enabled. Whoever set it up knows its state.
    Connection => CheckInfo {
        code: "saml.connection",
        title: "The connection is set up and on",
        expected: "set up and switched on",
        actor: Actor::TenantAdmin,
        is_connection_wide: false,
        is_personal: false,
        public_text: "Sign-in is not set up at this address. Go back to your app, or ask an administrator \
                      of your organisation.",
    },
    /// 6: response and assertion come from the configured entity.
    Issuer => CheckInfo {
        code: "saml.issuer",
        title: "It comes from the configured provider",
        expected: "the provider's entity ID",
        actor: Actor::TenantAdmin,
        is_connection_wide: true,
        is_personal: false,
        public_text: UNTRUSTED,
    },
    /// 7: the parts that the connection requires are signed.
    SignaturePresent => CheckInfo {
        code: "saml.sig.present",
        title: "It is signed",
        expected: "a signature",
        actor: Actor::IdpAdmin,
        is_connection_wide: true,
        is_personal: false,
        public_text: UNTRUSTED,
    },
    /// 8: the signature uses accepted algorithms.
    SignatureAlgorithm => CheckInfo {
        code: "saml.sig.alg",
        title: "The signature uses a safe algorithm",
        expected: "RSA or ECDSA with SHA-256, 384 or 512",
        actor: Actor::IdpAdmin,
        is_connection_wide: true,
        is_personal: false,
        public_text: UNTRUSTED,
    },
    /// 9: the signature verifies with a configured key.
    SignatureKey => CheckInfo {
        code: "saml.sig.key",
        title: "A trusted key made the signature",
        expected: "a key of the provider's metadata",
        actor: Actor::TenantAdmin,
        is_connection_wide: true,
        is_personal: false,
        public_text: UNTRUSTED,
    },
    /// 10: the signature covers exactly the element that is read.
    SignatureReference => CheckInfo {
        code: "saml.sig.ref",
        title: "The signature covers what we read",
        expected: "one reference to the signed element, unchanged",
        actor: Actor::IdpAdmin,
        is_connection_wide: true,
        is_personal: false,
        public_text: UNTRUSTED,
    },
    /// 11: the assertion could be decrypted.
    Decryption => CheckInfo {
        code: "saml.enc",
        title: "The assertion could be decrypted",
        expected: "RSA-OAEP with AES-128 or AES-256, for our certificate",
        actor: Actor::TenantAdmin,
        is_connection_wide: true,
        is_personal: false,
        public_text: UNTRUSTED,
    },
    /// 12: the response is addressed to this URL.
    Destination => CheckInfo {
        code: "saml.dest",
        title: "It was sent to this address",
        expected: "our address",
        actor: Actor::IdpAdmin,
        is_connection_wide: true,
        is_personal: false,
        public_text: OTHER_APP,
    },
    /// 13: a bearer confirmation names this URL.
    Recipient => CheckInfo {
        code: "saml.recipient",
        title: "The assertion was issued for this address",
        expected: "our address",
        actor: Actor::IdpAdmin,
        is_connection_wide: true,
        is_personal: false,
        public_text: OTHER_APP,
    },
    /// 14: all validity periods include the current time.
    Time => CheckInfo {
        code: "saml.time",
        title: "It is valid now",
        expected: "a time within our clock",
        actor: Actor::IdpAdmin,
        is_connection_wide: true,
        is_personal: false,
        public_text: "The answer of your organisation's sign-in service is not valid at this time.",
    },
    /// 15: the audience is our entity id.
    Audience => CheckInfo {
        code: "saml.audience",
        title: "It was issued for this app",
        expected: "our entity ID",
        actor: Actor::IdpAdmin,
        is_connection_wide: true,
        is_personal: false,
        public_text: OTHER_APP,
    },
    /// 16: the response answers a request of this browser, or may be unsolicited.
    InResponseTo => CheckInfo {
        code: "saml.inresponseto",
        title: "This browser asked for it",
        expected: "a request that this browser has open",
        actor: Actor::Person,
        is_connection_wide: false,
        is_personal: false,
        public_text:
            "This sign-in was not started in this browser, or it took too long. Start again.",
    },
    /// 17: the assertion was not used before.
    Replay => CheckInfo {
        code: "saml.replay",
        title: "It was not used before",
        expected: "an assertion that was not used before",
        actor: Actor::Person,
        is_connection_wide: false,
        is_personal: false,
        public_text: "This sign-in was used before. Start again.",
    },
    /// 18: the authentication context is one that the connection accepts.
    AuthnContext => CheckInfo {
        code: "saml.authncontext",
        title: "The person signed in strongly enough",
        expected: "a context that the connection accepts",
        actor: Actor::IdpAdmin,
        is_connection_wide: true,
        is_personal: false,
        public_text: "Your organisation demands a stronger way of signing in for this app.",
    },
    /// 19: the session at the identity provider has started and not ended.
    Session => CheckInfo {
        code: "saml.session",
        title: "The provider's session is alive",
        expected: "a session that has not ended",
        actor: Actor::Person,
        is_connection_wide: false,
        is_personal: false,
        public_text: "Your session at your organisation's sign-in service is over. Start again.",
    },
    /// 20: the assertion identifies the person.
    Subject => CheckInfo {
        code: "saml.subject",
        title: "It says who the person is",
        expected: "a NameID that is not transient, or a subject-id",
        actor: Actor::IdpAdmin,
        is_connection_wide: true,
        is_personal: true,
        public_text: TOO_LITTLE,
    },
    /// 21: the required attributes are present.
    Attributes => CheckInfo {
        code: "saml.attributes",
        title: "The needed attributes are there",
        expected: "e-mail address",
        actor: Actor::IdpAdmin,
        is_connection_wide: true,
        is_personal: true,
        public_text: TOO_LITTLE,
    },
    /// 22: the e-mail domain belongs to the tenant.
    UserDomain => CheckInfo {
        code: "user.domain",
        title: "The e-mail domain is verified",
        expected: "an address in a verified domain of the connection",
        actor: Actor::TenantAdmin,
        is_connection_wide: false,
        is_personal: false,
        public_text: "Your e-mail address is not in a domain of this organisation. Ask an administrator of \
                      your organisation to add the domain."
    },
    /// 23: the user is active, or may be created.
    UserState => CheckInfo {
        code: "user.state",
        title: "The person may sign in",
        expected: "an active user",
        actor: Actor::TenantAdmin,
        is_connection_wide: false,
        is_personal: false,
        public_text: "You cannot sign in here.",
    },
    /// 24: a licence seat is free.
    UserLicence => CheckInfo {
        code: "user.licence",
        title: "A licence is free",
        expected: "a free licence",
        actor: Actor::TenantAdmin,
        is_connection_wide: false,
        is_personal: false,
        public_text: "Your organisation has no free licence for you. Ask an administrator for one.",
    },
    /// 25: the app's redirect URI is registered.
    AppRedirect => CheckInfo {
        code: "app.redirect",
        title: "The app's address is registered",
        expected: "a registered address",
        actor: Actor::Operator,
        is_connection_wide: false,
        is_personal: false,
        public_text: "The app that you came from can no longer be opened. Ask an administrator of your \
                      organisation.",
    },
}

/// Shared by every check up to a good signature (*no oracle*): the page does not show how far a
/// made-up response got.
const UNTRUSTED: &str =
    "Your organisation's sign-in service answered in a way that we cannot trust.";
const OTHER_APP: &str = "Your organisation's sign-in service answered for a different app.";
const TOO_LITTLE: &str = "Your organisation's sign-in service did not tell us enough about you.";

impl CheckId {
    /// The stable identifier, `saml.audience` and so on.
    pub const fn code(self) -> &'static str {
        self.info().code
    }

    /// A short title of the check.
    pub const fn title(self) -> &'static str {
        self.info().title
    }
}

impl Serialize for CheckId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_every_row_has_its_texts() {
        let mut codes: Vec<_> = CheckId::ALL.iter().map(|id| id.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 25);
        for id in CheckId::ALL {
            assert!(!id.title().is_empty() && !id.info().public_text.is_empty(), "{id:?}");
        }
    }
}
