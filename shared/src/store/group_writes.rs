//! Creating, changing and deleting a group with its members.
//!
//! A change of the group that removes up to about a hundred members, or adds half as many, is one
//! transaction, which also demands that those to add exist (see `members`). Beyond that the group's
//! row goes first, on its version, and the member rows follow in batches: a request
//! that fails in the middle is safe to send again, since it finds out what is still missing. Then
//! the version moves once more, since a reader in between has seen some of the rows under the
//! first: only what is read under the last one stays true.

use jiff::Timestamp;

use super::group_change::{GroupChange, GroupRow};
use super::groups::{GroupWrite, StoredGroup};
use super::item::{flag, number};
use super::keys::{Collection, Key};
use super::members::GroupMember;
use super::page::StoredResource as _;
use super::retry::Backoff;
use super::transaction::{Commit, MAX_TRANSACTION, Refusal};
use super::write::Write;
use super::{Store, StoreError, UniqueAttribute};
use types::ids::{ResourceId, TenantId};

impl Store {
    /// Creates a group with its members, who must exist: [`StoreError::MemberGone`] tells that one
    /// of a few has been deleted since. `id` must be new and random.
    pub async fn create_group(
        &self,
        tenant: TenantId,
        id: ResourceId,
        write: &GroupWrite,
        members: &[GroupMember],
    ) -> Result<StoredGroup, StoreError> {
        let change = GroupChange::new(tenant, id, None, Some(write)).with_members(members, &[]);
        let group = self.change_group(change).await?;
        self.sample_split(tenant, Collection::Groups, id).await;
        group.ok_or(StoreError::NotFound)
    }

    /// Replaces a group that was read, unless it has changed since, and adds and removes members.
    /// Adding who is there and removing who is not changes nothing about them. Those to add must
    /// exist, as in [`Store::create_group`].
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
    /// version was moved; so whoever sends the request again finds the group and the work left.
    pub async fn delete_group(
        &self,
        tenant: TenantId,
        before: &StoredGroup,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut before = before.clone();
        let mut members = self.member_ids(tenant, before.resource.id, MEMBERS_AT_ONCE + 1).await?;
        if members.len() > MEMBERS_AT_ONCE {
            let claim = GroupWrite::unchanged(&before);
            before = self.replace_group(tenant, &before, &claim, &[], &[]).await?;
            self.remove_all_members(tenant, before.resource.id).await?;
            members.clear();
        }
        self.leave_groups(tenant, before.resource.id, now).await?;
        let change = GroupChange::new(tenant, before.resource.id, Some(&before), None);
        self.change_group(change.with_members(&[], &members)).await?;
        // Members that were added in between.
        self.remove_all_members(tenant, before.resource.id).await
    }

    /// Commits the group's rows, with the member rows where they fit, else before them.
    async fn change_group(
        &self,
        change: GroupChange<'_>,
    ) -> Result<Option<StoredGroup>, StoreError> {
        change.check_size()?;
        let after = change.after();
        let shard = change.prefix.shard;
        let mut backoff = Backoff::default();
        loop {
            let deep = self.hints.deep(change.tenant, Collection::Groups, shard);
            let mut writes = change.writes(after.as_ref(), deep);
            let members = change.rows.len() + change.checks.len();
            let fits = writes.len() + members <= MAX_TRANSACTION;
            if fits {
                let checks = change.checks.iter().cloned();
                writes.extend(checks.map(|check| (GroupRow::Member, check)));
                let rows = change.rows.iter().cloned();
                writes.extend(rows.map(|row| (GroupRow::Unconditional, row.write())));
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
                        self.hints.learn_deep(change.tenant, Collection::Groups, shard, deep);
                    }
                }
            }
            backoff.pause().await?;
        }
    }

    /// Moves the version of a group whose member rows have followed it, whoever has changed it
    /// meanwhile: they all saw some of the rows.
    async fn settle(
        &self,
        tenant: TenantId,
        mut group: StoredGroup,
    ) -> Result<StoredGroup, StoreError> {
        let key = Key::resource(tenant, Collection::Groups, group.resource.id);
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
                // Deleted meanwhile, and rows may have followed the deletion.
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
        GroupRow::FormerDisplayName | GroupRow::Unconditional => Err(StoreError::Corrupt("id")),
        GroupRow::Counter => Ok(refusal.found.is_some_and(|row| flag(&row, "deep"))),
    }
}

/// Members that a deletion takes into its transaction, beside the group's own rows.
const MEMBERS_AT_ONCE: usize = 90;
