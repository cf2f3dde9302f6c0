//! `/oauth2/token` (RFC 6749 §3.2): exchanges a code or a refresh token for tokens.
//! [`super::client_credentials`] issues those of an app itself.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use jiff::{SignedDuration, Timestamp};

use super::client_auth::ClientRequest;
use super::client_credentials;
use super::cross_origin::readable;
use super::error::OidcApiError;
use super::token_response::{Tokens, new_refresh_token, token_response};
use crate::clock::random_secret;
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::sign_in::active_grant::{active_grant, live};
use crate::store::{NextRefreshToken, Redemption, StoredRefreshToken};
use oidc::client::Client;
use oidc::error::{ErrorCode, OauthError};
use oidc::grant::Code;
use oidc::handle::{Handle, HandleKind};
use oidc::parameters::Parameters;
use oidc::pkce::Pkce;
use oidc::scopes::Scope;
use types::ids::{GrantId, TenantId};

pub(super) async fn token(
    State(app): State<AppState>,
    ClientRequest { client, parameters, base_url, headers }: ClientRequest,
) -> Response {
    let answer = exchange(&app, &base_url, &client, &parameters).await;
    readable(&headers, &client, answer.into_response())
}

async fn exchange(
    app: &AppState,
    base_url: &BaseUrl,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, OidcApiError> {
    match parameters.required("grant_type", "grant_type is missing")? {
        "authorization_code" => redeem(app, base_url, client, parameters).await,
        "refresh_token" => refresh(app, base_url, client, parameters).await,
        "client_credentials" => client_credentials::issue(app, base_url, client, parameters).await,
        _ => Err(UNKNOWN_GRANT_TYPE.into()),
    }
}

/// Redeems a code (RFC 6749 §4.1.3, RFC 7636 §4.6).
async fn redeem(
    app: &AppState,
    base_url: &BaseUrl,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, OidcApiError> {
    let code = parameters.required("code", "code is missing")?;
    let handle = Handle::parse(HandleKind::Code, code).ok_or(BAD_CODE)?;
    let (tenant, digest) = (handle.tenant(), handle.digest());
    let found = app.store.code(tenant, &digest).await?.ok_or(BAD_CODE)?;
    note_tenant(tenant);
    let code = found.value;
    check_code(client, parameters, &code)?;
    if found.used {
        return refuse_replay(app, tenant, code.grant_id).await;
    }
    let now = app.clock.now();
    // The identity provider's session may end before the code does.
    if code.expires_at <= now || code.grant.is_over(now) {
        return Err(BAD_CODE.into());
    }
    let live = live(app, tenant, &code.grant.authentication, None).await?.ok_or(NOT_ACTIVE)?;
    let wants_refresh = code.grant.scopes.has(Scope::OfflineAccess);
    let refresh_token = wants_refresh.then(|| new_refresh_token(tenant)).transpose()?;
    let refresh_digest = refresh_token.as_ref().map(Handle::digest);
    let redeemed = app.store.redeem_code(tenant, &digest, &code, refresh_digest.as_deref()).await?;
    if redeemed == Redemption::Refused {
        return refuse_replay(app, tenant, code.grant_id).await;
    }
    let Code { grant_id, grant, nonce, .. } = code;
    let active = live.into_grant(grant).ok_or(NOT_ACTIVE)?;
    let tokens = Tokens {
        tenant,
        grant_id,
        active: &active,
        scopes: &active.grant.scopes,
        nonce: nonce.as_deref(),
        refresh_token: refresh_token.as_ref(),
    };
    token_response(app, base_url, &tokens).await
}

/// Checks that this client may redeem the code with this verifier.
///
/// A request that fails here neither uses the code nor revokes its grant: the thief of a code must
/// not be able to end the sign-in of its owner.
fn check_code(client: &Client, parameters: &Parameters, code: &Code) -> Result<(), OauthError> {
    let redirect_uri = parameters.required("redirect_uri", "redirect_uri is missing")?;
    let is_met = match &code.code_challenge {
        Some(challenge) => {
            let missing = "code_verifier is missing";
            challenge.is_met_by(parameters.required("code_verifier", missing)?)
        }
        // A verifier without a challenge means that the challenge was removed from the request on
        // its way (RFC 9700 §4.8.2).
        None => client.pkce() == Pkce::Optional && parameters.one("code_verifier")?.is_none(),
    };
    if code.grant.client_id != client.id || code.redirect_uri.as_str() != redirect_uri || !is_met {
        return Err(BAD_CODE);
    }
    Ok(())
}

/// Revokes the grant of a code that was sent twice: two parties know the code (RFC 6749 §4.1.2, RFC
/// 9700 §4.5).
async fn refuse_replay(
    app: &AppState,
    tenant: TenantId,
    grant_id: GrantId,
) -> Result<Response, OidcApiError> {
    app.store.revoke_grant(tenant, grant_id).await?;
    tracing::warn!(tenant.id = %tenant, "a code was sent twice; its grant is revoked");
    Err(BAD_CODE.into())
}

/// Exchanges a refresh token for its successor (RFC 6749 §6, OpenID Connect Core §12, RFC 9700
/// §4.14.2).
async fn refresh(
    app: &AppState,
    base_url: &BaseUrl,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, OidcApiError> {
    let token = parameters.required("refresh_token", "refresh_token is missing")?;
    let handle = Handle::parse(HandleKind::RefreshToken, token).ok_or(BAD_REFRESH_TOKEN)?;
    let (tenant, digest) = (handle.tenant(), handle.digest());
    let found = app.store.refresh_token(tenant, &digest).await?.ok_or(BAD_REFRESH_TOKEN)?;
    note_tenant(tenant);
    let grant_id = found.grant;
    let active =
        active_grant(app, tenant, grant_id, Some(client)).await?.ok_or(BAD_REFRESH_TOKEN)?;
    if active.grant.client_id != client.id {
        return Err(BAD_REFRESH_TOKEN.into());
    }
    let narrowed = match parameters.one("scope")? {
        Some(scope) => Some(active.grant.scopes.narrowed(scope).ok_or(WIDER_SCOPE)?),
        None => None,
    };
    let next = successor(app, &handle, &found, active.grant.expires_at).await?;
    let Some(next) = next else {
        app.store.revoke_grant(tenant, grant_id).await?;
        tracing::warn!(tenant.id = %tenant, "a refresh token was sent twice; its grant is revoked");
        return Err(BAD_REFRESH_TOKEN.into());
    };
    let tokens = Tokens {
        tenant,
        grant_id,
        active: &active,
        scopes: narrowed.as_ref().unwrap_or(&active.grant.scopes),
        nonce: None,
        refresh_token: Some(&next),
    };
    token_response(app, base_url, &tokens).await
}

/// The refresh token that follows `handle`; none for a replay (rule 17).
///
/// Within [`GRACE`] of the first redemption the same token has the same successor: two tabs, or a
/// client that lost the answer, must not end the sign-in.
async fn successor(
    app: &AppState,
    handle: &Handle,
    found: &StoredRefreshToken,
    expires_at: Timestamp,
) -> Result<Option<Handle>, OidcApiError> {
    let (tenant, digest, now) = (handle.tenant(), handle.digest(), app.clock.now());
    let redemption = if found.used {
        found.redemption
    } else {
        let nonce = random_secret().map_err(OidcApiError::Random)?;
        let Some(next) = handle.successor(&nonce) else { return Ok(None) };
        let row = NextRefreshToken { digest: &next.digest(), nonce: &nonce, now };
        let store = &app.store;
        let rotated =
            store.rotate_refresh_token(tenant, &digest, &row, found.grant, expires_at).await?;
        if rotated == Redemption::Accepted {
            return Ok(Some(next));
        }
        // Another request has redeemed it since it was read.
        let current = app.store.refresh_token(tenant, &digest).await?;
        current.and_then(|current| current.redemption)
    };
    let in_time = redemption.filter(|(at, _)| now.duration_since(*at) <= GRACE);
    Ok(in_time.and_then(|(_, nonce)| handle.successor(&nonce)))
}

/// A token may be redeemed again for this long after its first redemption.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

const UNKNOWN_GRANT_TYPE: OauthError = OauthError::new(
    ErrorCode::UnsupportedGrantType,
    "grant_type must be authorization_code, refresh_token or client_credentials",
);
const BAD_CODE: OauthError =
    OauthError::invalid_grant("the code is unknown, used, expired or not for this request");
const BAD_REFRESH_TOKEN: OauthError =
    OauthError::invalid_grant("the refresh token is unknown, used, expired or revoked");
const NOT_ACTIVE: OauthError = OauthError::invalid_grant("the account of the person is not active");
const WIDER_SCOPE: OauthError =
    OauthError::new(ErrorCode::InvalidScope, "scope has more than was granted");
