//! `/directory/v1/tenants`: the organisations that the app serves.

use axum::extract::State;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::error::DirectoryApiError;
use super::page::{GrowingPage, RenderedPage};
use super::params::{FilterValue, Limit, NoQuery, Path, Query, after};
use crate::http::json::Json;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::sign_in::tenant_trust::TenantTrust;
use crate::store::{Chunk, DomainState, Tenant};
use saml::connection::{Connection, Status};
use types::domain::Domain;
use types::ids::TenantId;

/// A tenant in an answer.
#[derive(Debug, Serialize)]
pub(super) struct TenantView {
    id: TenantId,
    external_id: Option<String>,
    name: String,
    /// The verified domains, by name.
    domains: Vec<Domain>,
    connections: Vec<ConnectionView>,
    seats: SeatsView,
}

#[derive(Debug, Serialize)]
struct ConnectionView {
    name: Domain,
    status: Status,
}

#[derive(Debug, Serialize)]
struct SeatsView {
    /// Null: unlimited.
    seats: Option<u64>,
    /// Active users with a full licence.
    used: u64,
}

impl From<Connection> for ConnectionView {
    fn from(connection: Connection) -> Self {
        Self { status: connection.status(), name: connection.domain }
    }
}

/// Query parameters of the list of tenants.
#[derive(Debug, Deserialize)]
pub(super) struct TenantsQuery {
    /// Lists only the tenant with this external id.
    external_id: Option<FilterValue>,
    cursor: Option<String>,
    limit: Option<Limit<100>>,
}

pub(super) async fn list(
    _: Caller,
    State(app): State<AppState>,
    Query(query): Query<TenantsQuery>,
) -> Result<Json<RenderedPage>, DirectoryApiError> {
    let TenantsQuery { external_id, cursor, limit } = query;
    let last: Option<TenantId> = after(cursor.as_deref())?;
    let limit = Limit::or(limit, DEFAULT_LIMIT);
    let Chunk { items: tenants, has_more } = match external_id {
        Some(FilterValue(id)) => {
            let found = app.store.tenant_by_external_id(&id).await?;
            let found = found.filter(|tenant| last.is_none_or(|last| tenant.id > last));
            Chunk { items: found.into_iter().collect(), has_more: false }
        }
        None => app.store.tenants_chunk(last, limit).await?,
    };
    let views = stream::iter(tenants.into_iter().map(|tenant| view(&app, tenant)));
    let views: Vec<TenantView> = views.buffered(TENANTS_AT_A_TIME).try_collect().await?;
    let mut page = GrowingPage::new(last, limit);
    for view in &views {
        if !page.add(view.id, Some(view))? {
            return Ok(Json(page.finish(true)));
        }
    }
    Ok(Json(page.finish(has_more)))
}

pub(super) async fn read(
    _: Caller,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    _: NoQuery,
) -> Result<Json<TenantView>, DirectoryApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    Ok(Json(view(&app, tenant).await?))
}

/// Reads the tenant that a path names: its id, or `ext:` and its external id.
///
/// # Errors
///
/// [`DirectoryApiError::NotFound`] if there is none.
pub(super) async fn find_tenant(app: &AppState, name: &str) -> Result<Tenant, DirectoryApiError> {
    let tenant = match name.strip_prefix("ext:") {
        Some(external_id) => app.store.tenant_by_external_id(external_id).await?,
        None => match name.parse() {
            Ok(id) => app.store.tenant(id).await?,
            Err(_) => None,
        },
    };
    let tenant = tenant.ok_or(DirectoryApiError::NotFound)?;
    note_tenant(tenant.id);
    Ok(tenant)
}

async fn view(app: &AppState, tenant: Tenant) -> Result<TenantView, DirectoryApiError> {
    let (trust, seats) =
        tokio::try_join!(TenantTrust::load(&app.store, tenant.id), app.store.seats(tenant.id))?;
    let domains = trust.domains().into_iter().map(|domain| domain.claim);
    let verified = domains.filter(|claim| claim.state == DomainState::Verified);
    Ok(TenantView {
        id: tenant.id,
        external_id: tenant.external_id,
        name: tenant.name,
        domains: verified.map(|claim| claim.domain).collect(),
        connections: trust.connections.into_iter().map(ConnectionView::from).collect(),
        seats: SeatsView { seats: seats.rules.seats, used: seats.used },
    })
}

/// Length of a page without the parameter `limit`. A tenant takes six calls of DynamoDB, so that its
/// pages are shorter than those of users.
const DEFAULT_LIMIT: usize = 20;

/// Tenants that are read at the same time, each with up to four calls.
const TENANTS_AT_A_TIME: usize = 4;
