//! The keys that sign ID tokens and access tokens: generated at first use, kept in Secrets Manager,
//! cached for up to 60 s.
//!
//! There are always a current key, which signs, and a next key, which is published so that apps
//! know it before it signs. After a rotation there is also the previous key, whose tokens are still
//! valid. A process that has not seen a rotation yet signs with a key that all others still
//! publish.

mod key_set;
mod rsa;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

pub use self::key_set::KeySet;
use self::rsa::RsaKey;
use crate::secrets::ttl_cache::TtlCache;
use crate::secrets::{SecretName, Secrets, SecretsError};
use saml::crypto::PrivateKeyError;

/// Error of reading, using or rotating the keys.
#[derive(Debug, thiserror::Error)]
pub enum OidcKeysError {
    /// The last rotation is too recent: apps may not know the next key yet.
    #[error("the keys were rotated less than a day ago; apps may not know the next key yet")]
    TooSoon,
    /// A call to Secrets Manager failed.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The secret does not hold usable keys.
    #[error("could not use the secret {name}", name = SecretName::OidcKeys)]
    Corrupt(#[from] OidcSecretError),
    /// A key could not be generated, or did not sign.
    #[error("could not generate or use a key")]
    Unusable,
}

/// Defect of the secret. Says where it is and shows nothing of the secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OidcSecretError {
    /// The secret is not the expected JSON.
    #[error("it is not the expected JSON")]
    Json,
    /// A key cannot be parsed. Found when the secret is read, or when the key is used for the first
    /// time.
    #[error("its {0} key cannot be used")]
    Key(&'static str, #[source] PrivateKeyError),
}

impl OidcKeysError {
    const fn of_current(error: PrivateKeyError) -> Self {
        Self::Corrupt(OidcSecretError::Key(CURRENT, error))
    }
}

/// Type of a token. A token of one type is never accepted as another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenType {
    /// `JWT`: for the app.
    IdToken,
    /// `at+jwt` (RFC 9068 §2.1): for the endpoints that the app calls.
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

    /// Returns the keys as they were at most a minute ago. The first call of a deployment generates
    /// them.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer, or the secret does not hold usable keys.
    pub async fn ensure(&self, now: Timestamp) -> Result<Arc<KeySet>, OidcKeysError> {
        match self.load(now).await? {
            Some(keys) => Ok(keys),
            None => self.generate(now).await,
        }
    }

    /// Returns the keys as they were at most a minute ago, if there are any; generates none.
    ///
    /// # Errors
    ///
    /// As [`OidcKeys::ensure`].
    pub async fn load(&self, now: Timestamp) -> Result<Option<Arc<KeySet>>, OidcKeysError> {
        if let Some(keys) = self.known.get(&(), now) {
            return Ok(Some(keys));
        }
        let Some(secret) = self.secrets.fetch(SecretName::OidcKeys).await? else {
            return Ok(None);
        };
        Ok(Some(self.remember(KeySet::from_secret(&secret)?, now)))
    }

    /// Returns the claims of a token that one of our keys signed, as [`KeySet::verify`] does. Only
    /// reads: without keys there is no such token.
    ///
    /// # Errors
    ///
    /// As [`OidcKeys::ensure`].
    pub async fn verify<T: for<'de> Deserialize<'de>>(
        &self,
        of: TokenType,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<T>, OidcKeysError> {
        Ok(self.load(now).await?.and_then(|keys| keys.verify(of, token)))
    }

    /// Makes the next key the current one, and generates a new next one. The former current key
    /// stays published, so that no sign-in in progress fails.
    ///
    /// # Errors
    ///
    /// [`OidcKeysError::TooSoon`] within a day of the last rotation, [`OidcKeysError::Corrupt`] if
    /// the next key cannot sign.
    pub async fn rotate(&self, now: Timestamp) -> Result<Arc<KeySet>, OidcKeysError> {
        let KeySet { current, next, rotated_at, .. } = &*self.fetch(now).await?;
        if rotated_at.is_some_and(|at| now.duration_since(at).as_secs() < ROTATION_SECONDS) {
            return Err(OidcKeysError::TooSoon);
        }
        next.check().map_err(|error| OidcSecretError::Key(NEXT, error))?;
        let rotated = KeySet {
            previous: Some(current.clone()),
            current: next.clone(),
            next: generate_key(now).await?,
            rotated_at: Some(now),
        };
        self.secrets.put(SecretName::OidcKeys, &rotated.to_secret()?).await?;
        Ok(self.remember(rotated, now))
    }

    async fn fetch(&self, now: Timestamp) -> Result<Arc<KeySet>, OidcKeysError> {
        match self.secrets.fetch(SecretName::OidcKeys).await? {
            Some(secret) => Ok(self.remember(KeySet::from_secret(&secret)?, now)),
            None => self.generate(now).await,
        }
    }

    async fn generate(&self, now: Timestamp) -> Result<Arc<KeySet>, OidcKeysError> {
        let (current, next) = tokio::try_join!(generate_key(now), generate_key(now))?;
        let generated = KeySet { previous: None, current, next, rotated_at: None };
        if self.secrets.create(SecretName::OidcKeys, &generated.to_secret()?).await? {
            return Ok(self.remember(generated, now));
        }
        // Another process was first; its keys are those of the deployment.
        let secret =
            self.secrets.fetch(SecretName::OidcKeys).await?.ok_or(OidcKeysError::Unusable)?;
        Ok(self.remember(KeySet::from_secret(&secret)?, now))
    }

    fn remember(&self, keys: KeySet, now: Timestamp) -> Arc<KeySet> {
        let keys = Arc::new(keys);
        self.known.put((), Arc::clone(&keys), now);
        keys
    }
}

/// Generates a key. This takes a while, so it runs off the thread that serves requests.
async fn generate_key(now: Timestamp) -> Result<Arc<RsaKey>, OidcKeysError> {
    let key = tokio::task::spawn_blocking(move || RsaKey::generate(now)).await;
    key.map_err(|_| OidcKeysError::Unusable)?.map(Arc::new)
}

const PREVIOUS: &str = "previous";
const CURRENT: &str = "current";
const NEXT: &str = "next";

/// How long apps may keep the published keys.
pub const JWKS_LIFE: Duration = Duration::from_mins(5);

/// Longer than apps keep published keys even against [`JWKS_LIFE`] (API Gateway's JWT authoriser:
/// two hours), and longer than tokens live.
const ROTATION_SECONDS: i64 = 24 * 60 * 60;

#[cfg(test)]
mod tests;
