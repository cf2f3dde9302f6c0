//! The signing keys of a deployment at one time: signing, verification, the published form.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::rsa::{RsaKey, StoredKey};
use super::{CURRENT, NEXT, OidcKeysError, OidcSecretError, PREVIOUS, TokenType};

/// The signing keys of a deployment at one time.
pub struct KeySet {
    pub(super) previous: Option<Arc<RsaKey>>,
    pub(super) current: Arc<RsaKey>,
    pub(super) next: Arc<RsaKey>,
    pub(super) rotated_at: Option<Timestamp>,
}

/// The keys in the form of their secret.
#[derive(Deserialize, Serialize)]
struct StoredKeys {
    previous: Option<StoredKey>,
    current: StoredKey,
    next: StoredKey,
    rotated_at: Option<Timestamp>,
}

impl KeySet {
    /// Signs a token (RFC 7515 §3.1).
    ///
    /// # Errors
    ///
    /// [`OidcKeysError::Corrupt`] when the key cannot be read, [`OidcKeysError::Unusable`] when it
    /// does not sign, which would be a bug of the library.
    pub fn sign(&self, of: TokenType, claims: &impl Serialize) -> Result<String, OidcKeysError> {
        let claims = serde_json::to_vec(claims).map_err(|_| OidcKeysError::Unusable)?;
        self.current.sign(of, &claims)
    }

    /// Returns the claims of a token that one of these keys signed. The caller checks whether the
    /// token is still valid.
    ///
    /// The header is not interpreted: it has to be, byte for byte, one that [`KeySet::sign`]
    /// writes. So an attacker can choose no algorithm, no key and no extension.
    pub fn verify<T: for<'de> Deserialize<'de>>(&self, of: TokenType, token: &str) -> Option<T> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let claims = self.all().find_map(|key| key.verify(of, token))?;
        serde_json::from_slice(&claims).ok()
    }

    /// Returns the public keys (RFC 7517 §5), the current one first.
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.all().map(RsaKey::jwk).collect::<Vec<_>>() })
    }

    /// Returns the `kid` of each key by its place in the rotation.
    pub fn kids(&self) -> Value {
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

    pub(super) fn from_secret(secret: &SecretString) -> Result<Self, OidcKeysError> {
        // The error of the parser would quote the secret.
        let stored: StoredKeys =
            serde_json::from_str(secret.expose_secret()).map_err(|_| OidcSecretError::Json)?;
        let key = |name, stored: &StoredKey| {
            let corrupt = |error| OidcSecretError::Key(name, error);
            RsaKey::from_stored(stored).map(Arc::new).map_err(corrupt)
        };
        Ok(Self {
            previous: stored.previous.as_ref().map(|stored| key(PREVIOUS, stored)).transpose()?,
            current: key(CURRENT, &stored.current)?,
            next: key(NEXT, &stored.next)?,
            rotated_at: stored.rotated_at,
        })
    }

    pub(super) fn to_secret(&self) -> Result<SecretString, OidcKeysError> {
        let stored = StoredKeys {
            previous: self.previous.as_ref().map(|key| key.to_stored()),
            current: self.current.to_stored(),
            next: self.next.to_stored(),
            rotated_at: self.rotated_at,
        };
        Ok(serde_json::to_string(&stored).map_err(|_| OidcKeysError::Unusable)?.into())
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({})", self.kids())
    }
}

/// Bytes of the longest token that is verified. An ID token with many groups is long, and comes back
/// as a hint; no request holds a longer one.
const MAX_TOKEN: usize = oidc::parameters::MAX_BYTES;
