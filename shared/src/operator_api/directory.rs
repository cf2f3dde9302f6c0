//! `/v1/tenants/{tenant}/users`, `groups` and `activity`: what the identity provider has put here.
//! Read-only: users and groups are written by SCIM alone. In brief, unless the whole resources are
//! asked for, as an export does.

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::body::{Items, Json};
use super::caller::Operator;
use super::params::{Path, Query};
use super::tenants::{PageQuery, existing};
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::store::{Activity, GroupMember, StoredGroup, StoredUser};
use scim::resource;
use types::ids::ResourceId;

/// A user in brief.
#[derive(Debug, Serialize)]
pub(super) struct UserView {
    id: ResourceId,
    user_name: Option<String>,
    external_id: Option<String>,
    display_name: Option<String>,
    active: bool,
    license: &'static str,
    /// Occupies a seat.
    seated: bool,
    created_at: Timestamp,
    last_modified_at: Timestamp,
    /// All attributes; only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Map<String, Value>>,
}

impl UserView {
    fn new(user: &StoredUser, whole: bool) -> Self {
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

/// A group in brief.
#[derive(Debug, Serialize)]
pub(super) struct GroupView {
    id: ResourceId,
    display_name: Option<String>,
    external_id: Option<String>,
    created_at: Timestamp,
    last_modified_at: Timestamp,
    /// All attributes but `members`; only when asked for.
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
    /// As the identity provider sent it.
    display: Option<String>,
}

impl From<GroupMember> for MemberView {
    fn from(member: GroupMember) -> Self {
        let GroupMember { id, kind, display } = member;
        Self { id, kind: kind.as_str(), display }
    }
}

/// Whether whole resources are asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Detail {
    #[serde(default)]
    resource: bool,
}

pub(super) async fn users(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
    Query(detail): Query<Detail>,
) -> Result<Json<Items<UserView>>, Problem> {
    let tenant = existing(&app, &tenant).await?;
    let users = app.store.users_after(tenant.id, page.after()?, page.limit()).await?;
    let last = users.last().map(|user| user.resource.id.to_string());
    let next_cursor = last.filter(|_| users.len() == page.limit());
    let view = |user: &StoredUser| UserView::new(user, detail.resource);
    Ok(Json(Items { items: users.iter().map(view).collect(), next_cursor }))
}

pub(super) async fn groups(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
    Query(detail): Query<Detail>,
) -> Result<Json<Items<GroupView>>, Problem> {
    let tenant = existing(&app, &tenant).await?;
    let groups = app.store.groups_after(tenant.id, page.after()?, page.limit()).await?;
    let last = groups.last().map(|group| group.resource.id.to_string());
    let next_cursor = last.filter(|_| groups.len() == page.limit());
    let view = |group: &StoredGroup| GroupView::new(group, detail.resource);
    Ok(Json(Items { items: groups.iter().map(view).collect(), next_cursor }))
}

pub(super) async fn members(
    _: Operator,
    State(app): State<AppState>,
    Path((tenant, group)): Path<(String, String)>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Items<MemberView>>, Problem> {
    let no_group = Problem::NotFound("group");
    let tenant = existing(&app, &tenant).await?.id;
    let Ok(group) = group.parse() else { return Err(no_group) };
    let group: ResourceId = app.store.group(tenant, group).await?.ok_or(no_group)?.resource.id;
    let members = app.store.members_after(tenant, group, page.after()?, page.limit()).await?;
    let last = members.last().map(|member| member.id.to_string());
    let next_cursor = last.filter(|_| members.len() == page.limit());
    Ok(Json(Items { items: members.into_iter().map(MemberView::from).collect(), next_cursor }))
}

/// What happened, newest first.
pub(super) async fn activity(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Items<Activity>>, Problem> {
    let tenant = existing(&app, &tenant).await?;
    let before = page.after::<Uuid>()?.map(|id| id.to_string());
    let items = app.store.activity(tenant.id, before, page.limit(), app.clock.now()).await?;
    let last = items.last().map(|entry| entry.id.clone());
    let next_cursor = last.filter(|_| items.len() == page.limit());
    Ok(Json(Items { items, next_cursor }))
}

fn attributes(document: &str) -> Map<String, Value> {
    serde_json::from_str(document).unwrap_or_default()
}
