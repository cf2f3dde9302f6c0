//! The rows that resources are found by.
//!
//! A value that only one resource may have has one row, named after the value, that holds the id.
//! A value that several may have has one row for each value and resource.

use super::item::{Item, parsed, text};
use super::keys::{Key, external_id_prefix, external_ids};
use super::read::{Consistency, Range, SortKeys, sort_key};
use super::write::Write;
use super::{Store, StoreError};
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

/// Gives up one unique value and takes another, where they differ.
///
/// `taken` labels the write that is refused when another resource has the new value, `vacated` the
/// one that is refused only if the old value was not this resource's.
pub(super) fn move_value<L: Copy>(
    (taken, vacated): (L, L),
    id: &str,
    old: Option<Key>,
    new: Option<Key>,
    writes: &mut Vec<(L, Write)>,
) {
    if old == new {
        return;
    }
    if let Some(key) = new {
        let mut row = key.item();
        row.insert("id".to_owned(), text(id));
        writes.push((taken, Write::insert(row)));
    }
    if let Some(key) = old {
        let vacate =
            Write::delete(key).when("attribute_not_exists(pk) OR id = :id").bind(":id", text(id));
        writes.push((vacated, vacate));
    }
}

/// Deletes one lookup row and puts another, where they differ. The rows are this resource's own, so
/// no condition is needed.
pub(super) fn move_row(old: Option<Key>, new: Option<Key>) -> impl Iterator<Item = Write> {
    let same = old == new;
    let delete = old.filter(|_| !same).map(Write::delete);
    let put = new.filter(|_| !same).map(|key| Write::put(key.item()));
    delete.into_iter().chain(put)
}

impl Store {
    /// Reads the id of the resource with this unique value.
    pub(super) async fn id_named_by(&self, value: &Key) -> Result<Option<ResourceId>, StoreError> {
        let id = |row: Item| parsed(&row, "id");
        self.get(value).await?.map(id).transpose()
    }

    /// Reads the ids of the resources with exactly this `externalId`, in order.
    pub(super) async fn ids_by_external_id(
        &self,
        tenant: TenantId,
        kind: ResourceKind,
        external_id: &str,
    ) -> Result<Vec<ResourceId>, StoreError> {
        if external_id.is_empty() {
            return Ok(Vec::new());
        }
        self.ids_in_sort_keys(external_ids(tenant, kind), external_id_prefix(external_id)).await
    }

    /// Reads the ids that follow `prefix` in the sort keys of a partition, in order.
    pub(super) async fn ids_in_sort_keys(
        &self,
        partition: String,
        prefix: String,
    ) -> Result<Vec<ResourceId>, StoreError> {
        let range = Range::all(partition, Consistency::Strong)
            .with(SortKeys::BeginWith(prefix.clone()))
            .keys_only();
        let mut ids = Vec::new();
        for row in self.query(&range, usize::MAX).await? {
            // A longer value with a '#' in it can begin like this one.
            if let Some(id) = sort_key(&row)?.strip_prefix(&prefix).and_then(|id| id.parse().ok()) {
                ids.push(id);
            }
        }
        Ok(ids)
    }
}
