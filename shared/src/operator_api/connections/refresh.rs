//! Reading metadata again from where it came: one connection, or all that are due.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;

use super::super::body::Json;
use super::super::caller::Operator;
use super::super::tenants::PageQuery;
use super::source::Source;
use super::view::ConnectionView;
use super::{note, stored};
use crate::base_url::BaseUrl;
use crate::connection::Connection;
use crate::domain::Domain;
use crate::problem::Problem;
use crate::state::AppState;
use crate::store::StoredConnection;

/// What a round of refreshes came to.
#[derive(Debug, Default, Serialize)]
pub(in crate::operator_api) struct RefreshedView {
    /// Read again.
    refreshed: Vec<Domain>,
    /// Not taken over, and why.
    failed: Vec<FailedView>,
    /// Pass it as `cursor` for the next tenants; absent when there are no more.
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
struct FailedView {
    domain: Domain,
    reason: String,
}

/// `POST …/connections/{domain}/refresh`.
pub(in crate::operator_api) async fn refresh(
    _: Operator,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<ConnectionView>, Problem> {
    let stored = stored(&app, &tenant, &domain).await?;
    let base_url = BaseUrl::of(&app.config, &headers);
    let connection = again(&app, &base_url, stored).await?;
    Ok(Json(ConnectionView::new(&base_url, connection)))
}

/// `POST /v1/connections/refresh`: the connections of some tenants whose metadata was read over
/// twelve hours ago. For a scheduler.
pub(in crate::operator_api) async fn refresh_all(
    _: Operator,
    State(app): State<AppState>,
    Query(page): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Json<RefreshedView>, Problem> {
    let base_url = BaseUrl::of(&app.config, &headers);
    let now = app.clock.now();
    let limit = page.limit().min(MOST_TENANTS);
    let tenants = app.store.tenants(page.after()?, limit).await?;
    let mut view = RefreshedView::default();
    for tenant in &tenants {
        let connections = app.store.connections(tenant.id).await?;
        for due in connections.into_iter().filter(|stored| is_due(&stored.connection, now)) {
            let domain = due.connection.domain.clone();
            match again(&app, &base_url, due).await {
                Ok(_) => view.refreshed.push(domain),
                Err(problem) => {
                    view.failed.push(FailedView { domain, reason: problem.to_string() });
                }
            }
        }
    }
    let last = tenants.last().map(|tenant| tenant.id.to_string());
    view.next_cursor = last.filter(|_| tenants.len() == limit);
    Ok(Json(view))
}

fn is_due(connection: &Connection, now: Timestamp) -> bool {
    connection.trust.as_ref().is_some_and(|trust| {
        trust.metadata_url.is_some()
            && now.duration_since(trust.read_at) >= AGE.try_into().unwrap_or_default()
    })
}

async fn again(
    app: &AppState,
    base_url: &BaseUrl,
    stored: StoredConnection,
) -> Result<Connection, Problem> {
    let StoredConnection { mut connection, version } = stored;
    let without_url = || Problem::Conflict("the connection has no metadata URL".to_owned());
    let known = connection.trust.as_ref().ok_or_else(without_url)?;
    let url = known.metadata_url.clone().ok_or_else(without_url)?;
    let source = Source { app, base_url, domain: &connection.domain };
    let fresh = source.fetch(url, known.pinned_key_pem.clone()).await?;
    let merged = known.refreshed(fresh).map_err(|fault| Problem::Conflict(fault.to_string()))?;
    let changed = merged.providers != known.providers;
    connection.trust = Some(merged);
    if changed {
        connection.changed_at = app.clock.now();
    }
    app.store.put_connection(connection.tenant, Some(version), &connection).await?;
    if changed {
        note(app, &connection, "connection.metadata_changed").await?;
    }
    Ok(connection)
}

/// Twice within the day that identity providers allow for a change.
const AGE: Duration = Duration::from_hours(12);

/// A round stays within the time of a request even when every host is slow.
const MOST_TENANTS: usize = 20;
