//! `/v1/tenants/{tenant}/users`, `groups` and `activity`: what the identity provider has
//! provisioned, and the activity log.
//!
//! Read-only: only SCIM writes users and groups. `?resource=true` adds the whole resources, for an
//! export.

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::body::Json;
use super::caller::Operator;
use super::page::{Limit, Page, PageQuery};
use super::params::{FilterValue, Path, Query};
use super::tenants::find_tenant;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::store::{Activity, GroupMember, Store, StoreError, StoredGroup, StoredUser, UserKeys};
use scim::fold::fold;
use scim::resource;
use types::ids::{ResourceId, TenantId};

/// A user in a list.
#[derive(Debug, Serialize)]
pub(super) struct UserView {
    id: ResourceId,
    user_name: Option<String>,
    external_id: Option<String>,
    display_name: Option<String>,
    active: bool,
    license: &'static str,
    /// Whether the user occupies a seat.
    seated: bool,
    created_at: Timestamp,
    last_modified_at: Timestamp,
    /// All attributes; present with `?resource=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Map<String, Value>>,
}

impl UserView {
    pub(super) fn new(user: &StoredUser, whole: bool) -> Self {
        let document = attributes(&user.resource.document);
        Self {
            id: user.resource.id,
            user_name: resource::user_name(&document).map(str::to_owned),
            external_id: resource::external_id(&document).map(str::to_owned),
            display_name: resource::display_name(&document).map(str::to_owned),
            active: user.active,
            license: user.licence.as_str(),
            seated: user.seated,
            created_at: user.resource.created,
            last_modified_at: user.resource.last_modified,
            resource: whole.then_some(document),
        }
    }
}

/// A group in a list.
#[derive(Debug, Serialize)]
pub(super) struct GroupView {
    id: ResourceId,
    display_name: Option<String>,
    external_id: Option<String>,
    created_at: Timestamp,
    last_modified_at: Timestamp,
    /// All attributes but `members`; present with `?resource=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Map<String, Value>>,
}

impl GroupView {
    fn new(group: &StoredGroup, whole: bool) -> Self {
        let document = attributes(&group.resource.document);
        Self {
            id: group.resource.id,
            display_name: resource::display_name(&document).map(str::to_owned),
            external_id: resource::external_id(&document).map(str::to_owned),
            created_at: group.resource.created,
            last_modified_at: group.resource.last_modified,
            resource: whole.then_some(document),
        }
    }
}

/// A member of a group.
#[derive(Debug, Serialize)]
pub(super) struct MemberView {
    id: ResourceId,
    /// `User` or `Group`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The value that the identity provider sent.
    display: Option<String>,
}

