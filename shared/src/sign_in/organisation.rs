//! The organisation that an app names in its authorization request, and its connections.

use crate::runtime::state::AppState;
use crate::sign_in::SignedIn;
use crate::store::{ConnectionAuthority, DomainHolder, StoreError, StoredConnection};
use futures_util::future::try_join_all;
use oidc::authorize::Organisation;
use saml::connection::Connection;
use types::domain::Domain;
use types::ids::TenantId;

/// Returns the connections of an organisation at which people can sign in.
///
/// A domain leads to the connections that speak for it, and only once it is verified.
pub(crate) async fn ready_connections(
    app: &AppState,
    organisation: &Organisation,
) -> Result<Vec<Connection>, StoreError> {
    let found: Vec<StoredConnection> = match organisation {
        Organisation::Domain(domain) => connections_of(app, domain).await?,
        Organisation::Connection(name) => {
            app.store.connection_named(name).await?.into_iter().collect()
        }
        Organisation::Tenant(name) => match find_tenant(app, name).await? {
            Some(tenant) => app.store.connections(tenant).await?,
            None => Vec::new(),
        },
    };
    let connections = found.into_iter().map(|stored| stored.connection);
    Ok(connections.filter(|connection| connection.active_trust().is_ok()).collect())
}

/// Returns the names of the connections that speak for a verified domain, with their tenant.
pub(crate) async fn speakers(
    app: &AppState,
    domain: &Domain,
) -> Result<Option<(TenantId, Vec<Domain>)>, StoreError> {
    let Some(holder) = app.store.domain_holder(domain).await? else { return Ok(None) };
    Ok(Some((holder.tenant, speakers_at(app, holder, domain).await?)))
}

/// Returns the names of the holder's connections that speak for a verified domain.
async fn speakers_at(
    app: &AppState,
    holder: DomainHolder,
    domain: &Domain,
) -> Result<Vec<Domain>, StoreError> {
    if holder.is_implied {
        return Ok(vec![domain.clone()]);
    }
    let authorities = app.store.authorities(holder.tenant).await?;
    let is_known = authorities.iter().any(|known| known.connection == *domain);
    let speaks = authorities
        .into_iter()
        .filter(|authority| authority.is_ready && authority.domains.contains(domain));
    let mut names: Vec<Domain> = speaks.map(|authority| authority.connection).collect();
    if !is_known {
        // A connection without a row is of version 0.1.0 and speaks for its name.
        names.push(domain.clone());
    }
    Ok(names)
}

async fn connections_of(
    app: &AppState,
    domain: &Domain,
) -> Result<Vec<StoredConnection>, StoreError> {
    let Some(holder) = app.store.domain_holder(domain).await? else { return Ok(Vec::new()) };
    // Most domains have the connection that is named after them: it is read without waiting for the
    // names.
    let (speakers, own) = tokio::try_join!(
        speakers_at(app, holder, domain),
        app.store.connection(holder.tenant, domain),
    )?;
    let others = speakers.iter().filter(|name| *name != domain);
    let others = others.map(|name| app.store.connection(holder.tenant, name));
    let others = try_join_all(others).await?;
    let own = own.filter(|_| speakers.contains(domain));
    let mut found: Vec<StoredConnection> = others.into_iter().flatten().chain(own).collect();
    found.sort_by(|a, b| a.connection.domain.cmp(&b.connection.domain));
    Ok(found)
}

/// Whether a sign-in is one of the organisation. Every sign-in is if the app named none.
///
/// `authority`: that of the connection, as it is now. A domain is its connection's only while it
/// speaks for it: the name alone says nothing, since another tenant may hold that domain (rule 6).
pub(crate) async fn matches(
    app: &AppState,
    organisation: Option<&Organisation>,
    signed_in: &SignedIn,
    authority: &ConnectionAuthority,
) -> Result<bool, StoreError> {
    match organisation {
        None => Ok(true),
        Some(Organisation::Connection(named)) => {
            Ok(named.as_str() == signed_in.authentication.connection)
        }
        Some(Organisation::Domain(named)) => Ok(authority.domains.contains(named)),
        Some(Organisation::Tenant(named)) => {
            Ok(find_tenant(app, named).await? == Some(signed_in.tenant))
        }
    }
}

/// Finds a tenant by our id, or by the operator's external id, which may look like one of ours.
async fn find_tenant(app: &AppState, name: &str) -> Result<Option<TenantId>, StoreError> {
    if let Ok(id) = name.parse()
        && app.store.tenant(id).await?.is_some()
    {
        return Ok(Some(id));
    }
    Ok(app.store.tenant_by_external_id(name).await?.map(|tenant| tenant.id))
}
