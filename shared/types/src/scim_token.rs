//! SCIM bearer tokens: `gh_scim_<tenant>_<token id>_<256 random bits>`.
//!
//! The tenant is in the token, so that it is known before any lookup; the id names the stored
//! digest. Only the digest is kept.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::hex::hex;
use crate::ids::TenantId;
use crate::secret_text::{ENCODED_LENGTH, secret_text};

/// A bearer token as a client holds it. Never printed.
pub struct ScimToken {
    tenant: TenantId,
    id: String,
    text: SecretString,
}

impl ScimToken {
    /// Makes a token from randomness that the caller drew.
    pub fn new(tenant: TenantId, id: [u8; 8], secret: &[u8; 32]) -> Self {
        let id = hex(&id);
        let text = secret_text(&format!("{PREFIX}{tenant}_{id}_"), secret);
        Self { tenant, id, text }
    }

    /// Reads a token, or `None` when the text is not of our form.
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

    /// Whose token it claims to be; true only once [`StoredToken::admits`] says so.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Which of the tenant's tokens it claims to be: 16 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text itself, to be shown once to the one who asked for it.
    pub fn reveal(&self) -> &str {
        self.text.expose_secret()
    }

    /// The same, for good.
    pub fn into_text(self) -> SecretString {
        self.text
    }

    /// What is stored of it. The token has 256 random bits, so a fast hash is enough.
    pub fn stored(&self, created_at: Timestamp, expires_at: Timestamp) -> StoredToken {
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

/// A token as Secrets Manager holds it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct StoredToken {
    /// 16 hexadecimal digits.
    pub id: String,
    /// SHA-256 of the whole token, in hexadecimal.
    pub sha256: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// The end of the token, by which people tell two apart.
    pub last4: String,
}

impl StoredToken {
    /// How long `token` lives, if it is this one and still valid. The digests are compared in
    /// constant time.
    pub fn admits(&self, token: &ScimToken, now: Timestamp) -> Option<Life> {
        let same = self.sha256.as_bytes().ct_eq(token.digest().as_bytes());
        let Self { created_at, expires_at, .. } = *self;
        (bool::from(same) && now < expires_at).then_some(Life { created_at, expires_at })
    }
}

/// From when to when a token is good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Life {
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl Life {
    /// Whether it is time to put another token in its place: in the last twelfth, which is a month
    /// of a year. A token that somebody made for an hour is not one that was forgotten.
    pub fn ends_soon(self, now: Timestamp) -> bool {
        let seconds = |from: Timestamp| self.expires_at.duration_since(from).as_secs();
        seconds(now).saturating_mul(12) < seconds(self.created_at)
    }
}

/// What every SCIM token begins with, so that secret scanners know one when they see it.
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
    fn only_the_same_token_is_admitted_and_only_until_it_expires() {
        let stored = token(1).stored(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        assert!(stored.admits(&token(1), at("2026-06-01T00:00:00Z")).is_some());
        assert_eq!(stored.admits(&token(2), at("2026-06-01T00:00:00Z")), None);
        assert_eq!(stored.admits(&token(1), at("2027-01-01T00:00:00Z")), None);
    }

    #[test]
    fn neither_debug_nor_the_stored_form_shows_the_secret() {
        let token = token(255);
        let stored = token.stored(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        let secret = &token.reveal()[token.reveal().len() - 20..];
        assert!(!format!("{token:?}").contains(secret));
        assert!(!serde_json::to_string(&stored).unwrap().contains(secret));
    }

    #[test]
    fn texts_of_another_form_are_no_tokens() {
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
    fn a_token_ends_soon_in_the_last_twelfth_of_its_life_however_long_that_is() {
        let begin = at("2026-01-01T00:00:00Z");
        for hours in [12, 360 * 24] {
            let life =
                Life { created_at: begin, expires_at: begin + SignedDuration::from_hours(hours) };
            let eleven = begin + SignedDuration::from_hours(hours / 12 * 11);
            assert!(!life.ends_soon(begin) && !life.ends_soon(eleven));
            assert!(life.ends_soon(eleven + SignedDuration::from_secs(1)));
        }
    }
}
