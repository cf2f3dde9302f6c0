//! The browser's session with us: a cookie whose digest is a row.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};

use super::live::is_same;
use crate::clock::random_secret;
use crate::http::base_url::BaseUrl;
use crate::http::cookie;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use oidc::error::OauthError;
use oidc::grant::{Authentication, Session};
use oidc::handle::{Handle, HandleKind};
use types::ids::TenantId;

/// The live session of the browser that makes the request, and whose it is. No error for a cookie
/// that is not ours: such a browser has no session.
pub(super) async fn current(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
) -> Result<Option<(TenantId, Authentication)>, OauthError> {
    let cookie = cookie::read(base_url, headers, COOKIE);
    let Some(handle) = cookie.and_then(|text| Handle::parse(HandleKind::Session, text)) else {
        return Ok(None);
    };
    let tenant = handle.tenant();
    let Some(session) = app.store.session(tenant, &handle.digest()).await? else {
        return Ok(None);
    };
    note_tenant(tenant);
    if session.expires_at <= app.clock.now() {
        return Ok(None);
    }
    let user = app.store.user(tenant, session.authentication.user).await?;
    let same = user.is_some_and(|user| is_same(&user, &session.authentication));
    Ok(same.then_some((tenant, session.authentication)))
}

/// Begins a session; the cookie for it. Every sign-in gets a new one, so that nobody can give a
/// person a session that they know.
pub(super) async fn begin(
    app: &AppState,
    base_url: &BaseUrl,
    tenant: TenantId,
    authentication: Authentication,
) -> Result<HeaderValue, OauthError> {
    let now = app.clock.now();
    let secret = random_secret().map_err(|_| OauthError::UNAVAILABLE)?;
    let handle = Handle::new(HandleKind::Session, tenant, &secret);
    let session = Session::new(authentication, now);
    app.store.create_session(tenant, &handle.digest(), &session).await?;
    let life = session.expires_at.duration_since(now);
    let life = Duration::try_from(life).unwrap_or_default();
    cookie::set(base_url, COOKIE, handle.reveal(), life).ok_or(OauthError::UNAVAILABLE)
}

const COOKIE: &str = "session";
