//! Which SCIM tokens a tenant has: digests in Secrets Manager, known here for up to 60 s.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::{random_bytes, random_secret};
use crate::config::RateLimit;
use crate::http::rate_limit::RateLimiter;
use crate::secrets::ttl_cache::TtlCache;
use crate::secrets::{SecretName, Secrets, SecretsError};
use crate::store::{Lease, Store, StoreError};
use types::ids::TenantId;
use types::scim_token::{ScimToken, StoredToken, Validity};

/// Why a token was not made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Two tokens are live already.
    #[error("two tokens are live already; revoke one first")]
    TwoLive,
    /// The tenant is gone.
    #[error("no such tenant")]
    NoTenant,
    /// Others kept changing the tenant's tokens. Nothing was written.
    #[error("the tenant's tokens are being changed by others; send the request again")]
    Contention,
    /// The table did not answer.
    #[error("the table cannot be used: {0}")]
    Store(StoreError),
    /// Secrets Manager did not answer, or holds what is not ours.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The operating system gave no randomness.
    #[error("no randomness")]
    Random,
    /// The secret does not hold a list of tokens.
    #[error("the tenant's token secret cannot be read")]
    Corrupt,
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Contention => Self::Contention,
            StoreError::Conflict(_)
            | StoreError::VersionMismatch
            | StoreError::NoSeat { .. }
            | StoreError::MemberGone
            | StoreError::NotFound
            | StoreError::TooLarge
            | StoreError::Unavailable { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Random(_) => Self::Store(error),
        }
    }
}

/// The tokens of all tenants.
///
/// Secrets Manager knows no conditional write, so whoever changes a tenant's tokens holds its
/// lease, from before they are read until after they are written.
#[derive(Debug)]
pub struct ScimTokens {
    secrets: Arc<Secrets>,
    store: Store,
    known: TtlCache<TenantId, Arc<[StoredToken]>>,
    /// Tenants without a secret, apart from the others: whoever makes up ids fills this alone.
    absent: TtlCache<TenantId, ()>,
    refetches: RateLimiter<TenantId>,
    /// Fetches for tenants that were never seen here, all together.
    strangers: RateLimiter<()>,
}

impl ScimTokens {
    /// Reads and writes through `secrets`; writers take turns by leases of `store`.
    pub fn new(secrets: Arc<Secrets>, store: Store) -> Self {
        Self {
            secrets,
            store,
            known: TtlCache::default(),
            absent: TtlCache::of(ABSENT_LIFE, MOST_ABSENT),
            refetches: RateLimiter::new(REFETCHES),
            strangers: RateLimiter::new(STRANGERS),
        }
    }

    /// How long `token` lives, or `None` when it is not live. No call when the tenant's tokens are known and hold it; one when
    /// they are not known, or do not hold it, since it may be new.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer: then nobody is let in.
    pub async fn verify(
        &self,
        token: &ScimToken,
        now: Timestamp,
    ) -> Result<Option<Validity>, TokenError> {
        if let Some(known) = self.known.get(&token.tenant(), now) {
            if let Some(stored) = known.iter().find(|stored| stored.id == token.id()) {
                return Ok(stored.verify(token, now));
            }
            if self.refetches.take(token.tenant(), now).is_err() {
                return Ok(None);
            }
        } else if !self.may_exist(token.tenant(), now).await? {
            return Ok(None);
        }
        let tokens = self.fetch(token.tenant(), now).await?;
        let stored = tokens.iter().find(|stored| stored.id == token.id());
        Ok(stored.and_then(|stored| stored.verify(token, now)))
    }

    /// Whether a secret may be asked for. Anybody can make up the ids of tenants: past a rate, the
    /// table is asked first, which is cheap, so that neither Secrets Manager bears it nor a tenant
    /// that is new to this process is kept out.
    async fn may_exist(&self, tenant: TenantId, now: Timestamp) -> Result<bool, TokenError> {
        if self.known.has_known(&tenant) {
            return Ok(true);
        }
        if self.absent.get(&tenant, now).is_some() {
            return Ok(false);
        }
        if self.strangers.take((), now).is_ok() {
            return Ok(true);
        }
        let exists = self.store.tenant(tenant).await?.is_some();
        if !exists {
            self.absent.put(tenant, (), now);
        }
        Ok(exists)
    }

