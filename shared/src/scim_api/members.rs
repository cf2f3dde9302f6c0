//! Reads and renders the members of a group, and plans the rows that a change writes.
//!
//! A member is a row of its own. The core in [`scim::members`] computes the net change of a
//! request; the store writes the rows together with the group.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::caller::Caller;
use super::error::{ScimApiError, StoreContext as _};
use super::join_bounded::join_bounded;
use crate::store::GroupMember;
use scim::error::ScimError;
use scim::matcher::Matcher;
use scim::members::{Member, NetChange, candidate_ids};
use scim::quirks;
use scim::schema::ResourceType;
use types::ids::ResourceId;

/// Rows to write and rows to delete.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct MemberChange {
    pub(super) add: Vec<GroupMember>,
    pub(super) remove: Vec<GroupMember>,
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

    /// Returns whether no group of the page has members yet.
    const fn is_untouched(self) -> bool {
        self.0 == MAX_RENDERED
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
    caller.charge_memberships(present.len());
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
    let matchers: Vec<Matcher<'_>> = change.remove_matching.iter().map(Matcher::new).collect();
    let mut remove = Vec::new();
    for member in present.iter().filter(|member| !stays.contains(&member.id)) {
        if change.reset || removed.contains(&member.id) || matches_any(caller, &matchers, member)? {
            remove.push(member.clone());
        }
    }
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

/// Returns whether a member satisfies one of the filters.
///
/// # Errors
///
/// [`ScimError::TooMany`] if the meter of the request is used up.
fn matches_any(
    caller: &Caller,
    matchers: &[Matcher<'_>],
    member: &GroupMember,
) -> Result<bool, ScimError> {
    if matchers.is_empty() {
        return Ok(false);
    }
    caller.meter.check()?;
    let element = json!({"value": member.id, "type": member.kind.as_str()});
    let members = ResourceType::group().attribute("members");
    let meter = &caller.meter;
    Ok(matchers.iter().any(|matcher| matcher.matches_element(members, &element, meter)))
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
    caller.charge_memberships(members.len());
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

/// The members of a group in a response.
#[derive(Debug)]
pub(super) enum RenderedMembers {
    /// Whole members.
    Full(Vec<Value>),
    /// So many that each has only its `value`. They become text without a value in between, which
    /// would take ten times the memory.
    Brief(Vec<ResourceId>),
}

impl RenderedMembers {
    /// The members of a response without members.
    pub(super) const NONE: Self = Self::Full(Vec::new());

    fn new(caller: &Caller, members: &[GroupMember]) -> Self {
        if members.len() > MAX_IN_FULL {
            return Self::Brief(members.iter().map(|member| member.id).collect());
        }
        Self::Full(members.iter().map(|member| render(caller, member)).collect())
    }
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
) -> Result<RenderedMembers, ScimApiError> {
    let members = caller.app.store.members(caller.tenant, group, budget.0 + 1).await;
    let members = members.context("read the members of a group")?;
    caller.charge_memberships(members.len());
    budget.spend(members.len())?;
    Ok(RenderedMembers::new(caller, &members))
}

/// Reads and renders the members of groups of a page, under one budget for the whole page, up to the
/// group that exceeds it. Small groups are read concurrently, a large one alone, so that few large
/// ones are in memory at a time.
///
/// # Errors
///
/// [`ScimError::TooMany`] if the first group of the page exceeds the budget.
pub(super) async fn read_page(
    caller: &Caller,
    groups: &[ResourceId],
    budget: &mut MemberBudget,
) -> Result<Vec<RenderedMembers>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    let reads = groups.iter().copied();
    let reads = reads.map(|group| store.members(tenant, group, MAX_IN_SMALL_GROUP + 1));
    let read = join_bounded(reads).await.context("read the members of a page of groups")?;
    let mut page = Vec::with_capacity(groups.len());
    for (group, members) in groups.iter().zip(read) {
        let rendered = if members.len() > MAX_IN_SMALL_GROUP {
            read_all(caller, *group, budget).await
        } else {
            budget.spend(members.len()).map(|()| RenderedMembers::new(caller, &members))
        };
        match rendered {
            Ok(members) => page.push(members),
            Err(ScimApiError::Scim(ScimError::TooMany(_))) if !budget.is_untouched() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(page)
}

/// Reads and renders all members of a group for a filter.
pub(super) async fn read_for_filter(
    caller: &Caller,
    group: ResourceId,
) -> Result<Vec<Value>, ScimApiError> {
    match read_all(caller, group, &mut MemberBudget::for_filter()).await? {
        RenderedMembers::Full(members) => Ok(members),
        RenderedMembers::Brief(ids) => Ok(ids.into_iter().map(|id| json!({"value": id})).collect()),
    }
}

/// Reads and renders those of `ids` that are members of the group.
pub(super) async fn read_among(
    caller: &Caller,
    group: ResourceId,
    ids: &[ResourceId],
) -> Result<Vec<Value>, ScimApiError> {
    let found = caller.app.store.members_among(caller.tenant, group, ids).await;
    let found = found.context("look up members of a group")?;
    Ok(found.iter().map(|member| render(caller, member)).collect())
}

fn render(caller: &Caller, member: &GroupMember) -> Value {
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
