//! Tenants: the customer organisations. Deleting one deletes everything that belongs to it.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::batch::RowChange;
use super::item::{
    Item, corrupt, flag, number, optional_number, parsed, take_optional_text, take_text, text,
};
use super::keys::{Key, SK, TENANTS, of_tenant};
use super::lookup_rows::move_value;
use super::page::Chunk;
use super::read::{Consistency, Range, SortKeys, sort_key};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError, UniqueAttribute};
use types::ids::{ResourceId, TenantId};

/// A customer organisation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tenant {
    /// Version 7 UUID, so that ids sort by creation; never reused.
    pub id: TenantId,
    /// Display name.
    pub name: String,
    /// The operator's own name for it; unique.
    pub external_id: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Whether unknown SCIM attributes are refused instead of kept.
    pub strict: bool,
    /// Rises when all sessions of the tenant must end. Changed by
    /// [`Store::end_sessions_of_tenant`] alone.
    pub generation: u64,
}

/// The row that a write of the transaction is about, which tells what its refusal means.
#[derive(Clone, Copy, Debug)]
enum TenantRow {
    Tenant,
    ExternalId,
    FormerExternalId,
    Unconditional,
}

impl Tenant {
    pub(super) fn from_row(mut row: Item) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(&row, "id")?,
            created_at: parsed(&row, "ca")?,
            strict: flag(&row, "strict"),
            generation: optional_number(&row, GENERATION)?.unwrap_or_default(),
            name: take_text(&mut row, "nm")?,
            external_id: take_optional_text(&mut row, "x"),
        })
    }

    fn to_row(&self) -> Item {
        let mut row = Key::tenant(self.id).item();
        row.extend([
            ("id".to_owned(), text(self.id.to_string())),
            ("nm".to_owned(), text(&self.name)),
            ("ca".to_owned(), text(self.created_at.to_string())),
            ("strict".to_owned(), AttributeValue::Bool(self.strict)),
        ]);
        if let Some(external_id) = &self.external_id {
            row.insert("x".to_owned(), text(external_id));
        }
        row
    }

    fn external_id_key(&self) -> Option<Key> {
        self.external_id.as_deref().filter(|id| !id.is_empty()).map(Key::tenant_external_id)
    }

    /// Adds the condition that the row still holds this tenant.
    fn if_unchanged(&self, write: Write) -> Write {
        let write =
            write.bind(":nm", text(&self.name)).bind(":strict", AttributeValue::Bool(self.strict));
        match &self.external_id {
            Some(external_id) => {
                write.when("nm = :nm AND strict = :strict AND x = :x").bind(":x", text(external_id))
            }
            None => write.when("nm = :nm AND strict = :strict AND attribute_not_exists(x)"),
        }
    }
}

