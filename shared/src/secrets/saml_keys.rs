//! The key pairs of the SAML service provider: one for signing requests, one for decrypting
//! assertions.
//!
//! They are rotated in two steps, so that no sign-in fails. First the next pair is published beside
//! the current one until the identity providers have read it. Then it becomes the current one, and
//! the previous pair is kept, since an assertion that was encrypted for it may still arrive. There
//! are never more than two pairs of a kind.

mod generate;
mod sp_keys;
mod stored;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::sp_keys::{PublishedKey, SpKeys};
use self::stored::{StoredKeys, StoredPair};
use crate::secrets::ttl_cache::TtlCache;
use crate::secrets::{SecretName, Secrets, SecretsError};
use saml::crypto::PrivateKeyError;

/// Error of reading, using or rotating the keys.
#[derive(Debug, thiserror::Error)]
pub enum SamlKeysError {
    /// No keys have been generated yet.
    #[error("the SAML keys do not exist yet")]
    Missing,
    /// The secret does not hold usable keys.
    #[error("could not use the secret {name}", name = SecretName::SamlKeys)]
    Corrupt(#[from] SamlSecretError),
    /// A key could not be generated.
    #[error("could not generate a SAML key")]
    Generate,
    /// The next keys were published too recently: not every process knows them.
    #[error("the next keys were published at {0}; wait five minutes before they take over")]
    TooEarly(Timestamp),
    /// A call to Secrets Manager failed.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// Place of a key pair in the rotation.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// In use.
    Current,
    /// Published, not in use.
    Next,
    /// No longer in use; signatures and assertions made for it still work.
    Previous,
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "current",
            Self::Next => "next",
            Self::Previous => "previous",
        })
    }
}

/// Defect of the secret. Says where it is and shows nothing of the secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SamlSecretError {
    /// The secret is not the expected JSON.
    #[error("it is not the expected JSON")]
    Json,
    /// No pair for signing is current.
    #[error("it has no current key pair for signing")]
    NoCurrent,
    /// A certificate is not base64.
    #[error("the certificate of its {1} key pair for {0} is not base64")]
    Certificate(KeyUse, KeyState),
    /// A private key cannot be parsed. Found when the secret is read, or when the key is used for
    /// the first time.
    #[error("the private key of its {1} key pair for {0} cannot be used")]
    PrivateKey(KeyUse, KeyState, #[source] PrivateKeyError),
}

/// Use of a key pair, as in the metadata's `KeyDescriptor` (SAML metadata §2.4.1.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyUse {
    /// Signs requests and metadata.
    Signing,
    /// Decrypts assertions.
    Encryption,
}

impl fmt::Display for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signing => "signing",
            Self::Encryption => "encryption",
        })
    }
}

/// The keys of a deployment, cached for a minute.
#[derive(Debug)]
pub struct SamlKeys {
    secrets: Arc<Secrets>,
    known: TtlCache<(), Arc<SpKeys>>,
}

impl SamlKeys {
    /// Reads and writes through `secrets`.
    pub fn new(secrets: Arc<Secrets>) -> Self {
        Self { secrets, known: TtlCache::default() }
    }

    /// Returns the keys as they were at most a minute ago.
    ///
    /// # Errors
    ///
    /// [`SamlKeysError::Missing`] before the first call of [`SamlKeys::ensure`].
    pub async fn load(&self, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        if let Some(keys) = self.known.get(&(), now) {
            return Ok(keys);
        }
        self.read(now).await
    }

    /// Returns the keys after a check that all of them work; generates them if there are none.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer, or one of the keys cannot be used.
    pub async fn ensure(&self, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        let keys = match self.load(now).await {
            Err(SamlKeysError::Missing) => self.generate(now).await?,
            known_or_failed => known_or_failed?,
        };
        keys.check()?;
        Ok(keys)
    }

    async fn generate(&self, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        let (signing, encryption) = generate_pairs(KeyState::Current, now).await?;
        let keys = StoredKeys { signing: vec![signing], encryption: vec![encryption] };
        // If another process has generated keys meanwhile, those are kept and these are dropped.
        self.secrets.create(SecretName::SamlKeys, &keys.to_secret()?).await?;
        self.read(now).await
    }

    /// Does the next step of a rotation: publishes the next keys, or makes them the current ones.
    ///
    /// # Errors
    ///
    /// [`SamlKeysError::TooEarly`] until every process knows the next keys,
    /// [`SamlKeysError::Corrupt`] if a key cannot be used.
    pub async fn rotate(&self, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        let mut stored = self.fetch().await?.ok_or(SamlKeysError::Missing)?;
        let next = stored.signing.iter().find(|pair| pair.state == KeyState::Next);
        if let Some(published_at) = next.map(|pair| pair.created_at) {
            if now.duration_since(published_at) < OVERLAP.try_into().unwrap_or_default() {
                return Err(SamlKeysError::TooEarly(published_at));
            }
            stored.promote();
        } else {
            let (signing, encryption) = generate_pairs(KeyState::Next, now).await?;
            stored.announce(signing, encryption);
        }
        let keys = stored.keys()?;
        // Checked before they replace working keys.
        keys.check()?;
        self.secrets.put(SecretName::SamlKeys, &stored.to_secret()?).await?;
        Ok(self.remember(keys, now))
    }

    async fn read(&self, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        let stored = self.fetch().await?.ok_or(SamlKeysError::Missing)?;
        Ok(self.remember(stored.keys()?, now))
    }

    async fn fetch(&self) -> Result<Option<StoredKeys>, SamlKeysError> {
        let text = self.secrets.fetch(SecretName::SamlKeys).await?;
        Ok(text.as_ref().map(StoredKeys::from_secret).transpose()?)
    }

    fn remember(&self, keys: SpKeys, now: Timestamp) -> Arc<SpKeys> {
        let keys = Arc::new(keys);
        self.known.put((), Arc::clone(&keys), now);
        keys
    }
}

/// Generates a pair for signing and one for encryption. This takes a while, so it runs off the
/// threads that serve requests.
async fn generate_pairs(
    state: KeyState,
    now: Timestamp,
) -> Result<(StoredPair, StoredPair), SamlKeysError> {
    let pairs = tokio::task::spawn_blocking(move || {
        Some((generate::pair(state, now)?, generate::pair(state, now)?))
    });
    pairs.await.ok().flatten().ok_or(SamlKeysError::Generate)
}

/// Shortest time for which the next keys are published before they become the current ones: several
/// times the minute for which a process caches the keys. Identity providers that read metadata need
/// a day.
const OVERLAP: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests;
