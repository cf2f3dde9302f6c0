//! The keys, ready for use, and who is told of which.

use std::time::Duration;

use jiff::Timestamp;

use super::{Corruption, Purpose, SamlKeysError, State};
use saml::crypto::{DecryptionKey, SigningKey};

/// A certificate and where its key is in its life.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedKey {
    /// In DER.
    pub certificate: Vec<u8>,
    /// Where.
    pub state: State,
    /// Since when there is a key.
    pub created_at: Timestamp,
}

/// The keys, ready for use.
#[derive(Clone, Debug)]
pub struct SpKeys {
    pub(super) signing: SigningKey,
    /// Its certificate in DER.
    pub signing_certificate: Vec<u8>,
    /// What we decrypt with, the current one first.
    pub decryption: Vec<DecryptionKey>,
    /// Keys for signing, the current one first.
    pub signing_keys: Vec<PublishedKey>,
    /// Keys for encryption, the current one first.
    pub encryption_keys: Vec<PublishedKey>,
}

impl SpKeys {
    /// What signs requests and metadata.
    ///
    /// # Errors
    ///
    /// [`SamlKeysError::Corrupt`] when it is of no use.
    pub fn signing(&self) -> Result<&SigningKey, SamlKeysError> {
        let corrupt = |fault| Corruption::PrivateKey(Purpose::Signing, State::Current, fault);
        self.signing.check().map_err(corrupt)?;
        Ok(&self.signing)
    }

    /// Whether all keys work. This reads them, which takes a while where they were not used yet.
    ///
    /// # Errors
    ///
    /// [`SamlKeysError::Corrupt`] when one is of no use.
    pub fn check(&self) -> Result<(), SamlKeysError> {
        self.signing()?;
        self.check_decryption()
    }

    /// Whether all keys decrypt: also those for which there was nothing to decrypt, so that the
    /// outcome says nothing of a ciphertext.
    ///
    /// # Errors
    ///
    /// [`SamlKeysError::Corrupt`] when one is of no use.
    pub fn check_decryption(&self) -> Result<(), SamlKeysError> {
        for (key, published) in self.decryption.iter().zip(&self.encryption_keys) {
            let corrupt =
                |fault| Corruption::PrivateKey(Purpose::Encryption, published.state, fault);
            key.check().map_err(corrupt)?;
        }
        Ok(())
    }

    /// Certificates for `use="signing"`: also the next one, and the previous one for as long as
    /// requests that it signed are on their way.
    pub fn signing_certificates(&self) -> Vec<Vec<u8>> {
        self.signing_keys.iter().map(|key| key.certificate.clone()).collect()
    }

    /// Certificates for `use="encryption"`: nobody shall begin to use the previous one, nor the
    /// next one before every process can decrypt what is encrypted for it.
    pub fn encryption_certificates(&self, now: Timestamp) -> Vec<Vec<u8>> {
        let known = |key: &PublishedKey| {
            now.duration_since(key.created_at) >= KNOWN_AFTER.try_into().unwrap_or_default()
        };
        let usable = self.encryption_keys.iter().filter(|key| match key.state {
            State::Current => true,
            State::Next => known(key),
            State::Previous => false,
        });
        usable.map(|key| key.certificate.clone()).collect()
    }
}

/// When every process has read a new key: twice the minute for which it knows the keys.
const KNOWN_AFTER: Duration = Duration::from_mins(2);
