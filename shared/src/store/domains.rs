//! Domains that tenants claim, and what each connection may speak for.
//!
//! Three kinds of rows:
//! - the claim of a tenant, with its state;
//! - the holder of a verified domain, one over all tenants;
//! - the authority of a connection: its verified domains and its generation. A copy, small enough
//!   to be read with every token, and written in the transaction of what it depends on.
//!
//! The rules that decide what is written are pure and in [`crate::sign_in::domains`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::item::{
    Item, corrupt, json, number, optional_text, parsed, required_number, take_json, text,
};
use super::keys::{AUTHORITY_PREFIX, CLAIM_PREFIX, HOLDER, Key, SK, domain_rows, tenant_rows};
use super::read::{Consistency, Range, SortKeys, sort_key};
use super::transaction::{Commit, MAX_TRANSACTION};
use super::write::Write;
use super::{Store, StoreError};
use types::domain::Domain;
use types::ids::TenantId;

/// A domain as one tenant claims it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DomainClaim {
    /// The domain.
    pub domain: Domain,
    /// Whether it gives authority.
    pub state: DomainState,
    /// How it was verified last.
    pub verified_by: Option<VerifiedBy>,
    /// 160 random bits in hexadecimal: the value of the TXT record that proves the claim.
    pub token: String,
    /// Time of the claim.
    pub created_at: Timestamp,
    /// Time of the first verification since the domain was last pending or lost.
    pub verified_at: Option<Timestamp>,
    /// Time of the last answer of DNS, whatever it said.
    pub checked_at: Option<Timestamp>,
    /// Time of the first of the last checks in a row that did not find the record.
    pub absent_since: Option<Timestamp>,
}

/// The state of a claimed domain. Only `Verified` gives authority.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainState {
    /// Claimed and never verified.
    Pending,
    /// Verified.
    Verified,
    /// Verified once; then the record was gone for a week, or another tenant proved the domain.
    Lost,
}

/// The way in which a domain was verified.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifiedBy {
    /// By a TXT record.
    Dns,
    /// By the word of the operator.
    Operator,
}

impl VerifiedBy {
    /// The word on the wire and in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => DNS,
            Self::Operator => "operator",
        }
    }
}

/// A claim with the version that was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredClaim {
    /// The claim.
    pub claim: DomainClaim,
    /// Optimistic lock.
    pub version: u64,
}

/// The tenant that holds a domain verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DomainHolder {
    /// The tenant.
    pub tenant: TenantId,
    /// How it verified the domain.
    pub verified_by: VerifiedBy,
    /// No row says so: the domain is the name of a connection of version 0.1.0, which counts as
    /// verified by the operator.
    pub is_implied: bool,
}

/// The authority of a connection: the domains that it may speak for, and its generation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConnectionAuthority {
    /// Name of the connection.
    pub connection: Domain,
    /// Rises when everything that the connection gave must end. Sessions remember it.
    pub generation: u64,
    /// The connection exists, has metadata and is switched on.
    pub is_ready: bool,
    /// Its verified domains, sorted.
    pub domains: Vec<Domain>,
}

impl ConnectionAuthority {
    /// The authority of a connection that no row describes: one of version 0.1.0, which speaks for
    /// the domain that it is named after.
    pub fn implied(connection: Domain) -> Self {
        Self { domains: vec![connection.clone()], connection, generation: 0, is_ready: true }
    }

    pub(super) fn from_row(mut row: Item) -> Result<Self, StoreError> {
        let name = sort_key(&row)?.strip_prefix(AUTHORITY_PREFIX);
        let connection = name.and_then(|name| name.parse().ok());
        Ok(Self {
            connection: connection.ok_or_else(|| corrupt(&row, SK))?,
            generation: required_number(&row, "g")?,
            is_ready: required_number::<u8>(&row, "rd")? == 1,
            domains: take_json(&mut row, "doms")?,
        })
    }

    fn row(&self, tenant: TenantId) -> Result<Item, StoreError> {
        let key = Key::authority(tenant, &self.connection);
        let mut row = key.item();
        row.insert("g".to_owned(), number(self.generation));
        row.insert("rd".to_owned(), number(u8::from(self.is_ready)));
        row.insert("doms".to_owned(), json(&key, &self.domains)?);
        Ok(row)
    }
}

/// A change of the authority of one connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthorityChange {
    /// The tenant of the connection.
    pub tenant: TenantId,
    /// The row that was read; none when there was none.
    pub before: Option<ConnectionAuthority>,
    /// The row to write.
    pub after: ConnectionAuthority,
}

/// A change of who holds a domain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HolderChange {
    /// The holder stays as it is.
    Keep,
    /// The domain gets this holder in place of the one that was read.
    Set {
        /// The holder that was read.
        before: Option<DomainHolder>,
        /// The new holder.
        after: DomainHolder,
    },
    /// The domain has no holder any more; it was this one.
    Clear(DomainHolder),
}

