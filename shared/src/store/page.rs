//! Reads of users and groups alike: one by id, several by id, and pages of a collection.
//!
//! A page is in id order, begins at any `startIndex` or after any id, and costs no more than its
//! rows (RFC 7644 §3.4.2.4, RFC 9865).
//!
//! `startIndex` is found by prefix sums: the sixteen counters give the total and the first two
//! digits, the leaf row of a deep counter the next six bits; the rows that remain to be skipped are
//! read along with the page. At a million resources that is three calls and about sixty skipped
//! rows.

use super::counters::{Counter, DIGITS, leaf_attribute};
use super::item::{Item, corrupt};
use super::keys::{Key, resources};
use super::read::{Consistency, Range, SortKeys};
use super::versioned::Versioned;
use super::{Store, StoreError};
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

/// One page and the number of resources in the whole collection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page<T> {
    /// In id order. Fewer than were asked for if their documents have more than
    /// [`MAX_PAGE_TEXT`] bytes.
    pub items: Vec<T>,
    /// `totalResults`, strongly consistent.
    pub total: u64,
}

/// A part of a collection, at most what one call of DynamoDB returns.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chunk<T> {
    /// In id order.
    pub items: Vec<T>,
    /// Whether more may follow. If so, there is at least one item.
    pub has_more: bool,
}

/// A resource that is read from its row: a user or a group.
pub(super) trait StoredResource: Sized {
    const KIND: ResourceKind;

    fn from_row(row: Item) -> Result<Self, StoreError>;

    /// The attributes that users and groups share.
    fn versioned(&self) -> &Versioned;

    fn id(&self) -> ResourceId {
        self.versioned().id
    }
}

/// The beginning of a page: an id prefix, and the number of rows to skip from there.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Start {
    prefix: String,
    skip: u64,
}

impl Store {
    pub(super) async fn resource<T: StoredResource>(
        &self,
        tenant: TenantId,
        id: ResourceId,
    ) -> Result<Option<T>, StoreError> {
        let key = Key::resource(tenant, T::KIND, id);
        self.get(&key).await?.map(T::from_row).transpose()
    }

    /// Reads the resources among `ids` that exist, in id order.
    pub(super) async fn resources<T: StoredResource>(
        &self,
        tenant: TenantId,
        mut ids: Vec<ResourceId>,
    ) -> Result<Vec<T>, StoreError> {
        ids.sort_unstable();
        ids.dedup();
        if let [id] = ids.as_slice() {
            return Ok(self.resource(tenant, *id).await?.into_iter().collect());
        }
        let key = |id| Key::resource(tenant, T::KIND, id);
        let keys: Vec<Key> = ids.into_iter().map(key).collect();
        let rows = self.get_many(&keys, None).await?;
        let mut found = rows.into_iter().map(T::from_row).collect::<Result<Vec<_>, _>>()?;
        found.sort_unstable_by_key(T::id);
        Ok(found)
    }

    /// Reads the page that begins at `start_index`, which counts from 1; zero counts as 1.
    pub(super) async fn page<T: StoredResource>(
        &self,
        tenant: TenantId,
        start_index: u64,
        count: usize,
    ) -> Result<Page<T>, StoreError> {
        let counters = self.counters(tenant, T::KIND).await?;
        let total = counters.iter().map(|counter| counter.total).sum();
        let index = start_index.saturating_sub(1);
        let items = match find(&counters, index) {
            Some((counter, start)) if count > 0 => {
                let start = self.refine(tenant, T::KIND, counter, start).await?;
                let items = self.resources_from(tenant, start, count).await?;
                self.split_if_large(tenant, T::KIND, counter).await;
                items
            }
            Some(_) | None => Vec::new(),
        };
        Ok(Page { items, total })
    }

    /// Reads the resources whose id follows `last`, from the first without it. Eventually
    /// consistent.
    pub(super) async fn resources_after<T: StoredResource>(
        &self,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> Result<Vec<T>, StoreError> {
        let range = ids_after(tenant, T::KIND, last, Consistency::Eventual);
        self.query(&range, count).await?.into_iter().map(T::from_row).collect()
    }

    /// Reads the resources whose id follows `last`, from the first without it: at most `count`, and
    /// no more than one call returns.
    pub(super) async fn resource_chunk<T: StoredResource>(
        &self,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
        consistency: Consistency,
    ) -> Result<Chunk<T>, StoreError> {
        let range = ids_after(tenant, T::KIND, last, consistency);
        let (rows, next) = self.query_once(&range, count, None).await?;
        let items = rows.into_iter().map(T::from_row).collect::<Result<Vec<_>, _>>()?;
        let has_more = next.is_some() && !items.is_empty();
        Ok(Chunk { items, has_more })
    }

    /// Narrows the start to a leaf where the counter has leaves.
    async fn refine(
        &self,
        tenant: TenantId,
        kind: ResourceKind,
        counter: &Counter,
        start: Start,
    ) -> Result<Start, StoreError> {
        if !counter.deep {
            return Ok(start);
        }
        match self.get(&Key::leaves(tenant, kind, &start.prefix)).await? {
            Some(leaves) => find_leaf(&leaves, &start),
            None => Ok(start),
        }
    }

    async fn resources_from<T: StoredResource>(
        &self,
        tenant: TenantId,
        start: Start,
        count: usize,
    ) -> Result<Vec<T>, StoreError> {
        let mut skip = usize::try_from(start.skip).unwrap_or(usize::MAX);
        let range = Range::all(resources(tenant, T::KIND), Consistency::Eventual)
            .with(SortKeys::From(start.prefix));
        let (mut items, mut text, mut next): (Vec<T>, usize, _) = (Vec::new(), 0, None);
        loop {
            let left = count.saturating_sub(items.len());
            let (rows, after) = self.query_once(&range, skip.saturating_add(left), next).await?;
            let skipped = skip.min(rows.len());
            skip -= skipped;
            for row in rows.into_iter().skip(skipped).take(left) {
                let item = T::from_row(row)?;
                text += item.versioned().document.len();
                items.push(item);
            }
            next = after;
            if next.is_none() || items.len() >= count || text > MAX_PAGE_TEXT {
                return Ok(items);
            }
        }
    }
}

/// Returns the range of the resources whose id follows `last`, of all without it.
fn ids_after(
    tenant: TenantId,
    kind: ResourceKind,
    last: Option<ResourceId>,
    consistency: Consistency,
) -> Range {
    let range = Range::all(resources(tenant, kind), consistency);
    match last {
        Some(last) => range.with(SortKeys::After(last.to_string())),
        None => range,
    }
}

/// Returns the counter and the two digits under which the resource at `index` (from 0) is.
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

/// Returns the leaf under which the start is. Leaves that were read a moment later than the counter
/// may add up to less than it: then the start stays in the last leaf.
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
            .ok_or_else(|| corrupt(leaves, "c")),
    }
}

/// Bytes of documents after which a page ends: more would not fit in the response, whose limit is
/// 6 MB.
pub const MAX_PAGE_TEXT: usize = 5 * 1024 * 1024;

/// Six bits tell the leaves of a bucket apart.
const LAST_LEAF: u8 = 63;
