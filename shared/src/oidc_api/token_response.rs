//! The token response, and the claims about the user that it shares with userinfo.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::error::OidcApiError;
use super::reply::json;
use crate::clock::{random_bytes, random_secret};
use crate::http::base_url::BaseUrl;
use crate::runtime::state::AppState;
use crate::secrets::oidc_keys::TokenType;
use crate::sign_in::active_grant::ActiveGrant;
use oidc::claims::{self, AccessToken, Person};
use oidc::handle::{Handle, HandleKind};
use oidc::scopes::{Scope, Scopes};
use types::hex::hex;
use types::ids::{GrantId, TenantId};

/// Makes a refresh token, not yet stored.
pub(super) fn new_refresh_token(tenant: TenantId) -> Result<Handle, OidcApiError> {
    let secret = random_secret().map_err(OidcApiError::Random)?;
    Ok(Handle::new(HandleKind::RefreshToken, tenant, &secret))
}

/// The contents of a token response.
pub(super) struct Tokens<'a> {
    /// The tenant of the grant.
    pub(super) tenant: TenantId,
    /// The grant that the tokens belong to.
    pub(super) grant_id: GrantId,
    /// The same grant, with its user.
    pub(super) active: &'a ActiveGrant,
    /// The granted scopes, or fewer.
    pub(super) scopes: &'a Scopes,
    /// The `nonce` of the authorization request.
    pub(super) nonce: Option<&'a str>,
    /// The refresh token, with the scope `offline_access`.
    pub(super) refresh_token: Option<&'a Handle>,
}

/// Signs the tokens and makes the response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
pub(super) async fn token_response(
    app: &AppState,
    base_url: &BaseUrl,
    tokens: &Tokens<'_>,
) -> Result<Response, OidcApiError> {
    let now = app.clock.now();
    let keys = app.oidc_keys.ensure(now).await?;
    let Tokens { active: ActiveGrant { grant, .. }, scopes, .. } = tokens;
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
        jti: hex(&random_bytes::<16>().map_err(OidcApiError::Random)?),
        scope: (*scopes).clone(),
        tenant: tokens.tenant,
        grant: tokens.grant_id,
    };
    let user = user_claims(app, tokens.tenant, tokens.active, scopes).await?;
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

/// Returns the claims about the user as stored now that the scopes allow.
pub(super) async fn user_claims(
    app: &AppState,
    tenant: TenantId,
    active: &ActiveGrant,
    scopes: &Scopes,
) -> Result<Map<String, Value>, OidcApiError> {
    let ActiveGrant { grant, user, domains } = active;
    let groups =
        if scopes.has(Scope::Groups) { group_names(app, tenant, active).await? } else { vec![] };
    let person = Person {
        tenant,
        user: user.resource.id,
        document: &attributes(&user.resource.document),
        last_modified: user.resource.last_modified,
        license: user.licence.as_str(),
        groups: &groups,
    };
    Ok(claims::user_claims(&person, scopes, &grant.authentication.connection, domains))
}

/// The names of the SCIM groups of the user; without any, the groups that the last assertion named
/// of a user whom SCIM does not manage.
async fn group_names(
    app: &AppState,
    tenant: TenantId,
    active: &ActiveGrant,
) -> Result<Vec<String>, OidcApiError> {
    let groups = app.store.groups_of(tenant, active.user.resource.id).await?;
    let name = |document: &str| {
        attributes(document).get("displayName").and_then(Value::as_str).map(str::to_owned)
    };
    let names: Vec<String> =
        groups.iter().filter_map(|group| name(&group.resource.document)).collect();
    let of_sign_in = active.user.sign_in_groups.clone().filter(|_| names.is_empty());
    Ok(of_sign_in.unwrap_or(names))
}

fn attributes(document: &str) -> Map<String, Value> {
    serde_json::from_str(document).unwrap_or_default()
}
