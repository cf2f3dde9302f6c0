//! The resources that a filter can match, read in chunks.
//!
//! A chunk is at most what one call of DynamoDB returns, so that no filter holds many large
//! resources at once. Every resource is charged to the meter of the request.

use super::super::caller::Caller;
use super::super::error::ScimApiError;
use super::super::join_bounded::join_bounded;
use super::super::listed::ListedResource;
use super::super::memberships::FilterMemberships;
use super::lookup::{look_up, read_by_ids, read_chunk};
use crate::store::Chunk;
use scim::filter::Filter;
use scim::lookup_plan::LookupPlan;
use scim::schema::ResourceKind;
use types::ids::ResourceId;

/// The candidates that are still to be read.
pub(super) struct Candidates {
    kind: ResourceKind,
    source: Source,
}

enum Source {
    /// The collection, after this id.
    Collection { last: Option<ResourceId>, has_more: bool },
    /// These resources, in order, and the bytes of the resources that were read, for the size of
    /// the next chunk.
    Ids { left: Vec<ResourceId>, read: usize, bytes: usize },
}

impl Candidates {
    /// Makes the candidates of a scan that begins after `last`.
    pub(super) const fn of_scan(kind: ResourceKind, last: Option<ResourceId>) -> Self {
        Self { kind, source: Source::Collection { last, has_more: true } }
    }

    /// Finds the candidates of a filter: by lookups, or the whole collection.
    ///
    /// # Errors
    ///
    /// `tooMany` if the lookups find more than the filter may examine.
    pub(super) async fn find(
        caller: &Caller,
        kind: ResourceKind,
        filter: Option<&Filter>,
        memberships: &FilterMemberships,
    ) -> Result<Self, ScimApiError> {
        let plan =
            filter.map_or(LookupPlan::Scan, |filter| LookupPlan::new(filter, kind.resource_type()));
        if plan == LookupPlan::Scan {
            return Ok(Self::of_scan(kind, None));
        }
        let lookups = plan.lookups();
        let mut found = Vec::with_capacity(lookups.len());
        for lookup in lookups {
            found.push(look_up(caller, kind, lookup, memberships));
        }
        let mut left = join_bounded(found).await?.concat();
        left.sort_unstable();
        left.dedup();
        memberships.check_candidates(left.len())?;
        Ok(Self { kind, source: Source::Ids { left, read: 0, bytes: 0 } })
    }

    /// Reads the next resources, in the order of ids: at most `count`. `None` after the last.
    pub(super) async fn next_chunk(
        &mut self,
        caller: &Caller,
        count: usize,
    ) -> Result<Option<Vec<ListedResource>>, ScimApiError> {
        let chunk = match &mut self.source {
            Source::Collection { has_more: false, .. } => return Ok(None),
            Source::Collection { last, has_more } => {
                let chunk = read_chunk(caller, self.kind, *last, count).await?;
                let Chunk { items, has_more: more_follow } = chunk;
                *last = items.last().map(ListedResource::id).or(*last);
                *has_more = more_follow;
                items
            }
            Source::Ids { left, .. } if left.is_empty() => return Ok(None),
            Source::Ids { left, read, bytes } => {
                let size = bytes
                    .checked_div(*read)
                    .map_or(FIRST_IDS, |average| (CHUNK_BYTES / average.max(1)).clamp(1, MAX_IDS));
                let rest = left.split_off(left.len().min(size).min(count));
                let ids = std::mem::replace(left, rest);
                *read += ids.len();
                let chunk = read_by_ids(caller, self.kind, ids).await?;
                *bytes += chunk.iter().map(ListedResource::length).sum::<usize>();
                chunk
            }
        };
        for resource in &chunk {
            caller.meter.charge_resource(resource.length());
        }
        caller.pay();
        // In a process that serves several requests at once, others get their turn.
        tokio::task::yield_now().await;
        Ok(Some(chunk))
    }

    /// Returns whether resources may follow those that were read.
    pub(super) fn has_more(&self) -> bool {
        match &self.source {
            Source::Collection { has_more, .. } => *has_more,
            Source::Ids { left, .. } => !left.is_empty(),
        }
    }
}

/// Number of resources in the first chunk that is read by ids, when their size is not known, and in
/// any chunk.
const FIRST_IDS: usize = 25;
const MAX_IDS: usize = 100;

/// Bytes of documents in a chunk that is read by ids.
const CHUNK_BYTES: usize = 1024 * 1024;
