//! Leases: who may change what no condition of the table can guard.

use std::time::Duration;

use jiff::Timestamp;

use super::item::{Item, number};
use super::keys::{Key, TTL};
use super::retry::{Backoff, random};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use types::ids::TenantId;

/// The right to change something, for a while and by one holder.
#[derive(Debug)]
#[must_use = "a lease that is not released keeps others waiting"]
pub struct Lease {
    key: Key,
    holder: u64,
}

impl Store {
    /// Waits, not without bound, for the right to change the secret of a tenant's SCIM tokens,
    /// which Secrets Manager overwrites unconditionally.
    ///
    /// The lease lapses after 40 s, so that a holder that died keeps nobody out for long.
    pub async fn lease_scim_tokens(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Lease, StoreError> {
        let lease = Lease { key: Key::scim_tokens_lock(tenant), holder: random()? };
        let started = tokio::time::Instant::now();
        let mut backoff = Backoff::for_seats();
        loop {
            let now = now.saturating_add(started.elapsed()).unwrap_or(now);
            match self.commit(&[((), lease.take(now))]).await? {
                Commit::Done => return Ok(lease),
                Commit::Refused(_) => backoff.pause().await?,
            }
        }
    }

    /// Gives a lease back. One that has lapsed and has another holder stays with that.
    pub async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let Lease { key, holder } = lease;
        let delete = Write::delete(key).when("h = :h").bind(":h", number(holder));
        self.commit(&[((), delete)]).await.map(drop)
    }
}

impl Lease {
    fn take(&self, now: Timestamp) -> Write {
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
