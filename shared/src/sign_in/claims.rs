//! Claims, checks and releases domains of tenants: loads what [`super::domains`] decides on, and
//! stores what it decides, in one transaction.
//!
//! The operator API and the schedule call it; DNS is asked by [`super::dns`].

use jiff::Timestamp;
use serde_json::json;
use types::domain::Domain;
use types::hex::hex;
use types::ids::TenantId;

use super::dns::{DnsClient, DnsClientError};
use super::domains::{
    self, Change, Checked, DomainError, authority_changes, new_claim, record_name,
    verify_by_operator,
};
use super::tenant_trust::{TenantDomain, TenantTrust};
use crate::clock::random_bytes;
use crate::runtime::state::AppState;
use crate::store::{
    ClaimChange, DomainChange, DomainClaim, DomainHolder, HolderChange, MOST_CLAIMS,
    MOST_CONNECTIONS, Store, StoreError, StoredConnection, VerifiedBy,
};
use saml::connection::Connection;

/// A domain could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// A rule forbids it.
    #[error(transparent)]
    Rule(#[from] DomainError),
    /// The tenant claims as many domains as it may.
    #[error("a tenant can claim {MOST_CLAIMS} domains; delete one first")]
    TooMany,
    /// The tenant has as many connections as it may.
    #[error("a tenant can have {MOST_CONNECTIONS} connections; delete one first")]
    TooManyConnections,
    /// DNS did not answer.
    #[error("could not check the domain")]
    Dns(#[from] DnsClientError),
    /// The table did not answer, or others kept changing the same domain.
    #[error("could not change the domain")]
    Store(#[from] StoreError),
    /// The operating system has no randomness to give.
    #[error("no randomness")]
    Random(#[source] getrandom::Error),
}

/// Claims a domain for a tenant; by the word of the operator, verifies it too.
///
/// # Errors
///
/// [`ClaimError::Rule`] by rules 3 and 4, [`ClaimError::TooMany`] at the limit.
pub async fn put_domain(
    app: &AppState,
    tenant: TenantId,
    domain: &Domain,
    by_operator: bool,
    now: Timestamp,
) -> Result<TenantDomain, ClaimError> {
    let token = hex(&random_bytes::<20>().map_err(ClaimError::Random)?);
    for _ in 0..ATTEMPTS {
        let (trust, holder) = load(&app.store, tenant, domain).await?;
        let known = trust.claim(domain);
        if known.is_none() && trust.claims.len() >= MOST_CLAIMS {
            return Err(ClaimError::TooMany);
        }
        let claim = known.map(|stored| stored.claim.clone());
        let claim = claim.unwrap_or_else(|| new_claim(domain.clone(), token.clone(), now));
        // The name of a connection of version 0.1.0 keeps the word of the operator.
        let is_implied = holder.is_some_and(|holder| holder.tenant == tenant && holder.is_implied);
        let claim = if by_operator || is_implied {
            verify_by_operator(claim, tenant, holder, now)?
        } else {
            claim
        };
        if known.is_some_and(|known| known.claim == claim) {
            return Ok(trust.describe(claim));
        }
        let change = change_of(&trust, &claim, holder, None);
        if is_stored(&app.store, &change).await? {
            settle(&app.store, tenant).await?;
            let verified = domains::is_verified(&claim);
            let action = if verified { "domain.verified" } else { "domain.claimed" };
            note(app, tenant, now, "operator", action, domain).await?;
            return Ok(trust.describe(claim));
        }
    }
    Err(StoreError::Contention.into())
}

/// Asks DNS about a domain and stores what the answer changes. None when the tenant has no claim
/// with a record.
///
/// # Errors
///
/// [`ClaimError::Dns`] when there is no answer: then nothing changes.
pub async fn check_domain(
    app: &AppState,
    dns: &DnsClient,
    tenant: TenantId,
    domain: &Domain,
    actor: &str,
    now: Timestamp,
) -> Result<Option<TenantDomain>, ClaimError> {
    let values = dns.txt_values(&record_name(domain)).await?;
    for _ in 0..ATTEMPTS {
        let (trust, holder) = load(&app.store, tenant, domain).await?;
        let Some(known) = trust.claim(domain) else { return Ok(None) };
        let other = holder.filter(|holder| holder.tenant != tenant);
        let former = match other {
            Some(other) => Some(TenantTrust::load(&app.store, other.tenant).await?),
            None => None,
        };
        let held = former.as_ref().and_then(|former| former.claim(domain));
        let held = held.map(|stored| &stored.claim);
        let Checked { claim, change } = domains::apply_answer(
            known.claim.clone(),
            &values,
            other.map(|other| (other, held)),
            now,
        )?;
        let takes = domains::is_verified(&claim);
        let stored = change_of(&trust, &claim, holder, former.as_ref().filter(|_| takes));
        if is_stored(&app.store, &stored).await? {
            settle(&app.store, tenant).await?;
            if let Some(other) = other.filter(|_| takes) {
                settle(&app.store, other.tenant).await?;
            }
            if let Some(action) = action(change) {
                note(app, tenant, now, actor, action, domain).await?;
            }
            if let Some(other) = other.filter(|_| takes) {
                note(app, other.tenant, now, actor, "domain.lost", domain).await?;
            }
            return Ok(Some(trust.describe(claim)));
        }
    }
    Err(StoreError::Contention.into())
}

/// Gives a domain up. Returns `false` when the tenant has no such domain.
///
/// # Errors
///
/// [`ClaimError::Store`] when the table does not answer.
pub async fn delete_domain(
    app: &AppState,
    tenant: TenantId,
    domain: &Domain,
    now: Timestamp,
) -> Result<bool, ClaimError> {
    for _ in 0..ATTEMPTS {
        let (trust, holder) = load(&app.store, tenant, domain).await?;
        let own = holder.filter(|holder| holder.tenant == tenant);
        let known = trust.claim(domain);
        if known.is_none() && own.is_none() {
            return Ok(false);
        }
        let claim = known.map(|known| ClaimChange {
            tenant,
            domain: domain.clone(),
            before: Some(known.version),
            after: None,
        });
        let change = DomainChange {
            domain: domain.clone(),
            claims: claim.into_iter().collect(),
            holder: own.map_or(HolderChange::Keep, HolderChange::Clear),
            authorities: trust.changes(domain, None),
        };
        if is_stored(&app.store, &change).await? {
            settle(&app.store, tenant).await?;
            note(app, tenant, now, "operator", "domain.deleted", domain).await?;
            return Ok(true);
        }
    }
    Err(StoreError::Contention.into())
}

/// Stores a connection with what it may speak for. `before`: the one that was read, with its
/// version.
///
/// # Errors
///
/// [`StoreError::Conflict`] when another tenant's connection has the name,
/// [`StoreError::VersionMismatch`] when it has changed since it was read.
pub async fn put_connection(
    app: &AppState,
    before: Option<&StoredConnection>,
    connection: &Connection,
    now: Timestamp,
) -> Result<TenantTrust, ClaimError> {
    if before.is_some() {
        keep_implied_claim(app, connection.tenant, &connection.domain, now).await?;
    }
    store_connection(app, before, connection, domains::loses_trust).await
}

/// Stores a connection whose metadata was read again. Its sessions end if a member of the
/// federation is gone or speaks for fewer domains; a provider that replaces a certificate ends
/// none.
///
/// # Errors
///
/// [`StoreError::VersionMismatch`] when the connection has changed since it was read.
pub async fn put_refreshed_connection(
    app: &AppState,
    before: &StoredConnection,
    connection: &Connection,
    now: Timestamp,
) -> Result<(), ClaimError> {
    let tenant = connection.tenant;
    // A domain that is not verified is no loss, but to know that costs a read.
    let listed: Vec<Domain> = before.connection.listed_domains().into_iter().cloned().collect();
    if domains::issuer_loses(&before.connection, connection, &listed) {
        keep_implied_claim(app, tenant, &connection.domain, now).await?;
        store_connection(app, Some(before), connection, domains::issuer_loses).await?;
    } else {
        app.store.put_connection(tenant, Some(before.version), connection, None).await?;
    }
    Ok(())
}

/// Stores a connection and its authority. `loses`: whether the change ends its sessions, from the
/// connection before and after, and the domains that it spoke for.
async fn store_connection(
    app: &AppState,
    before: Option<&StoredConnection>,
    connection: &Connection,
    loses: fn(&Connection, &Connection, &[Domain]) -> bool,
) -> Result<TenantTrust, ClaimError> {
    let tenant = connection.tenant;
    let version = before.map(|before| before.version);
    let trust = TenantTrust::load(&app.store, tenant).await?;
    let domains = trust.domains_of(&connection.domain);
    let must_end_sessions =
        before.is_some_and(|before| loses(&before.connection, connection, &domains));
    if version.is_none() && trust.connections.len() >= MOST_CONNECTIONS {
        return Err(ClaimError::TooManyConnections);
    }
    let change = trust.authority_change(connection, must_end_sessions);
    app.store.put_connection(tenant, version, connection, Some(&change)).await?;
    Ok(settle(&app.store, tenant).await?)
}

/// Gives every connection of a tenant what it may speak for by the rows as they are now.
///
/// A connection and a domain can change at the same time, each from rows that do not show the other
/// change yet. Each of them settles after its own write: the later one sees both.
async fn settle(store: &Store, tenant: TenantId) -> Result<TenantTrust, StoreError> {
    for _ in 0..ATTEMPTS {
        let trust = TenantTrust::load(store, tenant).await?;
        let claims = trust.claims.iter().map(|stored| &stored.claim);
        let changes =
            authority_changes(tenant, claims, &trust.connections, &trust.authorities, None);
        match store.change_authorities(&changes).await {
            Ok(()) if changes.is_empty() => return Ok(trust),
            Ok(()) | Err(StoreError::VersionMismatch) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Contention)
}

/// Deletes a connection with what it may speak for. Returns `false` when there is none.
///
/// # Errors
///
/// When the table does not answer, or the connection is being changed.
pub async fn delete_connection(
    app: &AppState,
    tenant: TenantId,
    name: &Domain,
) -> Result<bool, StoreError> {
    let trust = TenantTrust::load(&app.store, tenant).await?;
    app.store.delete_connection(tenant, name, &trust.authority_removal(name)).await
}

/// Ends every session that a connection gave.
///
/// # Errors
///
/// When the table does not answer, or others keep changing the connection.
pub async fn end_sessions_of_connection(
    app: &AppState,
    tenant: TenantId,
    name: &Domain,
    now: Timestamp,
) -> Result<(), ClaimError> {
    keep_implied_claim(app, tenant, name, now).await?;
    for _ in 0..ATTEMPTS {
        let trust = TenantTrust::load(&app.store, tenant).await?;
        let Some(connection) = trust.connections.iter().find(|known| known.domain == *name) else {
            return Err(StoreError::NotFound.into());
        };
        let change = DomainChange {
            domain: name.clone(),
            claims: Vec::new(),
            holder: HolderChange::Keep,
            authorities: vec![trust.authority_change(connection, true)],
        };
        if is_stored(&app.store, &change).await? {
            return Ok(());
        }
    }
    Err(StoreError::Contention.into())
}

/// Writes the claim that the name of a connection of version 0.1.0 is (rule 5), before its
/// authority gets a row and the claim is no longer implied.
///
/// A name that nobody may verify by word alone gets no claim: the connection then loses it.
async fn keep_implied_claim(
    app: &AppState,
    tenant: TenantId,
    name: &Domain,
    now: Timestamp,
) -> Result<(), ClaimError> {
    let (authority, claim) =
        tokio::try_join!(app.store.authority(tenant, name), app.store.claim(tenant, name))?;
    if authority.is_some() || claim.is_some() {
        return Ok(());
    }
    match put_domain(app, tenant, name, true, now).await {
        Ok(_) | Err(ClaimError::Rule(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Reads the trust of a tenant and the holder of a domain.
async fn load(
    store: &Store,
    tenant: TenantId,
    domain: &Domain,
) -> Result<(TenantTrust, Option<DomainHolder>), StoreError> {
    tokio::try_join!(TenantTrust::load(store, tenant), store.domain_holder(domain))
}

/// Stores a change. Returns `false` if a row has changed since it was read: the caller reads again.
async fn is_stored(store: &Store, change: &DomainChange) -> Result<bool, StoreError> {
    match store.change_domain(change).await {
        Ok(()) => Ok(true),
        Err(StoreError::VersionMismatch) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The rows that change when a tenant's claim becomes `claim`. `former`: the trust of the tenant
/// that loses the domain.
fn change_of(
    trust: &TenantTrust,
    claim: &DomainClaim,
    holder: Option<DomainHolder>,
    former: Option<&TenantTrust>,
) -> DomainChange {
    let (tenant, domain) = (trust.tenant, &claim.domain);
    let own = ClaimChange {
        tenant,
        domain: domain.clone(),
        before: trust.claim(domain).map(|stored| stored.version),
        after: Some(claim.clone()),
    };
    let lost = former.and_then(|former| {
        let stored = former.claim(domain)?;
        Some(ClaimChange {
            tenant: former.tenant,
            domain: domain.clone(),
            before: Some(stored.version),
            after: Some(domains::lost(stored.claim.clone())),
        })
    });
    let is_own = holder.filter(|holder| holder.tenant == tenant);
    let holder = match (domains::is_verified(claim), is_own) {
        (true, _) => {
            let verified_by = claim.verified_by.unwrap_or(VerifiedBy::Operator);
            let after = DomainHolder { tenant, verified_by, is_implied: false };
            if holder == Some(after) {
                HolderChange::Keep
            } else {
                HolderChange::Set { before: holder, after }
            }
        }
        (false, Some(own)) => HolderChange::Clear(own),
        (false, None) => HolderChange::Keep,
    };
    let lost_claim = lost.as_ref().and_then(|lost| lost.after.as_ref());
    let elsewhere = former.map(|former| former.changes(domain, lost_claim)).unwrap_or_default();
    DomainChange {
        domain: domain.clone(),
        holder,
        authorities: trust.changes(domain, Some(claim)).into_iter().chain(elsewhere).collect(),
        claims: [own].into_iter().chain(lost).collect(),
    }
}

fn action(change: Change) -> Option<&'static str> {
    match change {
        Change::None => None,
        Change::Verified => Some("domain.verified"),
        Change::Missing => Some("domain.record_missing"),
        Change::Lost => Some("domain.lost"),
    }
}

async fn note(
    app: &AppState,
    tenant: TenantId,
    now: Timestamp,
    actor: &str,
    action: &str,
    domain: &Domain,
) -> Result<(), StoreError> {
    let detail = json!({"domain": domain});
    app.store.record_activity(tenant, now, actor, action, detail).await
}

/// Reads again this often when others change the same rows at the same time.
const ATTEMPTS: u32 = 5;
