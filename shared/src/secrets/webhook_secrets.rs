//! The secrets that sign the messages of a webhook: one, or two for a day after a rotation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{SecretName, Secrets, SecretsError, text};
use crate::clock::random_secret;
use crate::error_chain::ErrorChain;
use crate::secrets::ttl_cache::TtlCache;
use crate::store::{Store, StoreError};
use directory::webhook::WebhookSecret;
use types::ids::WebhookId;

/// Error of reading or changing the secrets of a webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhookSecretsError {
    /// The last rotation is less than a day ago.
    #[error("two secrets are live already; rotate again after {0}, or delete the webhook")]
    TwoLive(Timestamp),
    /// The webhook has no secret.
    #[error("the webhook {0} has no secret; delete it and create a new one")]
    Missing(WebhookId),
    /// The secret does not hold a list of secrets. The error of the parser is dropped, since it quotes
    /// the secret.
    #[error("could not parse the secrets of the webhook {0}")]
    Corrupt(WebhookId),
    /// A call of the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A call to Secrets Manager failed.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The operating system gave no random bytes.
    #[error("could not draw random bytes for the secret of a webhook")]
    Random(#[source] getrandom::Error),
    /// The secrets cannot be serialised.
    #[error("could not serialise the secrets of a webhook")]
    Serialize(#[source] serde_json::Error),
}

/// A secret as it is stored, the newest first.
#[derive(Clone, Deserialize, Serialize)]
struct StoredSecret {
    #[serde(with = "text")]
    secret: SecretString,
    /// Set when the next one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl StoredSecret {
    fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

/// The secrets of all webhooks.
pub struct WebhookSecrets {
    secrets: Arc<Secrets>,
    store: Store,
    /// By version of the webhook, which a rotation raises: so a new secret signs at once.
    known: TtlCache<(WebhookId, u64), Arc<[StoredSecret]>>,
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecrets")
    }
}

impl WebhookSecrets {
    /// Reads and writes through `secrets`; rotations are serialised by leases of `store`.
    pub fn new(secrets: Arc<Secrets>, store: Store) -> Self {
        Self { secrets, store, known: TtlCache::default() }
    }

    /// Creates the first secret of a webhook.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer.
    pub async fn create(&self, id: WebhookId) -> Result<WebhookSecret, WebhookSecretsError> {
        let (secret, stored) = new_secret()?;
        self.write(id, &[stored]).await?;
        Ok(secret)
    }

    /// Creates another secret, and returns it with the time at which the former one lapses. The caller
    /// raises the version of the webhook afterwards.
    ///
    /// # Errors
    ///
    /// [`WebhookSecretsError::TwoLive`] within a day of the last rotation.
    pub async fn rotate(
        &self,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<(WebhookSecret, Timestamp), WebhookSecretsError> {
        let lease = self.store.lease_webhook_secrets(id, now).await?;
        let rotated = self.rotate_leased(id, now).await;
        if let Err(error) = self.store.release(lease).await {
            let error = ErrorChain(&error);
            tracing::warn!("could not release a lease; it lapses after 40 s: {error}");
        }
        rotated
    }

    async fn rotate_leased(
        &self,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<(WebhookSecret, Timestamp), WebhookSecretsError> {
        let mut stored = self.fetch(id).await?;
        stored.retain(|secret| secret.is_live(now));
        if let Some(lapses_at) = stored.iter().find_map(|secret| secret.expires_at) {
            return Err(WebhookSecretsError::TwoLive(lapses_at));
        }
        let lapses_at = now.saturating_add(OVERLAP).unwrap_or(now);
        for secret in &mut stored {
            secret.expires_at = Some(lapses_at);
        }
        let (secret, new) = new_secret()?;
        stored.insert(0, new);
        self.write(id, &stored).await?;
        Ok((secret, lapses_at))
    }

    /// Deletes the secrets of a webhook.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer.
    pub async fn delete(&self, id: WebhookId) -> Result<(), WebhookSecretsError> {
        Ok(self.secrets.delete(SecretName::Webhook(id)).await?)
    }

    /// Returns the secrets that sign messages of this version of the webhook, the newest first; those
    /// of a version are cached for a minute.
    ///
    /// # Errors
    ///
    /// [`WebhookSecretsError::Missing`] if there is none.
    pub async fn live(
        &self,
        id: WebhookId,
        version: u64,
        now: Timestamp,
    ) -> Result<Vec<WebhookSecret>, WebhookSecretsError> {
        let stored = if let Some(stored) = self.known.get(&(id, version), now) {
            stored
        } else {
            let stored: Arc<[StoredSecret]> = self.fetch(id).await?.into();
            self.known.put((id, version), Arc::clone(&stored), now);
            stored
        };
        let live = stored.iter().filter(|secret| secret.is_live(now));
        live.map(|stored| WebhookSecret::parse(stored.secret.expose_secret()))
            .collect::<Result<_, _>>()
            .map_err(|_| WebhookSecretsError::Corrupt(id))
    }

    async fn fetch(&self, id: WebhookId) -> Result<Vec<StoredSecret>, WebhookSecretsError> {
        let text = self.secrets.fetch(SecretName::Webhook(id)).await?;
        let text = text.ok_or(WebhookSecretsError::Missing(id))?;
        serde_json::from_str(text.expose_secret()).map_err(|_| WebhookSecretsError::Corrupt(id))
    }

    async fn write(
        &self,
        id: WebhookId,
        secrets: &[StoredSecret],
    ) -> Result<(), WebhookSecretsError> {
        let text = serde_json::to_string(secrets).map_err(WebhookSecretsError::Serialize)?;
        Ok(self.secrets.put(SecretName::Webhook(id), &SecretString::from(text)).await?)
    }
}

fn new_secret() -> Result<(WebhookSecret, StoredSecret), WebhookSecretsError> {
    let random = random_secret().map_err(WebhookSecretsError::Random)?;
    let secret = WebhookSecret::new(&random);
    let stored = StoredSecret { secret: secret.reveal(), expires_at: None };
    Ok((secret, stored))
}

/// Time for which the former secret signs too, after a rotation.
const OVERLAP: Duration = Duration::from_hours(24);
