//! One change of a group as a plan: which rows to write under which conditions. No I/O.

use std::collections::BTreeMap;

use super::batch::RowChange;
use super::counters::{CounterUpdate, Position, leaf_update};
use super::groups::{GroupWrite, StoredGroup};
use super::item::{Item, number, text};
use super::keys::{Collection, Key};
use super::members::{GroupMember, member_key, member_row};
use super::unique::{move_row, move_value};
use super::write::Write;
use super::{MAX_DOCUMENT_BYTES, StoreError};
use types::ids::{ResourceId, TenantId};

/// What the caller asks for.
#[derive(Debug)]
pub(super) struct GroupChange<'a> {
    pub(super) tenant: TenantId,
    id: ResourceId,
    pub(super) position: Position,
    before: Option<&'a StoredGroup>,
    after: Option<&'a GroupWrite>,
    /// Member rows to put and to delete.
    pub(super) rows: Vec<RowChange>,
    /// That those to add are there. Only a transaction can demand it.
    pub(super) checks: Vec<Write>,
}

/// A write of the transaction, named by what its refusal means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// The row itself.
    Group,
    /// The new `displayName`.
    DisplayName,
    /// A name given up, conditional on its being this group's.
    Vacated,
    /// A row without a condition.
    Unconditional,
    /// The group's counter.
    Counter,
    /// A member to add.
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
            position: Position::of(id),
            before,
            after,
            rows: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Adds and removes members; who is both added and removed is added.
    pub(super) fn members(mut self, add: &[GroupMember], remove: &[ResourceId]) -> Self {
        let key = |member| Key::member(self.tenant, self.id, member);
        let mut rows: BTreeMap<ResourceId, RowChange> =
            remove.iter().map(|member| (*member, RowChange::Delete(key(*member)))).collect();
        for member in add {
            let row = member_row(self.tenant, self.id, member);
            rows.insert(member.id, RowChange::Put(row));
        }
        self.rows = rows.into_values().collect();
        // The group itself has a condition of its own, and a transaction takes a row once.
        let others = add.iter().filter(|member| member.id != self.id);
        let checks: BTreeMap<_, _> = others.map(|member| (member.id, member.kind)).collect();
        let check = |(id, kind)| Write::check_exists(member_key(self.tenant, id, kind));
        self.checks = checks.into_iter().map(check).collect();
        self
    }

    pub(super) fn check_size(&self) -> Result<(), StoreError> {
        let Some(write) = self.after else { return Ok(()) };
        let external_id = write.external_id.as_deref().unwrap_or_default();
        let bytes = write.document.len() + write.display_name.len() + external_id.len();
        if bytes > MAX_DOCUMENT_BYTES { Err(StoreError::TooLarge) } else { Ok(()) }
    }

    /// The group to write; `None` for a deletion.
    pub(super) fn stored(&self) -> Option<StoredGroup> {
        let write = self.after?;
        Some(StoredGroup {
            id: self.id,
            version: self.before.map_or(1, |before| before.version + 1),
            created: self.before.map_or(write.last_modified, |before| before.created),
            last_modified: write.last_modified,
            display_name: write.display_name.clone(),
            external_id: write.external_id.clone(),
            document: write.document.clone(),
        })
    }

    /// All rows but the members'.
    pub(super) fn writes(&self, after: Option<&StoredGroup>, deep: bool) -> Vec<(Part, Write)> {
        let mut writes = vec![(Part::Group, self.row_write(after))];
        let id = self.id.to_string();
        let name = |group: &StoredGroup| {
            let folded = Some(&group.display_name).filter(|name| !name.is_empty())?;
            Some(Key::display_name(self.tenant, folded))
        };
        let (old, new) = (self.before.and_then(name), after.and_then(name));
        move_value((Part::DisplayName, Part::Vacated), &id, old, new, &mut writes);
        self.external_id_writes(after, &mut writes);
        self.counter_writes(deep, &mut writes);
        writes
    }

    fn row_write(&self, after: Option<&StoredGroup>) -> Write {
        let key = Key::resource(self.tenant, Collection::Groups, self.id);
        let write = match after {
            Some(group) if self.before.is_some() => Write::replace(row(&key, group), &["x"]),
            Some(group) => Write::put(row(&key, group)),
            None => Write::delete(key),
        };
        match self.before {
            Some(before) => write.when("v = :v").bind(":v", number(before.version)),
            None => write.when("attribute_not_exists(pk)"),
        }
    }

    fn external_id_writes(&self, after: Option<&StoredGroup>, writes: &mut Vec<(Part, Write)>) {
        let key = |group: &StoredGroup| {
            let external_id = group.external_id.as_deref().filter(|value| !value.is_empty())?;
            Some(Key::external_id(self.tenant, Collection::Groups, external_id, self.id))
        };
        let (old, new) = (self.before.and_then(key), after.and_then(key));
        writes.extend(move_row(old, new).map(|write| (Part::Unconditional, write)));
    }

    fn counter_writes(&self, deep: bool, writes: &mut Vec<(Part, Write)>) {
        let step = i8::from(self.after.is_some()) - i8::from(self.before.is_some());
        if step == 0 {
            return;
        }
        let counter = CounterUpdate::new(self.tenant, Collection::Groups, self.position.shard)
            .resource(self.position, step, deep);
        writes.push((Part::Counter, counter.write()));
        if deep {
            let leaf = leaf_update(self.tenant, Collection::Groups, self.position, step);
            writes.push((Part::Unconditional, leaf));
        }
    }
}

impl GroupWrite {
    /// A write that changes nothing but the version.
    pub(super) fn of(group: &StoredGroup) -> Self {
        Self {
            last_modified: group.last_modified,
            display_name: group.display_name.clone(),
            external_id: group.external_id.clone(),
            document: group.document.clone(),
        }
    }
}

fn row(key: &Key, group: &StoredGroup) -> Item {
    let mut item = key.item();
    item.extend([
        ("v".to_owned(), number(group.version)),
        ("ca".to_owned(), text(group.created.to_string())),
        ("lm".to_owned(), text(group.last_modified.to_string())),
        ("dn".to_owned(), text(&group.display_name)),
        ("d".to_owned(), text(&group.document)),
    ]);
    if let Some(external_id) = &group.external_id {
        item.insert("x".to_owned(), text(external_id));
    }
    item
}
