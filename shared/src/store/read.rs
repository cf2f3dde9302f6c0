//! Reading rows: one, many by key, and a range.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;

use super::item::{Item, text};
use super::keys::{BY_MEMBER, Key, SK};
use super::retry::Backoff;
use super::{Store, StoreError};

/// Whether a read sees every write that was acknowledged before it, at twice the price.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Consistency {
    Strong,
    Eventual,
}

/// A range of one partition, in the order of its sort keys.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) pk: String,
    /// Which sort keys; all of them without it.
    pub(super) sort_keys: Option<SortKeys>,
    pub(super) consistency: Consistency,
    /// Only these attributes; all of them without it. Does not make the read cheaper.
    pub(super) projection: Option<&'static str>,
    /// Descending order.
    pub(super) newest_first: bool,
    /// Reads the index of memberships, where the partition is a member.
    by_member: bool,
}

/// Which sort keys a range holds.
#[derive(Clone, Debug)]
pub(super) enum SortKeys {
    From(String),
    After(String),
    Before(String),
    BeginWith(String),
}

impl Range {
    pub(super) fn all(pk: String, consistency: Consistency) -> Self {
        Self {
            pk,
            sort_keys: None,
            consistency,
            projection: None,
            newest_first: false,
            by_member: false,
        }
    }

    /// All memberships of a member. An index is never strongly consistent.
    pub(super) fn by_member(member: String) -> Self {
        Self { by_member: true, ..Self::all(member, Consistency::Eventual) }
    }

    pub(super) fn with(mut self, sort_keys: SortKeys) -> Self {
        self.sort_keys = Some(sort_keys);
        self
    }

    /// Reads the keys alone.
    pub(super) fn keys_only(mut self) -> Self {
        self.projection = Some("sk");
        self
    }
}

impl Store {
    /// One row, strongly consistent.
    pub(super) async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        self.get_with(key, Consistency::Strong).await
    }

    pub(super) async fn get_with(
        &self,
        key: &Key,
        consistency: Consistency,
    ) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.item()))
            .consistent_read(consistency == Consistency::Strong)
            .send()
            .await
            .map_err(StoreError::unavailable)?;
        Ok(answer.item)
    }

    /// Opens a connection to the table, by the cheapest read there is: of a row that never exists.
    pub async fn connect(&self) -> Result<(), StoreError> {
        self.get_with(&Key::nothing(), Consistency::Eventual).await.map(drop)
    }

    /// At most `limit` rows of a range, over as many calls as DynamoDB's 1 MB per call needs.
    pub(super) async fn query(&self, range: &Range, limit: usize) -> Result<Vec<Item>, StoreError> {
        let mut rows = Vec::new();
        let mut start = None;
        while rows.len() < limit {
            let left = limit.saturating_sub(rows.len());
            let (found, next) = self.query_once(range, left, start).await?;
            rows.extend(found);
            start = next;
            if start.is_none() {
                break;
            }
        }
        Ok(rows)
    }

    async fn query_once(
        &self,
        range: &Range,
        limit: usize,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let mut call = self
            .client
            .query()
            .table_name(&self.table)
            .expression_attribute_values(":pk", text(&range.pk))
            .consistent_read(range.consistency == Consistency::Strong)
            .scan_index_forward(!range.newest_first)
            .set_projection_expression(range.projection.map(str::to_owned))
            .set_exclusive_start_key(start);
        if let Ok(limit) = i32::try_from(limit) {
            call = call.limit(limit);
        }
        if range.by_member {
            call = call.index_name(BY_MEMBER);
        }
        let (condition, sort) = match &range.sort_keys {
            None if range.by_member => ("m = :pk", None),
            None => ("pk = :pk", None),
            Some(SortKeys::From(sk)) => ("pk = :pk AND sk >= :sk", Some(sk)),
            Some(SortKeys::After(sk)) => ("pk = :pk AND sk > :sk", Some(sk)),
            Some(SortKeys::Before(sk)) => ("pk = :pk AND sk < :sk", Some(sk)),
            Some(SortKeys::BeginWith(sk)) => ("pk = :pk AND begins_with(sk, :sk)", Some(sk)),
        };
        if let Some(sort) = sort {
            call = call.expression_attribute_values(":sk", text(sort));
        }
        let answer = call
            .key_condition_expression(condition)
            .send()
            .await
            .map_err(StoreError::unavailable)?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// The rows that exist among `keys`, strongly consistent, in no particular order.
    pub(super) async fn get_many(
        &self,
        keys: &[Key],
        projection: Option<&'static str>,
    ) -> Result<Vec<Item>, StoreError> {
        let mut rows = Vec::new();
        for chunk in keys.chunks(MAX_BATCH_GET) {
            let mut wanted: Vec<Item> = chunk.iter().map(Key::item).collect();
            let mut backoff = Backoff::default();
            while !wanted.is_empty() {
                let (found, unprocessed) = self.get_batch(wanted, projection).await?;
                if found.is_empty() && !unprocessed.is_empty() {
                    backoff.pause().await?;
                }
                rows.extend(found);
                wanted = unprocessed;
            }
        }
        Ok(rows)
    }

    async fn get_batch(
        &self,
        keys: Vec<Item>,
        projection: Option<&'static str>,
    ) -> Result<(Vec<Item>, Vec<Item>), StoreError> {
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .set_projection_expression(projection.map(str::to_owned))
            .build()
            .map_err(StoreError::unavailable)?;
        let answer = self
            .client
            .batch_get_item()
            .request_items(&self.table, request)
            .send()
            .await
            .map_err(StoreError::unavailable)?;
        let of_table = |map: Option<HashMap<String, Vec<Item>>>| {
            map.unwrap_or_default().remove(&self.table).unwrap_or_default()
        };
        let unprocessed = answer
            .unprocessed_keys
            .unwrap_or_default()
            .remove(&self.table)
            .map(|rest| rest.keys)
            .unwrap_or_default();
        Ok((of_table(answer.responses), unprocessed))
    }
}

/// Sort key of a row that was read.
pub(super) fn sort_key(item: &Item) -> Result<&str, StoreError> {
    item.get(SK)
        .and_then(|value| value.as_s().ok())
        .map(String::as_str)
        .ok_or(StoreError::Corrupt(SK))
}

/// DynamoDB's limit of keys in one `BatchGetItem`.
const MAX_BATCH_GET: usize = 100;
