//! The organisation that an app names in its authorization request, and its connections.

use crate::runtime::state::AppState;
use crate::store::StoreError;
use oidc::authorize::Organisation;
use saml::connection::Connection;
use types::ids::TenantId;

/// Returns the connections of an organisation at which people can sign in.
pub(crate) async fn ready_connections(
    app: &AppState,
    organisation: &Organisation,
) -> Result<Vec<Connection>, StoreError> {
    let found = match organisation {
        Organisation::Domain(domain) => {
            app.store.connection_of_domain(domain).await?.into_iter().collect()
        }
        Organisation::Tenant(name) => match find_tenant(app, name).await? {
            Some(tenant) => app.store.connections(tenant).await?,
            None => Vec::new(),
        },
    };
    let connections = found.into_iter().map(|stored| stored.connection);
    Ok(connections.filter(|connection| connection.active_trust().is_ok()).collect())
}

/// Whether the tenant's connection named `connection` belongs to the organisation. Every connection
/// does if the app named none.
pub(crate) async fn has_connection(
    app: &AppState,
    organisation: Option<&Organisation>,
    tenant: TenantId,
    connection: &str,
) -> Result<bool, StoreError> {
    match organisation {
        None => Ok(true),
        Some(Organisation::Domain(named)) => Ok(named.as_str() == connection),
        Some(Organisation::Tenant(named)) => Ok(find_tenant(app, named).await? == Some(tenant)),
    }
}

/// Finds a tenant by our id, or by the operator's external id.
async fn find_tenant(app: &AppState, name: &str) -> Result<Option<TenantId>, StoreError> {
    if let Ok(tenant) = name.parse() {
        return Ok(Some(tenant));
    }
    Ok(app.store.tenant_by_external_id(name).await?.map(|tenant| tenant.id))
}
