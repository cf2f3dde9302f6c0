//! Rows by which resources are found: for values that only one resource may have, a row per value,
//! named after it, that holds the id; for others a row per value and resource.

use super::item::text;
use super::keys::{Collection, Key, external_id_prefix, external_ids};
use super::read::{Consistency, Range, Sort, sort_key};
use super::write::Write;
use super::{Store, StoreError};
use types::ids::{ResourceId, TenantId};

/// Gives up one unique value and takes another, where they differ. `taken` labels the write that
/// is refused when somebody else has the new one, `vacated` the one that is refused only if the
/// old one was not this resource's.
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
        let mut item = key.item();
        item.insert("id".to_owned(), text(id));
        writes.push((taken, Write::insert(item)));
    }
    if let Some(key) = old {
        let vacate =
            Write::delete(key).when("attribute_not_exists(pk) OR id = :id").bind(":id", text(id));
        writes.push((vacated, vacate));
    }
}

/// Deletes one lookup row and puts another, where they differ. The rows are this resource's own, so
/// nothing need be checked.
pub(super) fn move_row(old: Option<Key>, new: Option<Key>) -> impl Iterator<Item = Write> {
    let same = old == new;
    let delete = old.filter(|_| !same).map(Write::delete);
    let put = new.filter(|_| !same).map(|key| Write::put(key.item()));
    delete.into_iter().chain(put)
}

impl Store {
    /// The ids of the resources with exactly this `externalId`, in order.
    pub(super) async fn ids_by_external_id(
        &self,
        tenant: TenantId,
        collection: Collection,
        external_id: &str,
    ) -> Result<Vec<ResourceId>, StoreError> {
        if external_id.is_empty() {
            return Ok(Vec::new());
        }
        let prefix = external_id_prefix(external_id);
        let range = Range::all(external_ids(tenant, collection), Consistency::Strong)
            .sorted(Sort::BeginsWith(prefix.clone()))
            .keys_only();
        let mut ids = Vec::new();
        for row in self.query(&range, usize::MAX).await? {
            // A longer one with a '#' in it can begin like this one.
            if let Some(id) = sort_key(&row)?.strip_prefix(&prefix).and_then(|id| id.parse().ok()) {
                ids.push(id);
            }
        }
        Ok(ids)
    }
}
