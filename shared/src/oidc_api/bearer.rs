//! Access tokens that stand for a person. A token for the directory is none of them: it names no
//! person, and its audience is another.

use super::error::OidcApiError;
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::secrets::oidc_keys::TokenType;
use crate::sign_in::active_grant::{ActiveGrant, active_grant};
use oidc::claims::AccessToken;
use oidc::client::Client;

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
    let kind = TokenType::AccessToken;
    let token: Option<AccessToken> = app.oidc_keys.verify(kind, token, app.clock.now()).await?;
    let issuer = base_url.join("");
    let token = token.filter(|token| token.iss == issuer && token.aud == issuer);
    if let Some(token) = &token {
        note_tenant(token.tenant);
    }
    Ok(token)
}
