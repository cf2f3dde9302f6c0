//! One change of a group: which rows it writes, under which conditions. No I/O.
//!
//! `group_writes` commits the writes.

use std::collections::BTreeMap;

use super::batch::RowChange;
use super::counters::{CounterUpdate, IdPrefix, leaf_update};
use super::groups::{GroupWrite, StoredGroup};
use super::keys::Key;
use super::lookup_rows::{move_row, move_value};
use super::members::{GroupMember, member_row};
use super::versioned::{Versioned, row_write};
use super::write::Write;
use super::{MAX_DOCUMENT_BYTES, StoreError};
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

/// The change that the caller asks for: a creation without `before`, a deletion without `after`.
#[derive(Debug)]
pub(super) struct GroupChange<'a> {
    pub(super) tenant: TenantId,
    id: ResourceId,
    pub(super) prefix: IdPrefix,
    before: Option<&'a StoredGroup>,
    after: Option<&'a GroupWrite>,
    /// Member rows to put and to delete.
    pub(super) rows: Vec<RowChange>,
    /// The condition that the members to add exist. Only a transaction can demand it.
    pub(super) checks: Vec<Write>,
}

/// The row that a write of the transaction is about, which tells what its refusal means.
#[derive(Clone, Copy, Debug)]
pub(super) enum GroupRow {
    /// The group itself.
    Group,
    /// The new `displayName`.
    DisplayName,
    /// The old `displayName`, on the condition that it is this group's.
    FormerDisplayName,
    /// A row without a condition.
    Unconditional,
    /// The group's counter.
    Counter,
    /// The user or group that becomes a member.
    Member,
}

impl<'a> GroupChange<'a> {
    pub(super) fn new(
        tenant: TenantId,
        id: ResourceId,
        before: Option<&'a StoredGroup>,
        after: Option<&'a GroupWrite>,
    ) -> Self {
        Self {
            tenant,
            id,
            prefix: IdPrefix::of(id),
            before,
            after,
            rows: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Adds and removes members; a member that is in both lists is added.
    pub(super) fn with_members(mut self, add: &[GroupMember], remove: &[ResourceId]) -> Self {
        let key = |member| Key::member(self.tenant, self.id, member);
        let mut rows: BTreeMap<ResourceId, RowChange> =
            remove.iter().map(|member| (*member, RowChange::Delete(key(*member)))).collect();
        for member in add {
            let row = member_row(self.tenant, self.id, member);
            rows.insert(member.id, RowChange::Put(row));
        }
        self.rows = rows.into_values().collect();
        // The group's own row has a condition already, and a transaction takes a row once.
        let others = add.iter().filter(|member| member.id != self.id);
        let checks: BTreeMap<_, _> = others.map(|member| (member.id, member.kind)).collect();
        let check = |(id, kind)| Write::check_exists(Key::resource(self.tenant, kind, id));
        self.checks = checks.into_iter().map(check).collect();
        self
    }

    pub(super) fn check_size(&self) -> Result<(), StoreError> {
        let Some(write) = self.after else { return Ok(()) };
        let external_id = write.external_id.as_deref().unwrap_or_default();
        let bytes = write.document.len() + write.display_name.len() + external_id.len();
        if bytes > MAX_DOCUMENT_BYTES { Err(StoreError::TooLarge) } else { Ok(()) }
    }

    /// Returns the group to write; `None` for a deletion.
    pub(super) fn after(&self) -> Option<StoredGroup> {
        let write = self.after?;
        let before = self.before.map(|before| &before.resource);
        Some(StoredGroup {
            resource: Versioned::after(before, self.id, write.last_modified, &write.document),
            display_name: write.display_name.clone(),
            external_id: write.external_id.clone(),
        })
    }

    /// Returns all writes of the transaction but those of the member rows.
    pub(super) fn writes(&self, after: Option<&StoredGroup>, deep: bool) -> Vec<(GroupRow, Write)> {
        let key = Key::group(self.tenant, self.id);
        let before = self.before.map(|before| &before.resource);
        let row = after.map(|group| group.to_row(&key));
        let mut writes = vec![(GroupRow::Group, row_write(key, before, row, &["x"]))];
        self.name_writes(after, &mut writes);
        self.counter_writes(deep, &mut writes);
        writes
    }

    fn name_writes(&self, after: Option<&StoredGroup>, writes: &mut Vec<(GroupRow, Write)>) {
        let name = |group: &StoredGroup| {
            let folded = Some(&group.display_name).filter(|name| !name.is_empty())?;
            Some(Key::display_name(self.tenant, folded))
        };
        let (old, new) = (self.before.and_then(name), after.and_then(name));
        let labels = (GroupRow::DisplayName, GroupRow::FormerDisplayName);
        move_value(labels, &self.id.to_string(), old, new, writes);
        let external_id = |group: &StoredGroup| {
            let value = group.external_id.as_deref().filter(|value| !value.is_empty())?;
            Some(Key::external_id(self.tenant, ResourceKind::Group, value, self.id))
        };
        let (old, new) = (self.before.and_then(external_id), after.and_then(external_id));
        writes.extend(move_row(old, new).map(|write| (GroupRow::Unconditional, write)));
    }

    fn counter_writes(&self, deep: bool, writes: &mut Vec<(GroupRow, Write)>) {
        let step = i8::from(self.after.is_some()) - i8::from(self.before.is_some());
        if step == 0 {
            return;
        }
        let counter = CounterUpdate::new(self.tenant, ResourceKind::Group, self.prefix.shard)
            .resource(self.prefix, step, deep);
        writes.push((GroupRow::Counter, counter.write()));
        if deep {
            let leaf = leaf_update(self.tenant, ResourceKind::Group, self.prefix, step);
            writes.push((GroupRow::Unconditional, leaf));
        }
    }
}
