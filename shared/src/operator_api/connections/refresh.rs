//! Reading metadata again from where it came: one connection; all that are due is a [round].

mod round;

use axum::extract::State;
use axum::http::HeaderMap;

use super::super::body::Json;
use super::super::caller::Operator;
use super::super::params::Path;
use super::source::Source;
use super::view::ConnectionView;
use super::{note, stored};
use crate::http::base_url::BaseUrl;
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::store::StoredConnection;
use saml::connection::Connection;

pub(in crate::operator_api) use self::round::refresh_all;

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
    let merged = known.refresh(fresh).map_err(|fault| Problem::Conflict(fault.to_string()))?;
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
