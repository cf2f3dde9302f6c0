//! Loads the memberships that a filter needs: `groups eq "…"` of users, `members eq "…"` of groups.
//!
//! Memberships are rows of their own, so a stored resource has to be completed before its filter is
//! evaluated. A filter that compares ids needs only the memberships of those ids. Any other filter
//! on memberships has to load them for every resource, and may examine [`MAX_LOADED`] resources.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::caller::Caller;
use super::error::{ScimApiError, StoreContext as _};
use super::join_bounded::{MAX_CONCURRENT, join_bounded};
use super::listed::ListedResource;
use super::stored::render_stored;
use super::users::GroupOfUser;
use super::{groups, members, users};
use crate::store::StoredUser;
use scim::error::ScimError;
use scim::filter::Filter;
use scim::lookup_plan::{LookupPlan, NeededMemberships};
use scim::schema::ResourceKind;
use types::ids::ResourceId;

/// The memberships that a filter needs, and the number of resources that it may examine.
pub(super) struct FilterMemberships {
    source: Source,
    max_candidates: usize,
}

/// Source of the memberships of one resource.
enum Source {
    /// The filter does not use memberships.
    None,
    /// Users: the groups that the filter names, with their members.
    Groups(Vec<(ResourceId, HashSet<ResourceId>)>),
    /// Users: the groups that the filter names, looked up for each user.
    AmongGroups(Vec<ResourceId>),
    /// Users: all groups of each user.
    AllGroups,
    /// Groups: the members that the filter names.
    AmongMembers(Vec<ResourceId>),
    /// Groups: all members of each group.
    AllMembers,
}

impl FilterMemberships {
    /// Plans the memberships of a filter, and reads the members of the groups that a filter of
    /// users names.
    pub(super) async fn load(
        caller: &Caller,
        kind: ResourceKind,
        filter: Option<&Filter>,
    ) -> Result<Self, ScimApiError> {
        let Some(filter) = filter else {
            return Ok(Self { source: Source::None, max_candidates: MAX_CANDIDATES });
        };
        let (source, max_candidates) = match kind {
            ResourceKind::User => of_users(caller, filter).await?,
            ResourceKind::Group => of_groups(filter),
        };
        Ok(Self { source, max_candidates })
    }

    /// Returns the number of resources that the filter may examine.
    pub(super) const fn max_candidates(&self) -> usize {
        self.max_candidates
    }

    /// Returns the number of resources to complete at a time. Completing costs memory, and is
    /// concurrent only where memberships have to be read for each resource.
    pub(super) const fn batch(&self) -> usize {
        match self.source {
            Source::None | Source::Groups(_) | Source::AllMembers => 1,
            Source::AmongGroups(_) | Source::AllGroups | Source::AmongMembers(_) => MAX_CONCURRENT,
        }
    }

    /// Checks the number of resources that the filter examines.
    ///
    /// # Errors
    ///
    /// [`ScimError::TooMany`] if it exceeds the limit.
    pub(super) fn check_candidates(&self, candidates: usize) -> Result<(), ScimError> {
        if candidates > self.max_candidates { Err(too_many(self.max_candidates)) } else { Ok(()) }
    }

    /// Returns the members of a group that the filter names. Reads them if they are not loaded,
    /// because the filter names other groups too.
    pub(super) async fn members_of(
        &self,
        caller: &Caller,
        group: &str,
    ) -> Result<Vec<ResourceId>, ScimApiError> {
        let read;
        let loaded = match &self.source {
            Source::Groups(groups) => groups,
            Source::None
            | Source::AmongGroups(_)
            | Source::AllGroups
            | Source::AmongMembers(_)
            | Source::AllMembers => {
                read = read_with_members(caller, &[group.to_owned()]).await?;
                &read
            }
        };
        let found = loaded.iter().find(|(id, _)| group.parse() == Ok(*id));
        Ok(found.map(|(_, members)| members.iter().copied().collect()).unwrap_or_default())
    }

    /// Renders resources with the memberships that the filter needs.
    pub(super) async fn complete(
        &self,
        caller: &Caller,
        resources: Vec<ListedResource>,
    ) -> Result<Vec<(ListedResource, Map<String, Value>)>, ScimApiError> {
        let completed = resources.into_iter().map(|stored| async move {
            let resource = match &stored {
                ListedResource::User(user) => self.complete_user(caller, user).await?,
                ListedResource::Group(group) => {
                    let mut resource = render_stored(caller, ResourceKind::Group, &group.resource)?;
                    let members = self.members(caller, group.resource.id).await?;
                    groups::insert_members(&mut resource, members);
                    resource
                }
            };
            Ok((stored, resource))
        });
        join_bounded(completed).await
    }

