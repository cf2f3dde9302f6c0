//! `/v1/tenants/{tenant}/users`, `groups` and `activity`: what the identity provider has put here.
//! Read-only: users and groups are written by SCIM alone.

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::body::{Items, Json};
use super::caller::Operator;
use super::params::{Path, Query};
use super::tenants::{PageQuery, existing};
use crate::ids::ResourceId;
use crate::problem::Problem;
use crate::scim::resource;
use crate::state::AppState;
use crate::store::{Activity, StoredGroup, StoredUser};

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
}

impl From<StoredUser> for UserView {
    fn from(user: StoredUser) -> Self {
        let document = attributes(&user.document);
        Self {
            id: user.id,
            user_name: resource::user_name(&document).map(str::to_owned),
            external_id: resource::external_id(&document).map(str::to_owned),
            display_name: resource::display_name(&document).map(str::to_owned),
            active: user.active,
            license: user.licence.as_str(),
            seated: user.seated,
            created_at: user.created,
            last_modified_at: user.last_modified,
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
}

impl From<StoredGroup> for GroupView {
    fn from(group: StoredGroup) -> Self {
        let document = attributes(&group.document);
        Self {
            id: group.id,
            display_name: resource::display_name(&document).map(str::to_owned),
            external_id: resource::external_id(&document).map(str::to_owned),
            created_at: group.created,
            last_modified_at: group.last_modified,
        }
    }
}

pub(super) async fn users(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Items<UserView>>, Problem> {
    let tenant = existing(&app, &tenant).await?;
    let users = app.store.users_after(tenant.id, page.after()?, page.limit()).await?;
    let last = users.last().map(|user| user.id.to_string());
    let next_cursor = last.filter(|_| users.len() == page.limit());
    Ok(Json(Items { items: users.into_iter().map(UserView::from).collect(), next_cursor }))
}

pub(super) async fn groups(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Items<GroupView>>, Problem> {
    let tenant = existing(&app, &tenant).await?;
    let groups = app.store.groups_after(tenant.id, page.after()?, page.limit()).await?;
    let last = groups.last().map(|group| group.id.to_string());
    let next_cursor = last.filter(|_| groups.len() == page.limit());
    Ok(Json(Items { items: groups.into_iter().map(GroupView::from).collect(), next_cursor }))
}

/// What happened, newest first.
pub(super) async fn activity(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Items<Activity>>, Problem> {
    let tenant = existing(&app, &tenant).await?;
    let before = page.after::<String>()?;
    let items = app.store.activity(tenant.id, before, page.limit(), app.clock.now()).await?;
    let last = items.last().map(|entry| entry.id.clone());
    let next_cursor = last.filter(|_| items.len() == page.limit());
    Ok(Json(Items { items, next_cursor }))
}

fn attributes(document: &str) -> Map<String, Value> {
    serde_json::from_str(document).unwrap_or_default()
}
