//! Whether a session, code, grant or refresh token still counts. Pure: no I/O.
//!
//! Rule 16 of `docs/authority.md`: it counts while the generations of tenant, connection and user
//! are those of the sign-in, and the connection still speaks for the user's domain.

use serde_json::{Map, Value};

use super::decision::Authority;
use crate::store::{ConnectionAuthority, Standing, StoredUser};
use oidc::grant::{Authentication, SignInAuthority};
use saml::connection::Connection;
use scim::resource;
use types::domain::Domain;

/// The domains that the issuer of a sign-in may speak for now, if the sign-in still counts.
pub fn domains_if_alive(
    authentication: &Authentication,
    standing: &Standing,
) -> Option<Vec<Domain>> {
    // Version 0.1.0 recorded no authority, so what it gave counts no more.
    let authority = authentication.authority.as_ref()?;
    let user = standing.user.as_ref()?;
    let is_same = user.active
        && user.generation == authentication.user_generation
        && standing.tenant_generation == Some(authority.tenant_generation)
        && standing.authority.generation == authority.connection_generation
        && standing.authority.is_ready;
    let domains = domains_now(authority, &standing.authority);
    (is_same && speaks_for(&domains, user)).then_some(domains)
}

/// The domains of the connection; of a federation, those that the member had at the sign-in and
/// that the connection still has.
fn domains_now(authority: &SignInAuthority, now: &ConnectionAuthority) -> Vec<Domain> {
    match &authority.member_domains {
        Some(own) => now.domains.iter().filter(|domain| own.contains(domain)).cloned().collect(),
        None => now.domains.clone(),
    }
}

fn speaks_for(domains: &[Domain], user: &StoredUser) -> bool {
    let document: Map<String, Value> =
        serde_json::from_str(&user.resource.document).unwrap_or_default();
    let user_name = resource::user_name(&document).unwrap_or_default();
    Authority { domains, may_create: false }
        .covers_user(user_name, resource::primary_email(&document))
}

/// The authority that a sign-in at this moment has; none when the tenant is deleted.
pub fn authority_of(
    connection: &Connection,
    issuer: &str,
    domains: &[Domain],
    standing: &Standing,
) -> Option<SignInAuthority> {
    Some(SignInAuthority {
        tenant_generation: standing.tenant_generation?,
        connection_generation: standing.authority.generation,
        issuer: issuer.to_owned(),
        member_domains: connection.is_restricted(issuer).then(|| domains.to_vec()),
    })
}
