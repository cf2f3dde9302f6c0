//! `/v1/tenants/{tenant}/domains`: the domains that a tenant claims and has verified.
//!
//! A handler reads the request, calls [`crate::sign_in::claims`] and replies; the rules are in
//! [`crate::sign_in::domains`].

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::body::{Json, VariantName};
use super::caller::Operator;
use super::fields::parse_domain;
use super::page::{Page, PageQuery};
use super::params::{NoQuery, Path, Query};
use super::tenants::find_tenant;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::sign_in::claims::{ClaimError, check_domain, delete_domain, put_domain};
use crate::sign_in::dns::DnsClient;
use crate::sign_in::domains::{record_name, record_value};
use crate::sign_in::tenant_trust::{TenantDomain, TenantTrust};
use crate::store::{DomainState, VerifiedBy};
use types::domain::Domain;

/// A domain as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct DomainView {
    domain: Domain,
    state: DomainState,
    verified_by: Option<VerifiedBy>,
    /// The TXT record that proves the claim; null for the name of a connection of version 0.1.0.
    txt: Option<TxtView>,
    verified_at: Option<Timestamp>,
    /// Time of the last answer of DNS.
    checked_at: Option<Timestamp>,
    /// Names of the connections that list it.
    connections: Vec<Domain>,
}

#[derive(Debug, Serialize)]
struct TxtView {
    name: String,
    value: String,
}

impl From<TenantDomain> for DomainView {
    fn from(domain: TenantDomain) -> Self {
        let TenantDomain { claim, connections } = domain;
        let txt = (!claim.token.is_empty())
            .then(|| TxtView { name: record_name(&claim.domain), value: record_value(&claim) });
        Self {
            txt,
            state: claim.state,
            verified_by: claim.verified_by,
            verified_at: claim.verified_at,
            checked_at: claim.checked_at,
            domain: claim.domain,
            connections,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDomain {
    /// `operator` verifies the domain by the operator's word; `dns`, the default, claims it.
    #[serde(default)]
    verified_by: Option<VariantName<VerifiedBy>>,
}

pub(super) async fn list(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DomainView>>, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    let domains = TenantTrust::load(&app.store, tenant.id).await?.domains();
    let page = page.cut(domains, |domain| domain.claim.domain.as_str());
    Ok(Json(page.map(DomainView::from)))
}

pub(super) async fn read(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
) -> Result<Json<DomainView>, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    let domain: Domain = domain.parse().map_err(|_| NO_DOMAIN)?;
    let domains = TenantTrust::load(&app.store, tenant.id).await?.domains();
    let found = domains.into_iter().find(|found| found.claim.domain == domain);
    Ok(Json(found.ok_or(NO_DOMAIN)?.into()))
}

pub(super) async fn put(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
    body: Option<Json<NewDomain>>,
) -> Result<Json<DomainView>, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    let domain = parse_domain(&domain)?;
    let body = body.map(|Json(body)| body).unwrap_or_default();
    let by_operator = matches!(body.verified_by, Some(VariantName(VerifiedBy::Operator)));
    let claimed = put_domain(&app, tenant.id, &domain, by_operator, app.clock.now()).await?;
    Ok(Json(claimed.into()))
}

pub(super) async fn delete(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
) -> Result<StatusCode, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    let domain: Domain = domain.parse().map_err(|_| NO_DOMAIN)?;
    if delete_domain(&app, tenant.id, &domain, app.clock.now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(NO_DOMAIN)
    }
}

/// `POST …/domains/{domain}/check`: asks DNS now.
pub(super) async fn check(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
) -> Result<Json<DomainView>, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    let domain: Domain = domain.parse().map_err(|_| NO_DOMAIN)?;
    // Before DNS is asked: a domain that nobody claims is no reason for a query.
    app.store.claim(tenant.id, &domain).await?.ok_or(NO_DOMAIN)?;
    let dns = DnsClient::new(app.config.dns).map_err(ClaimError::from)?;
    let now = app.clock.now();
    let checked = check_domain(&app, &dns, tenant.id, &domain, "operator", now).await?;
    Ok(Json(checked.ok_or(NO_DOMAIN)?.into()))
}

const NO_DOMAIN: OperatorApiError = OperatorApiError::NotFound("domain");
