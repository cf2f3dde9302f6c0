//! Members of a group: what operations change, and how many are shown.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::at_once::{AT_ONCE, at_once};
use super::caller::Caller;
use super::error::ScimApiError;
use crate::store::GroupMember;
use scim::error::ScimError;
use scim::matcher::matches_element;
use scim::members::{Member, MemberKind, Net, only_ids};
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

/// How many members one answer may still show.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemberBudget(usize);

impl Default for MemberBudget {
    fn default() -> Self {
        Self(MOST_SHOWN)
    }
}

impl MemberBudget {
    /// The budget of an answer to PATCH, which is one bounded read.
    pub(super) const fn of_patch() -> Self {
        Self(MOST_AFTER_PATCH)
    }

    /// The budget of a filter for one of the groups that it looks at.
    const fn of_filter() -> Self {
        Self(MOST_FILTERED)
    }

    fn spend(&mut self, members: usize) -> Result<(), ScimApiError> {
        self.0 = self.0.checked_sub(members).ok_or_else(|| {
            ScimError::TooMany(
                "the members do not fit one answer; ask with excludedAttributes=members, or for \
                 one member by filter=id eq \"…\" and members eq \"…\""
                    .to_owned(),
            )
        })?;
        Ok(())
    }
}

/// What a net effect changes in the rows that are there.
///
/// Adding and removing named members looks at those rows alone; replacing and clearing, and a
/// filter that may match any member, read all of them.
pub(super) async fn change(
    caller: &Caller,
    group: ResourceId,
    net: &Net,
) -> Result<MemberChange, ScimApiError> {
    if net.is_empty() {
        return Ok(MemberChange::default());
    }
    if net.add.iter().any(|member| member.value.parse() == Ok(group)) {
        return Err(ScimError::InvalidValue(
            "members: a group cannot be a member of itself".to_owned(),
        )
        .into());
    }
    let store = &caller.app.store;
    let present = match named(net) {
        Some(named) => store.members_among(caller.tenant, group, &named).await?,
        None => store.members(caller.tenant, group, usize::MAX).await?,
    };
    let mut stays: HashSet<ResourceId> = HashSet::new();
    let mut new = Vec::new();
    let present_ids: HashSet<ResourceId> = present.iter().map(|member| member.id).collect();
    for member in &net.add {
        match member.value.parse() {
            Ok(id) if present_ids.contains(&id) => {
                stays.insert(id);
            }
            Ok(_) | Err(_) => new.push(member.clone()),
        }
    }
    let removed: HashSet<ResourceId> = net.remove.iter().filter_map(|id| id.parse().ok()).collect();
    let leaves = |member: &GroupMember| {
        !stays.contains(&member.id)
            && (net.reset || removed.contains(&member.id) || matches_any(net, member))
    };
    let remove = present.iter().filter(|member| leaves(member)).map(|member| member.id).collect();
    let add = if quirks::ignores_unknown_members(caller.mode) {
        look_up(caller, &new).await?.0
    } else {
        known(caller, &new).await?
    };
    Ok(MemberChange { add, remove })
}

/// The members that a net effect can touch; None if it can be any.
fn named(net: &Net) -> Option<Vec<ResourceId>> {
    if net.reset {
        return None;
    }
    let matching: Option<Vec<_>> = net.remove_matching.iter().map(only_ids).collect();
    let matching = matching?.concat();
    let added = net.add.iter().map(|member| &member.value);
    let named = added.chain(&net.remove).chain(&matching);
    // A text that is no id names no member.
    Some(named.filter_map(|id| id.parse().ok()).collect())
}

fn matches_any(net: &Net, member: &GroupMember) -> bool {
    let element = json!({"value": member.id, "type": member.kind.as_str()});
    let members = ResourceType::group().attribute("members");
    net.remove_matching.iter().any(|filter| matches_element(filter, members, &element))
}

/// The rows for new members, which must exist in this tenant.
pub(super) async fn known(
    caller: &Caller,
    members: &[Member],
) -> Result<Vec<GroupMember>, ScimApiError> {
    let (found, unknown) = look_up(caller, members).await?;
    match unknown.first() {
        None => Ok(found),
        Some(id) => {
            Err(ScimError::InvalidValue(format!("members: {id:?} is no user or group here")).into())
        }
    }
}

