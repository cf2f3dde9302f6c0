//! `/oauth2/userinfo`, by GET and by POST (OpenID Connect Core §5.3): claims about the user.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::bearer::{access_token, issued};
use super::cross_origin::{origin, readable};
use super::error::OidcApiError;
use super::reply::json;
use super::token_response::user_claims;
use crate::http::base_url::BaseUrl;
use crate::http::bearer::bearer;
use crate::runtime::state::AppState;
use oidc::client::Client;
use oidc::error::{ErrorCode, OauthError};

pub(super) async fn userinfo(State(app): State<AppState>, headers: HeaderMap) -> Response {
    let base_url = BaseUrl::of(&app.config, &headers);
    let token = bearer(&headers);
    let answer = answer(&app, &base_url, token).await.into_response();
    match holder(&app, &base_url, &headers, token).await {
        Ok(Some(client)) => readable(&headers, &client, answer),
        Ok(None) => answer,
        Err(error) => error.into_response(),
    }
}

async fn answer(
    app: &AppState,
    base_url: &BaseUrl,
    token: Option<&str>,
) -> Result<Response, OidcApiError> {
    let token = token.ok_or(OidcApiError::NoToken)?;
    let found = access_token(app, base_url, token, None).await?;
    let (token, active) = found.ok_or(INVALID_TOKEN)?;
    let claims = user_claims(app, token.tenant, &active, &token.scope).await?;
    Ok(json(StatusCode::OK, &Value::Object(claims)))
}

/// Returns the app that a token was issued to, valid or not, if a script sends it: only then does
/// the answer depend on the app.
async fn holder(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    token: Option<&str>,
) -> Result<Option<Client>, OidcApiError> {
    let Some(token) = token.filter(|_| origin(headers).is_some()) else { return Ok(None) };
    match issued(app, base_url, token).await? {
        Some(token) => Ok(app.store.client(&token.client_id).await?),
        None => Ok(None),
    }
}

const INVALID_TOKEN: OauthError =
    OauthError::new(ErrorCode::InvalidToken, "the access token is expired, revoked or not ours");
