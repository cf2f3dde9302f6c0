//! `/oauth2/introspect` (RFC 7662): tells an app whether one of its tokens still counts.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::bearer;
use super::client_auth::ClientRequest;
use super::error::OidcApiError;
use super::reply;
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::sign_in::active_grant::active_grant;
use oidc::client::Client;
use oidc::error::{ErrorCode, OauthError};
use oidc::handle::{Handle, HandleKind};

/// Refuses a public client: anybody can claim to be one (RFC 7662 §2.1).
pub(super) async fn introspect(
    State(app): State<AppState>,
    ClientRequest { client, parameters, base_url, .. }: ClientRequest,
) -> Result<Response, OidcApiError> {
    if !client.is_confidential() {
        let refusal = "a public client may not introspect";
        return Err(OauthError::new(ErrorCode::InvalidClient, refusal).into());
    }
    let token = parameters.required("token", "token is missing")?;
    let found = match Handle::parse(HandleKind::RefreshToken, token) {
        Some(handle) => refresh_token(&app, &base_url, &client, &handle).await?,
        None => access_token(&app, &base_url, &client, token).await?,
    };
    // A token that does not count gets no other member (RFC 7662 §2.2).
    Ok(reply::json(StatusCode::OK, &found.unwrap_or_else(|| json!({ "active": false }))))
}

async fn access_token(
    app: &AppState,
    base_url: &BaseUrl,
    client: &Client,
    token: &str,
) -> Result<Option<Value>, OidcApiError> {
    let found = bearer::access_token(app, base_url, token, Some(client)).await?;
    let Some((token, _)) = found.filter(|(token, _)| token.client_id == client.id) else {
        return Ok(None);
    };
    let mut answer = json!({ "active": true, "token_type": "Bearer" });
    if let (Some(answer), Ok(Value::Object(claims))) =
        (answer.as_object_mut(), serde_json::to_value(&token))
    {
        answer.extend(claims);
    }
    Ok(Some(answer))
}

async fn refresh_token(
    app: &AppState,
    base_url: &BaseUrl,
    client: &Client,
    handle: &Handle,
) -> Result<Option<Value>, OidcApiError> {
    let tenant = handle.tenant();
    let found = app.store.refresh_token(tenant, &handle.digest()).await?;
    let Some(grant_id) = found.filter(|found| !found.used).map(|found| found.grant) else {
        return Ok(None);
    };
    note_tenant(tenant);
    let active = active_grant(app, tenant, grant_id, Some(client)).await?;
    let Some(active) = active.filter(|active| active.grant.client_id == client.id) else {
        return Ok(None);
    };
    let grant = active.grant;
    Ok(Some(json!({
        "active": true,
        "iss": base_url.join(""),
        "sub": grant.authentication.user,
        "client_id": grant.client_id,
        "exp": grant.expires_at.as_second(),
        "auth_time": grant.authentication.auth_time.as_second(),
        "scope": grant.scopes,
        "tenant": tenant,
        "grant": grant_id,
    })))
}
