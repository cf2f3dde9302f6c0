//! Codes, refresh tokens and session cookies: `<prefix><tenant>_<256 random bits>`.
//!
//! The text names the tenant, which is therefore known before any lookup. Rows are stored and found
//! by the digest of the text.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use types::hex::hex;
use types::ids::TenantId;
use types::secret_text::{ENCODED_LENGTH, secret_text};

/// The kind of a handle. One kind is never accepted as another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HandleKind {
    /// An authorization code (RFC 6749 §1.3.1).
    Code,
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken,
    /// The session of a browser with us.
    Session,
}

impl HandleKind {
    /// Returns the prefix of the text, by which secret scanners recognise it.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Code => "gh_code_",
            Self::RefreshToken => "gh_refresh_",
            Self::Session => "gh_session_",
        }
    }
}

/// A bearer secret that leads to a row of the table. Never printed.
pub struct Handle {
    tenant: TenantId,
    text: SecretString,
}

impl Handle {
    /// Makes a handle from randomness that the caller drew.
    pub fn new(kind: HandleKind, tenant: TenantId, secret: &[u8; 32]) -> Self {
        Self { tenant, text: secret_text(&format!("{}{tenant}_", kind.prefix()), secret) }
    }

    /// The refresh token that follows this one. It can be derived again from this token together
    /// with `nonce`, which the table keeps, and from neither alone.
    pub fn successor(&self, nonce: &[u8; 32]) -> Option<Self> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.reveal().as_bytes()).ok()?;
        mac.update(SUCCESSOR);
        mac.update(nonce);
        let secret = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
        Some(Self::new(HandleKind::RefreshToken, self.tenant, &secret))
    }

    /// Reads a handle; `None` if the text does not have the form of this kind.
    pub fn parse(kind: HandleKind, text: &str) -> Option<Self> {
        let (tenant, secret) = text.strip_prefix(kind.prefix())?.split_once('_')?;
        if secret.len() != ENCODED_LENGTH {
            return None;
        }
        Some(Self { tenant: tenant.parse().ok()?, text: text.into() })
    }

    /// Returns the tenant that the text names. It is proved only when the row is found.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Returns the digest, by which the row is stored. The secret has 256 random bits, so a fast
    /// hash is enough, and a lookup by the digest reveals nothing about the text.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.reveal()))
    }

    /// Returns the text, for its holder.
    pub fn reveal(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.tenant)
    }
}

/// Separates this use of the token as a key from every other.
const SUCCESSOR: &[u8] = b"gatehouse refresh token successor";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_parses_only_as_its_kind_and_is_not_printed() {
        let tenant = "0199d3a0-0000-7000-8000-000000000001".parse().unwrap();
        let code = Handle::new(HandleKind::Code, tenant, &[255; 32]);
        let read = Handle::parse(HandleKind::Code, code.reveal()).unwrap();
        assert_eq!((read.tenant(), read.digest()), (tenant, code.digest()));
        assert!(Handle::parse(HandleKind::Session, code.reveal()).is_none());
        assert!(
            Handle::parse(HandleKind::Code, &code.reveal()[..code.reveal().len() - 1]).is_none()
        );
        assert!(!format!("{code:?}").contains(&code.reveal()[50..]));
    }

    #[test]
    fn a_successor_follows_from_the_token_and_the_nonce_together() {
        let tenant = "0199d3a0-0000-7000-8000-000000000001".parse().unwrap();
        let token = |n| Handle::new(HandleKind::RefreshToken, tenant, &[n; 32]);
        let successor = |n, nonce| token(n).successor(&[nonce; 32]).unwrap().digest();
        assert_eq!(successor(1, 1), successor(1, 1));
        assert_ne!(successor(1, 1), successor(1, 2));
        assert_ne!(successor(1, 1), successor(2, 1));
        assert_ne!(successor(1, 1), token(1).digest());
    }
}
