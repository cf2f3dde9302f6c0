//! Groups: the row without its members, and the lookups. Like those of users they are strongly
//! consistent and touch at most two rows.

use jiff::Timestamp;

use super::item::{Item, parsed, required_number, take_optional_text, take_text};
use super::keys::{Collection, Key, SK};
use super::page::{Page, Row};
use super::{Store, StoreError};
use types::ids::{ResourceId, TenantId};

/// A Group as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredGroup {
    /// `id`.
    pub id: ResourceId,
    /// Optimistic lock; moves with every change of the group or its members.
    pub version: u64,
    /// `meta.created`.
    pub created: Timestamp,
    /// `meta.lastModified`.
    pub last_modified: Timestamp,
    /// `displayName`, folded.
    pub display_name: String,
    /// `externalId`.
    pub external_id: Option<String>,
    /// The resource as one JSON object without `id`, `meta` and `members`.
    pub document: String,
}

/// What to store of a group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupWrite {
    /// `meta.lastModified`; of a new group also `meta.created`.
    pub last_modified: Timestamp,
    /// `displayName`, folded by NFKC and lower case: one group of a tenant has it.
    pub display_name: String,
    /// `externalId`, as it is. Several groups may have it.
    pub external_id: Option<String>,
    /// See [`StoredGroup::document`].
    pub document: String,
}

impl Row for StoredGroup {
    const COLLECTION: Collection = Collection::Groups;

    fn read(mut item: Item) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(&item, SK)?,
            version: required_number(&item, "v")?,
            created: parsed(&item, "ca")?,
            last_modified: parsed(&item, "lm")?,
            display_name: take_optional_text(&mut item, "dn").unwrap_or_default(),
            external_id: take_optional_text(&mut item, "x"),
            document: take_text(&mut item, "d")?,
        })
    }
}

impl Store {
    /// The group with this id.
    #[tracing::instrument(level = "debug", name = "store.group", skip_all, fields(tenant.id = %tenant))]
    pub async fn group(
        &self,
        tenant: TenantId,
        id: ResourceId,
    ) -> Result<Option<StoredGroup>, StoreError> {
        let key = Key::resource(tenant, Collection::Groups, id);
        self.get(&key).await?.map(StoredGroup::read).transpose()
    }

    /// The group with this folded `displayName`.
    #[tracing::instrument(level = "debug", name = "store.group_by_display_name", skip_all, fields(tenant.id = %tenant))]
    pub async fn group_by_display_name(
        &self,
        tenant: TenantId,
        folded: &str,
    ) -> Result<Option<StoredGroup>, StoreError> {
        if folded.is_empty() {
            return Ok(None);
        }
        match self.get(&Key::display_name(tenant, folded)).await? {
            Some(row) => self.group(tenant, parsed(&row, "id")?).await,
            None => Ok(None),
        }
    }

    /// The groups with exactly this `externalId`, in id order.
    #[tracing::instrument(level = "debug", name = "store.groups_by_external_id", skip_all, fields(tenant.id = %tenant))]
    pub async fn groups_by_external_id(
        &self,
        tenant: TenantId,
        external_id: &str,
    ) -> Result<Vec<StoredGroup>, StoreError> {
        let ids = self.ids_by_external_id(tenant, Collection::Groups, external_id).await?;
        self.groups(tenant, &ids).await
    }

    /// Groups from `start_index`, which counts from 1; zero counts as 1.
    #[tracing::instrument(level = "debug", name = "store.groups_page", skip_all, fields(tenant.id = %tenant))]
    pub async fn groups_page(
        &self,
        tenant: TenantId,
        start_index: u64,
        count: usize,
    ) -> Result<Page<StoredGroup>, StoreError> {
        self.page(tenant, start_index, count).await
    }

    /// Groups whose id follows `last`; from the first without it.
    #[tracing::instrument(level = "debug", name = "store.groups_after", skip_all, fields(tenant.id = %tenant))]
    pub async fn groups_after(
        &self,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> Result<Vec<StoredGroup>, StoreError> {
        self.after(tenant, last, count).await
    }

    /// The number of groups.
    #[tracing::instrument(level = "debug", name = "store.groups_total", skip_all, fields(tenant.id = %tenant))]
    pub async fn groups_total(&self, tenant: TenantId) -> Result<u64, StoreError> {
        self.total(tenant, Collection::Groups).await
    }

    /// The groups among `ids` that exist, in id order.
    pub(super) async fn groups(
        &self,
        tenant: TenantId,
        ids: &[ResourceId],
    ) -> Result<Vec<StoredGroup>, StoreError> {
        let keys: Vec<Key> =
            ids.iter().map(|id| Key::resource(tenant, Collection::Groups, *id)).collect();
        let rows = self.get_many(&keys, None).await?;
        let mut groups = rows.into_iter().map(StoredGroup::read).collect::<Result<Vec<_>, _>>()?;
        groups.sort_unstable_by_key(|group| group.id);
        Ok(groups)
    }
}
