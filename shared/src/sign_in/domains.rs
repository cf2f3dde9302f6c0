//! Rules of domains: who may claim one, what a DNS answer changes, and what a connection may speak
//! for. Pure: no I/O.
//!
//! The rules have the numbers of `docs/authority.md`:
//! - 1: a domain is pending, verified or lost; only a verified one gives authority.
//! - 2: a TXT record proves a claim; a week without it loses the domain.
//! - 3: one tenant at a time holds a domain. A proof by DNS wins over the word of the operator and
//!   over a holder whose own record is gone.
//! - 4: public suffixes and hosts of free mail are never verified by word alone.
//! - 5: the name of a connection of version 0.1.0 is a domain verified by the operator.
//! - 6: a connection without a list of domains speaks for its name, if that is verified.
//! - 16: a connection that loses a domain, its metadata or its switch gets a new generation.
//!
//! The rows are in [`crate::store`]; DNS is asked by [`super::dns`].

mod free_mail;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use saml::connection::Connection;
use types::domain::Domain;
use types::ids::TenantId;

use self::free_mail::is_free_mail;
use crate::store::{
    AuthorityChange, ConnectionAuthority, DomainClaim, DomainHolder, DomainState, VerifiedBy,
};

/// A domain cannot be claimed or verified as asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DomainError {
    /// Rule 4.
    #[error("everybody can get an address in a public suffix: prove it by DNS")]
    PublicSuffix,
    /// Rule 4.
    #[error("everybody can get an address at a host of free mail: prove it by DNS")]
    FreeMail,
    /// Rule 3: the operator's word does not take a domain from another tenant.
    #[error(
        "another tenant holds this domain: delete it there first, or let this tenant prove it by DNS"
    )]
    Held,
    /// Rule 3: the holder's own record is still there.
    #[error(
        "another tenant holds this domain and its TXT record is still there: remove that record first"
    )]
    HeldByRecord,
}

/// The name of the TXT record that proves a claim.
pub fn record_name(domain: &Domain) -> String {
    format!("_gatehouse.{domain}")
}

/// The value of the TXT record that proves a claim.
pub fn record_value(claim: &DomainClaim) -> String {
    format!("gatehouse-domain={}", claim.token)
}

/// A new claim, not verified yet. `token`: 160 random bits in hexadecimal.
pub fn new_claim(domain: Domain, token: String, now: Timestamp) -> DomainClaim {
    DomainClaim {
        domain,
        state: DomainState::Pending,
        verified_by: None,
        token,
        created_at: now,
        verified_at: None,
        checked_at: None,
        absent_since: None,
    }
}

/// The claim, verified by the word of the operator.
///
/// # Errors
///
/// [`DomainError`] by rules 3 and 4.
pub fn verify_by_operator(
    claim: DomainClaim,
    tenant: TenantId,
    holder: Option<DomainHolder>,
    now: Timestamp,
) -> Result<DomainClaim, DomainError> {
    if is_public_suffix(&claim.domain) {
        return Err(DomainError::PublicSuffix);
    }
    if is_free_mail(&claim.domain) {
        return Err(DomainError::FreeMail);
    }
    if holder.is_some_and(|holder| holder.tenant != tenant) {
        return Err(DomainError::Held);
    }
    Ok(verified(claim, VerifiedBy::Operator, now))
}

/// A claim after an answer of DNS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checked {
    /// The claim after the answer.
    pub claim: DomainClaim,
    /// The effect of the answer.
    pub change: Change,
}

/// The effect of a check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// The state is the same.
    None,
    /// The record was found for the first time: the domain is verified by DNS.
    Verified,
    /// The record of a verified domain is missing for the first time.
    Missing,
    /// The record has been missing for a week: the domain is lost.
    Lost,
}

