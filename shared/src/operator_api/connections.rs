//! `/v1/tenants/{tenant}/connections`: the SAML trust of a tenant in its identity provider.
//!
//! The body of a PUT is in `new_connection`, the answer in `view`. `metadata_source` reads
//! metadata; `refresh` reads it again, `test` and `explain` try a connection.

mod explain;
mod metadata_source;
mod new_connection;
mod refresh;
mod test;
mod view;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::json;

pub(super) use self::explain::explain;
use self::metadata_source::MetadataSource;
use self::new_connection::NewConnection;
pub(super) use self::refresh::{refresh, refresh_all};
pub(super) use self::test::test;
use self::view::ConnectionView;
use super::body::Json;
use super::caller::Operator;
use super::fields::parse_domain;
use super::page::{Page, PageQuery};
use super::params::{NoQuery, Path, Query};
use super::tenants::find_tenant;
use crate::http::base_url::BaseUrl;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::sign_in::claims;
use crate::sign_in::tenant_trust::TenantTrust;
use crate::store::StoredConnection;
use saml::connection::Connection;
use types::domain::Domain;
use types::ids::TenantId;

pub(super) async fn list(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Json<Page<ConnectionView>>, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    let base_url = BaseUrl::of(&app.config, &headers);
    let trust = TenantTrust::load(&app.store, tenant.id).await?;
    let page = page.cut(trust.connections.clone(), |connection| connection.domain.as_str());
    Ok(Json(page.map(|connection| ConnectionView::new(&base_url, connection, &trust))))
}

pub(super) async fn read(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<ConnectionView>, OperatorApiError> {
    let stored = find_connection(&app, &tenant, &domain).await?;
    let trust = TenantTrust::load(&app.store, stored.connection.tenant).await?;
    let base_url = BaseUrl::of(&app.config, &headers);
    Ok(Json(ConnectionView::new(&base_url, stored.connection, &trust)))
}

/// Creates the connection or replaces its settings. Metadata that the body omits stays.
pub(super) async fn put(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<NewConnection>,
) -> Result<Json<ConnectionView>, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?.id;
    let domain = parse_domain(&domain)?;
    let base_url = BaseUrl::of(&app.config, &headers);
    let before = app.store.connection(tenant, &domain).await?;
    let known = before.as_ref().map(|stored| &stored.connection);
    let unknown = known.map(|known| (known.unknown.clone(), known.settings.unknown.clone()));
    let (unknown, unknown_settings) = unknown.unwrap_or_default();
    let settings = body.settings(unknown_settings)?;
    body.check_default_app(&app.store, known).await?;
    let domains = body.domains()?;
    let source = MetadataSource { app: &app, base_url: &base_url, domain: &domain };
    let known_trust = known.and_then(|connection| connection.trust.clone());
    let known_key = known_trust.as_ref().and_then(|trust| trust.pinned_key_pem.clone());
    let trust = body.trust(&source, known_key).await?;
    let now = app.clock.now();
    // Our metadata contains the keys, and the identity provider may read it from now on.
    app.saml_keys.ensure(now).await?;
    let connection = Connection {
        tenant,
        domains,
        member_domains: body.member_domains,
        settings,
        trust: trust.or(known_trust),
        created_at: known.map_or(now, |connection| connection.created_at),
        changed_at: now,
        domain,
        unknown,
    };
    let trust = claims::put_connection(&app, before.as_ref(), &connection, now).await?;
    record_activity(&app, &connection, "connection.set").await?;
    Ok(Json(ConnectionView::new(&base_url, connection, &trust)))
}

pub(super) async fn delete(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
) -> Result<StatusCode, OperatorApiError> {
    let stored = find_connection(&app, &tenant, &domain).await?;
    let connection = stored.connection;
    if !claims::delete_connection(&app, connection.tenant, &connection.domain).await? {
        return Err(OperatorApiError::NotFound("connection"));
    }
    record_activity(&app, &connection, "connection.deleted").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST …/connections/{domain}/end-sessions`: ends every session that the connection gave.
pub(super) async fn end_sessions(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
) -> Result<StatusCode, OperatorApiError> {
    let stored = find_connection(&app, &tenant, &domain).await?;
    let (tenant, name) = (stored.connection.tenant, &stored.connection.domain);
    claims::end_sessions_of_connection(&app, tenant, name, app.clock.now()).await?;
    record_activity(&app, &stored.connection, "sessions.ended").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads the connection that a path names.
///
/// # Errors
///
/// [`OperatorApiError::NotFound`] if there is none.
async fn find_connection(
    app: &AppState,
    tenant: &str,
    domain: &str,
) -> Result<StoredConnection, OperatorApiError> {
    let not_found = || OperatorApiError::NotFound("connection");
    let tenant: TenantId = find_tenant(app, tenant).await?.id;
    let domain: Domain = domain.parse().map_err(|_| not_found())?;
    app.store.connection(tenant, &domain).await?.ok_or_else(not_found)
}

/// Adds an entry to the activity log of the tenant.
async fn record_activity(
    app: &AppState,
    connection: &Connection,
    action: &str,
) -> Result<(), OperatorApiError> {
    let providers = connection.trust.iter().flat_map(|trust| &trust.providers);
    let entities: Vec<&str> =
        providers.take(MAX_ENTITY_IDS).map(|provider| provider.entity_id.as_str()).collect();
    let detail = json!({"domain": connection.domain, "entity_ids": entities});
    let (tenant, now) = (connection.tenant, app.clock.now());
    Ok(app.store.record_activity(tenant, now, "operator", action, detail).await?)
}

/// Number of entity ids in an activity entry.
const MAX_ENTITY_IDS: usize = 5;
