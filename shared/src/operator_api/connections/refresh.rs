//! Reads metadata from its URL again: of one connection here, of all that are due in [round].

mod round;

use axum::extract::State;
use axum::http::HeaderMap;

use super::super::body::Json;
use super::super::caller::Operator;
use super::super::params::{NoQuery, Path};
use super::metadata_source::MetadataSource;
use super::view::ConnectionView;
use super::{find_connection, record_activity};
use crate::http::base_url::BaseUrl;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::sign_in::claims::put_refreshed_connection;
use crate::sign_in::tenant_trust::TenantTrust;
use crate::store::StoredConnection;
use saml::connection::Connection;

pub(in crate::operator_api) use self::round::refresh_all;

/// `POST …/connections/{domain}/refresh`.
pub(in crate::operator_api) async fn refresh(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path((tenant, domain)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<ConnectionView>, OperatorApiError> {
    let stored = find_connection(&app, &tenant, &domain).await?;
    let base_url = BaseUrl::of(&app.config, &headers);
    let connection = refresh_connection(&app, &base_url, stored).await?;
    let trust = TenantTrust::load(&app.store, connection.tenant).await?;
    Ok(Json(ConnectionView::new(&base_url, connection, &trust)))
}

/// Reads the metadata of a connection again and stores it.
///
/// # Errors
///
/// [`OperatorApiError::Conflict`] if the connection has no metadata URL, or if the metadata has
/// changed in a way that a refresh does not accept.
async fn refresh_connection(
    app: &AppState,
    base_url: &BaseUrl,
    stored: StoredConnection,
) -> Result<Connection, OperatorApiError> {
    let mut connection = stored.connection.clone();
    let without_url =
        || OperatorApiError::Conflict("the connection has no metadata URL".to_owned());
    let known = connection.trust.as_ref().ok_or_else(without_url)?;
    let url = known.metadata_url.clone().ok_or_else(without_url)?;
    let source = MetadataSource { app, base_url, domain: &connection.domain };
    let fresh = source.fetch(url, known.pinned_key_pem.clone()).await?;
    let merged =
        known.refresh(fresh).map_err(|error| OperatorApiError::Conflict(error.to_string()))?;
    let (changed, now) = (merged.providers != known.providers, app.clock.now());
    connection.trust = Some(merged);
    if changed {
        connection.changed_at = now;
    }
    put_refreshed_connection(app, &stored, &connection, now).await?;
    if changed {
        record_activity(app, &connection, "connection.metadata_changed").await?;
    }
    Ok(connection)
}