    async fn complete_user(
        &self,
        caller: &Caller,
        user: &StoredUser,
    ) -> Result<Map<String, Value>, ScimApiError> {
        let mut resource = render_stored(caller, ResourceKind::User, &user.resource)?;
        // A filter finds a user without `active` by its default.
        resource.entry("active").or_insert(Value::Bool(user.active));
        let groups = match &self.source {
            Source::Groups(groups) => {
                let of_user =
                    groups.iter().filter(|(_, members)| members.contains(&user.resource.id));
                of_user.map(|(group, _)| without_name(*group)).collect()
            }
            Source::AmongGroups(groups) => {
                let found = read_among_groups(caller, user.resource.id, groups).await?;
                found.into_iter().map(without_name).collect()
            }
            Source::AllGroups => users::read_groups(caller, user.resource.id).await?,
            Source::None | Source::AmongMembers(_) | Source::AllMembers => Vec::new(),
        };
        if !groups.is_empty() {
            users::insert_groups(caller, &mut resource, &groups);
        }
        Ok(resource)
    }

    async fn members(
        &self,
        caller: &Caller,
        group: ResourceId,
    ) -> Result<Vec<Value>, ScimApiError> {
        match &self.source {
            Source::AmongMembers(ids) => members::read_among(caller, group, ids).await,
            Source::AllMembers => members::read_for_filter(caller, group).await,
            Source::None | Source::Groups(_) | Source::AmongGroups(_) | Source::AllGroups => {
                Ok(Vec::new())
            }
        }
    }
}

/// Returns the source for a filter of users, and the number of users that it may examine.
async fn of_users(caller: &Caller, filter: &Filter) -> Result<(Source, usize), ScimApiError> {
    let resource_type = ResourceKind::User.resource_type();
    Ok(match NeededMemberships::new(filter, resource_type, "groups") {
        NeededMemberships::Only(ids) if ids.is_empty() => (Source::None, MAX_CANDIDATES),
        NeededMemberships::Only(ids) => match LookupPlan::new(filter, resource_type) {
            // The membership of one user, in a group of any size.
            LookupPlan::Id(_) | LookupPlan::UserName(_) => {
                (Source::AmongGroups(parse_ids(&ids)), MAX_LOADED)
            }
            LookupPlan::ExternalId(_)
            | LookupPlan::Email(_)
            | LookupPlan::DisplayName(_)
            | LookupPlan::Member(_)
            | LookupPlan::Group(_)
            | LookupPlan::AnyOf(_)
            | LookupPlan::Scan => {
                (Source::Groups(read_with_members(caller, &ids).await?), MAX_CANDIDATES)
            }
        },
        NeededMemberships::All => (Source::AllGroups, MAX_LOADED),
    })
}

/// Returns the source for a filter of groups, and the number of groups that it may examine.
fn of_groups(filter: &Filter) -> (Source, usize) {
    let resource_type = ResourceKind::Group.resource_type();
    match NeededMemberships::new(filter, resource_type, "members") {
        NeededMemberships::Only(ids) if ids.is_empty() => (Source::None, MAX_CANDIDATES),
        NeededMemberships::Only(ids) => {
            let plan = LookupPlan::new(filter, resource_type);
            let by_member = matches!(plan, LookupPlan::Member(_));
            let max_candidates = if by_member { MAX_CANDIDATES } else { MAX_LOADED };
            (Source::AmongMembers(parse_ids(&ids)), max_candidates)
        }
        NeededMemberships::All => (Source::AllMembers, MAX_LOADED),
    }
}

/// Returns the error of a request that would examine more than `max` resources.
pub(super) fn too_many(max: usize) -> ScimError {
    ScimError::TooMany(format!(
        "more than {max} resources or members would have to be filtered or sorted; page by cursor \
         (RFC 9865), or filter with eq by id, userName, externalId, emails, groups, displayName or \
         members"
    ))
}

/// Reads groups with their members. One request may read as many members as it may examine users.
async fn read_with_members(
    caller: &Caller,
    groups: &[String],
) -> Result<Vec<(ResourceId, HashSet<ResourceId>)>, ScimApiError> {
    let mut left = MAX_CANDIDATES;
    let mut found = Vec::new();
    for group in parse_ids(groups) {
        let members = caller.app.store.members(caller.tenant, group, left + 1).await;
        let members = members.context("read the members of a group")?;
        caller.charge_memberships(members.len());
        left = left.checked_sub(members.len()).ok_or_else(|| too_many(MAX_CANDIDATES))?;
        found.push((group, members.into_iter().map(|member| member.id).collect()));
    }
    Ok(found)
}

/// A group for a filter that compares ids.
const fn without_name(id: ResourceId) -> GroupOfUser {
    GroupOfUser { id, display: None }
}

/// Returns those of `groups` that a user is a member of.
async fn read_among_groups(
    caller: &Caller,
    user: ResourceId,
    groups: &[ResourceId],
) -> Result<Vec<ResourceId>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    let lookups = groups.iter().copied().map(|group| async move {
        let found = store.members_among(tenant, group, &[user]).await;
        let found = found.context("look up a user among the members of a group")?;
        Ok::<_, ScimApiError>((!found.is_empty()).then_some(group))
    });
    Ok(join_bounded(lookups).await?.into_iter().flatten().collect())
}

/// Parses ids, each once. A text that is not an id names no resource.
fn parse_ids(ids: &[String]) -> Vec<ResourceId> {
    let mut ids: Vec<ResourceId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Maximum number of resources that one request may examine.
pub(super) const MAX_CANDIDATES: usize = 10_000;

/// Maximum number of resources if each of them costs a call of the store.
const MAX_LOADED: usize = 500;
