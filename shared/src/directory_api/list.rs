//! Lists of users and groups: by reading the collection, or by the ids that a lookup has found.

use serde_json::{Map, Value};

use super::error::DirectoryApiError;
use super::page::{GrowingPage, RenderedPage};
use crate::runtime::state::AppState;
use crate::store::{Chunk, Store, StoreError, Versioned};
use types::ids::{ResourceId, TenantId};

/// A resource that can be listed.
pub(super) trait Listed: Sized + Send {
    /// Selects resources.
    type Filter: Sync;

    /// Reads resources whose id follows `last`, at most what one call returns.
    fn read_after(
        store: &Store,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> impl Future<Output = Result<Chunk<Self>, StoreError>> + Send;

    /// Reads the resources among `ids` that exist, in the order of ids.
    fn read_among(
        store: &Store,
        tenant: TenantId,
        ids: Vec<ResourceId>,
    ) -> impl Future<Output = Result<Vec<Self>, StoreError>> + Send;

    /// The attributes that users and groups share.
    fn versioned(&self) -> &Versioned;

    /// Renders the resource; `None` if the filter does not select it.
    fn render(
        &self,
        filter: &Self::Filter,
    ) -> Result<Option<Map<String, Value>>, DirectoryApiError>;
}

/// How a collection is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reading {
    /// Every resource is an item: no more are read than the page holds.
    All,
    /// The filter has no lookup: more are read than are selected.
    Selected,
}

/// Reads the collection from after `after`. A page for which [`Reading::Selected`] resources would be
/// read beyond [`MAX_READ`] ends before its limit, and may be empty.
pub(super) async fn read_collection<T: Listed>(
    app: &AppState,
    tenant: TenantId,
    (after, limit): (Option<ResourceId>, usize),
    (reading, filter): (Reading, &T::Filter),
) -> Result<RenderedPage, DirectoryApiError> {
    let mut page = GrowingPage::new(after, limit);
    let mut read = 0_usize;
    loop {
        let count = match reading {
            Reading::All => page.room(),
            Reading::Selected => SELECTED_AT_A_TIME,
        };
        let chunk = T::read_after(&app.store, tenant, page.last(), count).await?;
        for resource in &chunk.items {
            read = read.saturating_add(resource.versioned().document.len());
            if !add(&mut page, resource, filter)? {
                return Ok(page.finish(true));
            }
        }
        if !chunk.has_more || page.room() == 0 || read > MAX_READ {
            return Ok(page.finish(chunk.has_more));
        }
    }
}

/// Reads the resources among `ids` that follow `after`.
pub(super) async fn read_found<T: Listed>(
    app: &AppState,
    tenant: TenantId,
    mut ids: Vec<ResourceId>,
    (after, limit): (Option<ResourceId>, usize),
    filter: &T::Filter,
) -> Result<RenderedPage, DirectoryApiError> {
    ids.retain(|id| after.is_none_or(|after| *id > after));
    ids.sort_unstable();
    ids.dedup();
    let mut page = GrowingPage::new(after, limit);
    for ids in ids.chunks(FOUND_AT_A_TIME) {
        for resource in T::read_among(&app.store, tenant, ids.to_vec()).await? {
            if !add(&mut page, &resource, filter)? {
                return Ok(page.finish(true));
            }
        }
    }
    Ok(page.finish(false))
}

fn add<T: Listed>(
    page: &mut GrowingPage<ResourceId>,
    resource: &T,
    filter: &T::Filter,
) -> Result<bool, DirectoryApiError> {
    page.add(resource.versioned().id, resource.render(filter)?.as_ref())
}

/// Parses the attributes of a stored resource.
///
/// # Errors
///
/// [`DirectoryApiError::Document`] if they are not a JSON object.
pub(super) fn attributes(stored: &Versioned) -> Result<Map<String, Value>, DirectoryApiError> {
    serde_json::from_str(&stored.document).map_err(DirectoryApiError::Document)
}

/// Bytes of documents that one request reads to select from: some thousand users.
const MAX_READ: usize = 5 * 1024 * 1024;

/// Resources that are read in one call to select from; DynamoDB ends a call at 1 MB.
const SELECTED_AT_A_TIME: usize = 1_000;

/// Resources that are read by their ids at a time. The largest resources take 400 KB each.
const FOUND_AT_A_TIME: usize = 25;
