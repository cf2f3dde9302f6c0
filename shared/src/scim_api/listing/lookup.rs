//! Reads of the store for a list, by the kind of the resources.

use super::super::caller::Caller;
use super::super::error::{ScimApiError, StoreContext as _};
use super::super::listed::ListedResource;
use super::super::memberships::FilterMemberships;
use crate::store::{Chunk, Page, StoredGroup, StoredUser};
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

/// Reads resources whose id follows `last`, from the first one without it: at most `count`, and no
/// more than one call returns.
pub(super) async fn read_chunk(
    caller: &Caller,
    kind: ResourceKind,
    last: Option<ResourceId>,
    count: usize,
) -> Result<Chunk<ListedResource>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    match kind {
        ResourceKind::User => {
            let chunk = store.users_chunk(tenant, last, count).await;
            let Chunk { items, has_more } = chunk.context("read users in the order of ids")?;
            Ok(Chunk { items: users(items), has_more })
        }
        ResourceKind::Group => {
            let chunk = store.groups_chunk(tenant, last, count).await;
            let Chunk { items, has_more } = chunk.context("read groups in the order of ids")?;
            Ok(Chunk { items: groups(items), has_more })
        }
    }
}

/// Reads the resources among `ids` that exist, in the order of ids.
pub(super) async fn read_by_ids(
    caller: &Caller,
    kind: ResourceKind,
    ids: Vec<ResourceId>,
) -> Result<Vec<ListedResource>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    match kind {
        ResourceKind::User => store.users(tenant, ids).await.map(users).context("read users by id"),
        ResourceKind::Group => {
            store.groups(tenant, ids).await.map(groups).context("read groups by id")
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

/// Finds the ids of the resources that a lookup finds. Some of them may not exist.
pub(super) async fn look_up(
    caller: &Caller,
    kind: ResourceKind,
    lookup: &LookupPlan,
    memberships: &FilterMemberships,
) -> Result<Vec<ResourceId>, ScimApiError> {
    match kind {
        ResourceKind::User => look_up_users(caller, lookup, memberships).await,
        ResourceKind::Group => look_up_groups(caller, lookup).await,
    }
}

/// Looks up users by a key of the table.
async fn look_up_users(
    caller: &Caller,
    lookup: &LookupPlan,
    memberships: &FilterMemberships,
) -> Result<Vec<ResourceId>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    match lookup {
        LookupPlan::Id(id) => Ok(id.parse().into_iter().collect()),
        LookupPlan::UserName(name) => {
            let found = store.ids_of_user_names(tenant, &[fold(name)]).await;
            found.context("look up a user by userName")
        }
        LookupPlan::ExternalId(id) => {
            let found = store.ids_of_external_id(tenant, id).await;
            found.context("look up users by externalId")
        }
        LookupPlan::Email(email) => {
            let found = store.ids_of_email_or_user_name(tenant, &fold(email)).await;
            found.context("look up users by e-mail address")
        }
        LookupPlan::Group(group) => memberships.members_of(caller, group).await,
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
) -> Result<Vec<ResourceId>, ScimApiError> {
    let (store, tenant) = (&caller.app.store, caller.tenant);
    match lookup {
        LookupPlan::Id(id) => Ok(id.parse().into_iter().collect()),
        LookupPlan::DisplayName(name) => {
            let found = store.group_id_of_display_name(tenant, &fold(name)).await;
            Ok(found.context("look up a group by displayName")?.into_iter().collect())
        }
        LookupPlan::ExternalId(id) => {
            let found = store.group_ids_of_external_id(tenant, id).await;
            found.context("look up groups by externalId")
        }
        LookupPlan::Member(member) => {
            let Ok(member) = member.parse() else { return Ok(Vec::new()) };
            let found = store.group_ids_of(tenant, member).await;
            found.context("look up groups by member")
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
