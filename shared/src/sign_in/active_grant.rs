//! Whether a session, code or token still counts.
//!
//! Every use reads user, tenant and connection again, in one batch, so that a deactivation or the
//! end of a connection takes effect at once. Nothing is cached. The rule itself is in
//! [`super::sessions`].

use super::error::SignInError;
use super::sessions::domains_if_alive;
use crate::runtime::state::AppState;
use crate::store::{Standing, StoredUser};
use oidc::client::ClientId;
use oidc::grant::{Authentication, Grant};
use types::domain::Domain;
use types::ids::{GrantId, TenantId};

/// A grant that counts, with its user as stored now.
pub(crate) struct ActiveGrant {
    /// The grant.
    pub(crate) grant: Grant,
    /// The user.
    pub(crate) user: StoredUser,
    /// The domains that the issuer of the sign-in may speak for now.
    pub(crate) domains: Vec<Domain>,
}

/// A sign-in that counts.
pub(crate) struct Live {
    /// The rows that it was judged by.
    pub(crate) standing: Standing,
    /// The domains that the issuer of the sign-in may speak for now.
    pub(crate) domains: Vec<Domain>,
}

/// Reads a grant. Returns `None` if it is revoked or expired, if its app is deleted, or if its
/// sign-in no longer counts.
pub(crate) async fn active_grant(
    app: &AppState,
    tenant: TenantId,
    id: GrantId,
) -> Result<Option<ActiveGrant>, SignInError> {
    let Some(grant) = app.store.grant(tenant, id).await? else { return Ok(None) };
    if grant.has_ended(app.clock.now()) {
        return Ok(None);
    }
    let live = live(app, tenant, &grant.authentication, Some(&grant.client_id)).await?;
    Ok(live.filter(|live| live.standing.client.is_some()).and_then(|live| live.into_grant(grant)))
}

/// Reads what a sign-in is judged by. Returns `None` if it no longer counts.
pub(crate) async fn live(
    app: &AppState,
    tenant: TenantId,
    authentication: &Authentication,
    client: Option<&ClientId>,
) -> Result<Option<Live>, SignInError> {
    let Ok(connection) = authentication.connection.parse() else { return Ok(None) };
    let user = Some(authentication.user);
    let standing = app.store.standing(tenant, user, &connection, client).await?;
    let domains = domains_if_alive(authentication, &standing);
    Ok(domains.map(|domains| Live { standing, domains }))
}

impl Live {
    /// The grant of this sign-in, with its user.
    pub(crate) fn into_grant(self, grant: Grant) -> Option<ActiveGrant> {
        Some(ActiveGrant { grant, user: self.standing.user?, domains: self.domains })
    }
}
