//! SCIM bearer tokens: `gh_scim_<tenant>_<token id>_<256 random bits>`.
//!
//! The token names its tenant, so that the tenant is known before any lookup; the id selects the
//! stored digest. Only the digest is stored: `shared::secrets::scim_tokens` has the storage.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::hex::hex;
use crate::ids::TenantId;
use crate::secret_text::{ENCODED_LENGTH, secret_text};

/// A bearer token as a client holds it. `Debug` does not show the secret.
pub struct ScimToken {
    tenant: TenantId,
    id: String,
    text: SecretString,
}

impl ScimToken {
    /// Makes a token from randomness of the caller.
    pub fn new(tenant: TenantId, id: [u8; 8], secret: &[u8; 32]) -> Self {
        let id = hex(&id);
        let text = secret_text(&format!("{PREFIX}{tenant}_{id}_"), secret);
        Self { tenant, id, text }
    }

    /// Parses a token; `None` if the text does not have the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PREFIX)?.splitn(3, '_');
        let tenant = parts.next()?.parse().ok()?;
        let id = parts.next()?;
        let secret = parts.next()?;
        if id.len() != 16 || secret.len() != ENCODED_LENGTH {
            return None;
        }
        Some(Self { tenant, id: id.to_owned(), text: text.into() })
    }

    /// The claimed tenant. Untrusted until [`StoredToken::verify`] succeeds.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The claimed token id: 16 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text of the token, to be shown once to the operator who created it.
    pub fn reveal(&self) -> &str {
        self.text.expose_secret()
    }

    /// Converts the token into its text.
    pub fn into_text(self) -> SecretString {
        self.text
    }

    /// Returns the stored form. A fast hash is enough for a token of 256 random bits.
    pub fn to_stored(&self, created_at: Timestamp, expires_at: Timestamp) -> StoredToken {
        let text = self.reveal();
        let last4 = text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned();
        StoredToken { id: self.id.clone(), sha256: self.digest(), created_at, expires_at, last4 }
    }

    fn digest(&self) -> String {
        hex(&Sha256::digest(self.reveal()))
    }
}

impl fmt::Debug for ScimToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScimToken({})", self.id)
    }
}

/// The stored form of a token, as in Secrets Manager.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct StoredToken {
    /// Token id: 16 hexadecimal digits.
    pub id: String,
    /// SHA-256 of the whole token, in hexadecimal.
    pub sha256: String,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time from which on the token is refused.
    pub expires_at: Timestamp,
    /// The last four characters, by which people recognise a token.
    pub last4: String,
}

impl StoredToken {
    /// Returns the validity period if `token` has this digest and has not expired. Compares the
    /// digests in constant time.
    pub fn verify(&self, token: &ScimToken, now: Timestamp) -> Option<Validity> {
        let same = self.sha256.as_bytes().ct_eq(token.digest().as_bytes());
        let Self { created_at, expires_at, .. } = *self;
        (bool::from(same) && now < expires_at).then_some(Validity { created_at, expires_at })
    }
}

/// Validity period of a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validity {
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl Validity {
    /// Time from which on the token is refused.
    pub const fn expires_at(self) -> Timestamp {
        self.expires_at
    }

    /// Whether the token should be replaced: in the last twelfth of the period, the last month of a
    /// year. A fixed time would warn of every short-lived token from its creation.
    pub fn ends_soon(self, now: Timestamp) -> bool {
        let seconds = |from: Timestamp| self.expires_at.duration_since(from).as_secs();
        seconds(now).saturating_mul(12) < seconds(self.created_at)
    }
}

/// The prefix of every SCIM token, for secret scanners.
const PREFIX: &str = "gh_scim_";

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn token(secret: u8) -> ScimToken {
        let tenant = "0199d3a0-0000-7000-8000-000000000001".parse().unwrap();
        ScimToken::new(tenant, [7; 8], &[secret; 32])
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_reads_back() {
        let parsed = ScimToken::parse(token(1).reveal()).unwrap();
        assert_eq!(parsed.tenant(), token(1).tenant());
        assert_eq!(parsed.id(), "0707070707070707");
    }

    #[test]
    fn only_the_same_token_verifies_and_only_until_it_expires() {
        let stored = token(1).to_stored(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        assert!(stored.verify(&token(1), at("2026-06-01T00:00:00Z")).is_some());
        assert_eq!(stored.verify(&token(2), at("2026-06-01T00:00:00Z")), None);
        assert_eq!(stored.verify(&token(1), at("2027-01-01T00:00:00Z")), None);
    }

    #[test]
    fn neither_debug_nor_the_stored_form_contains_the_secret() {
        let token = token(255);
        let stored = token.to_stored(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        let secret = &token.reveal()[token.reveal().len() - 20..];
        assert!(!format!("{token:?}").contains(secret));
        assert!(!serde_json::to_string(&stored).unwrap().contains(secret));
    }

    #[test]
    fn text_of_another_form_is_not_a_token() {
        for text in [
            "",
            "gh_scim_",
            "gh_scim_acme_1_2",
            "Bearer x",
            "gh_scim_0199d3a0-0000-7000-8000-000000000001_0707070707070707_short",
        ] {
            assert!(ScimToken::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_token_ends_soon_in_the_last_twelfth_of_its_validity() {
        let begin = at("2026-01-01T00:00:00Z");
        for hours in [12, 360 * 24] {
            let validity = Validity {
                created_at: begin,
                expires_at: begin + SignedDuration::from_hours(hours),
            };
            let eleven = begin + SignedDuration::from_hours(hours / 12 * 11);
            assert!(!validity.ends_soon(begin) && !validity.ends_soon(eleven));
            assert!(validity.ends_soon(eleven + SignedDuration::from_secs(1)));
        }
    }
}
