//! `/oauth2/revoke` (RFC 7009): revokes a token of an app, and with it all tokens of the same grant
//! (RFC 7009 §2.1).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::bearer;
use super::client_auth::ClientRequest;
use super::cross_origin::readable;
use super::error::OidcApiError;
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::secrets::oidc_keys::TokenType;
use oidc::client::Client;
use oidc::directory_token::DirectoryToken;
use oidc::error::{ErrorCode, OauthError};
use oidc::handle::{Handle, HandleKind};
use oidc::parameters::Parameters;
use types::ids::{GrantId, TenantId};

pub(super) async fn revoke(
    State(app): State<AppState>,
    ClientRequest { client, parameters, base_url, headers }: ClientRequest,
) -> Response {
    let answer = try_revoke(&app, &base_url, &client, &parameters).await;
    readable(&headers, &client, answer.into_response())
}

async fn try_revoke(
    app: &AppState,
    base_url: &BaseUrl,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, OidcApiError> {
    let token = parameters.required("token", "token is missing")?;
    if let Some((tenant, grant_id)) = grant_of(app, base_url, token).await?
        && let Some(grant) = app.store.grant(tenant, grant_id).await?
    {
        note_tenant(tenant);
        if grant.client_id != client.id {
            let other = "the token was issued to another client";
            return Err(OauthError::invalid_grant(other).into());
        }
        app.store.revoke_grant(tenant, grant_id).await?;
    }
    // An unknown token gets the same response: it does not count, as requested (RFC 7009 §2.2).
    Ok((StatusCode::OK, [("cache-control", "no-store")]).into_response())
}

async fn grant_of(
    app: &AppState,
    base_url: &BaseUrl,
    token: &str,
) -> Result<Option<(TenantId, GrantId)>, OidcApiError> {
    if let Some(handle) = Handle::parse(HandleKind::RefreshToken, token) {
        let found = app.store.refresh_token(handle.tenant(), &handle.digest()).await?;
        return Ok(found.map(|found| (handle.tenant(), found.grant)));
    }
    if let Some(token) = bearer::issued(app, base_url, token).await? {
        return Ok(Some((token.tenant, token.grant)));
    }
    let kind = TokenType::AccessToken;
    let token: Option<DirectoryToken> = app.oidc_keys.verify(kind, token, app.clock.now()).await?;
    // An app must not believe that this token is revoked.
    if token.is_some() { Err(OF_DIRECTORY.into()) } else { Ok(None) }
}

/// RFC 7009 §2.2.1. No row stands for such a token.
const OF_DIRECTORY: OauthError = OauthError::new(
    ErrorCode::UnsupportedTokenType,
    "a token for the directory ends after ten minutes or when the app is deleted, not by revocation",
);
