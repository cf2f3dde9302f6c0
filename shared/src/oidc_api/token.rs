//! `/oauth2/token` (RFC 6749 §3.2): a code or a refresh token becomes tokens.

use axum::extract::State;
use axum::response::Response;

use super::client_auth::ClientRequest;
use super::issue::{self, Tokens};
use super::live::{Live, is_same, live};
use super::reply::Failure;
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::store::Redemption;
use oidc::client::Client;
use oidc::error::{ErrorCode, OauthError};
use oidc::grant::Code;
use oidc::handle::{Handle, HandleKind};
use oidc::parameters::Parameters;
use oidc::pkce::Pkce;
use oidc::scopes::Scope;

pub(super) async fn token(
    State(app): State<AppState>,
    ClientRequest { client, parameters, base_url }: ClientRequest,
) -> Result<Response, Failure> {
    match parameters.required("grant_type", "grant_type is missing")? {
        "authorization_code" => redeem(&app, &base_url, &client, &parameters).await,
        "refresh_token" => refresh(&app, &base_url, &client, &parameters).await,
        _ => {
            let known = "grant_type must be authorization_code or refresh_token";
            Err(OauthError::new(ErrorCode::UnsupportedGrantType, known).into())
        }
    }
}

/// RFC 6749 §4.1.3, RFC 7636 §4.6.
async fn redeem(
    app: &AppState,
    base_url: &BaseUrl,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, Failure> {
    let code = parameters.required("code", "code is missing")?;
    let handle = Handle::parse(HandleKind::Code, code).ok_or(BAD_CODE)?;
    let (tenant, digest) = (handle.tenant(), handle.digest());
    let found = app.store.code(tenant, &digest).await?.ok_or(BAD_CODE)?;
    note_tenant(tenant);
    let code = found.value;
    check_code(client, parameters, &code)?;
    if found.used {
        return replayed(app, &handle, &code).await;
    }
    if code.expires_at <= app.clock.now() {
        return Err(BAD_CODE.into());
    }
    let user = app.store.user(tenant, code.grant.authentication.user).await?;
    let user = user.filter(|user| is_same(user, &code.grant.authentication));
    let user = user.ok_or(INACTIVE)?;
    let refresh_token = code
        .grant
        .scopes
        .has(Scope::OfflineAccess)
        .then(|| issue::refresh_token(tenant))
        .transpose()?;
    let refresh_digest = refresh_token.as_ref().map(Handle::digest);
    let redeemed = app.store.redeem_code(tenant, &digest, &code, refresh_digest.as_deref()).await?;
    if redeemed == Redemption::Refused {
        return replayed(app, &handle, &code).await;
    }
    let Code { grant_id, grant, nonce, .. } = code;
    let live = Live { grant, user };
    let tokens = Tokens {
        tenant,
        grant_id,
        live: &live,
        scopes: &live.grant.scopes,
        nonce: nonce.as_deref(),
        refresh_token: refresh_token.as_ref(),
    };
    issue::tokens(app, base_url, &tokens).await
}

/// Whether this client may redeem the code with this verifier. A request that fails here does not
/// use the code up, nor end what it gave: whoever stole a code can do no harm to its owner.
fn check_code(client: &Client, parameters: &Parameters, code: &Code) -> Result<(), OauthError> {
    let redirect_uri = parameters.required("redirect_uri", "redirect_uri is missing")?;
    let is_met = match &code.code_challenge {
        Some(challenge) => {
            let missing = "code_verifier is missing";
            challenge.is_met_by(parameters.required("code_verifier", missing)?)
        }
        // A verifier without a challenge: somebody took the challenge out of the request on its
        // way (RFC 9700 §4.8.2).
        None => client.pkce() == Pkce::Optional && parameters.one("code_verifier")?.is_none(),
    };
    if code.grant.client_id != client.id || code.redirect_uri.as_str() != redirect_uri || !is_met {
        return Err(BAD_CODE);
    }
    Ok(())
}

/// A code that comes twice was seen by two: all that it gave ends (RFC 6749 §4.1.2, RFC 9700 §4.5).
async fn replayed(app: &AppState, handle: &Handle, code: &Code) -> Result<Response, Failure> {
    app.store.revoke_grant(handle.tenant(), code.grant_id).await?;
    tracing::warn!(tenant.id = %handle.tenant(), "a code came twice; its tokens are revoked");
    Err(BAD_CODE.into())
}

/// RFC 6749 §6, OpenID Connect Core §12, RFC 9700 §4.14.2.
async fn refresh(
    app: &AppState,
    base_url: &BaseUrl,
    client: &Client,
    parameters: &Parameters,
) -> Result<Response, Failure> {
    let token = parameters.required("refresh_token", "refresh_token is missing")?;
    let handle = Handle::parse(HandleKind::RefreshToken, token).ok_or(BAD_REFRESH_TOKEN)?;
    let (tenant, digest) = (handle.tenant(), handle.digest());
    let found = app.store.refresh_token(tenant, &digest).await?.ok_or(BAD_REFRESH_TOKEN)?;
    note_tenant(tenant);
    let grant_id = found.value;
    let live = live(app, tenant, grant_id).await?.ok_or(BAD_REFRESH_TOKEN)?;
    if live.grant.client_id != client.id {
        return Err(BAD_REFRESH_TOKEN.into());
    }
    let narrower = match parameters.one("scope")? {
        Some(scope) => Some(live.grant.scopes.narrowed(scope).ok_or(WIDER)?),
        None => None,
    };
    let next = issue::refresh_token(tenant)?;
    let rotated = if found.used {
        Redemption::Refused
    } else {
        let end = live.grant.expires_at;
        app.store.rotate_refresh_token(tenant, &digest, &next.digest(), grant_id, end).await?
    };
    if rotated == Redemption::Refused {
        app.store.revoke_grant(tenant, grant_id).await?;
        tracing::warn!(tenant.id = %tenant, "a refresh token came twice; its grant is revoked");
        return Err(BAD_REFRESH_TOKEN.into());
    }
    let tokens = Tokens {
        tenant,
        grant_id,
        live: &live,
        scopes: narrower.as_ref().unwrap_or(&live.grant.scopes),
        nonce: None,
        refresh_token: Some(&next),
    };
    issue::tokens(app, base_url, &tokens).await
}

const BAD_CODE: OauthError =
    OauthError::invalid_grant("the code is unknown, used, expired or not for this request");
const BAD_REFRESH_TOKEN: OauthError =
    OauthError::invalid_grant("the refresh token is unknown, used, expired or revoked");
const INACTIVE: OauthError = OauthError::invalid_grant("the account of the person is not active");
const WIDER: OauthError =
    OauthError::new(ErrorCode::InvalidScope, "scope has more than was granted");
