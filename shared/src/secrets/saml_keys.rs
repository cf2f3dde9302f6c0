//! The service provider's own keys: one pair for signing requests, one for decrypting assertions.
//!
//! They are rotated in two steps, so that no sign-in fails: the next pair is published beside the
//! current one until the identity providers have read it, then it takes over and the previous one
//! is kept, since what was encrypted for it may be on its way. There are never more than two of a
//! kind.

mod make;
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

/// Why keys are not to be had.
#[derive(Debug, thiserror::Error)]
pub enum SamlKeysError {
    /// There are none yet.
    #[error("there are no SAML keys yet")]
    Missing,
    /// The secret holds something else.
    #[error("the secret {name} cannot be used: {0}", name = SecretName::SamlKeys)]
    Corrupt(#[source] Corruption),
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

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "current",
            Self::Next => "next",
            Self::Previous => "previous",
        })
    }
}

/// What is wrong with the secret. Says where, and nothing of what stands there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Corruption {
    /// As a whole.
    #[error("it is not the JSON that is written there")]
    Json,
    /// There is none to sign with.
    #[error("no pair for signing is current")]
    NoCurrent,
    /// Not base64.
    #[error("the certificate of the {1} pair for {0} is not base64")]
    Certificate(Purpose, State),
    /// Found when the secret is read, or when the key is used for the first time.
    #[error("the private key of the {1} pair for {0} cannot be used: {2}")]
    PrivateKey(Purpose, State, PrivateKeyError),
}

impl From<Corruption> for SamlKeysError {
    fn from(corruption: Corruption) -> Self {
        Self::Corrupt(corruption)
    }
}

/// What a pair is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Requests and metadata.
    Signing,
    /// Assertions that are sent to us.
    Encryption,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signing => "signing",
            Self::Encryption => "encryption",
        })
    }
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
        self.read(now).await
    }

    /// The keys, made if there are none, and found to work.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer, or one of the keys is of no use.
    pub async fn ensure(&self, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        let keys = match self.load(now).await {
            Err(SamlKeysError::Missing) => self.make(now).await?,
            known_or_failed => known_or_failed?,
        };
        keys.check()?;
        Ok(keys)
    }

    async fn make(&self, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        let (signing, encryption) = pairs(State::Current, now).await?;
        let made = StoredKeys { signing: vec![signing], encryption: vec![encryption] };
        // Two processes may have made keys at once: the first to store them is the one that
        // counts, and the other throws its own away.
        self.secrets.create(SecretName::SamlKeys, &made.secret()?).await?;
        self.read(now).await
    }

    /// The next step of a rotation: publishes the next keys, or lets them take over.
    ///
    /// # Errors
    ///
    /// [`SamlKeysError::TooEarly`] until every process knows the next keys, and
    /// [`SamlKeysError::Corrupt`] if one of them, or of the others, is of no use.
    pub async fn rotate(&self, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        let mut stored = self.fetch().await?.ok_or(SamlKeysError::Missing)?;
        let next = stored.signing.iter().find(|pair| pair.state == State::Next);
        if let Some(published_at) = next.map(|pair| pair.created_at) {
            if now.duration_since(published_at) < OVERLAP.try_into().unwrap_or_default() {
                return Err(SamlKeysError::TooEarly(published_at));
            }
            stored.promote();
        } else {
            let (signing, encryption) = pairs(State::Next, now).await?;
            stored.announce(signing, encryption);
        }
        let keys = stored.keys()?;
        // Before it is too late.
        keys.check()?;
        self.secrets.put(SecretName::SamlKeys, &stored.secret()?).await?;
        Ok(self.remember(keys, now))
    }

    async fn read(&self, now: Timestamp) -> Result<Arc<SpKeys>, SamlKeysError> {
        let stored = self.fetch().await?.ok_or(SamlKeysError::Missing)?;
        Ok(self.remember(stored.keys()?, now))
    }

    async fn fetch(&self) -> Result<Option<StoredKeys>, SamlKeysError> {
        let text = self.secrets.fetch(SecretName::SamlKeys).await?;
        Ok(text.as_ref().map(StoredKeys::read).transpose()?)
    }

    fn remember(&self, keys: SpKeys, now: Timestamp) -> Arc<SpKeys> {
        let keys = Arc::new(keys);
        self.known.put((), Arc::clone(&keys), now);
        keys
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

/// How long the next keys are published at least before they take over: several times the minute
/// for which a process knows the keys. Identity providers that read metadata need a day.
const OVERLAP: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests;
