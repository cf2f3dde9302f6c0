//! One change of a group: which rows it writes, under which conditions, with which events. No I/O.
//!
//! `group_writes` commits the writes.

use std::collections::BTreeMap;

use super::counters::{CounterUpdate, IdPrefix, leaf_update};
use super::groups::{GroupWrite, StoredGroup};
use super::item::{number, text};
use super::keys::Key;
use super::lookup_rows::{move_row, move_value};
use super::members::{GroupMember, member_row};
use super::outbox::{Cause, event_writes};
use super::versioned::{Versioned, row_write};
use super::write::Write;
use super::{MAX_DOCUMENT_BYTES, StoreError};
use directory::changes::{self, GroupName};
use directory::event::{EventType, NewEvent};
use scim::resource::display_name;
use scim::schema::ResourceKind;
use serde_json::{Map, Value};
use types::ids::{ResourceId, TenantId};

/// The change that the caller asks for: a creation without `before`, a deletion without `after`.
#[derive(Debug)]
pub(super) struct GroupChange<'a> {
    pub(super) tenant: TenantId,
    id: ResourceId,
    pub(super) prefix: IdPrefix,
    pub(super) before: Option<&'a StoredGroup>,
    after: Option<&'a GroupWrite>,
    pub(super) cause: Cause<'a>,
}

/// Members to add and to remove. No member is in both lists.
#[derive(Clone, Debug, Default)]
pub(super) struct MemberRows {
    pub(super) add: Vec<GroupMember>,
    pub(super) remove: Vec<GroupMember>,
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
    Member(ResourceId),
    /// The membership itself, on the condition that the change changes it.
    Membership(ResourceId),
}

impl MemberRows {
    /// Members to add and to remove; a member that is in both lists is added.
    pub(super) fn new(add: &[GroupMember], remove: &[GroupMember]) -> Self {
        let add: BTreeMap<_, _> = add.iter().map(|member| (member.id, member)).collect();
        let remove: BTreeMap<_, _> = remove
            .iter()
            .filter(|member| !add.contains_key(&member.id))
            .map(|member| (member.id, member))
            .collect();
        let cloned = |members: BTreeMap<_, &GroupMember>| members.into_values().cloned().collect();
        Self { add: cloned(add), remove: cloned(remove) }
    }

    /// Members to remove.
    pub(super) fn removed(remove: Vec<GroupMember>) -> Self {
        Self { add: Vec::new(), remove }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    /// Leaves a member out.
    pub(super) fn drop_member(&mut self, id: ResourceId) {
        self.add.retain(|member| member.id != id);
        self.remove.retain(|member| member.id != id);
    }

    /// Splits the members into parts that fit into a transaction with the group and the events.
    pub(super) fn parts(self) -> impl Iterator<Item = Self> {
        let chunks = |members: Vec<GroupMember>, most: usize| {
            let chunks = members.chunks(most).map(<[GroupMember]>::to_vec);
            chunks.collect::<Vec<_>>().into_iter()
        };
        let removed = chunks(self.remove, REMOVED_AT_ONCE).map(Self::removed);
        let added = chunks(self.add, ADDED_AT_ONCE);
        removed.chain(added.map(|add| Self { add, remove: Vec::new() }))
    }

    /// Returns the writes of the members of a group. With `exact`, a row that is there already, or
    /// gone already, refuses the transaction.
    fn writes(&self, tenant: TenantId, group: ResourceId, exact: bool) -> Vec<(GroupRow, Write)> {
        let conditional = |write: Write, condition: &str, id| {
            let label = if exact { GroupRow::Membership(id) } else { GroupRow::Unconditional };
            (label, if exact { write.when(condition) } else { write })
        };
        // The group's own row has a condition already, and a transaction takes a row once.
        let others = self.add.iter().filter(|member| member.id != group);
        let checks = others.map(|member| {
            let key = Key::resource(tenant, member.kind, member.id);
            (GroupRow::Member(member.id), Write::check_exists(key))
        });
        let added = self.add.iter().map(|member| {
            let row = Write::put(member_row(tenant, group, member));
            conditional(row, "attribute_not_exists(pk)", member.id)
        });
        let removed = self.remove.iter().map(|member| {
            let row = Write::delete(Key::member(tenant, group, member.id));
            conditional(row, "attribute_exists(pk)", member.id)
        });
        checks.chain(added).chain(removed).collect()
    }

    /// Returns the events of the members of a group.
    fn events(&self, group: GroupName<'_>) -> Vec<NewEvent> {
        let named = |members: &[GroupMember]| -> Vec<(ResourceId, ResourceKind)> {
            members.iter().map(|member| (member.id, member.kind)).collect()
        };
        let removed = EventType::GroupMemberRemoved;
        let mut events = changes::of_members(removed, group, &named(&self.remove));
        let added = EventType::GroupMemberAdded;
        events.extend(changes::of_members(added, group, &named(&self.add)));
        events
    }
}

/// Returns the writes that change a part of the members of a group and move its version from
/// `before` to `after`.
pub(super) fn part_writes(
    tenant: TenantId,
    before: &StoredGroup,
    after: &StoredGroup,
    members: &MemberRows,
    cause: Cause<'_>,
) -> Result<Vec<(GroupRow, Write)>, StoreError> {
    let id = before.resource.id;
    let moved = Write::update(Key::group(tenant, id), "SET v = :next, lm = :now")
        .when("v = :v")
        .bind(":v", number(before.resource.version))
        .bind(":next", number(after.resource.version))
        .bind(":now", text(after.resource.last_modified.to_string()));
    let mut writes = vec![(GroupRow::Group, moved)];
    writes.extend(members.writes(tenant, id, true));
    let attributes = after.resource.attributes()?;
    let events = members.events(name(&after.resource, &attributes));
    let rows = event_writes(tenant, cause, &events);
    writes.extend(rows.map(|row| (GroupRow::Unconditional, row)));
    Ok(writes)
}

fn name<'a>(group: &Versioned, attributes: &'a Map<String, Value>) -> GroupName<'a> {
    GroupName { id: group.id, display_name: display_name(attributes), version: group.version }
}

