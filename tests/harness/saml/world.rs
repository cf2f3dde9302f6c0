//! The service provider of the tests: its URLs, keys and settings.

use std::sync::LazyLock;

use jiff::Timestamp;
use saml::crypto::{DecryptionKey, VerifyingKey};
use saml::response::{Expectations, SignedPart, Verdict, verify};
use saml::time::ClockSkew;
use types::domain::Domain;

use super::keys::KEYS;

/// Entity id of the identity provider.
pub const IDP: &str = "https://idp.example/saml";
/// Our entity id.
pub const SP: &str = "https://sp.example/saml/metadata/acme.com";
/// Our assertion consumer service.
pub const ACS: &str = "https://sp.example/saml/sso/acme.com";
/// The request that the browser has open.
pub const REQUEST: &str = "_5f0c3e7d1b2a49688776655443322110ffeeddcc";
/// The time of verification.
pub const NOW: &str = "2026-11-21T12:00:00Z";

static TRUSTED: LazyLock<Vec<VerifyingKey>> = LazyLock::new(|| {
    [&KEYS.idp_p256, &KEYS.idp, &KEYS.idp_next, &KEYS.idp_p384, &KEYS.expired]
        .map(|pair| VerifyingKey::from_certificate(&pair.der()).unwrap())
        .to_vec()
});

static DECRYPTION: LazyLock<Vec<DecryptionKey>> = LazyLock::new(|| {
    [&KEYS.sp, &KEYS.sp_previous]
        .map(|pair| DecryptionKey::from_pem(&pair.private_pem()).unwrap())
        .to_vec()
});

static DOMAINS: LazyLock<Vec<Domain>> = LazyLock::new(|| vec!["acme.com".parse().unwrap()]);

/// Settings of the connection that test cases change.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether responses without a request are accepted.
    pub idp_initiated: bool,
    /// Whether the browser has the request open.
    pub request_open: bool,
    /// The part that must be signed.
    pub signed: SignedPart,
    /// Accepted authentication context classes; empty accepts any.
    pub contexts: &'static [&'static str],
    /// Whether a response without an e-mail address is refused.
    pub require_email: bool,
    /// Whether there are decryption keys.
    pub decrypts: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            idp_initiated: false,
            request_open: true,
            signed: SignedPart::Either,
            contexts: &[],
            require_email: false,
            decrypts: true,
        }
    }
}

impl Settings {
    /// The expectations of the verifier.
    pub fn expectations(&self) -> Expectations<'static> {
        Expectations {
            idp_entity_id: IDP,
            idp_keys: &TRUSTED,
            sp_entity_id: SP,
            acs_url: ACS,
            decryption_keys: if self.decrypts { &DECRYPTION } else { &[] },
            domains: &DOMAINS,
            open_requests: if self.request_open { &[REQUEST] } else { &[] },
            allow_idp_initiated: self.idp_initiated,
            clock_skew: ClockSkew::default(),
            signed: self.signed,
            authn_contexts: self.contexts,
            require_email: self.require_email,
        }
    }

    /// Verifies a response at [`NOW`].
    pub fn verify(&self, response: &[u8]) -> Verdict {
        verify(response, &self.expectations(), now())
    }
}

/// The time of verification.
pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}
