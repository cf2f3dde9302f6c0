//! Whether what a sign-in gave still counts.

use crate::oidc_api::reply::Failure;
use crate::runtime::state::AppState;
use crate::store::StoredUser;
use oidc::grant::{Authentication, Grant};
use types::ids::{GrantId, TenantId};

/// A grant that counts, and its user as of now.
pub(super) struct Live {
    /// The grant.
    pub(super) grant: Grant,
    /// The user.
    pub(super) user: StoredUser,
}

/// The grant, unless it is revoked or over, its app is gone, or its user is not the active user
/// that signed in. Nothing of it is remembered: a deactivation takes effect at once.
pub(super) async fn live(
    app: &AppState,
    tenant: TenantId,
    id: GrantId,
) -> Result<Option<Live>, Failure> {
    let Some(grant) = app.store.grant(tenant, id).await? else { return Ok(None) };
    if grant.expires_at <= app.clock.now() {
        return Ok(None);
    }
    let (user, client) = tokio::join!(
        app.store.user(tenant, grant.authentication.user),
        app.store.client(&grant.client_id),
    );
    let user = user?.filter(|user| is_same(user, &grant.authentication));
    Ok(match (user, client?) {
        (Some(user), Some(_)) => Some(Live { grant, user }),
        _ => None,
    })
}

/// Whether the user is active and has been ever since.
pub(super) fn is_same(user: &StoredUser, authentication: &Authentication) -> bool {
    user.active && user.deactivations == authentication.deactivations
}