impl<'a> GroupChange<'a> {
    pub(super) fn new(
        tenant: TenantId,
        id: ResourceId,
        before: Option<&'a StoredGroup>,
        after: Option<&'a GroupWrite>,
        cause: Cause<'a>,
    ) -> Self {
        Self { tenant, id, prefix: IdPrefix::of(id), before, after, cause }
    }

    /// Returns whether the number of groups changes.
    pub(super) fn is_counted(&self) -> bool {
        self.before.is_some() != self.after.is_some()
    }

    /// Returns whether the group is new, gone or has other attributes.
    pub(super) fn changes_attributes(&self) -> bool {
        match (self.before, self.after) {
            (Some(before), Some(after)) => {
                before.resource.document != after.document
                    || before.display_name != after.display_name
                    || before.external_id != after.external_id
            }
            _ => true,
        }
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

    /// Returns all writes of the transaction, with those of `members`.
    pub(super) fn writes(
        &self,
        after: Option<&StoredGroup>,
        members: &MemberRows,
        deep: bool,
    ) -> Result<Vec<(GroupRow, Write)>, StoreError> {
        let key = Key::group(self.tenant, self.id);
        let before = self.before.map(|before| &before.resource);
        let row = after.map(|group| group.to_row(&key));
        let mut writes = vec![(GroupRow::Group, row_write(key, before, row, &["x"]))];
        self.name_writes(after, &mut writes);
        self.counter_writes(deep, &mut writes);
        writes.extend(members.writes(self.tenant, self.id, false));
        self.event_writes(after, members, &mut writes)?;
        Ok(writes)
    }

    /// Members that leave a group which is deleted leave it first.
    fn event_writes(
        &self,
        after: Option<&StoredGroup>,
        members: &MemberRows,
        writes: &mut Vec<(GroupRow, Write)>,
    ) -> Result<(), StoreError> {
        let before = self.before.map(|before| &before.resource);
        let after = after.map(|after| &after.resource);
        let old = before.map(Versioned::attributes).transpose()?;
        let new = after.map(Versioned::attributes).transpose()?;
        let of_group = changes::of_group(
            before.zip(old.as_ref()).map(|(group, attributes)| group.group_view(attributes)),
            after.zip(new.as_ref()).map(|(group, attributes)| group.group_view(attributes)),
        );
        let named = after.zip(new.as_ref()).map(|(group, attributes)| name(group, attributes));
        let gone = || {
            let (group, attributes) = before.zip(old.as_ref())?;
            Some(GroupName { version: group.version + 1, ..name(group, attributes) })
        };
        let mut events: Vec<NewEvent> =
            named.or_else(gone).map(|group| members.events(group)).unwrap_or_default();
        let place = if after.is_some() { 0 } else { events.len() };
        if let Some(event) = of_group {
            events.insert(place, event);
        }
        let rows = event_writes(self.tenant, self.cause, &events);
        writes.extend(rows.map(|row| (GroupRow::Unconditional, row)));
        Ok(())
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
        if !self.is_counted() {
            return;
        }
        let step = i8::from(self.after.is_some()) - i8::from(self.before.is_some());
        let counter = CounterUpdate::new(self.tenant, ResourceKind::Group, self.prefix.shard)
            .resource(self.prefix, step, deep);
        writes.push((GroupRow::Counter, counter.write()));
        if deep {
            let leaf = leaf_update(self.tenant, ResourceKind::Group, self.prefix, step);
            writes.push((GroupRow::Unconditional, leaf));
        }
    }
}

/// Members that one transaction removes beside the group and an event.
const REMOVED_AT_ONCE: usize = 98;

/// Members that one transaction adds: each takes two writes, since it must exist.
const ADDED_AT_ONCE: usize = 49;