impl From<GroupMember> for MemberView {
    fn from(member: GroupMember) -> Self {
        let GroupMember { id, kind, display } = member;
        Self { id, kind: kind.as_str(), display }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct UsersQuery {
    /// Lists only the user with this `userName`.
    user_name: Option<FilterValue>,
    /// Lists only users with this e-mail address.
    email: Option<FilterValue>,
    /// Lists only users with this `externalId`.
    external_id: Option<FilterValue>,
    /// Whether to add the whole resources.
    #[serde(default)]
    resource: bool,
    cursor: Option<String>,
    limit: Option<Limit>,
}

#[derive(Debug, Deserialize)]
pub(super) struct GroupsQuery {
    /// Whether to add the whole resources.
    #[serde(default)]
    resource: bool,
    cursor: Option<String>,
    limit: Option<Limit>,
}

pub(super) async fn list_users(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(query): Query<UsersQuery>,
) -> Result<Json<Page<UserView>>, OperatorApiError> {
    let UsersQuery { user_name, email, external_id, resource, cursor, limit } = query;
    let page = PageQuery { cursor, limit };
    let filter = UserFilter {
        user_name: user_name.map(|FilterValue(name)| fold(&name)),
        email: email.map(|FilterValue(address)| fold(&address)),
        external_id: external_id.map(|FilterValue(id)| id),
    };
    let tenant = find_tenant(&app, &tenant).await?.id;
    let after: Option<ResourceId> = page.after()?;
    let users = if let Some(mut ids) = filter.look_up(&app.store, tenant).await? {
        ids.retain(|id| after.is_none_or(|after| *id > after));
        ids.truncate(page.limit());
        let Page { items: ids, next_cursor } = Page::new(ids, page.limit(), ResourceId::to_string);
        let mut items = app.store.users(tenant, ids).await?;
        items.retain(|user| filter.matches(user));
        Page { items, next_cursor }
    } else {
        let users = app.store.users_after(tenant, after, page.limit()).await?;
        Page::new(users, page.limit(), |user| user.resource.id.to_string())
    };
    Ok(Json(users.map(|user| UserView::new(&user, resource))))
}

/// The users to list, by folded values.
#[derive(Clone, Debug)]
struct UserFilter {
    user_name: Option<String>,
    email: Option<String>,
    external_id: Option<String>,
}

impl UserFilter {
    /// Returns the ids of all users who may match, in order; `None` without a filter.
    async fn look_up(
        &self,
        store: &Store,
        tenant: TenantId,
    ) -> Result<Option<Vec<ResourceId>>, StoreError> {
        let mut found = if let Some(name) = &self.user_name {
            store.ids_of_user_names(tenant, std::slice::from_ref(name)).await?
        } else if let Some(id) = &self.external_id {
            store.ids_of_external_id(tenant, id).await?
        } else if let Some(address) = &self.email {
            store.ids_of_email_or_user_name(tenant, address).await?
        } else {
            return Ok(None);
        };
        found.sort_unstable();
        found.dedup();
        Ok(Some(found))
    }

    fn matches(&self, user: &StoredUser) -> bool {
        let keys = UserKeys::of(&attributes(&user.resource.document));
        self.user_name.as_ref().is_none_or(|name| keys.user_name == *name)
            && self.email.as_ref().is_none_or(|address| keys.emails.contains(address))
            && self.external_id.as_ref().is_none_or(|id| keys.external_id.as_ref() == Some(id))
    }
}

pub(super) async fn list_groups(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(query): Query<GroupsQuery>,
) -> Result<Json<Page<GroupView>>, OperatorApiError> {
    let GroupsQuery { resource, cursor, limit } = query;
    let page = PageQuery { cursor, limit };
    let tenant = find_tenant(&app, &tenant).await?;
    let groups = app.store.groups_after(tenant.id, page.after()?, page.limit()).await?;
    let groups = Page::new(groups, page.limit(), |group| group.resource.id.to_string());
    Ok(Json(groups.map(|group| GroupView::new(&group, resource))))
}

pub(super) async fn list_members(
    _: Operator,
    State(app): State<AppState>,
    Path((tenant, group)): Path<(String, String)>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<MemberView>>, OperatorApiError> {
    let no_group = OperatorApiError::NotFound("group");
    let tenant = find_tenant(&app, &tenant).await?.id;
    let Ok(group) = group.parse() else { return Err(no_group) };
    let group: ResourceId = app.store.group(tenant, group).await?.ok_or(no_group)?.resource.id;
    let members = app.store.members_after(tenant, group, page.after()?, page.limit()).await?;
    let members = Page::new(members, page.limit(), |member| member.id.to_string());
    Ok(Json(members.map(MemberView::from)))
}

/// Lists the activity log, newest first.
pub(super) async fn list_activity(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Activity>>, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    let before = page.after::<Uuid>()?.map(|id| id.to_string());
    let items = app.store.activity(tenant.id, before, page.limit(), app.clock.now()).await?;
    Ok(Json(Page::new(items, page.limit(), |entry| entry.id.clone())))
}

fn attributes(document: &str) -> Map<String, Value> {
    serde_json::from_str(document).unwrap_or_default()
}
