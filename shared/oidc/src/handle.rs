//! Codes, refresh tokens and session cookies: `<prefix><tenant>_<256 random bits>`.
//!
//! The tenant is in the text, so that it is known before any lookup and begins every key. What is
//! looked up, and stored, is the digest.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use types::hex::hex;
use types::ids::TenantId;
use types::secret_text::{ENCODED_LENGTH, secret_text};

/// What a handle lets its holder do; one kind is never taken for another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HandleKind {
    /// RFC 6749 §1.3.1.
    Code,
    /// RFC 6749 §1.5.
    RefreshToken,
    /// A browser's session with us.
    Session,
}

impl HandleKind {
    /// What the text begins with, so that secret scanners know one when they see it.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Code => "gh_code_",
            Self::RefreshToken => "gh_refresh_",
            Self::Session => "gh_session_",
        }
    }
}

/// A bearer secret that stands for a row of the table. Never printed.
pub struct Handle {
    tenant: TenantId,
    text: SecretString,
}

impl Handle {
    /// Makes one from randomness that the caller drew.
    pub fn new(kind: HandleKind, tenant: TenantId, secret: &[u8; 32]) -> Self {
        Self { tenant, text: secret_text(&format!("{}{tenant}_", kind.prefix()), secret) }
    }

    /// Reads one, or `None` when the text is not of this kind's form.
    pub fn parse(kind: HandleKind, text: &str) -> Option<Self> {
        let (tenant, secret) = text.strip_prefix(kind.prefix())?.split_once('_')?;
        if secret.len() != ENCODED_LENGTH {
            return None;
        }
        Some(Self { tenant: tenant.parse().ok()?, text: text.into() })
    }

    /// Whose it claims to be; true once the row is found.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// What is stored of it. It has 256 random bits, so a fast hash is enough, and finding a row
    /// by the digest tells nothing about the text.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.reveal()))
    }

    /// The text itself, for the one whom it is made for.
    pub fn reveal(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_reads_back_as_its_own_kind_only_and_is_not_printed() {
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
}
