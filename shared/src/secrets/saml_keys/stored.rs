//! The keys as Secrets Manager holds them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{Corruption, PublishedKey, Purpose, SpKeys, State};
use crate::secrets;
use saml::crypto::{DecryptionKey, SigningKey};

/// What the secret holds.
#[derive(Deserialize, Serialize)]
pub(super) struct StoredKeys {
    pub(super) signing: Vec<StoredPair>,
    pub(super) encryption: Vec<StoredPair>,
}

/// A pair as it is stored.
#[derive(Deserialize, Serialize)]
pub(super) struct StoredPair {
    pub(super) state: State,
    pub(super) created_at: Timestamp,
    #[serde(with = "secrets::text")]
    pub(super) private_key_pem: SecretString,
    /// DER in base64.
    pub(super) certificate: String,
}

impl StoredKeys {
    pub(super) fn read(secret: &SecretString) -> Result<Self, Corruption> {
        // The error of the parser would quote what it found.
        serde_json::from_str(secret.expose_secret()).map_err(|_| Corruption::Json)
    }

    pub(super) fn secret(&self) -> Result<SecretString, Corruption> {
        serde_json::to_string(self).map(SecretString::from).map_err(|_| Corruption::Json)
    }

    /// Ready for use. The private keys are not read yet.
    pub(super) fn keys(&self) -> Result<SpKeys, Corruption> {
        let (signing, encryption) = (current_first(&self.signing), current_first(&self.encryption));
        let signing_keys = published(&signing, Purpose::Signing)?;
        let (current, certificate) = (signing.first().zip(signing_keys.first()))
            .filter(|(pair, _)| pair.state == State::Current)
            .ok_or(Corruption::NoCurrent)?;
        let decryption = encryption.iter().map(|pair| {
            DecryptionKey::from_pem(pair.private_key_pem.expose_secret().as_bytes())
                .map_err(|fault| Corruption::PrivateKey(Purpose::Encryption, pair.state, fault))
        });
        Ok(SpKeys {
            signing: SigningKey::from_pem(current.private_key_pem.expose_secret().as_bytes())
                .map_err(|fault| Corruption::PrivateKey(Purpose::Signing, current.state, fault))?,
            signing_certificate: certificate.certificate.clone(),
            decryption: decryption.collect::<Result<_, _>>()?,
            encryption_keys: published(&encryption, Purpose::Encryption)?,
            signing_keys,
        })
    }

    /// Adds the next pairs; the previous ones go.
    pub(super) fn announce(&mut self, signing: StoredPair, encryption: StoredPair) {
        for (pairs, next) in [(&mut self.signing, signing), (&mut self.encryption, encryption)] {
            pairs.retain(|pair| pair.state == State::Current);
            pairs.push(next);
        }
    }

    /// The next pairs become the current ones.
    pub(super) fn promote(&mut self) {
        for pair in self.signing.iter_mut().chain(&mut self.encryption) {
            pair.state = match pair.state {
                State::Next => State::Current,
                State::Current | State::Previous => State::Previous,
            };
        }
    }
}

fn current_first(pairs: &[StoredPair]) -> Vec<&StoredPair> {
    let mut sorted: Vec<&StoredPair> = pairs.iter().collect();
    sorted.sort_by_key(|pair| pair.state != State::Current);
    sorted
}

fn published(pairs: &[&StoredPair], purpose: Purpose) -> Result<Vec<PublishedKey>, Corruption> {
    let of = |pair: &&StoredPair| {
        let certificate = BASE64_STANDARD
            .decode(&pair.certificate)
            .map_err(|_| Corruption::Certificate(purpose, pair.state))?;
        Ok(PublishedKey { certificate, state: pair.state, created_at: pair.created_at })
    };
    pairs.iter().map(of).collect()
}