/// A change of one claim.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClaimChange {
    /// The tenant of the claim.
    pub tenant: TenantId,
    /// The domain.
    pub domain: Domain,
    /// The version that was read; none for a claim that did not exist.
    pub before: Option<u64>,
    /// The claim to write; none to delete it.
    pub after: Option<DomainClaim>,
}

/// All that changes with a domain, in one transaction.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DomainChange {
    /// The domain.
    pub domain: Domain,
    /// The claim of the tenant, and that of the former holder if it loses the domain.
    pub claims: Vec<ClaimChange>,
    /// The holder.
    pub holder: HolderChange,
    /// Authorities that change with them.
    pub authorities: Vec<AuthorityChange>,
}

impl StoredClaim {
    fn from_row(mut row: Item) -> Result<Self, StoreError> {
        let claim = take_json(&mut row, "d")?;
        Ok(Self { claim, version: required_number(&row, "v")? })
    }
}

impl Store {
    /// The domains that a tenant claims, by name.
    pub async fn claims(&self, tenant: TenantId) -> Result<Vec<StoredClaim>, StoreError> {
        let range = Range::all(tenant_rows(tenant), Consistency::Strong)
            .with(SortKeys::BeginWith(CLAIM_PREFIX.to_owned()));
        let rows = self.query(&range, usize::MAX).await?;
        rows.into_iter().map(StoredClaim::from_row).collect()
    }

    /// The claim of a tenant on a domain.
    pub async fn claim(
        &self,
        tenant: TenantId,
        domain: &Domain,
    ) -> Result<Option<StoredClaim>, StoreError> {
        self.get(&Key::claim(tenant, domain)).await?.map(StoredClaim::from_row).transpose()
    }

    /// The tenant that holds a domain verified. One of the two lookups that no tenant begins: a
    /// browser names a domain before its tenant is known.
    pub async fn domain_holder(&self, domain: &Domain) -> Result<Option<DomainHolder>, StoreError> {
        let range = Range::all(domain_rows(domain), Consistency::Strong);
        let rows = self.query(&range, 2).await?;
        let (holder, name): (Vec<Item>, Vec<Item>) =
            rows.into_iter().partition(|row| sort_key(row).is_ok_and(|key| key == HOLDER));
        if let Some(row) = holder.first() {
            let is_dns = optional_text(row, "vb") == Some(DNS);
            let verified_by = if is_dns { VerifiedBy::Dns } else { VerifiedBy::Operator };
            let tenant = parsed(row, "t")?;
            return Ok(Some(DomainHolder { tenant, verified_by, is_implied: false }));
        }
        // The row of a name that a newer version wrote says that it is no more than a name.
        let implied = name.iter().find(|row| !row.contains_key(NAME_ONLY));
        let implied = implied.map(|row| parsed(row, "t")).transpose()?;
        let verified_by = VerifiedBy::Operator;
        Ok(implied.map(|tenant| DomainHolder { tenant, verified_by, is_implied: true }))
    }

    /// The authorities of all connections of a tenant that have a row, those of deleted ones too.
    pub async fn authorities(
        &self,
        tenant: TenantId,
    ) -> Result<Vec<ConnectionAuthority>, StoreError> {
        let range = Range::all(tenant_rows(tenant), Consistency::Strong)
            .with(SortKeys::BeginWith(AUTHORITY_PREFIX.to_owned()));
        // All of them: a connection without a row is taken for one of version 0.1.0.
        let rows = self.query(&range, usize::MAX).await?;
        rows.into_iter().map(ConnectionAuthority::from_row).collect()
    }

    /// The row of a connection's authority; none for one that has the implied authority.
    pub async fn authority(
        &self,
        tenant: TenantId,
        connection: &Domain,
    ) -> Result<Option<ConnectionAuthority>, StoreError> {
        let row = self.get(&Key::authority(tenant, connection)).await?;
        row.map(ConnectionAuthority::from_row).transpose()
    }

    /// Changes a domain and everything that depends on it, in one transaction if it fits.
    ///
    /// Otherwise the connections that lose the domain come first and those that get it last: an
    /// interrupted change leaves a connection with less than it may have, never with more.
    ///
    /// # Errors
    ///
    /// [`StoreError::VersionMismatch`] when one of the rows is no longer as it was read.
    pub async fn change_domain(&self, change: &DomainChange) -> Result<(), StoreError> {
        let (mut losing, mut getting) = (Vec::new(), Vec::new());
        for authority in &change.authorities {
            let speaks = authority.after.domains.contains(&change.domain);
            let writes = if speaks { &mut getting } else { &mut losing };
            writes.push(authority_write(authority)?);
        }
        let mut domain = Vec::new();
        for claim in &change.claims {
            domain.push(claim_write(claim)?);
        }
        domain.extend(holder_writes(&change.domain, change.holder));
        let room = MAX_TRANSACTION.saturating_sub(domain.len());
        if losing.len().saturating_add(getting.len()) <= room {
            return self.commit_as_read([domain, losing, getting].concat()).await;
        }
        for writes in losing.chunks(MAX_TRANSACTION) {
            self.commit_as_read(writes.to_vec()).await?;
        }
        self.commit_as_read(domain).await?;
        for writes in getting.chunks(MAX_TRANSACTION) {
            self.commit_as_read(writes.to_vec()).await?;
        }
        Ok(())
    }

