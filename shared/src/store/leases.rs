//! Leases: exclusive access to data outside the table, where no condition can guard a write.

use std::time::Duration;

use jiff::Timestamp;

use super::item::{Item, number};
use super::keys::{Key, TTL};
use super::retry::{Backoff, random};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use types::ids::{TenantId, WebhookId};

/// An exclusive right that lapses after `LEASE`.
#[derive(Debug)]
#[must_use = "a lease that is not released keeps others waiting"]
pub struct Lease {
    key: Key,
    holder: u64,
}

impl Store {
    /// Acquires the lease for the secret with a tenant's SCIM tokens, which Secrets Manager
    /// overwrites unconditionally.
    ///
    /// The lease lapses after 40 s, so that a crashed holder does not block others for long.
    ///
    /// # Errors
    ///
    /// [`StoreError::Contention`] when other holders keep the lease for too long.
    pub async fn lease_scim_tokens(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Lease, StoreError> {
        self.lease(Key::scim_tokens_lease(tenant), now).await
    }

    /// Acquires the lease for the list of webhooks, whose length is limited.
    ///
    /// # Errors
    ///
    /// As [`Store::lease_scim_tokens`].
    pub async fn lease_webhooks(&self, now: Timestamp) -> Result<Lease, StoreError> {
        self.lease(Key::webhooks_lease(), now).await
    }

    /// Acquires the lease for the secret with the secrets of a webhook.
    ///
    /// # Errors
    ///
    /// As [`Store::lease_scim_tokens`].
    pub async fn lease_webhook_secrets(
        &self,
        webhook: WebhookId,
        now: Timestamp,
    ) -> Result<Lease, StoreError> {
        self.lease(Key::webhook_secrets_lease(webhook), now).await
    }

    async fn lease(&self, key: Key, now: Timestamp) -> Result<Lease, StoreError> {
        let lease = Lease { key, holder: random()? };
        let started = tokio::time::Instant::now();
        let mut backoff = Backoff::for_crowd();
        loop {
            let now = now.saturating_add(started.elapsed()).unwrap_or(now);
            match self.commit(&[((), lease.acquire(now))]).await? {
                Commit::Done => return Ok(lease),
                Commit::Refused(_) => backoff.pause().await?,
            }
        }
    }

    /// Releases a lease. A lease that has lapsed and was acquired by another holder stays theirs.
    pub async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let Lease { key, holder } = lease;
        let delete = Write::delete(key).when("h = :h").bind(":h", number(holder));
        self.commit(&[((), delete)]).await.map(drop)
    }
}

impl Lease {
    fn acquire(&self, now: Timestamp) -> Write {
        let until = now.saturating_add(LEASE).unwrap_or(now);
        let mut row: Item = self.key.item();
        row.insert("h".to_owned(), number(self.holder));
        row.insert("u".to_owned(), number(until.as_millisecond()));
        row.insert(TTL.to_owned(), number(until.as_second()));
        Write::put(row)
            .when("attribute_not_exists(pk) OR u <= :now")
            .bind(":now", number(now.as_millisecond()))
    }
}

/// Longer than a function may run, so that no holder outlives its lease.
const LEASE: Duration = Duration::from_secs(40);
