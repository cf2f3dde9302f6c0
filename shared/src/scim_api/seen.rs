//! What a filter sees of a resource.
//!
//! Memberships are rows of their own. A filter that names them, `groups eq "…"` or `members eq
//! "…"`, is decided by those it names. One that looks at them in another way has to load them for
//! every resource, and may look at [`MOST_LOADED`] only.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::at_once::at_once;
use super::caller::Caller;
use super::error::ScimApiError;
use super::listing::Stored;
use super::resources::Kind;
use super::{groups, members, users};
use scim::error::ScimError;
use scim::filter::Filter;
use scim::plan::{Needed, Plan};
use types::ids::ResourceId;

/// How a filter looks at the resources of one kind.
pub(super) struct Sight {
    memberships: Memberships,
    most: usize,
}

enum Memberships {
    /// It looks at none.
    None,
    /// Of a user: groups that the filter names, with their members.
    Groups(Vec<(ResourceId, HashSet<ResourceId>)>),
    /// Of a user: those of these groups that it is in, looked up for each user.
    AmongGroups(Vec<ResourceId>),
    /// Of a user: whatever groups it has.
    AllGroups,
    /// Of a group: members that the filter names.
    Members(Vec<ResourceId>),
    /// Of a group: all members.
    AllMembers,
}

impl Sight {
    /// Loads the members of the groups that a filter of users names.
    pub(super) async fn of(
        caller: &Caller,
        kind: Kind,
        filter: Option<&Filter>,
    ) -> Result<Self, ScimApiError> {
        let Some(filter) = filter else {
            return Ok(Self { memberships: Memberships::None, most: MOST_CANDIDATES });
        };
        let of = kind.resource_type();
        let (memberships, most) = match kind {
            Kind::Users => match Needed::of(filter, of, "groups") {
                Needed::Only(ids) if ids.is_empty() => (Memberships::None, MOST_CANDIDATES),
                // One membership of one user, in a group of any size.
                Needed::Only(ids)
                    if matches!(Plan::of(filter, of), Plan::Id(_) | Plan::UserName(_)) =>
                {
                    (Memberships::AmongGroups(parsed(&ids)), MOST_LOADED)
                }
                Needed::Only(ids) => {
                    let groups = with_members(caller, &ids).await?;
                    (Memberships::Groups(groups), MOST_CANDIDATES)
                }
                Needed::All => (Memberships::AllGroups, MOST_LOADED),
            },
            Kind::Groups => match Needed::of(filter, of, "members") {
                Needed::Only(ids) if ids.is_empty() => (Memberships::None, MOST_CANDIDATES),
                Needed::Only(ids) => {
                    let planned = matches!(Plan::of(filter, of), Plan::Member(_));
                    let most = if planned { MOST_CANDIDATES } else { MOST_LOADED };
                    (Memberships::Members(parsed(&ids)), most)
                }
                Needed::All => (Memberships::AllMembers, MOST_LOADED),
            },
        };
        Ok(Self { memberships, most })
    }

    /// How many resources the filter may look at.
    pub(super) const fn most(&self) -> usize {
        self.most
    }

    /// Refuses more resources than the filter may look at.
    pub(super) fn bound(&self, candidates: usize) -> Result<(), ScimError> {
        if candidates > self.most { Err(too_many(self.most)) } else { Ok(()) }
    }

    /// The members of a group that the filter names: known, or read if the filter looks at other
    /// groups too.
    pub(super) async fn members_of(
        &self,
        caller: &Caller,
        group: &str,
    ) -> Result<Vec<ResourceId>, ScimApiError> {
        let read;
        let known = match &self.memberships {
            Memberships::Groups(groups) => groups,
            Memberships::None
            | Memberships::AmongGroups(_)
            | Memberships::AllGroups
            | Memberships::Members(_)
            | Memberships::AllMembers => {
                read = with_members(caller, &[group.to_owned()]).await?;
                &read
            }
        };
        let named = known.iter().find(|(id, _)| group.parse() == Ok(*id));
        Ok(named.map(|(_, members)| members.iter().copied().collect()).unwrap_or_default())
    }

