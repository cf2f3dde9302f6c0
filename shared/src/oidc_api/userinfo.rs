//! `/oauth2/userinfo`, by GET and by POST (OpenID Connect Core §5.3): claims about the user.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;

use super::bearer;
use super::error::OidcApiError;
use super::reply::json;
use super::token_response::user_claims;
use crate::http::base_url::BaseUrl;
use crate::runtime::state::AppState;
use oidc::error::{ErrorCode, OauthError};

pub(super) async fn userinfo(
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, OidcApiError> {
    let token = bearer::bearer(&headers).ok_or(OidcApiError::NoToken)?;
    let base_url = BaseUrl::of(&app.config, &headers);
    let found = bearer::access_token(&app, &base_url, token, None).await?;
    let (token, active) = found.ok_or(INVALID_TOKEN)?;
    let claims = user_claims(&app, token.tenant, &active, &token.scope).await?;
    Ok(json(StatusCode::OK, &Value::Object(claims)))
}

const INVALID_TOKEN: OauthError =
    OauthError::new(ErrorCode::InvalidToken, "the access token is expired, revoked or not ours");
