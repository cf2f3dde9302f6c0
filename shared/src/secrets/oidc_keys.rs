//! The keys that sign ID tokens and access tokens: made at first need, kept in Secrets Manager,
//! known here for up to 60 s.
//!
//! There are always a current key, which signs, and the next one, which is published so that apps
//! know it before it signs; after a rotation also the previous one, whose tokens still live. A
//! process that has not heard of a rotation signs with a key that all others still publish.

mod key_set;
mod rsa;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use self::key_set::KeySet;
use self::rsa::RsaKey;
use crate::secrets::ttl_cache::TtlCache;
use crate::secrets::{SecretName, Secrets, SecretsError};
use saml::crypto::PrivateKeyError;

/// Why there is no key, or no new one.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The last rotation is too recent: apps may not know the next key yet.
    #[error("the keys were rotated less than a day ago; apps may not know the next key yet")]
    TooSoon,
    /// Secrets Manager did not answer.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The secret holds something else. What is wrong is said, and nothing of what stands there.
    #[error("the secret {name} cannot be used: {0}", name = SecretName::OidcKeys)]
    Corrupt(Corruption),
    /// A key could not be made, or did not sign.
    #[error("a key could not be made or used")]
    Unusable,
}

/// What is wrong with the secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Corruption {
    /// As a whole.
    #[error("it is not the JSON that is written there")]
    Json,
    /// Found when the secret is read, or when the key is used for the first time.
    #[error("the {0} key cannot be used: {1}")]
    Key(&'static str, PrivateKeyError),
}

impl KeysError {
    const fn of_current(fault: PrivateKeyError) -> Self {
        Self::Corrupt(Corruption::Key(CURRENT, fault))
    }
}

/// What a token is for; one kind is never taken for another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenType {
    /// `JWT`: the app reads it.
    IdToken,
    /// `at+jwt` (RFC 9068 §2.1): the app passes it on.
    AccessToken,
}

impl TokenType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::IdToken => "JWT",
            Self::AccessToken => "at+jwt",
        }
    }
}

/// The signing keys of a deployment.
#[derive(Debug)]
pub struct OidcKeys {
    secrets: Arc<Secrets>,
    known: TtlCache<(), Arc<KeySet>>,
}

impl OidcKeys {
    /// Reads and writes through `secrets`.
    pub fn new(secrets: Arc<Secrets>) -> Self {
        Self { secrets, known: TtlCache::default() }
    }

    /// The keys as they were at most a minute ago. The first call of a deployment makes them.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer, or holds something else.
    pub async fn keys(&self, now: Timestamp) -> Result<Arc<KeySet>, KeysError> {
        match self.known(now).await? {
            Some(keys) => Ok(keys),
            None => self.make(now).await,
        }
    }

    /// The keys as they were at most a minute ago, if there are any; makes none.
    ///
    /// # Errors
    ///
    /// As [`OidcKeys::keys`].
    pub async fn known(&self, now: Timestamp) -> Result<Option<Arc<KeySet>>, KeysError> {
        if let Some(keys) = self.known.get(&(), now) {
            return Ok(Some(keys));
        }
        let Some(secret) = self.secrets.fetch(SecretName::OidcKeys).await? else {
            return Ok(None);
        };
        Ok(Some(self.remember(KeySet::read(&secret)?, now)))
    }

    /// Makes the next key the current one, and a new next one. The current one stays published,
    /// so that no sign-in that is under way fails.
    ///
    /// # Errors
    ///
    /// [`KeysError::TooSoon`] within a day of the last rotation, and [`KeysError::Corrupt`] if the
    /// next key could not sign.
    pub async fn rotate(&self, now: Timestamp) -> Result<Arc<KeySet>, KeysError> {
        let KeySet { current, next, rotated_at, .. } = &*self.fetch(now).await?;
        if rotated_at.is_some_and(|at| now.duration_since(at).as_secs() < ROTATION_SECONDS) {
            return Err(KeysError::TooSoon);
        }
        next.check().map_err(|fault| KeysError::Corrupt(Corruption::Key(NEXT, fault)))?;
        let rotated = KeySet {
            previous: Some(current.clone()),
            current: next.clone(),
            next: generated(now).await?,
            rotated_at: Some(now),
        };
        self.secrets.put(SecretName::OidcKeys, &rotated.secret()?).await?;
        Ok(self.remember(rotated, now))
    }

    async fn fetch(&self, now: Timestamp) -> Result<Arc<KeySet>, KeysError> {
        match self.secrets.fetch(SecretName::OidcKeys).await? {
            Some(secret) => Ok(self.remember(KeySet::read(&secret)?, now)),
            None => self.make(now).await,
        }
    }

    async fn make(&self, now: Timestamp) -> Result<Arc<KeySet>, KeysError> {
        let (current, next) = tokio::try_join!(generated(now), generated(now))?;
        let made = KeySet { previous: None, current, next, rotated_at: None };
        if self.secrets.create(SecretName::OidcKeys, &made.secret()?).await? {
            return Ok(self.remember(made, now));
        }
        // Another process was first; its keys are the deployment's.
        let secret = self.secrets.fetch(SecretName::OidcKeys).await?.ok_or(KeysError::Unusable)?;
        Ok(self.remember(KeySet::read(&secret)?, now))
    }

    fn remember(&self, keys: KeySet, now: Timestamp) -> Arc<KeySet> {
        let keys = Arc::new(keys);
        self.known.put((), Arc::clone(&keys), now);
        keys
    }
}

/// A new key. Making one takes a while, so it is done off the thread that serves.
async fn generated(now: Timestamp) -> Result<Arc<RsaKey>, KeysError> {
    let made = tokio::task::spawn_blocking(move || RsaKey::generate(now)).await;
    made.map_err(|_| KeysError::Unusable)?.map(Arc::new)
}

const PREVIOUS: &str = "previous";
const CURRENT: &str = "current";
const NEXT: &str = "next";

/// How long apps may keep the published keys.
pub const JWKS_LIFE: Duration = Duration::from_mins(5);

/// Longer than anybody keeps published keys, whatever we say of how long they may: API Gateway's
/// JWT authoriser keeps them for two hours. And longer than tokens live.
const ROTATION_SECONDS: i64 = 24 * 60 * 60;

#[cfg(test)]
mod tests;
