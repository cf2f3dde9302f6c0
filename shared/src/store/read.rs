//! Reads rows: one by its key, many by their keys, and a range of a partition.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;

use super::call::{send, wanted_capacity};
use super::error::Operation;
use super::item::{Item, corrupt, text};
use super::keys::{BY_MEMBER, Key, SK};
use super::retry::Backoff;
use super::{Store, StoreError};

/// Whether a read sees every write that was acknowledged before it. A strong read costs twice as
/// much as an eventual one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Consistency {
    Strong,
    Eventual,
}

/// A range of one partition, in the order of its sort keys.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) pk: String,
    /// All sort keys without it.
    pub(super) sort_keys: Option<SortKeys>,
    pub(super) consistency: Consistency,
    /// Names of the attributes to read; all without it. Does not make the read cheaper.
    pub(super) projection: Option<&'static str>,
    /// Descending order.
    pub(super) newest_first: bool,
    /// Reads the index of memberships, where the partition is a member.
    by_member: bool,
}

/// The sort keys of a range.
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

    /// Returns all memberships of a member. An index is never strongly consistent.
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

    /// Returns the condition on the keys, and the value of its placeholder `:sk`.
    fn condition(&self) -> (&'static str, Option<&String>) {
        match &self.sort_keys {
            None if self.by_member => ("m = :pk", None),
            None => ("pk = :pk", None),
            Some(SortKeys::From(sk)) => ("pk = :pk AND sk >= :sk", Some(sk)),
            Some(SortKeys::After(sk)) => ("pk = :pk AND sk > :sk", Some(sk)),
            Some(SortKeys::Before(sk)) => ("pk = :pk AND sk < :sk", Some(sk)),
            Some(SortKeys::BeginWith(sk)) => ("pk = :pk AND begins_with(sk, :sk)", Some(sk)),
        }
    }

    fn operation(&self) -> Operation {
        if self.by_member {
            return Operation::new("list", "memberships of a user or group");
        }
        Operation::list(&self.pk)
    }
}

impl Store {
    /// Reads one row, strongly consistent.
    pub(super) async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        self.get_with(key, Consistency::Strong).await
    }

    pub(super) async fn get_with(
        &self,
        key: &Key,
        consistency: Consistency,
    ) -> Result<Option<Item>, StoreError> {
        let call = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.item()))
            .consistent_read(consistency == Consistency::Strong)
            .set_return_consumed_capacity(wanted_capacity())
            .send();
        let output = send(call).await.map_err(StoreError::failed_call(|| Operation::read(key)))?;
        Ok(output.item)
    }

    /// Opens a connection to the table, by the cheapest read: of a row that never exists.
    pub async fn connect(&self) -> Result<(), StoreError> {
        self.get_with(&Key::nothing(), Consistency::Eventual).await.map(drop)
    }

    /// Reads at most `limit` rows of a range, over as many calls as DynamoDB's 1 MB per call
    /// requires.
    pub(super) async fn query(&self, range: &Range, limit: usize) -> Result<Vec<Item>, StoreError> {
        self.query_as(range, limit, Ok).await
    }

    /// As [`Store::query`], and converts the rows of each call before the next: a row takes several
    /// times the memory of what is read from it.
    pub(super) async fn query_as<T>(
        &self,
        range: &Range,
        limit: usize,
        convert: impl Fn(Item) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut converted = Vec::new();
        let mut start = None;
        while converted.len() < limit {
            let left = limit.saturating_sub(converted.len());
            let (found, next) = self.query_once(range, left, start).await?;
            for row in found {
                converted.push(convert(row)?);
            }
            start = next;
            if start.is_none() {
                break;
            }
        }
        Ok(converted)
    }

    /// Makes one call, which reads at most 1 MB. Returns the rows, and the key after which more
    /// rows may follow.
    pub(super) async fn query_once(
        &self,
        range: &Range,
        limit: usize,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let (condition, sort_key) = range.condition();
        let mut call = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression(condition)
            .expression_attribute_values(":pk", text(&range.pk))
            .consistent_read(range.consistency == Consistency::Strong)
            .scan_index_forward(!range.newest_first)
            .set_projection_expression(range.projection.map(str::to_owned))
            .set_exclusive_start_key(start)
            .set_return_consumed_capacity(wanted_capacity());
        if let Some(sort_key) = sort_key {
            call = call.expression_attribute_values(":sk", text(sort_key));
        }
        if let Ok(limit) = i32::try_from(limit) {
            call = call.limit(limit);
        }
        if range.by_member {
            call = call.index_name(BY_MEMBER);
        }
        let failed = StoreError::failed_call(|| range.operation());
        let output = send(call.send()).await.map_err(failed)?;
        Ok((output.items.unwrap_or_default(), output.last_evaluated_key))
    }

    /// Reads the rows that exist among `keys`, strongly consistent, in no particular order.
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

    /// Makes one call and returns the rows that were found, and the keys that DynamoDB left for
    /// another call.
    async fn get_batch(
        &self,
        keys: Vec<Item>,
        projection: Option<&'static str>,
    ) -> Result<(Vec<Item>, Vec<Item>), StoreError> {
        let first = keys.first().map_or_else(Key::nothing, Key::of);
        let operation = || Operation::read_many(&first);
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .set_projection_expression(projection.map(str::to_owned))
            .build()
            .map_err(|error| StoreError::unavailable(operation(), error))?;
        let call = self
            .client
            .batch_get_item()
            .request_items(&self.table, request)
            .set_return_consumed_capacity(wanted_capacity())
            .send();
        let output = send(call).await.map_err(StoreError::failed_call(operation))?;
        let of_table = |map: Option<HashMap<String, Vec<Item>>>| {
            map.unwrap_or_default().remove(&self.table).unwrap_or_default()
        };
        let unprocessed = output
            .unprocessed_keys
            .unwrap_or_default()
            .remove(&self.table)
            .map(|rest| rest.keys)
            .unwrap_or_default();
        Ok((of_table(output.responses), unprocessed))
    }
}

/// Returns the sort key of a row that was read.
pub(super) fn sort_key(row: &Item) -> Result<&str, StoreError> {
    row.get(SK)
        .and_then(|value| value.as_s().ok())
        .map(String::as_str)
        .ok_or_else(|| corrupt(row, SK))
}

/// DynamoDB's limit of keys in one `BatchGetItem`.
const MAX_BATCH_GET: usize = 100;
