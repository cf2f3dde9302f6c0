//! Changes the members of a group a part at a time: of a large change, and when a member leaves all
//! its groups. Each part is one transaction, which moves the version of the group and has the
//! events of the part.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::batch::RowChange;
use super::group_change::{GroupRow, MemberRows, part_writes};
use super::groups::StoredGroup;
use super::item::corrupt;
use super::keys::Key;
use super::members::GroupMember;
use super::outbox::Cause;
use super::page::StoredResource as _;
use super::retry::Backoff;
use super::transaction::{Commit, Refusal};
use super::versioned::Versioned;
use super::{Store, StoreError};
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

impl Store {
    /// Changes a part of the members of a group, and moves its version. Members that another
    /// request has added, removed or deleted meanwhile are left out.
    pub(super) async fn change_part(
        &self,
        tenant: TenantId,
        mut group: StoredGroup,
        mut members: MemberRows,
        overtaken: Overtaken,
        cause: Cause<'_>,
    ) -> Result<StoredGroup, StoreError> {
        let mut backoff = Backoff::for_crowd();
        while !members.is_empty() {
            let after = moved(&group, cause.at);
            let writes = part_writes(tenant, &group, &after, &members, cause)?;
            let Commit::Refused(refusals) = self.commit(&writes).await? else { return Ok(after) };
            for Refusal { label, found } in refusals {
                match (label, found) {
                    (GroupRow::Member(id) | GroupRow::Membership(id), _) => members.drop_member(id),
                    (GroupRow::Group, None) => return Err(StoreError::NotFound),
                    (GroupRow::Group, Some(row)) if overtaken == Overtaken::GoesOn => {
                        group = StoredGroup::from_row(row)?;
                    }
                    (GroupRow::Group, Some(_)) => return Err(StoreError::VersionMismatch),
                    (_, found) => return Err(corrupt(&found.unwrap_or_default(), "id")),
                }
            }
            backoff.pause().await?;
        }
        Ok(group)
    }

    /// Removes a member from all its groups. Each group's version moves in the same transaction: no
    /// reader finds old members under a new version. A failure in the middle leaves the other
    /// groups to the next attempt.
    pub(super) async fn leave_groups(
        &self,
        tenant: TenantId,
        member: LeavingMember,
        cause: Cause<'_>,
    ) -> Result<(), StoreError> {
        let LeavingMember { id, kind } = member;
        let mut ids: BTreeSet<ResourceId> =
            self.group_ids_of(tenant, id).await?.into_iter().collect();
        for group in self.groups(tenant, ids.iter().copied().collect()).await? {
            let group_id = group.resource.id;
            let left = MemberRows::removed(vec![GroupMember { id, kind, display: None }]);
            match self.change_part(tenant, group, left, Overtaken::GoesOn, cause).await {
                Ok(_) => drop(ids.remove(&group_id)),
                // Deleted meanwhile.
                Err(StoreError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        // Memberships without a group.
        let row = |group| RowChange::Delete(Key::member(tenant, group, id));
        self.write_rows(ids.into_iter().map(row).collect()).await
    }
}

/// A user or group that leaves its groups.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeavingMember {
    pub(super) id: ResourceId,
    pub(super) kind: ResourceKind,
}

/// Whether a part of a change goes on after another request has changed the group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Overtaken {
    /// The change has not begun, and the caller decided on an older version.
    Refuses,
    /// The change has begun, and the rest follows.
    GoesOn,
}

/// The group after a change of its members.
fn moved(group: &StoredGroup, now: Timestamp) -> StoredGroup {
    let version = group.resource.version + 1;
    let resource = Versioned { version, last_modified: now, ..group.resource.clone() };
    StoredGroup { resource, ..group.clone() }
}
