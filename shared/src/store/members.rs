//! Memberships: one row each, so that adding or removing a member costs the same in an empty group
//! and in one of a hundred thousand. The only index of the table finds them by member. It follows
//! the rows within moments: a user's `groups` are read from it, and a deletion finds by it which
//! groups to leave. Members are added and removed in `group_writes`.
//!
//! Memberships of deleted members: the deletion of a user removes its memberships before and after
//! it deletes the user's row. An addition in one transaction requires the new member's row, so none
//! can follow the deletion. One window remains: a member that is added so shortly before its
//! deletion that the index shows it only after the deletion's last read stays. Such a row names no
//! user, gives no access, appears in the group's `members` and in no user's `groups`, and is deleted
//! like any other: by removing the member, replacing the members, or deleting the group.

use std::collections::BTreeSet;

use super::batch::RowChange;
use super::groups::StoredGroup;
use super::item::{Item, corrupt, parsed, take_optional_text, text};
use super::keys::{Key, MEMBER, PK, SK, group_of_members, member_of, members};
use super::read::{Consistency, Range, SortKeys};
use super::{Store, StoreError};
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

/// A member of a group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupMember {
    /// `members.value`.
    pub id: ResourceId,
    /// `members.type`.
    pub kind: ResourceKind,
    /// `members.display`.
    pub display: Option<String>,
}

impl GroupMember {
    fn from_row(mut row: Item) -> Result<Self, StoreError> {
        let kind = if row.contains_key(KIND) { ResourceKind::Group } else { ResourceKind::User };
        let display = take_optional_text(&mut row, DISPLAY);
        Ok(Self { id: parsed(&row, SK)?, kind, display })
    }
}

/// Returns the row of a membership. Most members are users, so only a group has a `k`.
pub(super) fn member_row(tenant: TenantId, group: ResourceId, member: &GroupMember) -> Item {
    let mut row = Key::member(tenant, group, member.id).item();
    row.insert(MEMBER.to_owned(), text(member_of(tenant, member.id)));
    if member.kind == ResourceKind::Group {
        row.insert(KIND.to_owned(), text("g"));
    }
    if let Some(display) = &member.display {
        row.insert(DISPLAY.to_owned(), text(display));
    }
    row
}

impl Store {
    /// Reads the first `limit` members of a group, in id order.
    pub async fn members(
        &self,
        tenant: TenantId,
        group: ResourceId,
        limit: usize,
    ) -> Result<Vec<GroupMember>, StoreError> {
        let mut range = Range::all(members(tenant, group), Consistency::Strong);
        range.projection = Some("sk, k, n");
        self.query_as(&range, limit, GroupMember::from_row).await
    }

    /// Reads members of a group whose id follows `last`, in id order; from the first without it.
    pub async fn members_after(
        &self,
        tenant: TenantId,
        group: ResourceId,
        last: Option<ResourceId>,
        limit: usize,
    ) -> Result<Vec<GroupMember>, StoreError> {
        let mut range = Range::all(members(tenant, group), Consistency::Strong);
        range.projection = Some("sk, k, n");
        if let Some(last) = last {
            range = range.with(SortKeys::After(last.to_string()));
        }
        self.query_as(&range, limit, GroupMember::from_row).await
    }

    /// Reads the members of the group among `ids`, in id order.
    pub async fn members_among(
        &self,
        tenant: TenantId,
        group: ResourceId,
        ids: &[ResourceId],
    ) -> Result<Vec<GroupMember>, StoreError> {
        let ids: BTreeSet<ResourceId> = ids.iter().copied().collect();
        let keys: Vec<Key> = ids.into_iter().map(|id| Key::member(tenant, group, id)).collect();
        let rows = self.get_many(&keys, Some("sk, k, n")).await?;
        let mut found =
            rows.into_iter().map(GroupMember::from_row).collect::<Result<Vec<_>, _>>()?;
        found.sort_unstable_by_key(|member| member.id);
        Ok(found)
    }

    /// Reads the users and groups of the tenant among `ids`, which can be members, in id order.
    pub async fn existing_members(
        &self,
        tenant: TenantId,
        ids: &[ResourceId],
    ) -> Result<Vec<GroupMember>, StoreError> {
        let mut left: BTreeSet<ResourceId> = ids.iter().copied().collect();
        let mut found = Vec::new();
        for kind in ResourceKind::ALL {
            let keys: Vec<Key> = left.iter().map(|id| Key::resource(tenant, kind, *id)).collect();
            for row in self.get_many(&keys, Some(SK)).await? {
                let id = parsed(&row, SK)?;
                left.remove(&id);
                found.push(GroupMember { id, kind, display: None });
            }
        }
        found.sort_unstable_by_key(|member| member.id);
        Ok(found)
    }

    /// Reads the ids of the groups that have this direct member, in id order.
    pub async fn group_ids_of(
        &self,
        tenant: TenantId,
        member: ResourceId,
    ) -> Result<Vec<ResourceId>, StoreError> {
        let range = Range::by_member(member_of(tenant, member));
        let group = |row: Item| {
            let pk = row.get(PK).and_then(|pk| pk.as_s().ok());
            pk.and_then(|pk| group_of_members(tenant, pk)).ok_or_else(|| corrupt(&row, PK))
        };
        self.query_as(&range, usize::MAX, group).await
    }

    /// Reads the groups that have this direct member, in id order.
    pub async fn groups_of(
        &self,
        tenant: TenantId,
        member: ResourceId,
    ) -> Result<Vec<StoredGroup>, StoreError> {
        let groups = self.group_ids_of(tenant, member).await?;
        self.resources(tenant, groups).await
    }

    /// Reads the ids of the first `limit` members.
    pub(super) async fn member_ids(
        &self,
        tenant: TenantId,
        group: ResourceId,
        limit: usize,
    ) -> Result<Vec<ResourceId>, StoreError> {
        let range = Range::all(members(tenant, group), Consistency::Strong).keys_only();
        self.query_as(&range, limit, |row| parsed(&row, SK)).await
    }

    /// Removes all members of a group of any size, without moving its version.
    pub(super) async fn remove_all_members(
        &self,
        tenant: TenantId,
        group: ResourceId,
    ) -> Result<(), StoreError> {
        loop {
            let ids = self.member_ids(tenant, group, MEMBERS_AT_A_TIME).await?;
            if ids.is_empty() {
                return Ok(());
            }
            let row = |id| RowChange::Delete(Key::member(tenant, group, id));
            self.write_rows(ids.into_iter().map(row).collect()).await?;
        }
    }
}

/// Attribute of a member that is a group.
const KIND: &str = "k";
/// Attribute with `members.display`.
const DISPLAY: &str = "n";

const MEMBERS_AT_A_TIME: usize = 1_000;
