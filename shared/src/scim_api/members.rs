//! Reads and renders the members of a group, and plans the rows that a change writes.
//!
//! A member is a row of its own. The core in [`scim::members`] computes the net change of a
//! request; the store writes the rows together with the group.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::caller::Caller;
use super::error::{ScimApiError, StoreContext as _};
use super::join_bounded::{MAX_CONCURRENT, join_bounded};
use crate::store::GroupMember;
use scim::error::ScimError;
use scim::matcher::matches_element;
use scim::members::{Member, NetChange, candidate_ids};
use scim::quirks;
use scim::schema::ResourceType;
use types::ids::ResourceId;

/// Rows to write and rows to delete.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct MemberChange {
    pub(super) add: Vec<GroupMember>,
    pub(super) remove: Vec<ResourceId>,
}

impl MemberChange {
    pub(super) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

/// Number of members that a response may still contain.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemberBudget(usize);

impl Default for MemberBudget {
    fn default() -> Self {
        Self(MAX_RENDERED)
    }
}

impl MemberBudget {
    /// Returns the budget of the response to a PATCH, which is one bounded read.
    pub(super) const fn for_patch() -> Self {
        Self(MAX_AFTER_PATCH)
    }

    /// Returns the budget of a filter for one group.
    const fn for_filter() -> Self {
        Self(MAX_FILTERED)
    }

    fn spend(&mut self, members: usize) -> Result<(), ScimApiError> {
        self.0 = self.0.checked_sub(members).ok_or_else(|| {
            ScimError::TooMany(
                "the members do not fit in one response; send excludedAttributes=members, or test \
                 one member with filter=id eq \"…\" and members eq \"…\""
                    .to_owned(),
            )
        })?;
        Ok(())
    }
}

/// Returns the rows that a net change writes and deletes.
///
/// Adding and removing members by id reads only those rows. Replacing or clearing the members, and
/// a filter that any member may match, read all rows.
///
/// # Errors
///
/// [`ScimError::InvalidValue`] if the group would be a member of itself or, in strict mode, if a
/// new member does not exist.
pub(super) async fn plan_change(
    caller: &Caller,
    group: ResourceId,
    change: &NetChange,
) -> Result<MemberChange, ScimApiError> {
    if change.is_empty() {
        return Ok(MemberChange::default());
    }
    if change.add.iter().any(|member| member.value.parse() == Ok(group)) {
        return Err(ScimError::InvalidValue(
            "members: a group cannot be a member of itself".to_owned(),
        )
        .into());
    }
    let present = read_affected(caller, group, change).await?;
    let present_ids: HashSet<ResourceId> = present.iter().map(|member| member.id).collect();
    let mut stays: HashSet<ResourceId> = HashSet::new();
    let mut new = Vec::new();
    for member in &change.add {
        match member.value.parse() {
            Ok(id) if present_ids.contains(&id) => {
                stays.insert(id);
            }
            Ok(_) | Err(_) => new.push(member.clone()),
        }
    }
    let removed: HashSet<ResourceId> =
        change.remove.iter().filter_map(|id| id.parse().ok()).collect();
    let leaves = |member: &GroupMember| {
        !stays.contains(&member.id)
            && (change.reset || removed.contains(&member.id) || matches_any(change, member))
    };
    let remove = present.iter().filter(|member| leaves(member)).map(|member| member.id).collect();
    let add = find_new(caller, &new).await?;
    Ok(MemberChange { add, remove })
}

/// Reads the current members that a change can affect.
async fn read_affected(
    caller: &Caller,
    group: ResourceId,
    change: &NetChange,
) -> Result<Vec<GroupMember>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    match affected_ids(change) {
        Some(ids) => store.members_among(tenant, group, &ids).await,
        None => store.members(tenant, group, usize::MAX).await,
    }
    .context("read the members of a group")
}

/// Returns the ids of the members that a change can affect; `None` if it can affect any member.
fn affected_ids(change: &NetChange) -> Option<Vec<ResourceId>> {
    if change.reset {
        return None;
    }
    let matching: Option<Vec<_>> = change.remove_matching.iter().map(candidate_ids).collect();
    let matching = matching?.concat();
    let added = change.add.iter().map(|member| &member.value);
    let ids = added.chain(&change.remove).chain(&matching);
    // A text that is not an id is the id of no member.
    Some(ids.filter_map(|id| id.parse().ok()).collect())
}

fn matches_any(change: &NetChange, member: &GroupMember) -> bool {
    let element = json!({"value": member.id, "type": member.kind.as_str()});
    let members = ResourceType::group().attribute("members");
    change.remove_matching.iter().any(|filter| matches_element(filter, members, &element))
}

