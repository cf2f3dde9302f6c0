//! The browser's session with us: a cookie whose digest is the key of a row.
//!
//! A session answers the authorization requests of other apps without the identity provider. It
//! counts only by rule 16 (`super::sessions`).

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};

use super::SignedIn;
use super::active_grant::{Live, live};
use super::error::SignInError;
use crate::clock::random_secret;
use crate::http::base_url::BaseUrl;
use crate::http::cookie;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::store::SessionKey;
use oidc::grant::{Authentication, Session};
use oidc::handle::{Handle, HandleKind};
use types::ids::TenantId;

/// Returns the sign-in of the browser's valid session, with the rows that it was judged by.
///
/// A cookie that is not ours is no error: such a browser has no session.
pub(crate) async fn current(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
) -> Result<Option<(SignedIn, Live)>, SignInError> {
    match key_of(base_url, headers) {
        Some(key) => with_key(app, key).await,
        None => Ok(None),
    }
}

/// Returns the key of the session that a browser has the cookie of. It may be over.
pub(crate) fn key_of(base_url: &BaseUrl, headers: &HeaderMap) -> Option<SessionKey> {
    let handle = handle(base_url, headers)?;
    Some(SessionKey { tenant: handle.tenant(), digest: handle.digest() })
}

/// Returns the sign-in of a valid session with the rows that it was judged by.
pub(crate) async fn with_key(
    app: &AppState,
    key: SessionKey,
) -> Result<Option<(SignedIn, Live)>, SignInError> {
    match app.store.session(key.tenant, &key.digest).await? {
        Some(session) => judge(app, key.tenant, session).await,
        None => Ok(None),
    }
}

/// The same as [`current`] if the sign-in with this id gave the session.
pub(crate) async fn of_sign_in(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    sign_in: &str,
) -> Result<Option<(SignedIn, Live)>, SignInError> {
    let Some(SessionKey { tenant, digest }) = key_of(base_url, headers) else { return Ok(None) };
    match app.store.session(tenant, &digest).await? {
        Some(session) if session.sign_in.as_deref() == Some(sign_in) => {
            judge(app, tenant, session).await
        }
        Some(_) | None => Ok(None),
    }
}

async fn judge(
    app: &AppState,
    tenant: TenantId,
    session: Session,
) -> Result<Option<(SignedIn, Live)>, SignInError> {
    note_tenant(tenant);
    let (now, authentication) = (app.clock.now(), session.authentication);
    if session.expires_at <= now || authentication.is_over(now) {
        return Ok(None);
    }
    let live = live(app, tenant, &authentication, None).await?;
    Ok(live.map(|live| (SignedIn { tenant, authentication }, live)))
}

/// Creates the session that a sign-in gives, and returns its cookie.
///
/// Every sign-in gets a new one: an attacker cannot make a browser use a session that the attacker
/// knows.
pub(crate) async fn create(
    app: &AppState,
    base_url: &BaseUrl,
    tenant: TenantId,
    authentication: Authentication,
    sign_in: Option<&str>,
) -> Result<HeaderValue, SignInError> {
    let now = app.clock.now();
    let secret = random_secret().map_err(SignInError::Random)?;
    let handle = Handle::new(HandleKind::Session, tenant, &secret);
    let session = Session::new(authentication, sign_in.map(str::to_owned), now);
    app.store.create_session(tenant, &handle.digest(), &session).await?;
    let life = session.expires_at.duration_since(now);
    let life = Duration::try_from(life).unwrap_or_default();
    Ok(cookie::set(base_url, COOKIE, handle.reveal(), life)?)
}

/// Returns the handle in the session cookie of a request, whether or not it leads to a session.
pub(crate) fn handle(base_url: &BaseUrl, headers: &HeaderMap) -> Option<Handle> {
    Handle::parse(HandleKind::Session, cookie::read(base_url, headers, COOKIE)?)
}

/// Ends the session of a browser, and returns the cookie that removes it there.
pub(crate) async fn end(
    app: &AppState,
    base_url: &BaseUrl,
    handle: &Handle,
) -> Result<HeaderValue, SignInError> {
    app.store.delete_session(handle.tenant(), &handle.digest()).await?;
    Ok(cookie::set(base_url, COOKIE, "", Duration::ZERO)?)
}

const COOKIE: &str = "session";
