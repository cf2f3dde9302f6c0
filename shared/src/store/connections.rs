//! Connections, and the owners of domains.
//!
//! A domain belongs to at most one tenant. The row with the owner is written and deleted in the
//! transaction that creates or deletes the connection.

use super::item::{Item, json, number, parsed, required_number, take_json, text};
use super::keys::{CONNECTION_PREFIX, Key, tenant_rows};
use super::read::{Consistency, Range, SortKeys};
use super::transaction::Commit;
use super::write::Write;
use super::{MAX_DOCUMENT_BYTES, Store, StoreError, UniqueAttribute};
use saml::connection::Connection;
use types::domain::Domain;
use types::ids::TenantId;

/// A connection and the version at which it was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredConnection {
    /// The connection.
    pub connection: Connection,
    /// Optimistic lock.
    pub version: u64,
}

/// The row that a write of the transaction is about.
#[derive(Clone, Copy, Debug)]
enum ConnectionRow {
    Connection,
    Domain,
}

impl StoredConnection {
    fn from_row(mut row: Item) -> Result<Self, StoreError> {
        let connection = take_json(&mut row, "d")?;
        Ok(Self { connection, version: required_number(&row, "v")? })
    }
}

impl Store {
    /// Creates a connection without `before`, which is the version that was read; otherwise
    /// replaces it unless it has changed since. Returns its new version.
    pub async fn put_connection(
        &self,
        tenant: TenantId,
        before: Option<u64>,
        connection: &Connection,
    ) -> Result<u64, StoreError> {
        let key = Key::connection(tenant, &connection.domain);
        let document = json(&key, connection)?;
        if document.as_s().is_ok_and(|text| text.len() > MAX_DOCUMENT_BYTES) {
            return Err(StoreError::TooLarge);
        }
        let version = before.map_or(1, |version| version.saturating_add(1));
        let mut row = key.item();
        row.insert("d".to_owned(), document);
        row.insert("v".to_owned(), number(version));
        let write = match before {
            Some(before) => Write::replace(row, &[]).when("v = :v").bind(":v", number(before)),
            None => Write::insert(row),
        };
        let mut writes = vec![(ConnectionRow::Connection, write)];
        if before.is_none() {
            let mut owner = Key::domain(&connection.domain).item();
            owner.insert("t".to_owned(), text(tenant.to_string()));
            writes.push((ConnectionRow::Domain, Write::insert(owner)));
        }
        match self.commit(&writes).await? {
            Commit::Done => Ok(version),
            Commit::Refused(refusals) => Err(match refusals.first().map(|refusal| refusal.label) {
                Some(ConnectionRow::Domain) => StoreError::Conflict(UniqueAttribute::Domain),
                Some(ConnectionRow::Connection) | None => StoreError::VersionMismatch,
            }),
        }
    }

    /// Reads the tenant's connection with this name.
    pub async fn connection(
        &self,
        tenant: TenantId,
        domain: &Domain,
    ) -> Result<Option<StoredConnection>, StoreError> {
        self.get(&Key::connection(tenant, domain))
            .await?
            .map(StoredConnection::from_row)
            .transpose()
    }

    /// Reads the tenant that owns a domain. This lookup does not take a tenant: a browser names a
    /// domain before its tenant is known.
    pub async fn domain_owner(&self, domain: &Domain) -> Result<Option<TenantId>, StoreError> {
        self.get(&Key::domain(domain)).await?.map(|row| parsed(&row, "t")).transpose()
    }

    /// Reads the connection with this name, of whichever tenant owns it.
    pub async fn connection_of_domain(
        &self,
        domain: &Domain,
    ) -> Result<Option<StoredConnection>, StoreError> {
        match self.domain_owner(domain).await? {
            Some(tenant) => self.connection(tenant, domain).await,
            None => Ok(None),
        }
    }

    /// Reads all connections of a tenant, by name.
    pub async fn connections(&self, tenant: TenantId) -> Result<Vec<StoredConnection>, StoreError> {
        let range = Range::all(tenant_rows(tenant), Consistency::Strong)
            .with(SortKeys::BeginWith(CONNECTION_PREFIX.to_owned()));
        let rows = self.query(&range, MOST_CONNECTIONS).await?;
        rows.into_iter().map(StoredConnection::from_row).collect()
    }

    /// Deletes a connection and frees its domain. `false` when there is none.
    pub async fn delete_connection(
        &self,
        tenant: TenantId,
        domain: &Domain,
    ) -> Result<bool, StoreError> {
        let connection =
            Write::delete(Key::connection(tenant, domain)).when("attribute_exists(pk)");
        let owner =
            Write::delete(Key::domain(domain)).when("t = :t").bind(":t", text(tenant.to_string()));
        let writes = [(ConnectionRow::Connection, connection), (ConnectionRow::Domain, owner)];
        Ok(matches!(self.commit(&writes).await?, Commit::Done))
    }

    /// Deletes all connections of a tenant.
    pub(super) async fn delete_connections(&self, tenant: TenantId) -> Result<(), StoreError> {
        loop {
            let connections = self.connections(tenant).await?;
            if connections.is_empty() {
                return Ok(());
            }
            for stored in connections {
                self.delete_connection(tenant, &stored.connection.domain).await?;
            }
        }
    }
}

/// More than a tenant has, so that one call reads the list.
const MOST_CONNECTIONS: usize = 100;
