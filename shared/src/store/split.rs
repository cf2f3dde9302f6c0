//! Makes a counter that has grown large *deep*: it then counts in finer steps.
//!
//! One transaction writes sixteen leaf rows with exact counts and marks the counter `deep`, on the
//! condition that its sequence is what it was before the ids were read. A creation or deletion in
//! between refuses the transaction, and a later write or page tries again. There is no job to run
//! and no moment at which a page is inexact. A counter never becomes shallow again.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::counters::{Counter, DIGITS, IdPrefix, leaf_attribute};
use super::item::{Item, number, parsed};
use super::keys::{Key, SK, resources};
use super::read::{Consistency, Range, SortKeys};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use crate::error_chain::ErrorChain;
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

impl Store {
    /// Reads the counter after a creation if the new id is in the sample, and splits it if it is
    /// large.
    pub(super) async fn sample_split(&self, tenant: TenantId, kind: ResourceKind, id: ResourceId) {
        let prefix = IdPrefix::of(id);
        let every = (self.split_threshold / SAMPLES_PER_THRESHOLD).clamp(1, 64);
        let sampled = u64::from(prefix.leaf).is_multiple_of(every);
        if !sampled || self.hints.deep(tenant, kind, prefix.shard) {
            return;
        }
        let key = Key::counter(tenant, kind, prefix.shard);
        let row = self.get_with(&key, Consistency::Eventual).await;
        match row.and_then(|row| row.as_ref().map(Counter::from_row).transpose()) {
            Ok(Some(counter)) => self.split_if_large(tenant, kind, &counter).await,
            Ok(None) => {}
            Err(error) => log_failed_split(tenant, &error),
        }
    }

    /// Splits a counter above the threshold. A failure is harmless: a later request tries again.
    pub(super) async fn split_if_large(
        &self,
        tenant: TenantId,
        kind: ResourceKind,
        counter: &Counter,
    ) {
        if counter.deep || counter.total <= self.split_threshold {
            return;
        }
        if let Err(error) = self.split(tenant, kind, counter.shard).await {
            log_failed_split(tenant, &error);
        }
    }

    async fn split(
        &self,
        tenant: TenantId,
        kind: ResourceKind,
        shard: char,
    ) -> Result<(), StoreError> {
        let Some(row) = self.get(&Key::counter(tenant, kind, shard)).await? else {
            return Ok(());
        };
        let counter = Counter::from_row(&row)?;
        if counter.deep {
            return Ok(());
        }
        let leaves = self.count_leaves(tenant, kind, shard).await?;
        if !agrees(&counter, &leaves) {
            // The reads saw half of a transaction. Its sequence refuses the split anyway unless
            // both halves fell between the reads.
            tracing::warn!(tenant.id = %tenant, "a counter and its rows disagree; not split");
            return Ok(());
        }
        let mark = Write::update(Key::counter(tenant, kind, shard), "SET deep = :true")
            .when("attribute_not_exists(deep) AND q = :q")
            .bind(":true", AttributeValue::Bool(true))
            .bind(":q", number(counter.sequence));
        let rows = DIGITS.into_iter().map(|second| {
            let prefix = format!("{shard}{second}");
            let mut row = Key::leaves(tenant, kind, &prefix).item();
            row.extend(leaves.get(&second).cloned().unwrap_or_default().attributes());
            ((), Write::put(row))
        });
        let writes: Vec<_> = std::iter::once(((), mark)).chain(rows).collect();
        if matches!(self.commit(&writes).await?, Commit::Done) {
            self.hints.learn_deep(tenant, kind, shard, true);
        }
        Ok(())
    }

    async fn count_leaves(
        &self,
        tenant: TenantId,
        kind: ResourceKind,
        shard: char,
    ) -> Result<HashMap<char, Leaves>, StoreError> {
        let range = Range::all(resources(tenant, kind), Consistency::Strong)
            .with(SortKeys::BeginWith(shard.to_string()))
            .keys_only();
        let mut counts: HashMap<char, Leaves> = HashMap::new();
        for row in self.query(&range, usize::MAX).await? {
            let prefix = IdPrefix::of(parsed(&row, SK)?);
            *counts.entry(prefix.second).or_default().0.entry(prefix.leaf).or_default() += 1;
        }
        Ok(counts)
    }
}

/// Number of resources by leaf, within one bucket.
#[derive(Clone, Debug, Default)]
struct Leaves(HashMap<u8, u64>);

impl Leaves {
    fn attributes(self) -> Item {
        self.0.into_iter().map(|(leaf, count)| (leaf_attribute(leaf), number(count))).collect()
    }
}

fn agrees(counter: &Counter, leaves: &HashMap<char, Leaves>) -> bool {
    DIGITS.into_iter().zip(counter.buckets).all(|(second, bucket)| {
        leaves.get(&second).map_or(0, |leaves| leaves.0.values().sum()) == bucket
    })
}

fn log_failed_split(tenant: TenantId, error: &StoreError) {
    tracing::warn!(tenant.id = %tenant, "could not split a counter: {}", ErrorChain(error));
}

/// A counter is read about this often before it doubles its threshold.
const SAMPLES_PER_THRESHOLD: u64 = 25;
