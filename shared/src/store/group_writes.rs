//! Creates, replaces and deletes a group with its members.
//!
//! A change that removes up to about a hundred members, or adds half as many, is one transaction,
//! which also requires that the members to add exist (see `members`). In a larger change the
//! group's row goes first, on its version, and the member rows follow in batches. A request that
//! fails in the middle is safe to send again, since it finds out which rows are still missing. At
//! the end the version moves once more, since a concurrent reader may have seen only some of the
//! rows under the first version: only what is read under the last version stays true.
//!
//! Which rows are written is decided in `group_change`, without I/O.

use jiff::Timestamp;

use super::group_change::{GroupChange, GroupRow};
use super::groups::{GroupWrite, StoredGroup};
use super::item::{corrupt, flag, number};
use super::keys::Key;
use super::members::GroupMember;
use super::page::StoredResource as _;
use super::retry::Backoff;
use super::transaction::{Commit, MAX_TRANSACTION, Refusal};
use super::write::Write;
use super::{Store, StoreError, UniqueAttribute};
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

impl Store {
    /// Creates a group with its members, which must exist. `id` must be new and random.
    ///
    /// # Errors
    ///
    /// [`StoreError::MemberGone`] when a member has been deleted since it was looked up. This is
    /// found only while all members fit into one transaction.
    pub async fn create_group(
        &self,
        tenant: TenantId,
        id: ResourceId,
        write: &GroupWrite,
        members: &[GroupMember],
    ) -> Result<StoredGroup, StoreError> {
        let change = GroupChange::new(tenant, id, None, Some(write)).with_members(members, &[]);
        let group = self.change_group(change).await?;
        self.sample_split(tenant, ResourceKind::Group, id).await;
        group.ok_or(StoreError::NotFound)
    }

    /// Replaces a group that was read, unless it has changed since, and adds and removes members.
    ///
    /// To add a present member, or to remove an absent one, changes nothing about it. The members
    /// to add must exist, as in [`Store::create_group`].
    pub async fn replace_group(
        &self,
        tenant: TenantId,
        before: &StoredGroup,
        write: &GroupWrite,
        add: &[GroupMember],
        remove: &[ResourceId],
    ) -> Result<StoredGroup, StoreError> {
        let change = GroupChange::new(tenant, before.resource.id, Some(before), Some(write));
        let group = self.change_group(change.with_members(add, remove)).await?;
        group.ok_or(StoreError::NotFound)
    }

    /// Deletes a group that was read, unless it has changed since, and all its memberships.
    ///
    /// A small group goes in one transaction. A large one loses its members first, after its
    /// version was moved: if the deletion fails in the middle, the same request finds the group and
    /// the remaining work when it is sent again.
    pub async fn delete_group(
        &self,
        tenant: TenantId,
        before: &StoredGroup,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = before.resource.id;
        let mut before = before.clone();
        let mut members = self.member_ids(tenant, id, MEMBERS_AT_ONCE + 1).await?;
        if members.len() > MEMBERS_AT_ONCE {
            let claim = GroupWrite::unchanged(&before);
            before = self.replace_group(tenant, &before, &claim, &[], &[]).await?;
            self.remove_all_members(tenant, id).await?;
            members.clear();
        }
        self.leave_groups(tenant, id, now).await?;
        let change = GroupChange::new(tenant, id, Some(&before), None);
        self.change_group(change.with_members(&[], &members)).await?;
        // Members that were added in between.
        self.remove_all_members(tenant, id).await
    }

    /// Commits the group's rows: together with the member rows where they fit into one transaction,
    /// else before them.
    async fn change_group(
        &self,
        change: GroupChange<'_>,
    ) -> Result<Option<StoredGroup>, StoreError> {
        change.check_size()?;
        let after = change.after();
        let shard = change.prefix.shard;
        let mut backoff = Backoff::default();
        loop {
            let deep = self.hints.deep(change.tenant, ResourceKind::Group, shard);
            let mut writes = change.writes(after.as_ref(), deep);
            let members = change.rows.len() + change.checks.len();
            let fits = writes.len() + members <= MAX_TRANSACTION;
            if fits {
                let checks = change.checks.iter().cloned();
                writes.extend(checks.map(|check| (GroupRow::Member, check)));
                let rows = change.rows.iter().cloned();
                writes.extend(rows.map(|row| (GroupRow::Unconditional, row.into_write())));
            }
            match self.commit(&writes).await? {
                Commit::Done if fits => return Ok(after),
                Commit::Done => {
                    self.write_rows(change.rows).await?;
                    let Some(group) = after else { return Ok(None) };
                    return self.settle(change.tenant, group).await.map(Some);
                }
                Commit::Refused(refusals) => {
                    for refusal in refusals {
                        let deep = explain(refusal)?;
                        self.hints.learn_deep(change.tenant, ResourceKind::Group, shard, deep);
                    }
                }
            }
            backoff.pause().await?;
        }
    }

    /// Moves the version of a group after its member rows were written. It does so even if another
    /// writer has changed the group meanwhile: that writer saw only some of the rows.
    async fn settle(
        &self,
        tenant: TenantId,
        mut group: StoredGroup,
    ) -> Result<StoredGroup, StoreError> {
        let key = Key::group(tenant, group.resource.id);
        let mut backoff = Backoff::default();
        loop {
            let next = group.resource.version + 1;
            let moved = Write::update(key.clone(), "SET v = :next")
                .when("v = :v")
                .bind(":v", number(group.resource.version))
                .bind(":next", number(next));
            let refusals = match self.commit(&[((), moved)]).await? {
                Commit::Done => {
                    group.resource.version = next;
                    return Ok(group);
                }
                Commit::Refused(refusals) => refusals,
            };
            let Some(found) = refusals.into_iter().find_map(|refusal| refusal.found) else {
                // Deleted meanwhile; rows may have been written after the deletion.
                self.remove_all_members(tenant, group.resource.id).await?;
                return Err(StoreError::NotFound);
            };
            group = StoredGroup::from_row(found)?;
            backoff.pause().await?;
        }
    }
}

/// Turns a refusal into its error, or into the depth that the counter really has.
fn explain(refusal: Refusal<GroupRow>) -> Result<bool, StoreError> {
    match refusal.label {
        GroupRow::Group if refusal.found.is_none() => Err(StoreError::NotFound),
        GroupRow::Group => Err(StoreError::VersionMismatch),
        GroupRow::DisplayName => Err(StoreError::Conflict(UniqueAttribute::DisplayName)),
        GroupRow::Member => Err(StoreError::MemberGone),
        GroupRow::FormerDisplayName | GroupRow::Unconditional => {
            Err(corrupt(&refusal.found.unwrap_or_default(), "id"))
        }
        GroupRow::Counter => Ok(refusal.found.is_some_and(|row| flag(&row, "deep"))),
    }
}

/// Members that a deletion takes into its transaction, beside the group's own rows.
const MEMBERS_AT_ONCE: usize = 90;
