//! Reads the rows that decide whether a session still counts: user, tenant, authority of the
//! connection, and app, in one call. A sign-in reads them with its connection.

use super::clients;
use super::connections::StoredConnection;
use super::domains::ConnectionAuthority;
use super::item::Item;
use super::keys::Key;
use super::page::StoredResource as _;
use super::tenants::Tenant;
use super::users::StoredUser;
use super::{Store, StoreError};
use oidc::client::{Client, ClientId};
use types::domain::Domain;
use types::ids::{ResourceId, TenantId};

/// The rows behind a session, as they are now.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The user; none when deleted.
    pub user: Option<StoredUser>,
    /// Generation of the tenant; none when deleted.
    pub tenant_generation: Option<u64>,
    /// The authority of the connection.
    pub authority: ConnectionAuthority,
    /// The app that was asked for; none when it is removed or none was asked for.
    pub client: Option<Client>,
}

impl Store {
    /// Reads the rows behind a session in one batch.
    pub async fn standing(
        &self,
        tenant: TenantId,
        user: Option<ResourceId>,
        connection: &Domain,
        client: Option<&ClientId>,
    ) -> Result<Standing, StoreError> {
        let user_key = user.map(|user| Key::user(tenant, user));
        let client_key = client.map(Key::client);
        let (tenant_key, authority_key) = (Key::tenant(tenant), Key::authority(tenant, connection));
        let keys: Vec<Key> = [user_key.clone(), client_key.clone()]
            .into_iter()
            .flatten()
            .chain([tenant_key.clone(), authority_key.clone()])
            .collect();
        let mut rows = self.get_many(&keys, None).await?;
        let mut take = |key: &Key| take_row(&mut rows, key);
        let user = user_key.as_ref().and_then(&mut take).map(StoredUser::from_row).transpose()?;
        let client = client_key.as_ref().and_then(&mut take).map(clients::from_row).transpose()?;
        let tenant = take(&tenant_key).map(Tenant::from_row).transpose()?;
        let authority = take(&authority_key).map(ConnectionAuthority::from_row).transpose()?;
        Ok(Standing {
            user,
            tenant_generation: tenant.map(|tenant| tenant.generation),
            authority: authority
                .unwrap_or_else(|| ConnectionAuthority::implied(connection.clone())),
            client,
        })
    }

    /// Reads the connection with this name, of whichever tenant owns it, with what a sign-in
    /// through it rests on. This lookup does not take a tenant: a browser names a connection before
    /// its tenant is known.
    pub async fn connection_with_standing(
        &self,
        name: &Domain,
    ) -> Result<Option<(StoredConnection, Standing)>, StoreError> {
        let Some(tenant) = self.tenant_of_name(name).await? else { return Ok(None) };
        let keys =
            [Key::connection(tenant, name), Key::tenant(tenant), Key::authority(tenant, name)];
        let mut rows = self.get_many(&keys, None).await?;
        let [connection, tenant, authority] = keys.map(|key| take_row(&mut rows, &key));
        let Some(connection) = connection else { return Ok(None) };
        let tenant = tenant.map(Tenant::from_row).transpose()?;
        let authority = authority.map(ConnectionAuthority::from_row).transpose()?;
        let standing = Standing {
            user: None,
            tenant_generation: tenant.map(|tenant| tenant.generation),
            authority: authority.unwrap_or_else(|| ConnectionAuthority::implied(name.clone())),
            client: None,
        };
        Ok(Some((StoredConnection::from_row(connection)?, standing)))
    }
}

/// Takes the row with this key out of those that were read.
fn take_row(rows: &mut Vec<Item>, key: &Key) -> Option<Item> {
    let at = rows.iter().position(|row| Key::of(row) == *key)?;
    Some(rows.swap_remove(at))
}
