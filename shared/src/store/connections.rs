//! Connections, and the tenant that each name of a connection belongs to.
//!
//! A name is an address in URLs and unique over all tenants. The row that says so is written in
//! one transaction with the connection and deleted with it. A name gives no authority: that is a
//! row of [`super::domains`], written in the same transaction.

use super::domains::{AuthorityChange, NAME_ONLY, authority_write};
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
    Name,
    Authority,
}

impl StoredConnection {
    pub(super) fn from_row(mut row: Item) -> Result<Self, StoreError> {
        let connection = take_json(&mut row, "d")?;
        Ok(Self { connection, version: required_number(&row, "v")? })
    }
}

impl Store {
    /// Creates a connection without `before`, which is the version that was read; otherwise
    /// replaces it unless it has changed since. Returns its new version. `authority` changes what
    /// the connection may speak for, in the same transaction.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when another tenant's connection has the name,
    /// [`StoreError::VersionMismatch`] when the connection or its authority has changed.
    pub async fn put_connection(
        &self,
        tenant: TenantId,
        before: Option<u64>,
        connection: &Connection,
        authority: Option<&AuthorityChange>,
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
            owner.insert(NAME_ONLY.to_owned(), number(1));
            writes.push((ConnectionRow::Name, Write::insert(owner)));
        }
        if let Some(change) = authority {
            writes.push((ConnectionRow::Authority, authority_write(change)?));
        }
        match self.commit(&writes).await? {
            Commit::Done => Ok(version),
            Commit::Refused(refusals) => Err(match refusals.first().map(|refusal| refusal.label) {
                Some(ConnectionRow::Name) => StoreError::Conflict(UniqueAttribute::Domain),
                Some(ConnectionRow::Connection | ConnectionRow::Authority) | None => {
                    StoreError::VersionMismatch
                }
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

    /// Reads the connection with this name, of whichever tenant owns it. This lookup does not take
    /// a tenant: a browser names a connection before its tenant is known.
    pub async fn connection_named(
        &self,
        name: &Domain,
    ) -> Result<Option<StoredConnection>, StoreError> {
        match self.tenant_of_name(name).await? {
            Some(tenant) => self.connection(tenant, name).await,
            None => Ok(None),
        }
    }

    /// Reads the tenant that the name of a connection belongs to.
    pub(super) async fn tenant_of_name(
        &self,
        name: &Domain,
    ) -> Result<Option<TenantId>, StoreError> {
        let row = self.get(&Key::domain(name)).await?;
        row.map(|row| parsed(&row, "t")).transpose()
    }

    /// Reads all connections of a tenant, by name.
    pub async fn connections(&self, tenant: TenantId) -> Result<Vec<StoredConnection>, StoreError> {
        let range = Range::all(tenant_rows(tenant), Consistency::Strong)
            .with(SortKeys::BeginWith(CONNECTION_PREFIX.to_owned()));
        // All of them: one that is left out would keep a domain that its tenant loses.
        let rows = self.query(&range, usize::MAX).await?;
        rows.into_iter().map(StoredConnection::from_row).collect()
    }

    /// Deletes a connection and frees its name. Returns `false` when there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::VersionMismatch`] when its authority has changed.
    pub async fn delete_connection(
        &self,
        tenant: TenantId,
        name: &Domain,
        authority: &AuthorityChange,
    ) -> Result<bool, StoreError> {
        let connection = Write::delete(Key::connection(tenant, name)).when("attribute_exists(pk)");
        let owner =
            Write::delete(Key::domain(name)).when("t = :t").bind(":t", text(tenant.to_string()));
        let writes = [
            (ConnectionRow::Connection, connection),
            (ConnectionRow::Name, owner),
            (ConnectionRow::Authority, authority_write(authority)?),
        ];
        let Commit::Refused(refusals) = self.commit(&writes).await? else { return Ok(true) };
        let is_gone = refusals.iter().any(|refusal| match refusal.label {
            ConnectionRow::Connection | ConnectionRow::Name => true,
            ConnectionRow::Authority => false,
        });
        if is_gone { Ok(false) } else { Err(StoreError::VersionMismatch) }
    }

    /// Deletes all connections, claims and authorities of a tenant, and gives back the domains
    /// that it holds.
    pub(super) async fn delete_trust(&self, tenant: TenantId) -> Result<(), StoreError> {
        let is_own = |write: Write| write.when("t = :t").bind(":t", text(tenant.to_string()));
        // A row that another tenant has taken over stays: the condition does not hold.
        for stored in self.claims(tenant).await? {
            let domain = &stored.claim.domain;
            self.commit(&[((), is_own(Write::delete(Key::holder(domain))))]).await?;
            self.commit(&[((), Write::delete(Key::claim(tenant, domain)))]).await?;
        }
        for known in self.authorities(tenant).await? {
            self.commit(&[((), Write::delete(Key::authority(tenant, &known.connection)))]).await?;
        }
        loop {
            let connections = self.connections(tenant).await?;
            if connections.is_empty() {
                return Ok(());
            }
            for stored in connections {
                let name = &stored.connection.domain;
                let connection = Write::delete(Key::connection(tenant, name));
                let owner = is_own(Write::delete(Key::domain(name)));
                self.commit(&[(ConnectionRow::Name, owner)]).await?;
                self.commit(&[(ConnectionRow::Connection, connection)]).await?;
            }
        }
    }
}

/// Connections that one tenant may have.
pub const MOST_CONNECTIONS: usize = 100;