    /// Resources with as much of their memberships as decides the filter.
    pub(super) async fn see(
        &self,
        caller: &Caller,
        resources: Vec<Stored>,
    ) -> Result<Vec<(Stored, Map<String, Value>)>, ScimApiError> {
        let seen = resources.into_iter().map(|stored| async move {
            let resource = self.resource(caller, &stored).await?;
            Ok((stored, resource))
        });
        at_once(seen).await
    }

    async fn resource(
        &self,
        caller: &Caller,
        stored: &Stored,
    ) -> Result<Map<String, Value>, ScimApiError> {
        match stored {
            Stored::User(user) => {
                let mut resource = users::bare(caller, user)?;
                // Without a value it is the default, and a filter finds it so.
                resource.entry("active").or_insert(Value::Bool(user.active));
                let groups = match &self.memberships {
                    Memberships::Groups(groups) => {
                        let of_user =
                            groups.iter().filter(|(_, them)| them.contains(&user.resource.id));
                        of_user.map(|(group, _)| *group).collect()
                    }
                    Memberships::AmongGroups(groups) => {
                        among(caller, user.resource.id, groups).await?
                    }
                    Memberships::AllGroups => users::groups_of(caller, user).await?,
                    Memberships::None | Memberships::Members(_) | Memberships::AllMembers => {
                        Vec::new()
                    }
                };
                if !groups.is_empty() {
                    users::put_groups(caller, &mut resource, &groups);
                }
                Ok(resource)
            }
            Stored::Group(group) => {
                let mut resource = groups::bare(caller, group)?;
                let members = match &self.memberships {
                    Memberships::Members(ids) => {
                        members::among(caller, group.resource.id, ids).await?
                    }
                    Memberships::AllMembers => {
                        members::of_filter(caller, group.resource.id).await?
                    }
                    Memberships::None
                    | Memberships::Groups(_)
                    | Memberships::AmongGroups(_)
                    | Memberships::AllGroups => Vec::new(),
                };
                groups::put_members(&mut resource, members);
                Ok(resource)
            }
        }
    }
}

/// The answer to a request that would look at more than `most` resources.
pub(super) fn too_many(most: usize) -> ScimError {
    ScimError::TooMany(format!(
        "more than {most} resources or members are too many to filter or sort at once; page by \
         cursor (RFC 9865), or filter by id, userName, externalId, emails, groups, displayName or \
         members with eq"
    ))
}

/// Groups with their members, of which one request may look at no more than at users.
async fn with_members(
    caller: &Caller,
    groups: &[String],
) -> Result<Vec<(ResourceId, HashSet<ResourceId>)>, ScimApiError> {
    let mut left = MOST_CANDIDATES;
    let mut found = Vec::new();
    for group in parsed(groups) {
        let members = caller.app.store.members(caller.tenant, group, left + 1).await?;
        left = left.checked_sub(members.len()).ok_or_else(|| too_many(MOST_CANDIDATES))?;
        found.push((group, members.into_iter().map(|member| member.id).collect()));
    }
    Ok(found)
}

/// Those of the groups that a user is a member of.
async fn among(
    caller: &Caller,
    user: ResourceId,
    groups: &[ResourceId],
) -> Result<Vec<ResourceId>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    let is_member = groups.iter().copied().map(|group| async move {
        let found = store.members_among(tenant, group, &[user]).await?;
        Ok::<_, ScimApiError>((!found.is_empty()).then_some(group))
    });
    Ok(at_once(is_member).await?.into_iter().flatten().collect())
}

/// Ids, each once; a text that is no id names nothing.
fn parsed(ids: &[String]) -> Vec<ResourceId> {
    let mut ids: Vec<ResourceId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// How many resources one request may look at when no lookup fits its filter.
pub(super) const MOST_CANDIDATES: usize = 10_000;

/// How many when each of them costs a call.
const MOST_LOADED: usize = 500;
