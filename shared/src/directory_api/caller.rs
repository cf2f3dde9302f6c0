//! Authentication of an app by a token for the directory.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::error::DirectoryApiError;
use crate::http::base_url::BaseUrl;
use crate::http::bearer::bearer;
use crate::runtime::state::AppState;
use crate::secrets::oidc_keys::TokenType;
use oidc::client::Client;
use oidc::directory_token::DirectoryToken;

/// Proof that the request comes from an app with a secret that is registered now. A handler without
/// it is public.
pub(super) struct Caller;

impl FromRequestParts<AppState> for Caller {
    type Rejection = DirectoryApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &AppState,
    ) -> Result<Self, DirectoryApiError> {
        let token = bearer(&parts.headers).ok_or(DirectoryApiError::NoToken)?;
        let now = app.clock.now();
        let token: Option<DirectoryToken> =
            app.oidc_keys.verify(TokenType::AccessToken, token, now).await?;
        let issuer = BaseUrl::of(&app.config, &parts.headers).join("");
        let token = token.filter(|token| token.is_valid(&issuer, now));
        let token = token.ok_or(DirectoryApiError::InvalidToken)?;
        // Read at each request, so that a deleted app is out at once.
        let client = app.store.client(&token.client_id).await?;
        let is_confidential = client.as_ref().is_some_and(Client::is_confidential);
        if is_confidential { Ok(Self) } else { Err(DirectoryApiError::InvalidToken) }
    }
}