    /// The tenant's tokens, expired ones too, read anew.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer.
    pub async fn list(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Arc<[StoredToken]>, TokenError> {
        self.fetch(tenant, now).await
    }

    /// Makes a token. The only time that it can be seen.
    ///
    /// # Errors
    ///
    /// [`TokenError::TwoLive`] when two are live; expired ones make room. [`TokenError::NoTenant`]
    /// when the tenant has been deleted.
    pub async fn create(
        &self,
        tenant: TenantId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(ScimToken, StoredToken), TokenError> {
        let lease = self.store.lease_scim_tokens(tenant, now).await?;
        let created = self.create_alone(tenant, now, expires_at).await;
        self.release(lease).await;
        created
    }

    async fn create_alone(
        &self,
        tenant: TenantId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(ScimToken, StoredToken), TokenError> {
        // Asked under the lease, under which a tenant that is deleted loses its tokens.
        self.store.tenant(tenant).await?.ok_or(TokenError::NoTenant)?;
        let mut tokens = self.fetch(tenant, now).await?.to_vec();
        tokens.retain(|stored| now < stored.expires_at);
        if tokens.len() >= MOST_LIVE {
            return Err(TokenError::TwoLive);
        }
        let id = random_bytes().map_err(|_| TokenError::Random)?;
        let secret = random_secret().map_err(|_| TokenError::Random)?;
        let token = ScimToken::new(tenant, id, &secret);
        let stored = token.to_stored(now, expires_at);
        tokens.push(stored.clone());
        self.store(tenant, tokens, now).await?;
        Ok((token, stored))
    }

    /// Revokes a token: at once here, within 60 s in every other process. `false` when the tenant
    /// has no such token.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer.
    pub async fn revoke(
        &self,
        tenant: TenantId,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, TokenError> {
        let lease = self.store.lease_scim_tokens(tenant, now).await?;
        let revoked = self.revoke_alone(tenant, id, now).await;
        self.release(lease).await;
        revoked
    }

    async fn revoke_alone(
        &self,
        tenant: TenantId,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, TokenError> {
        let mut tokens = self.fetch(tenant, now).await?.to_vec();
        let before = tokens.len();
        tokens.retain(|stored| stored.id != id);
        if tokens.len() == before {
            return Ok(false);
        }
        self.store(tenant, tokens, now).await?;
        Ok(true)
    }

    /// Revokes all of a tenant's tokens and forgets the secret.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer.
    pub async fn revoke_all(&self, tenant: TenantId, now: Timestamp) -> Result<(), TokenError> {
        let lease = self.store.lease_scim_tokens(tenant, now).await?;
        let deleted = self.secrets.delete(SecretName::ScimTokens(tenant)).await;
        self.release(lease).await;
        deleted?;
        self.known.remove(&tenant);
        self.absent.put(tenant, (), now);
        Ok(())
    }

    /// Lets the next writer in. A lease that could not be given back lapses by itself.
    async fn release(&self, lease: Lease) {
        if let Err(error) = self.store.release(lease).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "a lease stays until it lapses");
        }
    }

    async fn fetch(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Arc<[StoredToken]>, TokenError> {
        let Some(text) = self.secrets.fetch(SecretName::ScimTokens(tenant)).await? else {
            self.known.remove(&tenant);
            self.absent.put(tenant, (), now);
            return Ok(Arc::new([]));
        };
        let tokens: Vec<StoredToken> =
            serde_json::from_str(text.expose_secret()).map_err(|_| TokenError::Corrupt)?;
        let tokens: Arc<[StoredToken]> = tokens.into();
        self.known.put(tenant, Arc::clone(&tokens), now);
        Ok(tokens)
    }

    async fn store(
        &self,
        tenant: TenantId,
        tokens: Vec<StoredToken>,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        let text = serde_json::to_string(&tokens).map_err(|_| TokenError::Corrupt)?;
        self.secrets.put(SecretName::ScimTokens(tenant), &SecretString::from(text)).await?;
        self.known.put(tenant, tokens.into(), now);
        Ok(())
    }
}

/// A token that is made without a date lives this long.
pub const TOKEN_LIFE: Duration = Duration::from_hours(365 * 24);

/// Two, so that a token can be replaced with no failed request in between.
const MOST_LIVE: usize = 2;

/// Unknown token ids make one fetch each, but no more than this: guessing must not become a load
/// on, and a bill from, Secrets Manager.
const REFETCHES: RateLimit =
    RateLimit { per_second: NonZeroU32::new(1).unwrap(), burst: NonZeroU32::new(10).unwrap() };

/// Fetches for tenants that were never seen by this process.
const STRANGERS: RateLimit =
    RateLimit { per_second: NonZeroU32::new(1).unwrap(), burst: NonZeroU32::new(20).unwrap() };

/// Short, since a tenant's first token is to work soon in a process that was asked too early.
const ABSENT_LIFE: Duration = Duration::from_secs(10);

/// Memory bound for ids that anybody can make up.
const MOST_ABSENT: usize = 1_000;
