//! Sixteen counters per kind of resource, one for each first hex digit of the ids.
//!
//! Ids are uniform, so the counters share the load evenly and never need rebalancing. Each holds
//! the number of its resources (`n`), the same by second digit (`c0` to `cf`), a sequence that
//! moves with every creation and deletion (`q`), and for users the free seats (`f`) and the epoch
//! of the seat pool (`e`). A counter that has grown large is *deep*: sixteen leaf rows beside it
//! count by the six bits after the second digit (see `split`).

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{Item, corrupt, flag, number, optional_number};
use super::keys::{Key, SK, counters};
use super::read::{Consistency, Range, sort_key};
use super::write::Write;
use super::{Store, StoreError};
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

/// The first fourteen bits of an id, which tell where it counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct IdPrefix {
    /// First hex digit: the counter.
    pub(super) shard: char,
    /// Second hex digit: the bucket in the counter.
    pub(super) second: char,
    /// The six bits after it: the leaf in the bucket, when the counter is deep.
    pub(super) leaf: u8,
}

impl IdPrefix {
    pub(super) fn of(id: ResourceId) -> Self {
        let text = id.to_string();
        let mut digits = text.chars();
        let mut next = || digits.next().unwrap_or('0');
        let (shard, second, third, fourth) = (next(), next(), next(), next());
        let bits = (value(third) << 2) | (value(fourth) >> 2);
        Self { shard, second, leaf: bits }
    }

    /// Returns the first two digits, which name the row of leaves.
    pub(super) fn bucket(self) -> String {
        format!("{}{}", self.shard, self.second)
    }
}

/// Returns the attribute that counts one leaf.
pub(super) fn leaf_attribute(leaf: u8) -> String {
    format!("c{leaf:02x}")
}

fn value(digit: char) -> u8 {
    digit.to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or_default()
}

/// The hex digits, in the order of the ids.
pub(super) const DIGITS: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

/// One counter as it was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Counter {
    pub(super) shard: char,
    /// Number of resources under this digit.
    pub(super) total: u64,
    /// The same by second digit.
    pub(super) buckets: [u64; 16],
    /// Number of creations and deletions so far.
    pub(super) sequence: u64,
    pub(super) deep: bool,
    /// Seats that this counter may still hand out; below zero with an unlimited pool.
    pub(super) free: i64,
    /// Epoch of the seat pool that `free` belongs to.
    pub(super) epoch: u64,
}

impl Counter {
    pub(super) fn from_row(row: &Item) -> Result<Self, StoreError> {
        let mut buckets = [0; 16];
        for (bucket, name) in buckets.iter_mut().zip(BUCKETS) {
            *bucket = optional_number(row, name)?.unwrap_or_default();
        }
        Ok(Self {
            shard: sort_key(row)?.chars().next().ok_or_else(|| corrupt(row, SK))?,
            total: optional_number(row, "n")?.unwrap_or_default(),
            buckets,
            sequence: optional_number(row, "q")?.unwrap_or_default(),
            deep: flag(row, "deep"),
            free: optional_number(row, "f")?.unwrap_or_default(),
            epoch: optional_number(row, "e")?.unwrap_or_default(),
        })
    }

    /// Returns a counter that has no row yet.
    pub(super) fn empty(shard: char) -> Self {
        Self { shard, total: 0, buckets: [0; 16], sequence: 0, deep: false, free: 0, epoch: 0 }
    }
}

const BUCKETS: [&str; 16] = [
    "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "ca", "cb", "cc", "cd", "ce", "cf",
];

/// One seat more or less in a counter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct SeatStep {
    /// Takes a seat; otherwise gives one back.
    pub(super) take: bool,
    /// The pool has a size, so that only a free seat can be taken.
    pub(super) limited: bool,
    /// The epoch of the pool that the step is based on.
    pub(super) epoch: u64,
}

