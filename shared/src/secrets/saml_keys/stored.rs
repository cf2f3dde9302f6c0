//! The secret with the key pairs: its JSON, and the steps of a rotation in it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{KeyState, KeyUse, PublishedKey, SamlSecretError, SpKeys};
use crate::secrets;
use saml::crypto::{DecryptionKey, SigningKey};

/// The content of the secret.
#[derive(Deserialize, Serialize)]
pub(super) struct StoredKeys {
    pub(super) signing: Vec<StoredPair>,
    pub(super) encryption: Vec<StoredPair>,
}

/// A key pair in the secret.
#[derive(Deserialize, Serialize)]
pub(super) struct StoredPair {
    pub(super) state: KeyState,
    pub(super) created_at: Timestamp,
    #[serde(with = "secrets::text")]
    pub(super) private_key_pem: SecretString,
    /// The certificate: DER in base64.
    pub(super) certificate: String,
}

impl StoredKeys {
    pub(super) fn from_secret(secret: &SecretString) -> Result<Self, SamlSecretError> {
        // The error of the parser would quote the secret.
        serde_json::from_str(secret.expose_secret()).map_err(|_| SamlSecretError::Json)
    }

    pub(super) fn to_secret(&self) -> Result<SecretString, SamlSecretError> {
        serde_json::to_string(self).map(SecretString::from).map_err(|_| SamlSecretError::Json)
    }

    /// Returns the keys, ready for use. The private keys are not parsed yet.
    pub(super) fn keys(&self) -> Result<SpKeys, SamlSecretError> {
        let (signing, encryption) = (current_first(&self.signing), current_first(&self.encryption));
        let signing_keys = published(&signing, KeyUse::Signing)?;
        let (current, certificate) = (signing.first().zip(signing_keys.first()))
            .filter(|(pair, _)| pair.state == KeyState::Current)
            .ok_or(SamlSecretError::NoCurrent)?;
        let decryption = encryption.iter().map(|pair| {
            DecryptionKey::from_pem(pair.private_key_pem.expose_secret().as_bytes())
                .map_err(|error| SamlSecretError::PrivateKey(KeyUse::Encryption, pair.state, error))
        });
        Ok(SpKeys {
            signing: SigningKey::from_pem(current.private_key_pem.expose_secret().as_bytes())
                .map_err(|error| {
                    SamlSecretError::PrivateKey(KeyUse::Signing, current.state, error)
                })?,
            signing_certificate: certificate.certificate.clone(),
            decryption: decryption.collect::<Result<_, _>>()?,
            encryption_keys: published(&encryption, KeyUse::Encryption)?,
            signing_keys,
        })
    }

    /// Adds the next pairs and removes the previous ones.
    pub(super) fn announce(&mut self, signing: StoredPair, encryption: StoredPair) {
        for (pairs, next) in [(&mut self.signing, signing), (&mut self.encryption, encryption)] {
            pairs.retain(|pair| pair.state == KeyState::Current);
            pairs.push(next);
        }
    }

    /// Makes the next pairs the current ones.
    pub(super) fn promote(&mut self) {
        for pair in self.signing.iter_mut().chain(&mut self.encryption) {
            pair.state = match pair.state {
                KeyState::Next => KeyState::Current,
                KeyState::Current | KeyState::Previous => KeyState::Previous,
            };
        }
    }
}

fn current_first(pairs: &[StoredPair]) -> Vec<&StoredPair> {
    let mut sorted: Vec<&StoredPair> = pairs.iter().collect();
    sorted.sort_by_key(|pair| pair.state != KeyState::Current);
    sorted
}

fn published(pairs: &[&StoredPair], purpose: KeyUse) -> Result<Vec<PublishedKey>, SamlSecretError> {
    let of = |pair: &&StoredPair| {
        let certificate = BASE64_STANDARD
            .decode(&pair.certificate)
            .map_err(|_| SamlSecretError::Certificate(purpose, pair.state))?;
        Ok(PublishedKey { certificate, state: pair.state, created_at: pair.created_at })
    };
    pairs.iter().map(of).collect()
}
