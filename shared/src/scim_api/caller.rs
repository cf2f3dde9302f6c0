//! Who calls: a bearer token becomes a tenant (RFC 6750, RFC 7644 §2).

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::error::ScimApiError;
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::{note_ending_token, note_tenant};
use crate::runtime::state::AppState;
use crate::secrets::SecretName;
use scim::cursor::CursorKey;
use scim::error::ScimError;
use scim::resource::Mode;
use types::ids::TenantId;
use types::scim_token::ScimToken;

/// An authenticated provisioning client. A handler that takes no `Caller` is a public route.
pub(super) struct Caller {
    /// The process that serves the request.
    pub(super) app: AppState,
    /// Whose token it is. Every store call begins with it.
    pub(super) tenant: TenantId,
    /// What the tenant's clients may send.
    pub(super) mode: Mode,
    /// When the request came.
    pub(super) now: Timestamp,
    /// The SCIM base URL by which the client reached us.
    pub(super) scim_url: String,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ScimApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ScimApiError> {
        let token = bearer(parts)?;
        let now = app.clock.now();
        let validity = app.scim_tokens.verify(&token, now).await?;
        let validity = validity.ok_or(ScimError::InvalidToken)?;
        let tenant = token.tenant();
        note_tenant(tenant);
        if validity.ends_soon(now) {
            note_ending_token();
        }
        if let Some(limiter) = &app.rate_limiter {
            limiter.take(tenant, now).map_err(|retry_after_seconds| {
                ScimError::TooManyRequests { retry_after_seconds }
            })?;
        }
        Ok(Self {
            app: app.clone(),
            tenant,
            mode: app.mode(tenant, now).await?,
            now,
            scim_url: BaseUrl::of(&app.config, &parts.headers).scim(),
        })
    }
}

impl Caller {
    /// What authenticates the cursors that we hand out.
    pub(super) async fn cursor_key(&self) -> Result<CursorKey, ScimApiError> {
        let secret = self.app.secrets.cached(SecretName::CursorKey, self.now).await;
        let secret = secret.map_err(ScimApiError::CursorKey)?.ok_or(ScimApiError::NoCursorKey)?;
        let key = Zeroizing::new(Sha256::digest(secret.expose_secret()).into());
        Ok(CursorKey::new(&key))
    }
}

/// The token of the one `Authorization` header; the scheme in any letter case (RFC 9110 §11.1).
fn bearer(parts: &Parts) -> Result<ScimToken, ScimError> {
    let mut headers = parts.headers.get_all(header::AUTHORIZATION).iter();
    let header = headers.next().ok_or(ScimError::Unauthorized)?;
    let header = header.to_str().map_err(|_| ScimError::InvalidToken)?.trim();
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        // Credentials of a scheme that we do not know are none (RFC 6750 §3.1).
        return Err(ScimError::Unauthorized);
    }
    if headers.next().is_some() {
        return Err(ScimError::InvalidToken);
    }
    ScimToken::parse(token.trim()).ok_or(ScimError::InvalidToken)
}
