//! `grant_type=client_credentials` (RFC 6749 §4.4): a token by which an app reads the directory.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::error::OidcApiError;
use super::reply::json;
use crate::clock::random_bytes;
use crate::http::base_url::BaseUrl;
use crate::runtime::state::AppState;
use crate::secrets::oidc_keys::TokenType;
use oidc::client::Client;
use oidc::directory_token::{DirectoryToken, LIFE_SECONDS, check_grant};
use oidc::parameters::Parameters;
use types::hex::hex;

/// Issues a token to the app. There is no refresh token (RFC 6749 §4.4.3): the app asks again.
pub(super) async fn issue(
    app: &AppState,
    base_url: &BaseUrl,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, OidcApiError> {
    check_grant(client, parameters.one("scope")?)?;
    let now = app.clock.now();
    let keys = app.oidc_keys.ensure(now).await?;
    let jti = hex(&random_bytes::<16>().map_err(OidcApiError::Random)?);
    let token = DirectoryToken::new(&base_url.join(""), &client.id, jti, now);
    let body = json!({
        "access_token": keys.sign(TokenType::AccessToken, &token)?,
        "token_type": "Bearer",
        "expires_in": LIFE_SECONDS,
        "scope": token.scope,
    });
    Ok(json(StatusCode::OK, &body))
}
