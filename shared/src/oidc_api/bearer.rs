//! Bearer access tokens (RFC 6750 §2.1).

use axum::http::{HeaderMap, header};

use super::error::OidcApiError;
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::secrets::oidc_keys::TokenType;
use crate::sign_in::active_grant::{ActiveGrant, active_grant};
use oidc::claims::AccessToken;
use oidc::client::Client;

/// Returns the token of the `Authorization` header; `None` also if the header is there twice.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// Verifies an access token. Returns it with its grant if we issued it and it still counts.
/// `asking`: the app that sends the request, if it is authenticated.
pub(super) async fn access_token(
    app: &AppState,
    base_url: &BaseUrl,
    token: &str,
    asking: Option<&Client>,
) -> Result<Option<(AccessToken, ActiveGrant)>, OidcApiError> {
    let Some(token) = issued(app, base_url, token).await? else { return Ok(None) };
    if token.exp <= app.clock.now().as_second() {
        return Ok(None);
    }
    let active = active_grant(app, token.tenant, token.grant, asking).await?;
    Ok(active.map(|active| (token, active)))
}

/// Returns an access token if we issued it, valid or not.
pub(super) async fn issued(
    app: &AppState,
    base_url: &BaseUrl,
    token: &str,
) -> Result<Option<AccessToken>, OidcApiError> {
    let keys = app.oidc_keys.ensure(app.clock.now()).await?;
    let token: Option<AccessToken> = keys.verify(TokenType::AccessToken, token);
    let token = token.filter(|token| token.iss == base_url.join(""));
    if let Some(token) = &token {
        note_tenant(token.tenant);
    }
    Ok(token)
}
