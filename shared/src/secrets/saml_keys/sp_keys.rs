//! The key pairs, ready for use, and the certificates that metadata publishes.

use std::time::Duration;

use jiff::Timestamp;

use super::{KeyState, KeyUse, SamlKeysError, SamlSecretError};
use saml::crypto::{DecryptionKey, SigningKey};

/// A certificate and the place of its key in the rotation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedKey {
    /// The certificate in DER.
    pub certificate: Vec<u8>,
    /// Place of the key in the rotation.
    pub state: KeyState,
    /// Time at which the key was generated.
    pub created_at: Timestamp,
}

/// The key pairs, ready for use.
#[derive(Clone, Debug)]
pub struct SpKeys {
    pub(super) signing: SigningKey,
    /// The certificate of the signing key, in DER.
    pub signing_certificate: Vec<u8>,
    /// The keys that decrypt, the current one first.
    pub decryption: Vec<DecryptionKey>,
    /// The published keys for signing, the current one first.
    pub signing_keys: Vec<PublishedKey>,
    /// The published keys for encryption, the current one first, in the order of `decryption`.
    pub encryption_keys: Vec<PublishedKey>,
}

impl SpKeys {
    /// Returns the key that signs requests and metadata.
    ///
    /// # Errors
    ///
    /// [`SamlKeysError::Corrupt`] when it cannot be used.
    pub fn signing(&self) -> Result<&SigningKey, SamlKeysError> {
        let corrupt =
            |error| SamlSecretError::PrivateKey(KeyUse::Signing, KeyState::Current, error);
        self.signing.check().map_err(corrupt)?;
        Ok(&self.signing)
    }

    /// Checks that all keys work. This parses those that were not used yet, which takes a while.
    ///
    /// # Errors
    ///
    /// [`SamlKeysError::Corrupt`] when one cannot be used.
    pub fn check(&self) -> Result<(), SamlKeysError> {
        self.signing()?;
        self.check_decryption()
    }

    /// Checks that all keys can decrypt. It checks every key, whether or not a response used it, so
    /// that the result tells nothing about a ciphertext.
    ///
    /// # Errors
    ///
    /// [`SamlKeysError::Corrupt`] when one cannot be used.
    pub fn check_decryption(&self) -> Result<(), SamlKeysError> {
        for (key, published) in self.decryption.iter().zip(&self.encryption_keys) {
            let corrupt =
                |error| SamlSecretError::PrivateKey(KeyUse::Encryption, published.state, error);
            key.check().map_err(corrupt)?;
        }
        Ok(())
    }

    /// Returns the certificates for `use="signing"`: all of them, since requests that the previous
    /// key signed may still arrive.
    pub fn signing_certificates(&self) -> Vec<Vec<u8>> {
        self.signing_keys.iter().map(|key| key.certificate.clone()).collect()
    }

    /// Returns the certificates for `use="encryption"`: not the previous one, and the next one only
    /// after every process can decrypt what is encrypted for it.
    pub fn encryption_certificates(&self, now: Timestamp) -> Vec<Vec<u8>> {
        let known = |key: &PublishedKey| {
            now.duration_since(key.created_at) >= KNOWN_AFTER.try_into().unwrap_or_default()
        };
        let usable = self.encryption_keys.iter().filter(|key| match key.state {
            KeyState::Current => true,
            KeyState::Next => known(key),
            KeyState::Previous => false,
        });
        usable.map(|key| key.certificate.clone()).collect()
    }
}

/// Age at which every process has read a new key: twice the minute for which it caches the keys.
const KNOWN_AFTER: Duration = Duration::from_mins(2);
