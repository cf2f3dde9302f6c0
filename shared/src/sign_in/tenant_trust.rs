//! Everything that decides what a tenant's connections may speak for, read together. The rules are in
//! [`super::domains`]; [`super::claims`] changes it.

use types::domain::Domain;
use types::ids::TenantId;

use super::domains::{self, authority_changes, verified_domains};
use crate::store::{
    AuthorityChange, ConnectionAuthority, DomainClaim, DomainState, Store, StoreError, StoredClaim,
    StoredConnection,
};
use saml::connection::Connection;

/// Claims, connections and authorities of a tenant.
#[derive(Clone, Debug)]
pub struct TenantTrust {
    /// The tenant.
    pub tenant: TenantId,
    /// Its claims.
    pub claims: Vec<StoredClaim>,
    /// Its connections.
    pub connections: Vec<Connection>,
    /// Their authorities, those that have a row.
    pub authorities: Vec<ConnectionAuthority>,
}

/// A domain of a tenant as people see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TenantDomain {
    /// The claim. One that no row describes has an empty token: the name of a connection of
    /// version 0.1.0.
    pub claim: DomainClaim,
    /// Names of the connections that speak for it, or would if it were verified.
    pub connections: Vec<Domain>,
}

impl TenantTrust {
    /// Reads the trust of a tenant: three queries at once.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn load(store: &Store, tenant: TenantId) -> Result<Self, StoreError> {
        let (claims, connections, authorities) = tokio::try_join!(
            store.claims(tenant),
            store.connections(tenant),
            store.authorities(tenant),
        )?;
        let connections =
            connections.into_iter().map(|StoredConnection { connection, .. }| connection);
        Ok(Self { tenant, claims, connections: connections.collect(), authorities })
    }

    /// The domains of the tenant, by name.
    pub fn domains(&self) -> Vec<TenantDomain> {
        let claims = self.claims.iter().map(|stored| stored.claim.clone());
        let mut all: Vec<DomainClaim> = claims.collect();
        for connection in &self.connections {
            let name = &connection.domain;
            let is_known = all.iter().any(|claim| claim.domain == *name)
                || self.authorities.iter().any(|known| known.connection == *name);
            if !is_known {
                all.push(domains::implied_claim(connection));
            }
        }
        all.sort_by(|left, right| left.domain.cmp(&right.domain));
        all.into_iter().map(|claim| self.describe(claim)).collect()
    }

    /// Adds to a claim the connections that list its domain.
    pub(super) fn describe(&self, claim: DomainClaim) -> TenantDomain {
        let lists = |known: &&Connection| known.listed_domains().contains(&&claim.domain);
        let connections = self.connections.iter().filter(lists);
        TenantDomain { connections: connections.map(|known| known.domain.clone()).collect(), claim }
    }

    /// The domains that a connection lists, each with its state.
    pub fn listed(&self, connection: &Connection) -> Vec<(Domain, Option<DomainState>)> {
        let domains = self.domains();
        let state = |domain: &Domain| {
            let found = domains.iter().find(|known| known.claim.domain == *domain);
            found.map(|known| known.claim.state)
        };
        connection
            .listed_domains()
            .into_iter()
            .map(|domain| (domain.clone(), state(domain)))
            .collect()
    }

    /// The change of authority that comes with a connection that is created or replaced.
    pub fn authority_change(
        &self,
        connection: &Connection,
        must_end_sessions: bool,
    ) -> AuthorityChange {
        let before = self.authority(&connection.domain);
        let claims = self.claims.iter().map(|stored| &stored.claim);
        let is_new = self.connections.iter().all(|known| known.domain != connection.domain);
        let verified = verified_domains(claims, &self.connections, &self.authorities);
        let after = domains::authority(before, connection, &verified, must_end_sessions, is_new);
        AuthorityChange { tenant: self.tenant, before: before.cloned(), after }
    }

    /// The authority of a connection that is deleted.
    pub fn authority_removal(&self, name: &Domain) -> AuthorityChange {
        let before = self.authority(name);
        let after = domains::no_authority(before, name);
        AuthorityChange { tenant: self.tenant, before: before.cloned(), after }
    }

    /// The verified domains that a connection speaks for; of one of version 0.1.0, its name (rule 5).
    pub(super) fn domains_of(&self, name: &Domain) -> Vec<Domain> {
        let known = self.authority(name).cloned();
        known.unwrap_or_else(|| ConnectionAuthority::implied(name.clone())).domains
    }

    fn authority(&self, name: &Domain) -> Option<&ConnectionAuthority> {
        self.authorities.iter().find(|known| known.connection == *name)
    }

    pub(super) fn claim(&self, domain: &Domain) -> Option<&StoredClaim> {
        self.claims.iter().find(|stored| stored.claim.domain == *domain)
    }

    /// The changes of authorities once the claim on `domain` is `after`.
    pub(super) fn changes(
        &self,
        domain: &Domain,
        after: Option<&DomainClaim>,
    ) -> Vec<AuthorityChange> {
        let others = self.claims.iter().map(|stored| &stored.claim);
        let others = others.filter(|claim| claim.domain != *domain);
        let given_up = after.is_none_or(|claim| !domains::is_verified(claim)).then_some(domain);
        let claims = others.chain(after);
        authority_changes(self.tenant, claims, &self.connections, &self.authorities, given_up)
    }
}
