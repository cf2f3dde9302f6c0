//! Whether a session, code or token still counts.
//!
//! Every use reads the user again, so that a deactivation takes effect at once. Nothing is cached.

use super::error::SignInError;
use crate::runtime::state::AppState;
use crate::store::StoredUser;
use oidc::grant::{Authentication, Grant};
use types::ids::{GrantId, TenantId};

/// A grant that counts, with its user as stored now.
pub(crate) struct ActiveGrant {
    /// The grant.
    pub(crate) grant: Grant,
    /// The user.
    pub(crate) user: StoredUser,
}

/// Reads a grant. Returns `None` if it is revoked or expired, if its app is deleted, or if its user
/// is not the active user that signed in.
pub(crate) async fn active_grant(
    app: &AppState,
    tenant: TenantId,
    id: GrantId,
) -> Result<Option<ActiveGrant>, SignInError> {
    let Some(grant) = app.store.grant(tenant, id).await? else { return Ok(None) };
    if grant.expires_at <= app.clock.now() {
        return Ok(None);
    }
    let (user, client) = tokio::join!(
        app.store.user(tenant, grant.authentication.user),
        app.store.client(&grant.client_id),
    );
    let user = user?.filter(|user| is_same_user(user, &grant.authentication));
    Ok(match (user, client?) {
        (Some(user), Some(_)) => Some(ActiveGrant { grant, user }),
        (None, _) | (_, None) => None,
    })
}

/// Whether the user is active, and was active all the time since the authentication.
pub(crate) fn is_same_user(user: &StoredUser, authentication: &Authentication) -> bool {
    user.active && user.deactivations == authentication.deactivations
}