/// All that one transaction changes in one counter, as one update.
#[derive(Debug)]
pub(super) struct CounterUpdate {
    key: Key,
    add: Vec<String>,
    when: Vec<&'static str>,
    values: Vec<(&'static str, AttributeValue)>,
}

impl CounterUpdate {
    pub(super) fn new(tenant: TenantId, kind: ResourceKind, shard: char) -> Self {
        Self {
            key: Key::counter(tenant, kind, shard),
            add: Vec::new(),
            when: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Adds a resource (`step` 1) or removes one (-1). Refused when the counter is not as deep as
    /// `deep` says.
    pub(super) fn resource(mut self, prefix: IdPrefix, step: i8, deep: bool) -> Self {
        self.add.push(format!("n :step, c{} :step, q :one", prefix.second));
        self.values.push((":step", number(step)));
        self.values.push((":one", number(1)));
        if deep {
            self.when.push("deep = :true");
            self.values.push((":true", AttributeValue::Bool(true)));
        } else {
            self.when.push("attribute_not_exists(deep)");
        }
        self
    }

    /// Takes a seat or gives one back. Refused when the counter is in another epoch.
    pub(super) fn seat(mut self, step: SeatStep) -> Self {
        self.add.push("f :seat".to_owned());
        self.values.push((":seat", number(if step.take { -1 } else { 1 })));
        if step.take && step.limited {
            self.when.push("f > :zero");
            self.values.push((":zero", number(0)));
        }
        if step.epoch == 0 {
            self.when.push("attribute_not_exists(e)");
        } else {
            self.when.push("e = :epoch");
            self.values.push((":epoch", number(step.epoch)));
        }
        self
    }

    pub(super) fn write(self) -> Write {
        let write = Write::update(self.key, format!("ADD {}", self.add.join(", ")))
            .when(self.when.join(" AND "));
        self.values.into_iter().fold(write, |write, (name, value)| write.bind(name, value))
    }
}

/// Returns the update of the leaf that belongs to [`CounterUpdate::resource`] of a deep counter.
pub(super) fn leaf_update(
    tenant: TenantId,
    kind: ResourceKind,
    prefix: IdPrefix,
    step: i8,
) -> Write {
    let key = Key::leaves(tenant, kind, &prefix.bucket());
    Write::update(key, format!("ADD {} :step", leaf_attribute(prefix.leaf)))
        .bind(":step", number(step))
}

impl Store {
    /// Reads all sixteen counters in order, strongly consistent: one call, one capacity unit.
    pub(super) async fn counters(
        &self,
        tenant: TenantId,
        kind: ResourceKind,
    ) -> Result<Vec<Counter>, StoreError> {
        let range = Range::all(counters(tenant, kind), Consistency::Strong);
        let rows = self.query(&range, DIGITS.len()).await?;
        let mut found = rows.iter().map(Counter::from_row).collect::<Result<Vec<_>, _>>()?;
        for shard in DIGITS {
            if !found.iter().any(|counter| counter.shard == shard) {
                found.push(Counter::empty(shard));
            }
        }
        found.sort_by_key(|counter| counter.shard);
        Ok(found)
    }

    /// Counts the resources of a kind: one call, one capacity unit.
    pub(super) async fn total(
        &self,
        tenant: TenantId,
        kind: ResourceKind,
    ) -> Result<u64, StoreError> {
        let counters = self.counters(tenant, kind).await?;
        Ok(counters.iter().map(|counter| counter.total).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_counts_by_its_first_fourteen_bits() {
        let check = |id: &str, shard, second, leaf| {
            let id = format!("{id}0000-0000-4000-8000-000000000000");
            assert_eq!(IdPrefix::of(id.parse().unwrap()), IdPrefix { shard, second, leaf }, "{id}");
        };
        check("0000", '0', '0', 0);
        check("ab00", 'a', 'b', 0);
        check("ab04", 'a', 'b', 1);
        check("ab07", 'a', 'b', 1);
        check("ab10", 'a', 'b', 4);
        check("ffff", 'f', 'f', 63);
    }
}
