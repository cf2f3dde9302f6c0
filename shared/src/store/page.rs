//! Pages of a collection in id order: at any `startIndex` and after any id, at the cost of the
//! page (RFC 7644 §3.4.2.4, RFC 9865).
//!
//! `startIndex` is found by prefix sums: the sixteen counters give the total and the first two
//! digits, a deep counter's leaf row the next six bits; the rows that remain to be skipped are
//! read along with the page. At a million resources that is three calls and about sixty skipped
//! rows.

use super::counters::{Counter, DIGITS, leaf_attribute};
use super::item::Item;
use super::keys::{Collection, Key, resources};
use super::read::{Consistency, Range, Sort};
use super::users::StoredUser;
use super::{Store, StoreError};
use types::ids::{ResourceId, TenantId};

/// One page and the number of resources in the whole collection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page<T> {
    /// In id order.
    pub items: Vec<T>,
    /// `totalResults`, strongly consistent.
    pub total: u64,
}

/// A resource that can be read from its row.
pub(super) trait Row: Sized {
    const COLLECTION: Collection;

    fn read(item: Item) -> Result<Self, StoreError>;
}

/// Where a page begins: at this id prefix, after so many rows.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Start {
    prefix: String,
    skip: u64,
}

impl Store {
    /// Users from `start_index`, which counts from 1; zero counts as 1.
    #[tracing::instrument(level = "debug", name = "store.users_page", skip_all, fields(tenant.id = %tenant))]
    pub async fn users_page(
        &self,
        tenant: TenantId,
        start_index: u64,
        count: usize,
    ) -> Result<Page<StoredUser>, StoreError> {
        self.page(tenant, start_index, count).await
    }

    /// Users whose id follows `last`; from the first without it.
    #[tracing::instrument(level = "debug", name = "store.users_after", skip_all, fields(tenant.id = %tenant))]
    pub async fn users_after(
        &self,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> Result<Vec<StoredUser>, StoreError> {
        self.after(tenant, last, count).await
    }

    /// The number of users, active or not.
    #[tracing::instrument(level = "debug", name = "store.users_total", skip_all, fields(tenant.id = %tenant))]
    pub async fn users_total(&self, tenant: TenantId) -> Result<u64, StoreError> {
        self.total(tenant, Collection::Users).await
    }

    pub(super) async fn page<T: Row>(
        &self,
        tenant: TenantId,
        start_index: u64,
        count: usize,
    ) -> Result<Page<T>, StoreError> {
        let counters = self.counters(tenant, T::COLLECTION).await?;
        let total = counters.iter().map(|counter| counter.total).sum();
        let index = start_index.saturating_sub(1);
        let items = match find(&counters, index) {
            Some((counter, start)) if count > 0 => {
                let start = self.refine(tenant, T::COLLECTION, counter, start).await?;
                let items = self.rows_from(tenant, start, count).await?;
                self.split_if_large(tenant, T::COLLECTION, counter).await;
                items
            }
            Some(_) | None => Vec::new(),
        };
        Ok(Page { items, total })
    }

    pub(super) async fn after<T: Row>(
        &self,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> Result<Vec<T>, StoreError> {
        let mut range = Range::all(resources(tenant, T::COLLECTION), Consistency::Eventual);
        if let Some(last) = last {
            range = range.sorted(Sort::After(last.to_string()));
        }
        self.query(&range, count).await?.into_iter().map(T::read).collect()
    }

    /// Narrows the start to a leaf where the counter has leaves.
    async fn refine(
        &self,
        tenant: TenantId,
        collection: Collection,
        counter: &Counter,
        start: Start,
    ) -> Result<Start, StoreError> {
        if !counter.deep {
            return Ok(start);
        }
        let key = Key::leaves(tenant, collection, &start.prefix);
        match self.get_with(&key, Consistency::Strong).await? {
            Some(leaves) => find_leaf(&leaves, &start),
            None => Ok(start),
        }
    }

    async fn rows_from<T: Row>(
        &self,
        tenant: TenantId,
        start: Start,
        count: usize,
    ) -> Result<Vec<T>, StoreError> {
        let skip = usize::try_from(start.skip).unwrap_or(usize::MAX);
        let range = Range::all(resources(tenant, T::COLLECTION), Consistency::Eventual)
            .sorted(Sort::From(start.prefix));
        let rows = self.query(&range, skip.saturating_add(count)).await?;
        rows.into_iter().skip(skip).map(T::read).collect()
    }
}

/// The counter and the two digits under which the resource at `index` (from 0) is.
fn find(counters: &[Counter], index: u64) -> Option<(&Counter, Start)> {
    let mut left = index;
    for counter in counters {
        if left >= counter.total {
            left -= counter.total;
            continue;
        }
        for (second, bucket) in DIGITS.into_iter().zip(counter.buckets) {
            if left < bucket {
                return Some((
                    counter,
                    Start { prefix: format!("{}{second}", counter.shard), skip: left },
                ));
            }
            left -= bucket;
        }
    }
    None
}

/// The leaf under which the start is. Leaves that were counted a moment later than the counter
/// may hold too little: then the start stays in the last one.
fn find_leaf(leaves: &Item, start: &Start) -> Result<Start, StoreError> {
    let mut leaf = 0;
    let mut left = start.skip;
    while leaf < LAST_LEAF {
        let count = leaf_count(leaves, leaf)?;
        if left < count {
            break;
        }
        left -= count;
        leaf += 1;
    }
    let prefix = format!("{}{:x}{:x}", start.prefix, leaf >> 2, (leaf & 3) << 2);
    Ok(Start { prefix, skip: left })
}

fn leaf_count(leaves: &Item, leaf: u8) -> Result<u64, StoreError> {
    match leaves.get(&leaf_attribute(leaf)) {
        None => Ok(0),
        Some(value) => value
            .as_n()
            .ok()
            .and_then(|count| count.parse().ok())
            .ok_or(StoreError::Corrupt("leaf")),
    }
}

/// Six bits tell the leaves of a bucket apart.
const LAST_LEAF: u8 = 63;
