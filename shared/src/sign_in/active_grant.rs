//! Whether a session, code or token still counts.
//!
//! Every use reads user, tenant and connection again, in one batch, so that a deactivation or the
//! end of a connection takes effect at once. Nothing is cached. The rule itself is in
//! [`super::sessions`].

use super::error::SignInError;
use super::sessions::domains_if_alive;
use crate::runtime::state::AppState;
use crate::store::{Standing, StoredUser};
use oidc::client::{Client, ClientId};
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
/// sign-in no longer counts. `asking`: the app that sends the request, as this request has read it.
pub(crate) async fn active_grant(
    app: &AppState,
    tenant: TenantId,
    id: GrantId,
    asking: Option<&Client>,
) -> Result<Option<ActiveGrant>, SignInError> {
    let Some(grant) = app.store.grant(tenant, id).await? else { return Ok(None) };
    if grant.is_over(app.clock.now()) {
        return Ok(None);
    }
    let is_asking = asking.is_some_and(|client| client.id == grant.client_id);
    let client = Some(&grant.client_id).filter(|_| !is_asking);
    let live = live(app, tenant, &grant.authentication, client).await?;
    let live = live.filter(|live| is_asking || live.standing.client.is_some());
    Ok(live.and_then(|live| live.into_grant(grant)))
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
