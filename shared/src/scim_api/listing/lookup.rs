//! Reads of the store for a list, by the kind of the resources.

use super::super::caller::Caller;
use super::super::error::{ScimApiError, StoreContext as _};
use super::super::join_bounded::join_bounded;
use super::super::listed::ListedResource;
use super::super::memberships::FilterMemberships;
use crate::store::{Page, StoredGroup, StoredUser};
use scim::fold::fold;
use scim::lookup_plan::LookupPlan;
use scim::schema::ResourceKind;
use types::ids::ResourceId;

/// Reads the page at a 1-based index, and the number of resources in the collection.
pub(super) async fn read_page(
    caller: &Caller,
    kind: ResourceKind,
    start_index: u64,
    count: usize,
) -> Result<Page<ListedResource>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    match kind {
        ResourceKind::User => {
            let page = store.users_page(tenant, start_index, count).await;
            let Page { items, total } = page.context("read a page of users")?;
            Ok(Page { items: users(items), total })
        }
        ResourceKind::Group => {
            let page = store.groups_page(tenant, start_index, count).await;
            let Page { items, total } = page.context("read a page of groups")?;
            Ok(Page { items: groups(items), total })
        }
    }
}

/// Reads at most `count` resources whose id follows `last`; from the first one without it.
pub(super) async fn read_after(
    caller: &Caller,
    kind: ResourceKind,
    last: Option<ResourceId>,
    count: usize,
) -> Result<Vec<ListedResource>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    match kind {
        ResourceKind::User => {
            let found = store.users_after(tenant, last, count).await;
            found.map(users).context("read users in the order of ids")
        }
        ResourceKind::Group => {
            let found = store.groups_after(tenant, last, count).await;
            found.map(groups).context("read groups in the order of ids")
        }
    }
}

/// Reads the number of resources in the collection.
pub(super) async fn read_total(caller: &Caller, kind: ResourceKind) -> Result<u64, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    match kind {
        ResourceKind::User => store.users_total(tenant).await.context("count the users"),
        ResourceKind::Group => store.groups_total(tenant).await.context("count the groups"),
    }
}

/// Reads the resources that the lookups of a plan find, in the order of ids.
pub(super) async fn read_planned(
    caller: &Caller,
    kind: ResourceKind,
    plan: &LookupPlan,
    memberships: &FilterMemberships,
) -> Result<Vec<ListedResource>, ScimApiError> {
    let lookups = plan.lookups();
    let mut found = Vec::with_capacity(lookups.len());
    for lookup in lookups {
        found.push(look_up(caller, kind, lookup, memberships));
    }
    let mut found = join_bounded(found).await?.concat();
    found.sort_unstable_by_key(ListedResource::id);
    found.dedup_by_key(|stored| stored.id());
    Ok(found)
}

async fn look_up(
    caller: &Caller,
    kind: ResourceKind,
    lookup: &LookupPlan,
    memberships: &FilterMemberships,
) -> Result<Vec<ListedResource>, ScimApiError> {
    match kind {
        ResourceKind::User => Ok(users(look_up_users(caller, lookup, memberships).await?)),
        ResourceKind::Group => Ok(groups(look_up_groups(caller, lookup).await?)),
    }
}

/// Looks up users by a key of the table.
async fn look_up_users(
    caller: &Caller,
    lookup: &LookupPlan,
    memberships: &FilterMemberships,
) -> Result<Vec<StoredUser>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    match lookup {
        LookupPlan::Id(id) => {
            let Ok(id) = id.parse() else { return Ok(Vec::new()) };
            let user = store.user(tenant, id).await.context("look up a user by id")?;
            Ok(user.into_iter().collect())
        }
        LookupPlan::UserName(name) => {
            let user = store.user_by_user_name(tenant, &fold(name)).await;
            Ok(user.context("look up a user by userName")?.into_iter().collect())
        }
        LookupPlan::ExternalId(id) => {
            let users = store.users_by_external_id(tenant, id).await;
            users.context("look up users by externalId")
        }
        LookupPlan::Email(email) => {
            let users = store.users_by_email(tenant, &fold(email)).await;
            users.context("look up users by e-mail address")
        }
        LookupPlan::Group(group) => {
            let members = memberships.members_of(caller, group).await?;
            store.users(tenant, members).await.context("read the users of a group")
        }
        LookupPlan::DisplayName(_)
        | LookupPlan::Member(_)
        | LookupPlan::AnyOf(_)
        | LookupPlan::Scan => Ok(Vec::new()),
    }
}

/// Looks up groups by a key of the table.
async fn look_up_groups(
    caller: &Caller,
    lookup: &LookupPlan,
) -> Result<Vec<StoredGroup>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    match lookup {
        LookupPlan::Id(id) => {
            let Ok(id) = id.parse() else { return Ok(Vec::new()) };
            let group = store.group(tenant, id).await.context("look up a group by id")?;
            Ok(group.into_iter().collect())
        }
        LookupPlan::DisplayName(name) => {
            let group = store.group_by_display_name(tenant, &fold(name)).await;
            Ok(group.context("look up a group by displayName")?.into_iter().collect())
        }
        LookupPlan::ExternalId(id) => {
            let groups = store.groups_by_external_id(tenant, id).await;
            groups.context("look up groups by externalId")
        }
        LookupPlan::Member(member) => {
            let Ok(member) = member.parse() else { return Ok(Vec::new()) };
            let groups = store.groups_of(tenant, member).await;
            groups.context("look up groups by member")
        }
        LookupPlan::UserName(_)
        | LookupPlan::Email(_)
        | LookupPlan::Group(_)
        | LookupPlan::AnyOf(_)
        | LookupPlan::Scan => Ok(Vec::new()),
    }
}

fn users(found: Vec<StoredUser>) -> Vec<ListedResource> {
    found.into_iter().map(ListedResource::User).collect()
}

fn groups(found: Vec<StoredGroup>) -> Vec<ListedResource> {
    found.into_iter().map(ListedResource::Group).collect()
}