/// The rows for those who exist in this tenant, and the ids of the others.
async fn look_up<'m>(
    caller: &Caller,
    members: &'m [Member],
) -> Result<(Vec<GroupMember>, Vec<&'m str>), ScimApiError> {
    let mut named: BTreeMap<ResourceId, &Member> = BTreeMap::new();
    let mut unknown = Vec::new();
    for member in members {
        match member.value.parse() {
            Ok(id) => drop(named.insert(id, member)),
            Err(_) => unknown.push(member.value.as_str()),
        }
    }
    let ids: Vec<ResourceId> = named.keys().copied().collect();
    let mut found = caller.app.store.existing_members(caller.tenant, &ids).await?;
    for row in &mut found {
        if let Some(member) = named.remove(&row.id) {
            row.display.clone_from(&member.display);
        }
    }
    unknown.extend(named.into_values().map(|member| member.value.as_str()));
    Ok((found, unknown))
}

/// All members of a group, as its resource shows them.
///
/// # Errors
///
/// [`ScimError::TooMany`] when they exceed the budget, which is what Lambda's limit of 6 MB to an
/// answer leaves room for.
pub(super) async fn all(
    caller: &Caller,
    group: ResourceId,
    budget: &mut MemberBudget,
) -> Result<Vec<Value>, ScimApiError> {
    let members = caller.app.store.members(caller.tenant, group, budget.0 + 1).await?;
    budget.spend(members.len())?;
    Ok(all_shown(caller, &members))
}

/// The members of each group of a page, under one budget for all of them. Small groups are read at
/// once, a large one by itself, so that not many large ones are in memory together.
pub(super) async fn of_page(
    caller: &Caller,
    groups: &[ResourceId],
) -> Result<Vec<Vec<Value>>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    let mut budget = MemberBudget::default();
    let mut page = Vec::with_capacity(groups.len());
    for some in groups.chunks(AT_ONCE) {
        let small = some.iter().copied();
        let small = small.map(|group| store.members(tenant, group, MOST_OF_SMALL + 1));
        for (group, members) in some.iter().zip(at_once(small).await?) {
            page.push(if members.len() > MOST_OF_SMALL {
                all(caller, *group, &mut budget).await?
            } else {
                budget.spend(members.len())?;
                all_shown(caller, &members)
            });
        }
    }
    Ok(page)
}

/// All members of one of the groups that a filter looks at.
pub(super) async fn of_filter(
    caller: &Caller,
    group: ResourceId,
) -> Result<Vec<Value>, ScimApiError> {
    all(caller, group, &mut MemberBudget::of_filter()).await
}

/// Those of `ids` that are members of the group.
pub(super) async fn among(
    caller: &Caller,
    group: ResourceId,
    ids: &[ResourceId],
) -> Result<Vec<Value>, ScimApiError> {
    let found = caller.app.store.members_among(caller.tenant, group, ids).await?;
    Ok(found.iter().map(|member| shown(caller, member, false)).collect())
}

fn all_shown(caller: &Caller, members: &[GroupMember]) -> Vec<Value> {
    let brief = members.len() > MOST_IN_FULL;
    members.iter().map(|member| shown(caller, member, brief)).collect()
}

fn shown(caller: &Caller, member: &GroupMember, brief: bool) -> Value {
    if brief {
        return json!({"value": member.id});
    }
    let (kind, endpoint) = match member.kind {
        MemberKind::User => ("User", "Users"),
        MemberKind::Group => ("Group", "Groups"),
    };
    let location = format!("{}/{endpoint}/{}", caller.scim_url, member.id);
    let mut shown = json!({"value": member.id, "$ref": location, "type": kind});
    if let (Value::Object(shown), Some(display)) = (&mut shown, &member.display) {
        shown.insert("display".to_owned(), display.as_str().into());
    }
    shown
}

/// Members in one answer: 47 bytes each, under Lambda's 6 MB.
const MOST_SHOWN: usize = 110_000;

/// Members that an answer to PATCH shows.
const MOST_AFTER_PATCH: usize = 200;

/// Members that are shown with `type` and `$ref`; above it `value` alone.
const MOST_IN_FULL: usize = 10_000;

/// Members that a filter which looks at all of them reads of one group.
const MOST_FILTERED: usize = 10_000;

/// Members of a group that is read together with others: one call's worth.
const MOST_OF_SMALL: usize = 1_000;
