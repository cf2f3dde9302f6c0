//! Creates, replaces and deletes a group with its members.
//!
//! A change of up to about a hundred members, or half as many new ones, is one transaction, which
//! also requires that the members to add exist (see `members`). A larger change becomes a row of
//! transactions: first the group with its attributes, then its members, a part at a time. Each
//! moves the version of the group and has the events of just its part, so that whatever was
//! changed when a request fails in the middle is reported, and no reader finds old members under a
//! new version. Such a request is safe to send again, since it finds out which members are missing.
//!
//! Which rows are written is decided in `group_change`, without I/O.

use jiff::Timestamp;

use super::group_change::{GroupChange, GroupRow, MemberRows};
use super::group_parts::{LeavingMember, Overtaken};
use super::groups::{GroupWrite, StoredGroup};
use super::item::{corrupt, flag};
use super::members::GroupMember;
use super::outbox::Cause;
use super::retry::Backoff;
use super::transaction::{Commit, MAX_TRANSACTION, Refusal};
use super::{Store, StoreError, UniqueAttribute};
use directory::event::Origin;
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

impl Store {
    /// Creates a group with its members, which must exist. `id` must be new and random.
    ///
    /// # Errors
    ///
    /// [`StoreError::MemberGone`] when a member has been deleted since it was looked up, and all
    /// members fit into one transaction. In a larger group that member is left out.
    pub async fn create_group(
        &self,
        tenant: TenantId,
        id: ResourceId,
        write: &GroupWrite,
        members: &[GroupMember],
    ) -> Result<StoredGroup, StoreError> {
        let cause = Cause { at: write.last_modified, origin: &write.origin };
        let change = GroupChange::new(tenant, id, None, Some(write), cause);
        let group = self.change_group(&change, MemberRows::new(members, &[])).await?;
        self.sample_split(tenant, ResourceKind::Group, id).await;
        group.ok_or(StoreError::NotFound)
    }

    /// Replaces a group that was read, unless it has changed since, and adds and removes members:
    /// those to add are no members yet, and those to remove are. The members to add must exist, as
    /// in [`Store::create_group`].
    pub async fn replace_group(
        &self,
        tenant: TenantId,
        before: &StoredGroup,
        write: &GroupWrite,
        add: &[GroupMember],
        remove: &[GroupMember],
    ) -> Result<StoredGroup, StoreError> {
        let cause = Cause { at: write.last_modified, origin: &write.origin };
        let change = GroupChange::new(tenant, before.resource.id, Some(before), Some(write), cause);
        let members = MemberRows::new(add, remove);
        let group = self.change_group(&change, members).await?;
        group.ok_or(StoreError::NotFound)
    }

    /// Deletes a group that was read, unless it has changed since, and all its memberships.
    ///
    /// A small group goes in one transaction. A large one loses its members first: if the deletion
    /// fails in the middle, the same request finds the group and the remaining work when it is sent
    /// again.
    pub async fn delete_group(
        &self,
        tenant: TenantId,
        before: &StoredGroup,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let cause = Cause { at: now, origin };
        let id = before.resource.id;
        let mut overtaken = Overtaken::Refuses;
        let mut group = before.clone();
        let mut backoff = Backoff::for_crowd();
        self.leave_groups(tenant, LeavingMember { id, kind: ResourceKind::Group }, cause).await?;
        loop {
            let members = self.members(tenant, id, MEMBERS_AT_ONCE + 1).await?;
            let is_large = members.len() > MEMBERS_AT_ONCE;
            let members = MemberRows::removed(members);
            if is_large {
                group = self.change_part(tenant, group, members, overtaken, cause).await?;
                overtaken = Overtaken::GoesOn;
                continue;
            }
            let change = GroupChange::new(tenant, id, Some(&group), None, cause);
            match self.change_group(&change, members).await {
                Err(StoreError::VersionMismatch) if overtaken == Overtaken::GoesOn => {
                    group = self.group(tenant, id).await?.ok_or(StoreError::NotFound)?;
                    backoff.pause().await?;
                }
                Err(error) => return Err(error),
                // Members that an earlier version of Gatehouse added in between.
                Ok(_) => return self.remove_all_members(tenant, id).await,
            }
        }
    }

    /// Commits a change of a group: in one transaction if it fits, else the attributes first and
    /// then the members, a part at a time.
    async fn change_group(
        &self,
        change: &GroupChange<'_>,
        members: MemberRows,
    ) -> Result<Option<StoredGroup>, StoreError> {
        change.check_size()?;
        if let AtOnce::Done(after) = self.change_at_once(change, &members).await? {
            return Ok(after);
        }
        let mut overtaken = Overtaken::Refuses;
        let mut group = change.before.cloned();
        if change.changes_attributes() {
            let head = self.change_at_once(change, &MemberRows::default()).await?;
            let AtOnce::Done(after) = head else { return Err(StoreError::TooLarge) };
            group = after;
            overtaken = Overtaken::GoesOn;
        }
        let Some(mut group) = group else { return Ok(None) };
        for part in members.parts() {
            group = self.change_part(change.tenant, group, part, overtaken, change.cause).await?;
            overtaken = Overtaken::GoesOn;
        }
        Ok(Some(group))
    }

    /// Commits a change with these members in one transaction, if it fits.
    async fn change_at_once(
        &self,
        change: &GroupChange<'_>,
        members: &MemberRows,
    ) -> Result<AtOnce, StoreError> {
        let after = change.after();
        let shard = change.prefix.shard;
        let mut backoff = Backoff::default();
        loop {
            let deep = self.hints.deep(change.tenant, ResourceKind::Group, shard);
            let writes = change.writes(after.as_ref(), members, deep)?;
            // A counter that turns out to be deep takes one write more.
            let spare = usize::from(!deep && change.is_counted());
            if writes.len() + spare > MAX_TRANSACTION {
                return Ok(AtOnce::TooLarge);
            }
            let Commit::Refused(refusals) = self.commit(&writes).await? else {
                return Ok(AtOnce::Done(after));
            };
            for refusal in refusals {
                let deep = explain(refusal)?;
                self.hints.learn_deep(change.tenant, ResourceKind::Group, shard, deep);
            }
            backoff.pause().await?;
        }
    }
}

/// The result of an attempt to commit a change in one transaction.
enum AtOnce {
    /// The change is committed: the group after it, `None` if it is deleted.
    Done(Option<StoredGroup>),
    /// The change has more writes than a transaction.
    TooLarge,
}

/// Turns a refusal into its error, or into the depth that the counter really has.
fn explain(refusal: Refusal<GroupRow>) -> Result<bool, StoreError> {
    match refusal.label {
        GroupRow::Group if refusal.found.is_none() => Err(StoreError::NotFound),
        GroupRow::Group => Err(StoreError::VersionMismatch),
        GroupRow::DisplayName => Err(StoreError::Conflict(UniqueAttribute::DisplayName)),
        GroupRow::Member(_) => Err(StoreError::MemberGone),
        GroupRow::FormerDisplayName | GroupRow::Membership(_) | GroupRow::Unconditional => {
            Err(corrupt(&refusal.found.unwrap_or_default(), "id"))
        }
        GroupRow::Counter => Ok(refusal.found.is_some_and(|row| flag(&row, "deep"))),
    }
}

/// Members that a deletion takes into its transaction, beside the group's own rows.
const MEMBERS_AT_ONCE: usize = 90;