impl Store {
    /// Creates a tenant. `id` must be new.
    pub async fn create_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let mut writes = vec![
            (TenantRow::Tenant, Write::insert(tenant.to_row())),
            (TenantRow::Unconditional, Write::put(Key::listed_tenant(tenant.id).item())),
        ];
        move_external_id(None, Some(tenant), tenant.id, &mut writes);
        self.commit_tenant(&writes).await
    }

    /// Reads the tenant with this id.
    pub async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>, StoreError> {
        self.get(&Key::tenant(tenant)).await?.map(Tenant::from_row).transpose()
    }

    /// Reads the tenant with this `external_id`.
    pub async fn tenant_by_external_id(
        &self,
        external_id: &str,
    ) -> Result<Option<Tenant>, StoreError> {
        if external_id.is_empty() {
            return Ok(None);
        }
        match self.get(&Key::tenant_external_id(external_id)).await? {
            Some(row) => self.tenant(parsed(&row, "id")?).await,
            None => Ok(None),
        }
    }

    /// Reads tenants that were created after `last`, the oldest first; from the first without it.
    pub async fn tenants(
        &self,
        last: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<Tenant>, StoreError> {
        Ok(self.tenants_chunk(last, limit).await?.items)
    }

    /// Reads the tenants among `ids` that exist, in no particular order.
    pub async fn tenants_among(&self, ids: &BTreeSet<TenantId>) -> Result<Vec<Tenant>, StoreError> {
        let keys: Vec<Key> = ids.iter().copied().map(Key::tenant).collect();
        let rows = self.get_many(&keys, None).await?;
        rows.into_iter().map(Tenant::from_row).collect()
    }

    /// As [`Store::tenants`], and whether more tenants may follow: a tenant that is deleted between
    /// the two calls makes the chunk shorter without being the last.
    pub async fn tenants_chunk(
        &self,
        mut last: Option<TenantId>,
        limit: usize,
    ) -> Result<Chunk<Tenant>, StoreError> {
        loop {
            let ids = self.tenant_ids(last, limit).await?;
            let keys: Vec<Key> = ids.iter().copied().map(Key::tenant).collect();
            let rows = self.get_many(&keys, None).await?;
            let mut items =
                rows.into_iter().map(Tenant::from_row).collect::<Result<Vec<_>, _>>()?;
            items.sort_unstable_by_key(|tenant| tenant.id);
            let has_more = limit > 0 && ids.len() == limit;
            if !has_more || !items.is_empty() {
                return Ok(Chunk { items, has_more });
            }
            last = ids.last().copied();
        }
    }

    async fn tenant_ids(
        &self,
        last: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StoreError> {
        let mut range = Range::all(TENANTS.to_owned(), Consistency::Strong).keys_only();
        range.sort_keys = last.map(|last| SortKeys::After(last.to_string()));
        self.query_as(&range, limit, |row| parsed(&row, SK)).await
    }

    /// Replaces a tenant that was read, unless it has changed since.
    pub async fn replace_tenant(&self, before: &Tenant, after: &Tenant) -> Result<(), StoreError> {
        let mut writes =
            vec![(TenantRow::Tenant, before.if_unchanged(Write::replace(after.to_row(), &["x"])))];
        move_external_id(Some(before), Some(after), before.id, &mut writes);
        self.commit_tenant(&writes).await
    }

    /// Ends every session, code and token of a tenant's people. Returns `false` when there is no
    /// such tenant.
    pub async fn end_sessions_of_tenant(&self, tenant: TenantId) -> Result<bool, StoreError> {
        let expression = format!("SET {GENERATION} = if_not_exists({GENERATION}, :zero) + :one");
        let write = Write::update(Key::tenant(tenant), expression)
            .when("attribute_exists(pk)")
            .bind(":zero", number(0))
            .bind(":one", number(1));
        Ok(matches!(self.commit(&[((), write)]).await?, Commit::Done))
    }

    /// Deletes a tenant with everything that belongs to it, its own row last: if the deletion fails
    /// in the middle, the same request finds the tenant and the remaining work when it is sent
    /// again. Revoke its tokens first. Its activity stays until it expires.
    pub async fn delete_tenant(&self, tenant: TenantId) -> Result<(), StoreError> {
        let Some(before) = self.tenant(tenant).await? else { return Ok(()) };
        self.delete_trust(tenant).await?;
        self.empty_groups(tenant).await?;
        self.strip_events(tenant).await?;
        for partition in of_tenant(tenant) {
            self.delete_partition(&partition).await?;
        }
        let row = before.if_unchanged(Write::delete(Key::tenant(tenant)));
        let mut writes = vec![
            (TenantRow::Tenant, row),
            (TenantRow::Unconditional, Write::delete(Key::listed_tenant(tenant))),
            (TenantRow::Unconditional, Write::delete(Key::seats(tenant))),
        ];
        move_external_id(Some(&before), None, tenant, &mut writes);
        self.commit_tenant(&writes).await
    }

    /// Removes the members of all groups. The groups are deleted later with their partition, so
    /// that a second attempt finds them.
    async fn empty_groups(&self, tenant: TenantId) -> Result<(), StoreError> {
        let mut last: Option<ResourceId> = None;
        loop {
            let groups = self.groups_after(tenant, last, GROUPS_AT_A_TIME).await?;
            for group in &groups {
                self.remove_all_members(tenant, group.resource.id).await?;
            }
            match groups.last() {
                Some(group) => last = Some(group.resource.id),
                None => return Ok(()),
            }
        }
    }

    async fn delete_partition(&self, pk: &str) -> Result<(), StoreError> {
        let range = Range::all(pk.to_owned(), Consistency::Strong).keys_only();
        loop {
            let rows = self.query(&range, ROWS_AT_A_TIME).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let mut changes = Vec::with_capacity(rows.len());
            for row in &rows {
                changes.push(RowChange::Delete(Key::in_partition(pk, sort_key(row)?)));
            }
            self.write_rows(changes).await?;
        }
    }

    async fn commit_tenant(&self, writes: &[(TenantRow, Write)]) -> Result<(), StoreError> {
        let Commit::Refused(refusals) = self.commit(writes).await? else { return Ok(()) };
        let Some(refusal) = refusals.first() else { return Ok(()) };
        Err(match refusal.label {
            TenantRow::Tenant if refusal.found.is_none() => StoreError::NotFound,
            TenantRow::Tenant => StoreError::VersionMismatch,
            TenantRow::ExternalId => StoreError::Conflict(UniqueAttribute::TenantExternalId),
            TenantRow::FormerExternalId | TenantRow::Unconditional => {
                corrupt(&refusal.found.clone().unwrap_or_default(), "id")
            }
        })
    }
}

fn move_external_id(
    before: Option<&Tenant>,
    after: Option<&Tenant>,
    id: TenantId,
    writes: &mut Vec<(TenantRow, Write)>,
) {
    let key = Tenant::external_id_key;
    let (old, new) = (before.and_then(key), after.and_then(key));
    move_value(
        (TenantRow::ExternalId, TenantRow::FormerExternalId),
        &id.to_string(),
        old,
        new,
        writes,
    );
}

/// Attribute of [`Tenant::generation`]; absent for 0.
const GENERATION: &str = "g";

const GROUPS_AT_A_TIME: usize = 100;
const ROWS_AT_A_TIME: usize = 1_000;
