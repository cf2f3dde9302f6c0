//! Hints: knowledge of a process about the table, which saves calls. A hint is never trusted: every
//! write that relies on one carries a condition that fails when the hint is outdated.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::pool::Pool;
use scim::schema::ResourceKind;
use types::ids::TenantId;

/// Hints of one process, shared by the clones of a store.
#[derive(Debug, Default)]
pub(super) struct Hints {
    deep: Mutex<HashSet<(TenantId, ResourceKind, char)>>,
    pools: Mutex<HashMap<TenantId, (Instant, Pool)>>,
}

impl Hints {
    /// Returns whether this counter was deep when it was last seen (see `split`).
    pub(super) fn deep(&self, tenant: TenantId, kind: ResourceKind, shard: char) -> bool {
        lock(&self.deep).contains(&(tenant, kind, shard))
    }

    pub(super) fn learn_deep(&self, tenant: TenantId, kind: ResourceKind, shard: char, deep: bool) {
        let mut known = lock(&self.deep);
        if known.len() >= MOST_HINTS {
            known.clear();
        }
        if deep {
            known.insert((tenant, kind, shard));
        } else {
            known.remove(&(tenant, kind, shard));
        }
    }

    /// Returns the rules of the tenant's seat pool, if they were read within the last minute.
    pub(super) fn pool(&self, tenant: TenantId) -> Option<Pool> {
        let known = lock(&self.pools);
        let (read_at, pool) = known.get(&tenant)?;
        (read_at.elapsed() < POOL_LIFE).then(|| pool.clone())
    }

    pub(super) fn learn_pool(&self, tenant: TenantId, pool: Pool) {
        let mut known = lock(&self.pools);
        if known.len() >= MOST_HINTS {
            known.clear();
        }
        known.insert(tenant, (Instant::now(), pool));
    }

    pub(super) fn forget_pool(&self, tenant: TenantId) {
        lock(&self.pools).remove(&tenant);
    }
}

/// Locks a mutex even if a thread panicked while it held it: each change is a single call, so that
/// a set of hints is never half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const POOL_LIFE: Duration = Duration::from_mins(1);
/// Memory bound; past it the hints are forgotten.
const MOST_HINTS: usize = 10_000;
