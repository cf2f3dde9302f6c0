//! `/v1/tenants`: the customer organisations.

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::body::{Created, Json};
use super::caller::Operator;
use super::fields::{PatchField, deserialize_present, validate_name};
use super::page::{CHUNK, FilteredPage, Limit, Page, PageQuery};
use super::params::{NoQuery, Path, Query};
use crate::clock::ordered_uuid;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::store::Tenant;
use scim::fold::fold;
use types::ids::TenantId;

/// A tenant in an answer.
#[derive(Debug, Serialize)]
pub(super) struct TenantView {
    id: TenantId,
    name: String,
    external_id: Option<String>,
    created_at: Timestamp,
    strict: bool,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        let Tenant { id, name, external_id, created_at, strict, generation: _ } = tenant;
        Self { id, name, external_id, created_at, strict }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTenant {
    name: String,
    #[serde(default)]
    external_id: Option<String>,
    /// Whether SCIM refuses attributes that no schema defines, instead of storing them.
    #[serde(default)]
    strict: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantPatch {
    #[serde(default, deserialize_with = "deserialize_present")]
    name: Option<String>,
    #[serde(default)]
    external_id: PatchField<String>,
    #[serde(default, deserialize_with = "deserialize_present")]
    strict: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TenantsQuery {
    /// Lists only the tenant with this external id.
    external_id: Option<String>,
    /// Lists only tenants with this name, in any letter case.
    name: Option<String>,
    cursor: Option<String>,
    limit: Option<Limit>,
}

pub(super) async fn create(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Json(body): Json<NewTenant>,
) -> Result<Created<TenantView>, OperatorApiError> {
    let tenant = Tenant {
        generation: 0,
        id: TenantId::new(ordered_uuid()),
        name: validate_name("name", &body.name)?,
        external_id: body.external_id.map(|id| validate_name("external_id", &id)).transpose()?,
        created_at: app.clock.now(),
        strict: body.strict,
    };
    app.store.create_tenant(&tenant).await?;
    Ok(Created(tenant.into()))
}

pub(super) async fn list(
    _: Operator,
    State(app): State<AppState>,
    Query(query): Query<TenantsQuery>,
) -> Result<Json<Page<TenantView>>, OperatorApiError> {
    let TenantsQuery { external_id, name, cursor, limit } = query;
    let page = PageQuery { cursor, limit };
    let name = name.map(|name| validate_name("name", &name)).transpose()?;
    let found = match (external_id, &name) {
        (Some(external_id), name) => {
            let external_id = validate_name("external_id", &external_id)?;
            let mut items: Vec<_> =
                app.store.tenant_by_external_id(&external_id).await?.into_iter().collect();
            items.retain(|tenant| name.as_ref().is_none_or(|name| is_named(tenant, name)));
            Page { items, next_cursor: None }
        }
        (None, Some(name)) => list_named(&app, &page, name).await?,
        (None, None) => {
            let tenants = app.store.tenants(page.after()?, page.limit()).await?;
            Page::new(tenants, page.limit(), |tenant| tenant.id.to_string())
        }
    };
    Ok(Json(found.map(TenantView::from)))
}

/// Reads the list for tenants with a name, by which there is no lookup.
async fn list_named(
    app: &AppState,
    page: &PageQuery,
    name: &str,
) -> Result<Page<Tenant>, OperatorApiError> {
    let after: Option<TenantId> = page.after()?;
    let mut found = FilteredPage::new(after.map(|id| id.to_string()), page.limit());
    while found.is_incomplete() {
        let last = found.last().and_then(|id| id.parse().ok());
        let tenants = app.store.tenants(last, CHUNK).await?;
        found.add(tenants, |tenant| tenant.id.to_string(), |tenant| is_named(tenant, name));
    }
    Ok(found.finish())
}

fn is_named(tenant: &Tenant, name: &str) -> bool {
    fold(&tenant.name) == fold(name)
}

pub(super) async fn read(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
) -> Result<Json<TenantView>, OperatorApiError> {
    Ok(Json(find_tenant(&app, &tenant).await?.into()))
}

pub(super) async fn patch(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Json(body): Json<TenantPatch>,
) -> Result<Json<TenantView>, OperatorApiError> {
    let before = find_tenant(&app, &tenant).await?;
    let mut after = before.clone();
    if let Some(name) = body.name {
        after.name = validate_name("name", &name)?;
    }
    match body.external_id {
        PatchField::Keep => {}
        PatchField::Clear => after.external_id = None,
        PatchField::Set(id) => after.external_id = Some(validate_name("external_id", &id)?),
    }
    if let Some(strict) = body.strict {
        after.strict = strict;
    }
    app.store.replace_tenant(&before, &after).await?;
    Ok(Json(after.into()))
}

/// Deletes the tenant with all its data. Revokes the tokens before, so that nothing is provisioned
/// meanwhile, and after, because a token could be created until the tenant is deleted.
pub(super) async fn delete(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
) -> Result<StatusCode, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    app.scim_tokens.revoke_all(tenant.id, app.clock.now()).await?;
    app.store.delete_tenant(tenant.id).await?;
    app.scim_tokens.revoke_all(tenant.id, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST …/tenants/{tenant}/end-sessions`: ends every session of the tenant's people.
pub(super) async fn end_sessions(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
) -> Result<StatusCode, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?.id;
    if !app.store.end_sessions_of_tenant(tenant).await? {
        return Err(OperatorApiError::NotFound("tenant"));
    }
    let (now, detail) = (app.clock.now(), json!({}));
    app.store.record_activity(tenant, now, "operator", "sessions.ended", detail).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads the tenant that a path names.
///
/// # Errors
///
/// [`OperatorApiError::NotFound`] if there is none.
pub(super) async fn find_tenant(app: &AppState, id: &str) -> Result<Tenant, OperatorApiError> {
    let id: TenantId = id.parse().map_err(|_| OperatorApiError::NotFound("tenant"))?;
    app.store.tenant(id).await?.ok_or(OperatorApiError::NotFound("tenant"))
}
