//! `/directory/v1/tenants/{tenant}/users`.

use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::error::DirectoryApiError;
use super::list::{Listed, Reading, attributes, read_collection, read_found};
use super::page::RenderedPage;
use super::params::{FilterValue, NoQuery, PageLimit, PageQuery, Path, Query};
use super::tenants::find_tenant;
use crate::http::json::Json;
use crate::runtime::state::AppState;
use crate::store::{Chunk, Store, StoreError, StoredGroup, StoredUser, Versioned};
use directory::filter::{GroupFilter, UserFilter};
use scim::resource::display_name;
use types::ids::{ResourceId, TenantId};

/// Query parameters of the list of users. All that are given must hold.
#[derive(Debug, Deserialize)]
pub(super) struct UsersQuery {
    /// Any address of the user, in any letter case.
    email: Option<FilterValue>,
    /// In any letter case.
    user_name: Option<FilterValue>,
    external_id: Option<FilterValue>,
    /// Users whose last change is not before this time.
    updated_since: Option<Timestamp>,
    cursor: Option<String>,
    limit: Option<PageLimit>,
}

pub(super) async fn list(
    _: Caller,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(query): Query<UsersQuery>,
) -> Result<Json<RenderedPage>, DirectoryApiError> {
    let UsersQuery { email, user_name, external_id, updated_since, cursor, limit } = query;
    let page = PageQuery { cursor, limit };
    let page = (page.after()?, page.limit());
    let filter = UserFilter::new(
        user_name.as_ref().map(|FilterValue(name)| name.as_str()),
        external_id.map(|FilterValue(id)| id),
        email.as_ref().map(|FilterValue(email)| email.as_str()),
        updated_since,
    );
    let tenant = find_tenant(&app, &tenant).await?.id;
    let listed = if let Some(ids) = find(&app.store, tenant, &filter).await? {
        read_found::<StoredUser>(&app, tenant, ids, page, &filter).await?
    } else {
        let reading = if filter.is_empty() { Reading::All } else { Reading::Selected };
        read_collection::<StoredUser>(&app, tenant, page, (reading, &filter)).await?
    };
    Ok(Json(listed))
}

pub(super) async fn read(
    _: Caller,
    State(app): State<AppState>,
    Path((tenant, user)): Path<(String, String)>,
    _: NoQuery,
) -> Result<Json<Map<String, Value>>, DirectoryApiError> {
    let id = user.parse().map_err(|_| DirectoryApiError::NotFound)?;
    let tenant = find_tenant(&app, &tenant).await?.id;
    let (user, groups) =
        tokio::try_join!(app.store.user(tenant, id), app.store.groups_of(tenant, id))?;
    let user = user.ok_or(DirectoryApiError::NotFound)?;
    let mut view = user.view(&attributes(&user.resource)?).to_json();
    view.insert("groups".to_owned(), groups.iter().map(group_of_user).collect::<Result<_, _>>()?);
    Ok(Json(view))
}

/// Lists the groups that have the user as a direct member.
pub(super) async fn list_groups(
    _: Caller,
    State(app): State<AppState>,
    Path((tenant, user)): Path<(String, String)>,
    Query(page): Query<PageQuery>,
) -> Result<Json<RenderedPage>, DirectoryApiError> {
    let page = (page.after()?, page.limit());
    let id = user.parse().map_err(|_| DirectoryApiError::NotFound)?;
    let tenant = find_tenant(&app, &tenant).await?.id;
    let (user, groups) =
        tokio::try_join!(app.store.user(tenant, id), app.store.group_ids_of(tenant, id))?;
    user.ok_or(DirectoryApiError::NotFound)?;
    let all = GroupFilter::default();
    Ok(Json(read_found::<StoredGroup>(&app, tenant, groups, page, &all).await?))
}

/// Returns the ids of the users that may pass the filter; `None` if nothing in it has a lookup.
async fn find(
    store: &Store,
    tenant: TenantId,
    filter: &UserFilter,
) -> Result<Option<Vec<ResourceId>>, StoreError> {
    if let Some(name) = filter.user_name() {
        return store.ids_of_user_names(tenant, &[name.to_owned()]).await.map(Some);
    }
    if let Some(id) = filter.external_id() {
        return store.ids_of_external_id(tenant, id).await.map(Some);
    }
    match filter.email() {
        Some(email) => store.ids_of_email_or_user_name(tenant, email).await.map(Some),
        None => Ok(None),
    }
}

fn group_of_user(group: &StoredGroup) -> Result<Value, DirectoryApiError> {
    let attributes = attributes(&group.resource)?;
    Ok(json!({"id": group.resource.id, "display_name": display_name(&attributes)}))
}

impl Listed for StoredUser {
    type Filter = UserFilter;

    async fn read_after(
        store: &Store,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> Result<Chunk<Self>, StoreError> {
        store.users_snapshot(tenant, last, count).await
    }

    async fn read_among(
        store: &Store,
        tenant: TenantId,
        ids: Vec<ResourceId>,
    ) -> Result<Vec<Self>, StoreError> {
        store.users(tenant, ids).await
    }

    fn versioned(&self) -> &Versioned {
        &self.resource
    }

    fn render(&self, filter: &UserFilter) -> Result<Option<Map<String, Value>>, DirectoryApiError> {
        let attributes = attributes(&self.resource)?;
        let user = self.view(&attributes);
        Ok(filter.matches(&user).then(|| user.to_json()))
    }
}
