//! `/directory/v1/tenants/{tenant}/groups`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::error::DirectoryApiError;
use super::list::{Listed, Reading, attributes, read_collection, read_found};
use super::page::{Page, RenderedPage};
use super::params::{FilterValue, NoQuery, PageLimit, PageQuery, Path, Query};
use super::tenants::find_tenant;
use crate::http::json::Json;
use crate::runtime::state::AppState;
use crate::store::{Chunk, GroupMember, Store, StoreError, StoredGroup, Versioned};
use directory::filter::GroupFilter;
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

/// Query parameters of the list of groups. All that are given must hold.
#[derive(Debug, Deserialize)]
pub(super) struct GroupsQuery {
    /// In any letter case.
    display_name: Option<FilterValue>,
    external_id: Option<FilterValue>,
    cursor: Option<String>,
    limit: Option<PageLimit>,
}

/// A member of a group.
#[derive(Debug, Serialize)]
pub(super) struct MemberView {
    id: ResourceId,
    /// `user` or `group`.
    #[serde(rename = "type")]
    kind: &'static str,
}

impl From<GroupMember> for MemberView {
    fn from(member: GroupMember) -> Self {
        let kind = match member.kind {
            ResourceKind::User => "user",
            ResourceKind::Group => "group",
        };
        Self { id: member.id, kind }
    }
}

pub(super) async fn list(
    _: Caller,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(query): Query<GroupsQuery>,
) -> Result<Json<RenderedPage>, DirectoryApiError> {
    let GroupsQuery { display_name, external_id, cursor, limit } = query;
    let page = PageQuery { cursor, limit };
    let page = (page.after()?, page.limit());
    let filter = GroupFilter::new(
        display_name.as_ref().map(|FilterValue(name)| name.as_str()),
        external_id.map(|FilterValue(id)| id),
    );
    let tenant = find_tenant(&app, &tenant).await?.id;
    let listed = match find(&app.store, tenant, &filter).await? {
        Some(ids) => read_found::<StoredGroup>(&app, tenant, ids, page, &filter).await?,
        None => read_collection::<StoredGroup>(&app, tenant, page, (Reading::All, &filter)).await?,
    };
    Ok(Json(listed))
}

pub(super) async fn read(
    _: Caller,
    State(app): State<AppState>,
    Path((tenant, group)): Path<(String, String)>,
    _: NoQuery,
) -> Result<Json<Map<String, Value>>, DirectoryApiError> {
    let tenant = find_tenant(&app, &tenant).await?.id;
    let group = find_group(&app, tenant, &group).await?;
    Ok(Json(group.resource.group_view(&attributes(&group.resource)?).to_json()))
}

pub(super) async fn list_members(
    _: Caller,
    State(app): State<AppState>,
    Path((tenant, group)): Path<(String, String)>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<MemberView>>, DirectoryApiError> {
    let (after, limit) = (page.after()?, page.limit());
    let tenant = find_tenant(&app, &tenant).await?.id;
    let group = find_group(&app, tenant, &group).await?.resource.id;
    let members = app.store.members_after(tenant, group, after, limit).await?;
    let last = members.last().filter(|_| members.len() == limit);
    let next_cursor = last.map(|member| member.id.to_string());
    Ok(Json(Page { items: members.into_iter().map(MemberView::from).collect(), next_cursor }))
}

async fn find_group(
    app: &AppState,
    tenant: TenantId,
    group: &str,
) -> Result<StoredGroup, DirectoryApiError> {
    let id = group.parse().map_err(|_| DirectoryApiError::NotFound)?;
    app.store.group(tenant, id).await?.ok_or(DirectoryApiError::NotFound)
}

/// Returns the ids of the groups that may pass the filter; `None` if nothing in it has a lookup.
async fn find(
    store: &Store,
    tenant: TenantId,
    filter: &GroupFilter,
) -> Result<Option<Vec<ResourceId>>, StoreError> {
    if let Some(name) = filter.display_name() {
        let id = store.group_id_of_display_name(tenant, name).await?;
        return Ok(Some(id.into_iter().collect()));
    }
    match filter.external_id() {
        Some(id) => store.group_ids_of_external_id(tenant, id).await.map(Some),
        None => Ok(None),
    }
}

impl Listed for StoredGroup {
    type Filter = GroupFilter;

    async fn read_after(
        store: &Store,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> Result<Chunk<Self>, StoreError> {
        store.groups_snapshot(tenant, last, count).await
    }

    async fn read_among(
        store: &Store,
        tenant: TenantId,
        ids: Vec<ResourceId>,
    ) -> Result<Vec<Self>, StoreError> {
        store.groups(tenant, ids).await
    }

    fn versioned(&self) -> &Versioned {
        &self.resource
    }

    fn render(
        &self,
        filter: &GroupFilter,
    ) -> Result<Option<Map<String, Value>>, DirectoryApiError> {
        let attributes = attributes(&self.resource)?;
        let group = self.resource.group_view(&attributes);
        Ok(filter.matches(&group).then(|| group.to_json()))
    }
}