/// Applies the TXT values that DNS answered for [`record_name`]. No values: NXDOMAIN or no TXT
/// record. A time-out or a failure of the server is not an answer and must not come here.
///
/// `other`: the holder of the domain, if it is another tenant, with its claim.
///
/// # Errors
///
/// [`DomainError::HeldByRecord`] when the record is right and the holder's record is there too.
pub fn apply_answer(
    mut claim: DomainClaim,
    values: &[String],
    other: Option<(DomainHolder, Option<&DomainClaim>)>,
    now: Timestamp,
) -> Result<Checked, DomainError> {
    let has = |claim: &DomainClaim| values.contains(&record_value(claim));
    claim.checked_at = Some(now);
    if has(&claim) {
        if let Some((holder, held)) = other
            && holder.verified_by == VerifiedBy::Dns
            && held.is_some_and(has)
        {
            return Err(DomainError::HeldByRecord);
        }
        let change = if depends_on_dns(&claim) { Change::None } else { Change::Verified };
        return Ok(Checked { claim: verified(claim, VerifiedBy::Dns, now), change });
    }
    if !depends_on_dns(&claim) {
        return Ok(Checked { claim, change: Change::None });
    }
    let change = match claim.absent_since {
        None => {
            claim.absent_since = Some(now);
            Change::Missing
        }
        Some(since) if now.duration_since(since) >= GRACE => {
            claim = lost(claim);
            Change::Lost
        }
        Some(_) => Change::None,
    };
    Ok(Checked { claim, change })
}

/// The claim that the name of a connection of version 0.1.0 is (rule 5). It has no token.
pub fn implied_claim(connection: &Connection) -> DomainClaim {
    let claim = new_claim(connection.domain.clone(), String::new(), connection.created_at);
    verified(claim, VerifiedBy::Operator, connection.created_at)
}

/// Whether the claim gives authority.
pub fn is_verified(claim: &DomainClaim) -> bool {
    claim.state == DomainState::Verified
}

/// Whether the claim is verified, and by DNS: it is lost with its record.
fn depends_on_dns(claim: &DomainClaim) -> bool {
    is_verified(claim) && claim.verified_by == Some(VerifiedBy::Dns)
}

/// The claim of a tenant whose domain another tenant has proved, or whose record is gone.
pub fn lost(claim: DomainClaim) -> DomainClaim {
    DomainClaim { state: DomainState::Lost, verified_by: None, verified_at: None, ..claim }
}

fn verified(claim: DomainClaim, by: VerifiedBy, now: Timestamp) -> DomainClaim {
    DomainClaim {
        state: DomainState::Verified,
        verified_by: Some(by),
        verified_at: claim.verified_at.or(Some(now)),
        absent_since: None,
        ..claim
    }
}

/// Whether the schedule should ask DNS about a claim: daily for a domain that DNS verified, and
/// for a pending one in its first month.
pub fn is_check_due(claim: &DomainClaim, now: Timestamp) -> bool {
    let is_wanted = match claim.state {
        DomainState::Verified => depends_on_dns(claim),
        DomainState::Pending => now.duration_since(claim.created_at) < PENDING_CHECKED,
        DomainState::Lost => false,
    };
    is_wanted && claim.checked_at.is_none_or(|checked| now.duration_since(checked) >= CHECK_EVERY)
}

/// A tenant's verified domains. `connections` with no authority row are of version 0.1.0 (rule 5).
pub fn verified_domains<'a>(
    claims: impl IntoIterator<Item = &'a DomainClaim>,
    connections: &'a [Connection],
    authorities: &[ConnectionAuthority],
) -> BTreeSet<&'a Domain> {
    let claimed = claims.into_iter().filter(|claim| is_verified(claim));
    let is_implied = |name: &Domain| authorities.iter().all(|known| known.connection != *name);
    let names = connections.iter().map(|connection| &connection.domain);
    claimed.map(|claim| &claim.domain).chain(names.filter(|name| is_implied(name))).collect()
}

/// The authority that a connection has now. `is_new`: the connection does not exist yet, so that
/// one without a row is not of version 0.1.0.
pub fn authority(
    before: Option<&ConnectionAuthority>,
    connection: &Connection,
    verified: &BTreeSet<&Domain>,
    must_end_sessions: bool,
    is_new: bool,
) -> ConnectionAuthority {
    let name = &connection.domain;
    let listed = connection.listed_domains();
    let domains: BTreeSet<Domain> =
        listed.into_iter().filter(|domain| verified.contains(domain)).cloned().collect();
    let after = ConnectionAuthority {
        connection: name.clone(),
        generation: 0,
        is_ready: connection.active_trust().is_ok(),
        domains: domains.into_iter().collect(),
    };
    let generation = match before {
        // Nothing was ever given by a connection that did not exist.
        None if is_new => 1,
        before => next_generation(before, &after, must_end_sessions),
    };
    ConnectionAuthority { generation, ..after }
}

