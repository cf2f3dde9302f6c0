//! The SCIM tokens of the tenants: their digests, in one secret per tenant, cached for up to 60 s.
//!
//! The form of a token and its comparison are in [`types::scim_token`].

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::{random_bytes, random_secret};
use crate::config::RateLimit;
use crate::error_chain::ErrorChain;
use crate::http::rate_limit::RateLimiter;
use crate::http::user_agent::Product;
use crate::secrets::ttl_cache::TtlCache;
use crate::secrets::{SecretName, Secrets, SecretsError};
use crate::store::{Lease, Store, StoreError, TokenUse};
use types::ids::TenantId;
use types::scim_token::{ScimToken, StoredToken, Validity};

/// Error of reading, creating or revoking tokens.
#[derive(Debug, thiserror::Error)]
pub enum ScimTokensError {
    /// The tenant has two live tokens.
    #[error("two tokens are live already; revoke one first")]
    TwoLive,
    /// The tenant does not exist.
    #[error("no such tenant")]
    NoTenant,
    /// Other requests kept changing the tenant's tokens. Nothing was written.
    #[error("the tenant's tokens are being changed by others; send the request again")]
    Contention,
    /// A call of the store failed.
    #[error(transparent)]
    Store(StoreError),
    /// A call to Secrets Manager failed.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The operating system gave no random bytes.
    #[error("could not draw random bytes for a token")]
    Random(#[source] getrandom::Error),
    /// The secret does not hold a list of tokens. The error of the parser is dropped, since it
    /// quotes the secret.
    #[error("could not parse the secret with the tokens of tenant {0}")]
    Corrupt(TenantId),
    /// The tokens cannot be serialised.
    #[error("could not serialise the tokens of a tenant")]
    Serialize(#[source] serde_json::Error),
}

impl From<StoreError> for ScimTokensError {
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
/// Secrets Manager has no conditional write. So a change of a tenant's tokens holds the tenant's
/// lease from before they are read until after they are written.
#[derive(Debug)]
pub struct ScimTokens {
    secrets: Arc<Secrets>,
    store: Store,
    known: TtlCache<TenantId, Arc<[StoredToken]>>,
    /// Tenants without a secret. Apart from `known`, so that requests with invented tenant ids fill
    /// only this cache.
    absent: TtlCache<TenantId, ()>,
    refetches: RateLimiter<TenantId>,
    /// Fetches for all tenants together that this process has never seen.
    strangers: RateLimiter<()>,
    /// The tokens whose use was noted within the last minute, by tenant and id.
    noted: TtlCache<(TenantId, String), ()>,
}

impl ScimTokens {
    /// Reads and writes through `secrets`; changes are serialised by leases of `store`.
    pub fn new(secrets: Arc<Secrets>, store: Store) -> Self {
        Self {
            secrets,
            store,
            known: TtlCache::default(),
            absent: TtlCache::with(ABSENT_LIFE, MOST_ABSENT),
            refetches: RateLimiter::new(REFETCHES),
            strangers: RateLimiter::new(STRANGERS),
            noted: TtlCache::default(),
        }
    }

    /// Verifies a token. Returns its period of validity, or `None` if it is not valid.
    ///
    /// Makes no call when the tenant's tokens are cached and the token is among them. Otherwise it
    /// reads them, since the token may be new.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer. No token is valid then.
    pub async fn verify(
        &self,
        token: &ScimToken,
        now: Timestamp,
    ) -> Result<Option<Validity>, ScimTokensError> {
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

    /// Returns whether the secret of a tenant may be read. Clients can invent tenant ids: above a
    /// rate, the table is read first, which is cheap. So invented ids neither burden Secrets
    /// Manager nor lock out a tenant that is new to this process.
    async fn may_exist(&self, tenant: TenantId, now: Timestamp) -> Result<bool, ScimTokensError> {
        if self.known.contains(&tenant) {
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

    /// Notes the use of a token that was verified, at most once a minute in this process.
    /// `expires_at` is the end of the token.
    ///
    /// A failure is logged and has no other effect: the client of the request does not need the
    /// note.
    pub(crate) async fn note_use(
        &self,
        token: &ScimToken,
        expires_at: Timestamp,
        product: Product,
        now: Timestamp,
    ) {
        let key = (token.tenant(), token.id().to_owned());
        if self.noted.get(&key, now).is_some() {
            return;
        }
        // Before the write, so that requests that arrive meanwhile do not write too.
        self.noted.put(key, (), now);
        let token_use = TokenUse { token: token.id().to_owned(), at: now, product };
        let write = self.store.note_token_use(token.tenant(), &token_use, expires_at);
        match tokio::time::timeout(NOTE_TIME_LIMIT, write).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!("could not note the use of a SCIM token: {}", ErrorChain(&error));
            }
            Err(_) => tracing::warn!("could not note the use of a SCIM token in time"),
        }
    }

    /// Reads the tenant's tokens, including expired ones. Never from the cache.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer.
    pub async fn list(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Arc<[StoredToken]>, ScimTokensError> {
        self.fetch(tenant, now).await
    }

    /// Creates a token, and returns it with its stored form. The token cannot be read again.
    ///
    /// # Errors
    ///
    /// [`ScimTokensError::TwoLive`] when two tokens are live (expired ones are removed),
    /// [`ScimTokensError::NoTenant`] when the tenant has been deleted.
    pub async fn create(
        &self,
        tenant: TenantId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(ScimToken, StoredToken), ScimTokensError> {
        let lease = self.store.lease_scim_tokens(tenant, now).await?;
        let created = self.create_leased(tenant, now, expires_at).await;
        self.release(lease).await;
        created
    }

    async fn create_leased(
        &self,
        tenant: TenantId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(ScimToken, StoredToken), ScimTokensError> {
        // Read under the lease, since the deletion of a tenant deletes its tokens under the lease.
        self.store.tenant(tenant).await?.ok_or(ScimTokensError::NoTenant)?;
        let mut tokens = self.fetch(tenant, now).await?.to_vec();
        tokens.retain(|stored| now < stored.expires_at);
        if tokens.len() >= MOST_LIVE {
            return Err(ScimTokensError::TwoLive);
        }
        let id = random_bytes().map_err(ScimTokensError::Random)?;
        let secret = random_secret().map_err(ScimTokensError::Random)?;
        let token = ScimToken::new(tenant, id, &secret);
        let stored = token.to_stored(now, expires_at);
        tokens.push(stored.clone());
        self.write(tenant, tokens, now).await?;
        Ok((token, stored))
    }

    /// Revokes a token: at once in this process, within 60 s in every other one. Returns `false`
    /// when the tenant has no such token.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer.
    pub async fn revoke(
        &self,
        tenant: TenantId,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, ScimTokensError> {
        let lease = self.store.lease_scim_tokens(tenant, now).await?;
        let revoked = self.revoke_leased(tenant, id, now).await;
        self.release(lease).await;
        revoked
    }

    async fn revoke_leased(
        &self,
        tenant: TenantId,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, ScimTokensError> {
        let mut tokens = self.fetch(tenant, now).await?.to_vec();
        let before = tokens.len();
        tokens.retain(|stored| stored.id != id);
        if tokens.len() == before {
            return Ok(false);
        }
        self.write(tenant, tokens, now).await?;
        Ok(true)
    }

    /// Revokes all tokens of a tenant and deletes the secret.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer.
    pub async fn revoke_all(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<(), ScimTokensError> {
        let lease = self.store.lease_scim_tokens(tenant, now).await?;
        let deleted = self.secrets.delete(SecretName::ScimTokens(tenant)).await;
        self.release(lease).await;
        deleted?;
        self.known.remove(&tenant);
        self.absent.put(tenant, (), now);
        Ok(())
    }

    /// Releases a lease. One that could not be released lapses.
    async fn release(&self, lease: Lease) {
        if let Err(error) = self.store.release(lease).await {
            let error = ErrorChain(&error);
            tracing::warn!("could not release a lease; it lapses after 40 s: {error}");
        }
    }

    async fn fetch(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Arc<[StoredToken]>, ScimTokensError> {
        let Some(text) = self.secrets.fetch(SecretName::ScimTokens(tenant)).await? else {
            self.known.remove(&tenant);
            self.absent.put(tenant, (), now);
            return Ok(Arc::new([]));
        };
        let tokens: Vec<StoredToken> = serde_json::from_str(text.expose_secret())
            .map_err(|_| ScimTokensError::Corrupt(tenant))?;
        let tokens: Arc<[StoredToken]> = tokens.into();
        self.known.put(tenant, Arc::clone(&tokens), now);
        Ok(tokens)
    }

    async fn write(
        &self,
        tenant: TenantId,
        tokens: Vec<StoredToken>,
        now: Timestamp,
    ) -> Result<(), ScimTokensError> {
        let text = serde_json::to_string(&tokens).map_err(ScimTokensError::Serialize)?;
        self.secrets.put(SecretName::ScimTokens(tenant), &SecretString::from(text)).await?;
        self.known.put(tenant, tokens.into(), now);
        Ok(())
    }
}

/// Validity of a token that is created without an expiry date.
pub const TOKEN_LIFE: Duration = Duration::from_hours(365 * 24);

/// Two, so that a token can be replaced without a failed request in between.
const MOST_LIVE: usize = 2;

/// Rate of reads because of unknown token ids, per tenant: guessing must not become load on Secrets
/// Manager, or cost.
const REFETCHES: RateLimit =
    RateLimit { per_second: NonZeroU32::new(1).unwrap(), burst: NonZeroU32::new(10).unwrap() };

/// Rate of reads for tenants that this process has never seen.
const STRANGERS: RateLimit =
    RateLimit { per_second: NonZeroU32::new(1).unwrap(), burst: NonZeroU32::new(20).unwrap() };

/// Short, since the first token of a tenant must soon work in a process that found none before.
const ABSENT_LIFE: Duration = Duration::from_secs(10);

/// Far longer than a write takes. A request that only reads must not wait for the retries of a note.
const NOTE_TIME_LIMIT: Duration = Duration::from_secs(1);

/// Memory bound for invented tenant ids.
const MOST_ABSENT: usize = 1_000;
