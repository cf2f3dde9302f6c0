//! `/v1/tenants`: customer organisations.

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::body::{Created, Items, Json};
use super::caller::Operator;
use super::params::{Path, Query};
use crate::clock::ordered_uuid;
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::store::Tenant;
use types::ids::TenantId;

/// A tenant as the API shows it.
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
        let Tenant { id, name, external_id, created_at, strict } = tenant;
        Self { id, name, external_id, created_at, strict }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTenant {
    name: String,
    #[serde(default)]
    external_id: Option<String>,
    /// Refuse unknown SCIM attributes instead of keeping them.
    #[serde(default)]
    strict: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantChange {
    #[serde(default, deserialize_with = "present")]
    name: Option<String>,
    /// Absent leaves it, null clears it.
    #[serde(default)]
    external_id: Change<String>,
    #[serde(default, deserialize_with = "present")]
    strict: Option<bool>,
}

/// What a PATCH does to a member that may have no value.
#[derive(Debug, Default)]
pub(super) enum Change<T> {
    /// Absent: it stays.
    #[default]
    Keep,
    /// `null`.
    Clear,
    /// A value.
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: serde::Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(value)?.map_or(Self::Clear, Self::Set))
    }
}

/// A member of a PATCH that may be absent and not null, since it always has a value.
pub(super) fn present<'de, D, T>(value: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(value).map(Some)
}

#[derive(Debug, Deserialize)]
pub(super) struct TenantsQuery {
    /// The one with this name of the operator's, if there is one.
    external_id: Option<String>,
    cursor: Option<String>,
    limit: Option<Limit>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PageQuery {
    cursor: Option<String>,
    limit: Option<Limit>,
}

/// How long a page may be.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "usize")]
struct Limit(usize);

impl TryFrom<usize> for Limit {
    type Error = String;

    fn try_from(limit: usize) -> Result<Self, String> {
        let fits = (1..=LONGEST_PAGE).contains(&limit);
        fits.then_some(Self(limit)).ok_or_else(|| format!("limit must be 1 to {LONGEST_PAGE}"))
    }
}

impl PageQuery {
    /// 1 to 1,000; 100 unless given.
    pub(super) fn limit(&self) -> usize {
        self.limit.map_or(100, |Limit(limit)| limit)
    }

    /// The last id of the page before.
    pub(super) fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        let Some(cursor) = self.cursor.as_deref().filter(|cursor| !cursor.is_empty()) else {
            return Ok(None);
        };
        cursor.parse().map(Some).map_err(|_| Problem::Invalid("cursor is not ours".to_owned()))
    }

    /// The page of a list of which all was read, in the order of these ids.
    pub(super) fn of<T>(&self, mut items: Vec<T>, id: impl Fn(&T) -> &str) -> Items<T> {
        let last = self.cursor.as_deref().unwrap_or_default();
        items.retain(|item| id(item) > last);
        items.truncate(self.limit());
        let last = items.last().filter(|_| items.len() == self.limit());
        let next_cursor = last.map(|item| id(item).to_owned());
        Items { items, next_cursor }
    }
}

pub(super) async fn create(
    _: Operator,
    State(app): State<AppState>,
    Json(body): Json<NewTenant>,
) -> Result<Created<TenantView>, Problem> {
    let tenant = Tenant {
        id: TenantId::new(ordered_uuid()),
        name: checked("name", &body.name)?,
        external_id: body.external_id.map(|id| checked("external_id", &id)).transpose()?,
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
) -> Result<Json<Items<TenantView>>, Problem> {
    let TenantsQuery { external_id, cursor, limit } = query;
    if let Some(external_id) = external_id {
        let external_id = checked("external_id", &external_id)?;
        let found = app.store.tenant_by_external_id(&external_id).await?;
        let items = found.into_iter().map(TenantView::from).collect();
        return Ok(Json(Items { items, next_cursor: None }));
    }
    let page = PageQuery { cursor, limit };
    let tenants = app.store.tenants(page.after()?, page.limit()).await?;
    let next_cursor = (tenants.len() == page.limit())
        .then(|| tenants.last().map(|tenant| tenant.id.to_string()))
        .flatten();
    Ok(Json(Items { items: tenants.into_iter().map(TenantView::from).collect(), next_cursor }))
}

pub(super) async fn read(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
) -> Result<Json<TenantView>, Problem> {
    Ok(Json(existing(&app, &tenant).await?.into()))
}

pub(super) async fn change(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Json(body): Json<TenantChange>,
) -> Result<Json<TenantView>, Problem> {
    let before = existing(&app, &tenant).await?;
    let mut after = before.clone();
    if let Some(name) = body.name {
        after.name = checked("name", &name)?;
    }
    match body.external_id {
        Change::Keep => {}
        Change::Clear => after.external_id = None,
        Change::Set(id) => after.external_id = Some(checked("external_id", &id)?),
    }
    if let Some(strict) = body.strict {
        after.strict = strict;
    }
    app.store.replace_tenant(&before, &after).await?;
    Ok(Json(after.into()))
}

/// Revokes the tokens first, so that nothing is provisioned while the data goes; and once more when
/// the tenant is gone, since until then another could be made.
pub(super) async fn delete(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
) -> Result<StatusCode, Problem> {
    let tenant = existing(&app, &tenant).await?;
    app.scim_tokens.revoke_all(tenant.id, app.clock.now()).await?;
    app.store.delete_tenant(tenant.id).await?;
    app.scim_tokens.revoke_all(tenant.id, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The tenant that a path names, or the 404 that a path naming nothing gets.
pub(super) async fn existing(app: &AppState, id: &str) -> Result<Tenant, Problem> {
    let id: TenantId = id.parse().map_err(|_| Problem::NotFound("tenant"))?;
    app.store.tenant(id).await?.ok_or(Problem::NotFound("tenant"))
}

pub(super) fn checked(field: &str, value: &str) -> Result<String, Problem> {
    let trimmed = value.trim();
    let is_long = value.chars().count() > MAX_NAME;
    if trimmed.is_empty() || is_long || value.chars().any(char::is_control) {
        let rule =
            format!("{field} must have 1 to {MAX_NAME} characters, none a control character");
        return Err(Problem::Invalid(rule));
    }
    Ok(trimmed.to_owned())
}

/// Longest name or external id, in characters, which is what the document's `maxLength` counts.
const MAX_NAME: usize = 200;

const LONGEST_PAGE: usize = 1_000;
