//! Making codes and tokens.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::live::Live;
use super::reply::{Failure, json, redirect};
use crate::clock::{random_bytes, random_secret, random_uuid};
use crate::http::base_url::BaseUrl;
use crate::runtime::state::AppState;
use crate::secrets::oidc_keys::TokenType;
use oidc::authorize::AuthorizeRequest;
use oidc::claims::{self, AccessToken, Person};
use oidc::error::OauthError;
use oidc::grant::{Authentication, CODE_LIFE, Code, Grant, after};
use oidc::handle::{Handle, HandleKind};
use oidc::scopes::{Scope, Scopes};
use types::hex::hex;
use types::ids::{GrantId, TenantId};

/// Answers an authorization request with a code (RFC 6749 §4.1.2, RFC 9207 §2).
pub(super) async fn code(
    app: &AppState,
    base_url: &BaseUrl,
    tenant: TenantId,
    authentication: Authentication,
    request: AuthorizeRequest,
) -> Result<Response, OauthError> {
    let now = app.clock.now();
    let secret = random_secret().map_err(|_| OauthError::UNAVAILABLE)?;
    let handle = Handle::new(HandleKind::Code, tenant, &secret);
    let AuthorizeRequest { client_id, redirect_uri, state, nonce, scopes, code_challenge, .. } =
        request;
    let code = Code {
        grant_id: GrantId::new(random_uuid()),
        grant: Grant::new(client_id, scopes, authentication, now),
        redirect_uri,
        code_challenge,
        nonce,
        expires_at: after(now, CODE_LIFE),
    };
    app.store.create_code(tenant, &handle.digest(), &code).await?;
    let issuer = base_url.join("");
    let parameters = [("code", handle.reveal()), ("iss", issuer.as_str())];
    let parameters = parameters.into_iter().chain(state.as_deref().map(|state| ("state", state)));
    Ok(redirect(&code.redirect_uri.with(parameters)))
}

/// A new refresh token, not yet stored.
pub(super) fn refresh_token(tenant: TenantId) -> Result<Handle, OauthError> {
    let secret = random_secret().map_err(|_| OauthError::UNAVAILABLE)?;
    Ok(Handle::new(HandleKind::RefreshToken, tenant, &secret))
}

/// What a token response is made of.
pub(super) struct Tokens<'a> {
    /// Whose.
    pub(super) tenant: TenantId,
    /// What they belong to.
    pub(super) grant_id: GrantId,
    /// The same, with its user.
    pub(super) live: &'a Live,
    /// All that was granted, or less.
    pub(super) scopes: &'a Scopes,
    /// Of the authorization request.
    pub(super) nonce: Option<&'a str>,
    /// With `offline_access`.
    pub(super) refresh_token: Option<&'a Handle>,
}

/// A token response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
pub(super) async fn tokens(
    app: &AppState,
    base_url: &BaseUrl,
    tokens: &Tokens<'_>,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let keys = app.oidc_keys.keys(now).await?;
    let Tokens { live: Live { grant, .. }, scopes, .. } = tokens;
    let end = grant.access_token_end(now).as_second();
    let issuer = base_url.join("");
    let access_token = AccessToken {
        iss: issuer.clone(),
        aud: issuer.clone(),
        sub: grant.authentication.user,
        client_id: grant.client_id.clone(),
        iat: now.as_second(),
        exp: end,
        auth_time: grant.authentication.auth_time.as_second(),
        jti: hex(&random_bytes::<16>().map_err(|_| OauthError::UNAVAILABLE)?),
        scope: (*scopes).clone(),
        tenant: tokens.tenant,
        grant: tokens.grant_id,
    };
    let user = user_claims(app, tokens.tenant, tokens.live, scopes).await?;
    let id_token = claims::id_token(&issuer, grant, tokens.nonce, user, now);
    let mut body = json!({
        "access_token": keys.sign(TokenType::AccessToken, &access_token)?,
        "token_type": "Bearer",
        "expires_in": end - now.as_second(),
        "scope": scopes,
        "id_token": keys.sign(TokenType::IdToken, &id_token)?,
    });
    if let (Some(refresh_token), Some(body)) = (tokens.refresh_token, body.as_object_mut()) {
        body.insert("refresh_token".to_owned(), json!(refresh_token.reveal()));
    }
    Ok(json(StatusCode::OK, &body))
}

/// What the scopes let the app know of the user now.
pub(super) async fn user_claims(
    app: &AppState,
    tenant: TenantId,
    live: &Live,
    scopes: &Scopes,
) -> Result<Map<String, Value>, Failure> {
    let user = &live.user;
    let groups = if scopes.has(Scope::Groups) { groups(app, tenant, live).await? } else { vec![] };
    let person = Person {
        tenant,
        user: user.resource.id,
        document: &attributes(&user.resource.document),
        last_modified: user.resource.last_modified,
        license: user.licence.as_str(),
        groups: &groups,
    };
    Ok(claims::user_claims(&person, scopes, &live.grant.authentication.domain))
}

async fn groups(app: &AppState, tenant: TenantId, live: &Live) -> Result<Vec<String>, Failure> {
    let groups = app.store.groups_of(tenant, live.user.resource.id).await?;
    let name = |document: &str| {
        attributes(document).get("displayName").and_then(Value::as_str).map(str::to_owned)
    };
    Ok(groups.iter().filter_map(|group| name(&group.resource.document)).collect())
}

fn attributes(document: &str) -> Map<String, Value> {
    serde_json::from_str(document).unwrap_or_default()
}
