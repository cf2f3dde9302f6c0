//! The service provider's own keys: one pair for signing requests, one for decrypting assertions.
//!
//! They are rotated in two steps, so that no sign-in fails: the next pair is published beside the
//! current one until the identity providers have read it, then it takes over and the previous one
//! is kept, since what was encrypted for it may be on its way. There are never more than two of a
//! kind.

mod make;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::saml::crypto::{DecryptionKey, SigningKey};
use crate::secrets::{SecretName, Secrets, SecretsError};
use crate::ttl_cache::TtlCache;

/// Why keys are not to be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SamlKeysError {
    /// There are none yet.
    #[error("there are no SAML keys yet")]
    Missing,
    /// The secret holds something else.
    #[error("the secret with the SAML keys cannot be read")]
    Corrupt,
    /// None could be made.
    #[error("no key could be made")]
    Make,
    /// The next keys were published a moment ago, and not every process knows them.
    #[error("the next keys were published at {0}; wait five minutes before they take over")]
    TooEarly(Timestamp),
    /// Secrets Manager.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In use.
    Current,
    /// Published, not in use.
    Next,
    /// No longer in use; what was made for it still works.
    Previous,
}

/// A pair as it is stored.
#[derive(Clone, Deserialize, Serialize)]
struct StoredPair {
    state: State,
    created_at: Timestamp,
    private_key_pem: String,
    /// DER in base64.
    certificate: String,
}

/// What the secret holds.
#[derive(Clone, Deserialize, Serialize)]
struct StoredKeys {
    signing: Vec<StoredPair>,
    encryption: Vec<StoredPair>,
}

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
    /// Signs requests and metadata.
    pub signing: SigningKey,
    /// Its certificate in DER.
    pub signing_certificate: Vec<u8>,
    /// What we decrypt with, the current one first.
    pub decryption: Vec<DecryptionKey>,
    /// Keys for signing, the current one first.
    pub signing_keys: Vec<PublishedKey>,
    /// Keys for encryption, the current one first.
    pub encryption_keys: Vec<PublishedKey>,
}

/// The keys of a deployment, read at most once a minute.
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

    /// The keys.
    ///
    /// # Errors
    ///
    /// [`SamlKeysError::Missing`] before [`SamlKeys::ensure`] ran once.
    pub async fn load(&self, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        if let Some(keys) = self.known.get(&(), now) {
            return Ok(keys);
        }
        let stored = self.fetch().await?.ok_or(SamlKeysError::Missing)?;
        self.remember(&stored, now)
    }

    /// The keys, made if there are none.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer.
    pub async fn ensure(&self, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        match self.load(now).await {
            Err(SamlKeysError::Missing) => {}
            known_or_failed => return known_or_failed,
        }
        let (signing, encryption) = pairs(State::Current, now).await?;
        let made = StoredKeys { signing: vec![signing], encryption: vec![encryption] };
        let text = serde_json::to_string(&made).map_err(|_| SamlKeysError::Corrupt)?;
        // Two processes may have made keys at once: the first to store them is the one that
        // counts, and the other throws its own away.
        self.secrets.create(SecretName::SamlKeys, &SecretString::from(text)).await?;
        let stored = self.fetch().await?.ok_or(SamlKeysError::Missing)?;
        self.remember(&stored, now)
    }

    /// The next step of a rotation: publishes the next keys, or lets them take over.
    ///
    /// # Errors
    ///
    /// [`SamlKeysError::TooEarly`] until every process knows the next keys.
    pub async fn rotate(&self, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        let mut stored = self.fetch().await?.ok_or(SamlKeysError::Missing)?;
        let next = stored.signing.iter().find(|pair| pair.state == State::Next);
        if let Some(published_at) = next.map(|pair| pair.created_at) {
            if now.duration_since(published_at) < OVERLAP.try_into().unwrap_or_default() {
                return Err(SamlKeysError::TooEarly(published_at));
            }
            promote(&mut stored.signing);
            promote(&mut stored.encryption);
        } else {
            let (signing, encryption) = pairs(State::Next, now).await?;
            announce(&mut stored.signing, signing);
            announce(&mut stored.encryption, encryption);
        }
        self.store(&stored).await?;
        self.remember(&stored, now)
    }

    async fn fetch(&self) -> Result<Option<StoredKeys>, SamlKeysError> {
        let Some(text) = self.secrets.fetch(SecretName::SamlKeys).await? else { return Ok(None) };
        serde_json::from_str(text.expose_secret()).map(Some).map_err(|_| SamlKeysError::Corrupt)
    }

    async fn store(&self, keys: &StoredKeys) -> Result<(), SamlKeysError> {
        let text = serde_json::to_string(keys).map_err(|_| SamlKeysError::Corrupt)?;
        Ok(self.secrets.put(SecretName::SamlKeys, &SecretString::from(text)).await?)
    }

    fn remember(&self, stored: &StoredKeys, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        let keys = Arc::new(SpKeys::read(stored).ok_or(SamlKeysError::Corrupt)?);
        self.known.put((), Arc::clone(&keys), now);
        Ok(keys)
    }
}

impl SpKeys {
    fn read(stored: &StoredKeys) -> Option<Self> {
        let signing_keys = published(&stored.signing)?;
        let current = stored.signing.iter().find(|pair| pair.state == State::Current)?;
        let mut encryption: Vec<&StoredPair> = stored.encryption.iter().collect();
        encryption.sort_by_key(|pair| pair.state != State::Current);
        let decryption = encryption
            .iter()
            .map(|pair| DecryptionKey::from_pem(pair.private_key_pem.as_bytes()).ok())
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            signing: SigningKey::from_pem(current.private_key_pem.as_bytes()).ok()?,
            signing_certificate: signing_keys.first()?.certificate.clone(),
            decryption,
            signing_keys,
            encryption_keys: published(&stored.encryption)?,
        })
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

/// The current one first.
fn published(pairs: &[StoredPair]) -> Option<Vec<PublishedKey>> {
    let mut keys = pairs
        .iter()
        .map(|pair| {
            let certificate = BASE64_STANDARD.decode(&pair.certificate).ok()?;
            Some(PublishedKey { certificate, state: pair.state, created_at: pair.created_at })
        })
        .collect::<Option<Vec<_>>>()?;
    keys.sort_by_key(|key| key.state != State::Current);
    Some(keys)
}

fn announce(pairs: &mut Vec<StoredPair>, next: StoredPair) {
    pairs.retain(|pair| pair.state == State::Current);
    pairs.push(next);
}

fn promote(pairs: &mut [StoredPair]) {
    for pair in pairs {
        pair.state = match pair.state {
            State::Next => State::Current,
            State::Current | State::Previous => State::Previous,
        };
    }
}

/// A pair for signing and one for encryption. Making them takes a while, so it is done off the
/// threads that serve.
async fn pairs(state: State, now: Timestamp) -> Result<(StoredPair, StoredPair), SamlKeysError> {
    let made = tokio::task::spawn_blocking(move || {
        Some((make::pair(state, now)?, make::pair(state, now)?))
    });
    made.await.ok().flatten().ok_or(SamlKeysError::Make)
}

/// When every process has read a new key: twice the minute for which it knows the keys.
const KNOWN_AFTER: Duration = Duration::from_mins(2);

/// How long the next keys are published at least before they take over: several times the minute
/// for which a process knows the keys. Identity providers that read metadata need a day.
const OVERLAP: Duration = Duration::from_mins(5);
