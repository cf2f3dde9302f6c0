//! `/oauth2/userinfo` (OpenID Connect Core §5.3). By GET and by POST.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;

use super::reply::{Failure, json};
use super::{bearer, issue};
use crate::http::base_url::BaseUrl;
use crate::runtime::state::AppState;
use oidc::error::{ErrorCode, OauthError};

pub(super) async fn userinfo(
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let token = bearer::bearer(&headers).ok_or(Failure::NoToken)?;
    let base_url = BaseUrl::of(&app.config, &headers);
    let found = bearer::access_token(&app, &base_url, token).await?;
    let (token, live) = found.ok_or(INVALID_TOKEN)?;
    let claims = issue::user_claims(&app, token.tenant, &live, &token.scope).await?;
    Ok(json(StatusCode::OK, &Value::Object(claims)))
}

const INVALID_TOKEN: OauthError =
    OauthError::new(ErrorCode::InvalidToken, "the access token is expired, revoked or not ours");
