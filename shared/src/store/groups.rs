//! Groups: the row without its members, and the reads.
//!
//! Like those of users, the lookups are strongly consistent and find ids in one row. The writes are
//! in `group_writes`, the memberships in `members`.

use jiff::Timestamp;

use super::item::{Item, take_optional_text, text};
use super::keys::Key;
use super::page::{Chunk, Page, StoredResource};
use super::read::Consistency;
use super::versioned::Versioned;
use super::{Store, StoreError};
use directory::event::Origin;
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

/// A Group as it is stored, without its members.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredGroup {
    /// Id, version, times and document. The version moves with every change of the group or its
    /// members.
    pub resource: Versioned,
    /// `displayName`, folded.
    pub display_name: String,
    /// `externalId`.
    pub external_id: Option<String>,
}

/// The new state of a group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupWrite {
    /// `meta.lastModified`; of a new group also `meta.created`.
    pub last_modified: Timestamp,
    /// The origin of the change, for its events.
    pub origin: Origin,
    /// `displayName`, folded by NFKC and lower case; unique within the tenant.
    pub display_name: String,
    /// `externalId`, unchanged. Several groups may have the same.
    pub external_id: Option<String>,
    /// See [`Versioned::document`].
    pub document: String,
}

impl StoredGroup {
    pub(super) fn to_row(&self, key: &Key) -> Item {
        let mut row = self.resource.to_row(key);
        row.insert("dn".to_owned(), text(&self.display_name));
        if let Some(external_id) = &self.external_id {
            row.insert("x".to_owned(), text(external_id));
        }
        row
    }
}

impl StoredResource for StoredGroup {
    const KIND: ResourceKind = ResourceKind::Group;

    fn from_row(mut row: Item) -> Result<Self, StoreError> {
        Ok(Self {
            resource: Versioned::take_from(&mut row)?,
            display_name: take_optional_text(&mut row, "dn").unwrap_or_default(),
            external_id: take_optional_text(&mut row, "x"),
        })
    }

    fn versioned(&self) -> &Versioned {
        &self.resource
    }
}

impl Store {
    /// Reads the group with this id.
    pub async fn group(
        &self,
        tenant: TenantId,
        id: ResourceId,
    ) -> Result<Option<StoredGroup>, StoreError> {
        self.resource(tenant, id).await
    }

    /// Reads the groups among `ids` that exist, in id order.
    pub async fn groups(
        &self,
        tenant: TenantId,
        ids: Vec<ResourceId>,
    ) -> Result<Vec<StoredGroup>, StoreError> {
        self.resources(tenant, ids).await
    }

    /// Reads the id of the group with this folded `displayName`.
    pub async fn group_id_of_display_name(
        &self,
        tenant: TenantId,
        folded: &str,
    ) -> Result<Option<ResourceId>, StoreError> {
        if folded.is_empty() {
            return Ok(None);
        }
        self.id_named_by(&Key::display_name(tenant, folded)).await
    }

    /// Reads the ids of the groups with exactly this `externalId`.
    pub async fn group_ids_of_external_id(
        &self,
        tenant: TenantId,
        external_id: &str,
    ) -> Result<Vec<ResourceId>, StoreError> {
        self.ids_by_external_id(tenant, ResourceKind::Group, external_id).await
    }

    /// Reads groups from `start_index`, which counts from 1; zero counts as 1.
    pub async fn groups_page(
        &self,
        tenant: TenantId,
        start_index: u64,
        count: usize,
    ) -> Result<Page<StoredGroup>, StoreError> {
        self.page(tenant, start_index, count).await
    }

    /// Reads groups whose id follows `last`; from the first without it.
    pub async fn groups_after(
        &self,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> Result<Vec<StoredGroup>, StoreError> {
        self.resources_after(tenant, last, count).await
    }

    /// As [`Store::groups_after`], but no more than one call returns.
    pub async fn groups_chunk(
        &self,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> Result<Chunk<StoredGroup>, StoreError> {
        self.resource_chunk(tenant, last, count, Consistency::Eventual).await
    }

    /// As [`Store::groups_chunk`], strongly consistent: sees every write that was acknowledged before.
    pub async fn groups_snapshot(
        &self,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> Result<Chunk<StoredGroup>, StoreError> {
        self.resource_chunk(tenant, last, count, Consistency::Strong).await
    }

    /// Counts the groups.
    pub async fn groups_total(&self, tenant: TenantId) -> Result<u64, StoreError> {
        self.total(tenant, ResourceKind::Group).await
    }
}
