//! Bearer access tokens (RFC 6750 §2.1).

use axum::http::{HeaderMap, header};

use super::live::{Live, live};
use super::reply::Failure;
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::secrets::oidc_keys::TokenType;
use oidc::claims::AccessToken;

/// The token of the one `Authorization` header.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// An access token that we made, still valid, with what it belongs to.
pub(super) async fn access_token(
    app: &AppState,
    base_url: &BaseUrl,
    token: &str,
) -> Result<Option<(AccessToken, Live)>, Failure> {
    let Some(token) = signed(app, base_url, token).await? else { return Ok(None) };
    if token.exp <= app.clock.now().as_second() {
        return Ok(None);
    }
    let live = live(app, token.tenant, token.grant).await?;
    Ok(live.map(|live| (token, live)))
}

/// An access token that we made, valid or not.
pub(super) async fn signed(
    app: &AppState,
    base_url: &BaseUrl,
    token: &str,
) -> Result<Option<AccessToken>, Failure> {
    let keys = app.oidc_keys.keys(app.clock.now()).await?;
    let token: Option<AccessToken> = keys.verify(TokenType::AccessToken, token);
    let token = token.filter(|token| token.iss == base_url.join(""));
    if let Some(token) = &token {
        note_tenant(token.tenant);
    }
    Ok(token)
}
