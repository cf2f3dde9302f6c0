//! Authenticates a provisioning client by its bearer token (RFC 6750, RFC 7644 §2).
//!
//! The token determines the tenant. The rate limit of the tenant is applied here too.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::error::{ScimApiError, StoreContext as _};
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::{note_ending_token, note_tenant};
use crate::runtime::state::AppState;
use crate::secrets::SecretName;
use scim::cursor::CursorKey;
use scim::error::ScimError;
use scim::mode::Mode;
use types::ids::TenantId;
use types::scim_token::ScimToken;

/// An authenticated provisioning client. A handler without a `Caller` is a public route.
pub(super) struct Caller {
    /// State of the process.
    pub(super) app: AppState,
    /// Tenant of the token; the first argument of every call of the store.
    pub(super) tenant: TenantId,
    /// Tolerance of the tenant.
    pub(super) mode: Mode,
    /// Time of the request.
    pub(super) now: Timestamp,
    /// SCIM base URL as the client reaches it.
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
            mode: app.mode(tenant, now).await.context("read the settings of a tenant")?,
            now,
            scim_url: BaseUrl::of(&app.config, &parts.headers).scim(),
        })
    }
}

impl Caller {
    /// Reads the key that authenticates cursors.
    ///
    /// # Errors
    ///
    /// [`ScimApiError::CursorKey`] or [`ScimApiError::NoCursorKey`] if the secret is not available.
    pub(super) async fn cursor_key(&self) -> Result<CursorKey, ScimApiError> {
        let secret = self.app.secrets.cached(SecretName::CursorKey, self.now).await;
        let secret = secret.map_err(ScimApiError::CursorKey)?.ok_or(ScimApiError::NoCursorKey)?;
        let key = Zeroizing::new(Sha256::digest(secret.expose_secret()).into());
        Ok(CursorKey::new(&key))
    }
}

/// Parses the token of the only `Authorization` header. The scheme may have any letter case
/// (RFC 9110 §11.1).
fn bearer(parts: &Parts) -> Result<ScimToken, ScimError> {
    let mut headers = parts.headers.get_all(header::AUTHORIZATION).iter();
    let header = headers.next().ok_or(ScimError::Unauthorized)?;
    let header = header.to_str().map_err(|_| ScimError::InvalidToken)?.trim();
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        // Credentials of another scheme count as absent (RFC 6750 §3.1).
        return Err(ScimError::Unauthorized);
    }
    if headers.next().is_some() {
        return Err(ScimError::InvalidToken);
    }
    ScimToken::parse(token.trim()).ok_or(ScimError::InvalidToken)
}