/// Whether a connection no longer trusts a certificate that it trusted before, or an issuer loses by
/// the change (rule 16). `domains`: those that the connection spoke for before.
pub fn loses_trust(before: &Connection, after: &Connection, domains: &[Domain]) -> bool {
    let mut known = before.trust.iter().flat_map(|trust| &trust.providers);
    let provider_now = |issuer| after.trust.as_ref().and_then(|trust| trust.provider(issuer));
    issuer_loses(before, after, domains)
        || known.any(|provider| {
            let certificates = provider_now(&provider.entity_id).map(|now| &now.certificates);
            let mut had = provider.certificates.iter();
            had.any(|certificate| certificates.is_none_or(|now| !now.contains(certificate)))
        })
}

/// Whether an issuer is no longer trusted, or speaks for fewer of `domains`, as a member of a
/// federation may after its metadata changed (rules 9 and 16).
pub fn issuer_loses(before: &Connection, after: &Connection, domains: &[Domain]) -> bool {
    let mut providers = before.trust.iter().flat_map(|trust| &trust.providers);
    providers.any(|provider| {
        let issuer = &provider.entity_id;
        let is_trusted = after.trust.as_ref().is_some_and(|trust| trust.provider(issuer).is_some());
        let now = after.domains_of_issuer(issuer, domains);
        let had = before.domains_of_issuer(issuer, domains);
        !is_trusted || had.iter().any(|domain| !now.contains(domain))
    })
}

/// The authority of a connection that is deleted: none, and a generation that no session has.
pub fn no_authority(before: Option<&ConnectionAuthority>, name: &Domain) -> ConnectionAuthority {
    let generation = before.map_or(0, |before| before.generation).saturating_add(1);
    ConnectionAuthority { connection: name.clone(), generation, is_ready: false, domains: vec![] }
}

/// The authority of a connection without a row (rule 5).
fn implied(name: &Domain) -> ConnectionAuthority {
    ConnectionAuthority::implied(name.clone())
}

/// Rule 16.
fn next_generation(
    before: Option<&ConnectionAuthority>,
    after: &ConnectionAuthority,
    must_end_sessions: bool,
) -> u64 {
    let before = before.cloned().unwrap_or_else(|| implied(&after.connection));
    let loses_domain = before.domains.iter().any(|domain| !after.domains.contains(domain));
    let stops = before.is_ready && !after.is_ready;
    let rises = must_end_sessions || loses_domain || stops;
    before.generation.saturating_add(u64::from(rises))
}

/// The changes of a tenant's authorities that a change of its claims brings. `claims` are those
/// after the change.
pub fn authority_changes<'a>(
    tenant: TenantId,
    claims: impl IntoIterator<Item = &'a DomainClaim>,
    connections: &[Connection],
    authorities: &[ConnectionAuthority],
    given_up: Option<&Domain>,
) -> Vec<AuthorityChange> {
    let claims: Vec<&DomainClaim> = claims.into_iter().collect();
    let mut verified = verified_domains(claims.iter().copied(), connections, authorities);
    if let Some(domain) = given_up {
        verified.remove(domain);
    }
    let mut changes = Vec::new();
    for connection in connections {
        let before = authorities.iter().find(|known| known.connection == connection.domain);
        let after = authority(before, connection, &verified, false, false);
        let is_same = match before {
            Some(before) => *before == after,
            // A row would end the rule for connections of version 0.1.0, so that one is written only
            // to take the domain away.
            None => implied(&connection.domain).domains == after.domains,
        };
        if !is_same {
            changes.push(AuthorityChange { tenant, before: before.cloned(), after });
        }
    }
    changes
}

/// Whether anybody can register names or get addresses beneath this name, and nobody owns it.
fn is_public_suffix(domain: &Domain) -> bool {
    let name = domain.as_str().as_bytes();
    psl::suffix(name).is_some_and(|suffix| suffix.is_known() && suffix.as_bytes() == name)
}

/// A record may be missing for this long before the domain is lost.
const GRACE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A claim that nobody proves is checked by the schedule for this long.
const PENDING_CHECKED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Time between two checks of a verified domain; an hour less than a day, since the schedule runs
/// hourly.
const CHECK_EVERY: SignedDuration = SignedDuration::from_hours(23);

#[cfg(test)]
mod tests;