    /// Changes authorities alone.
    ///
    /// # Errors
    ///
    /// [`StoreError::VersionMismatch`] when one of the rows is no longer as it was read.
    pub async fn change_authorities(&self, changes: &[AuthorityChange]) -> Result<(), StoreError> {
        for changes in changes.chunks(MAX_TRANSACTION) {
            let writes: Vec<Write> =
                changes.iter().map(authority_write).collect::<Result<_, _>>()?;
            self.commit_as_read(writes).await?;
        }
        Ok(())
    }

    /// Commits writes on the condition that the rows are as they were read.
    async fn commit_as_read(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let writes: Vec<((), Write)> = writes.into_iter().map(|write| ((), write)).collect();
        match self.commit(&writes).await? {
            Commit::Done => Ok(()),
            Commit::Refused(_) => Err(StoreError::VersionMismatch),
        }
    }
}

fn claim_write(change: &ClaimChange) -> Result<Write, StoreError> {
    let key = Key::claim(change.tenant, &change.domain);
    let write = match &change.after {
        None => Write::delete(key),
        Some(claim) => {
            let mut row = key.item();
            row.insert("d".to_owned(), json(&key, claim)?);
            row.insert("v".to_owned(), number(change.before.map_or(1, |v| v.saturating_add(1))));
            if change.before.is_some() { Write::replace(row, &[]) } else { Write::put(row) }
        }
    };
    Ok(match change.before {
        Some(version) => write.when("v = :v").bind(":v", number(version)),
        None => write.when("attribute_not_exists(pk)"),
    })
}

fn holder_writes(domain: &Domain, change: HolderChange) -> Vec<Write> {
    match change {
        HolderChange::Keep => Vec::new(),
        HolderChange::Set { before, after } => {
            let put = while_held_by(before, Write::put(holder_row(domain, after)));
            [put].into_iter().chain(name_only(domain, before)).collect()
        }
        HolderChange::Clear(before) if before.is_implied => {
            name_only(domain, Some(before)).into_iter().collect()
        }
        HolderChange::Clear(before) => {
            vec![while_held_by(Some(before), Write::delete(Key::holder(domain)))]
        }
    }
}

pub(super) fn holder_row(domain: &Domain, holder: DomainHolder) -> Item {
    let mut row = Key::holder(domain).item();
    row.insert("t".to_owned(), text(holder.tenant.to_string()));
    row.insert("vb".to_owned(), text(holder.verified_by.as_str()));
    row
}

fn while_held_by(before: Option<DomainHolder>, write: Write) -> Write {
    match before {
        Some(before) if !before.is_implied => write
            .when("t = :t AND vb = :vb")
            .bind(":t", text(before.tenant.to_string()))
            .bind(":vb", text(before.verified_by.as_str())),
        Some(_) | None => write.when("attribute_not_exists(pk)"),
    }
}

/// Ends an implied claim, which would come back with the deletion of the holder's row.
fn name_only(domain: &Domain, before: Option<DomainHolder>) -> Option<Write> {
    let before = before.filter(|before| before.is_implied)?;
    let update = Write::update(Key::domain(domain), format!("SET {NAME_ONLY} = :n"));
    let update = update.when("t = :t").bind(":n", number(1));
    Some(update.bind(":t", text(before.tenant.to_string())))
}

/// The write of an authority, on the condition that the row is still as it was read.
pub(super) fn authority_write(change: &AuthorityChange) -> Result<Write, StoreError> {
    let row = change.after.row(change.tenant)?;
    Ok(match &change.before {
        Some(before) => {
            let known = before.row(change.tenant)?;
            let mut write = Write::replace(row, &[]).when("g = :g AND doms = :doms AND rd = :rd");
            for (placeholder, name) in [(":g", "g"), (":doms", "doms"), (":rd", "rd")] {
                if let Some(value) = known.get(name) {
                    write = write.bind(placeholder, value.clone());
                }
            }
            write
        }
        None => Write::insert(row),
    })
}

/// [`VerifiedBy::Dns`] on the wire and in rows.
const DNS: &str = "dns";

/// Marks the row of a connection's name that says nothing about a domain.
pub(super) const NAME_ONLY: &str = "n";

/// Domains that one tenant may claim.
pub const MOST_CLAIMS: usize = 300;
