//! The keys at one time: what signs, and what is published.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::rsa::{RsaKey, StoredKey};
use super::{CURRENT, Corruption, KeysError, NEXT, PREVIOUS, TokenType};

/// The keys at one time.
pub struct KeySet {
    pub(super) previous: Option<Arc<RsaKey>>,
    pub(super) current: Arc<RsaKey>,
    pub(super) next: Arc<RsaKey>,
    pub(super) rotated_at: Option<Timestamp>,
}

/// As Secrets Manager holds them.
#[derive(Deserialize, Serialize)]
struct StoredKeys {
    previous: Option<StoredKey>,
    current: StoredKey,
    next: StoredKey,
    rotated_at: Option<Timestamp>,
}

impl KeySet {
    /// A signed token (RFC 7515 §3.1).
    ///
    /// # Errors
    ///
    /// [`KeysError::Corrupt`] when the key is of no use, [`KeysError::Unusable`] when it does not
    /// sign, which would be a fault of the library.
    pub fn sign(&self, of: TokenType, claims: &impl Serialize) -> Result<String, KeysError> {
        let claims = serde_json::to_vec(claims).map_err(|_| KeysError::Unusable)?;
        self.current.sign(of, &claims)
    }

    /// The claims of a token that one of these keys signed, as a `T`. Whether the token is still
    /// valid is for the caller to say.
    ///
    /// No header is interpreted: it has to be, byte for byte, one that we write. So there is no
    /// algorithm to choose, no key to name and no extension to understand.
    pub fn verify<T: for<'de> Deserialize<'de>>(&self, of: TokenType, token: &str) -> Option<T> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let claims = self.all().find_map(|key| key.verify(of, token))?;
        serde_json::from_slice(&claims).ok()
    }

    /// The public keys (RFC 7517 §5), the current one first.
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.all().map(RsaKey::jwk).collect::<Vec<_>>() })
    }

    /// The `kid` of each key and what it is for.
    pub fn names(&self) -> Value {
        json!({
            "current": self.current.kid(),
            "next": self.next.kid(),
            "previous": self.previous.as_ref().map(|key| key.kid()),
            "rotated_at": self.rotated_at,
        })
    }

    fn all(&self) -> impl Iterator<Item = &RsaKey> {
        [Some(&self.current), Some(&self.next), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .map(Arc::as_ref)
    }

    pub(super) fn read(secret: &SecretString) -> Result<Self, KeysError> {
        // The error of the parser would quote what it found.
        let stored: StoredKeys = serde_json::from_str(secret.expose_secret())
            .map_err(|_| KeysError::Corrupt(Corruption::Json))?;
        let key = |name, stored: &StoredKey| {
            let corrupt = |fault| KeysError::Corrupt(Corruption::Key(name, fault));
            RsaKey::read(stored).map(Arc::new).map_err(corrupt)
        };
        Ok(Self {
            previous: stored.previous.as_ref().map(|stored| key(PREVIOUS, stored)).transpose()?,
            current: key(CURRENT, &stored.current)?,
            next: key(NEXT, &stored.next)?,
            rotated_at: stored.rotated_at,
        })
    }

    pub(super) fn secret(&self) -> Result<SecretString, KeysError> {
        let stored = StoredKeys {
            previous: self.previous.as_ref().map(|key| key.stored()),
            current: self.current.stored(),
            next: self.next.stored(),
            rotated_at: self.rotated_at,
        };
        Ok(serde_json::to_string(&stored).map_err(|_| KeysError::Unusable)?.into())
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({})", self.names())
    }
}

/// Ours are below 2 KB.
const MAX_TOKEN: usize = 8_192;