/// Returns the rows of new members that exist in the tenant.
///
/// # Errors
///
/// [`ScimError::InvalidValue`] with the first id that does not exist, in strict mode.
pub(super) async fn find_new(
    caller: &Caller,
    members: &[Member],
) -> Result<Vec<GroupMember>, ScimApiError> {
    let (found, unknown) = find_existing(caller, members).await?;
    match unknown.first() {
        Some(id) if !quirks::ignores_unknown_members(caller.mode) => {
            Err(ScimError::InvalidValue(format!("members: no user or group has the id {id:?}"))
                .into())
        }
        Some(_) | None => Ok(found),
    }
}

/// Returns the rows of the members that exist in the tenant, and the ids of the others.
async fn find_existing<'m>(
    caller: &Caller,
    members: &'m [Member],
) -> Result<(Vec<GroupMember>, Vec<&'m str>), ScimApiError> {
    let mut requested: BTreeMap<ResourceId, &Member> = BTreeMap::new();
    let mut unknown = Vec::new();
    for member in members {
        match member.value.parse() {
            Ok(id) => drop(requested.insert(id, member)),
            Err(_) => unknown.push(member.value.as_str()),
        }
    }
    let ids: Vec<ResourceId> = requested.keys().copied().collect();
    let found = caller.app.store.existing_members(caller.tenant, &ids).await;
    let mut found = found.context("look up the new members of a group")?;
    for row in &mut found {
        if let Some(member) = requested.remove(&row.id) {
            row.display.clone_from(&member.display);
        }
    }
    unknown.extend(requested.into_values().map(|member| member.value.as_str()));
    Ok((found, unknown))
}

/// Reads and renders all members of a group.
///
/// # Errors
///
/// [`ScimError::TooMany`] if they exceed the budget.
pub(super) async fn read_all(
    caller: &Caller,
    group: ResourceId,
    budget: &mut MemberBudget,
) -> Result<Vec<Value>, ScimApiError> {
    let members = caller.app.store.members(caller.tenant, group, budget.0 + 1).await;
    let members = members.context("read the members of a group")?;
    budget.spend(members.len())?;
    Ok(render_all(caller, &members))
}

/// Reads and renders the members of each group of a page, under one budget for all of them. Small
/// groups are read concurrently, a large one alone, so that few large ones are in memory at a time.
pub(super) async fn read_page(
    caller: &Caller,
    groups: &[ResourceId],
) -> Result<Vec<Vec<Value>>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    let mut budget = MemberBudget::default();
    let mut page = Vec::with_capacity(groups.len());
    for chunk in groups.chunks(MAX_CONCURRENT) {
        let reads = chunk.iter().copied();
        let reads = reads.map(|group| store.members(tenant, group, MAX_IN_SMALL_GROUP + 1));
        let read = join_bounded(reads).await.context("read the members of a page of groups")?;
        for (group, members) in chunk.iter().zip(read) {
            page.push(if members.len() > MAX_IN_SMALL_GROUP {
                read_all(caller, *group, &mut budget).await?
            } else {
                budget.spend(members.len())?;
                render_all(caller, &members)
            });
        }
    }
    Ok(page)
}

/// Reads and renders all members of a group for a filter.
pub(super) async fn read_for_filter(
    caller: &Caller,
    group: ResourceId,
) -> Result<Vec<Value>, ScimApiError> {
    read_all(caller, group, &mut MemberBudget::for_filter()).await
}

/// Reads and renders those of `ids` that are members of the group.
pub(super) async fn read_among(
    caller: &Caller,
    group: ResourceId,
    ids: &[ResourceId],
) -> Result<Vec<Value>, ScimApiError> {
    let found = caller.app.store.members_among(caller.tenant, group, ids).await;
    let found = found.context("look up members of a group")?;
    Ok(found.iter().map(|member| render(caller, member, false)).collect())
}

fn render_all(caller: &Caller, members: &[GroupMember]) -> Vec<Value> {
    let brief = members.len() > MAX_IN_FULL;
    members.iter().map(|member| render(caller, member, brief)).collect()
}

fn render(caller: &Caller, member: &GroupMember, brief: bool) -> Value {
    if brief {
        return json!({"value": member.id});
    }
    let endpoint = member.kind.resource_type().endpoint;
    let location = format!("{}{endpoint}/{}", caller.scim_url, member.id);
    let mut rendered = json!({
        "value": member.id,
        "$ref": location,
        "type": member.kind.as_str(),
    });
    if let (Value::Object(rendered), Some(display)) = (&mut rendered, &member.display) {
        rendered.insert("display".to_owned(), display.as_str().into());
    }
    rendered
}

/// Maximum number of members in one response: 47 bytes each, within Lambda's 6 MB.
const MAX_RENDERED: usize = 110_000;

/// Maximum number of members in the response to a PATCH.
const MAX_AFTER_PATCH: usize = 200;

/// Maximum number of members with `type` and `$ref`; more have `value` alone.
const MAX_IN_FULL: usize = 10_000;

/// Maximum number of members of one group that a filter on all members reads.
const MAX_FILTERED: usize = 10_000;

/// Maximum number of members of a group that is read concurrently with others: one call's worth.
const MAX_IN_SMALL_GROUP: usize = 1_000;
