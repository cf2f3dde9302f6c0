//! Authenticates a provisioning client by its bearer token (RFC 6750, RFC 7644 §2).
//!
//! The token determines the tenant. The rate limit of the tenant is applied here too: a request
//! needs one unit to begin, and pays for what it cost when it ends.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::error::{ScimApiError, StoreContext as _};
use crate::aws::usage::{self, Units};
use crate::http::base_url::BaseUrl;
use crate::http::user_agent::Product;
use crate::runtime::request_log::{note_ending_token, note_tenant};
use crate::runtime::state::AppState;
use crate::secrets::SecretName;
use directory::event::{Actor, Origin, Source};
use scim::cursor::CursorKey;
use scim::error::ScimError;
use scim::mode::Mode;
use scim::projection::Projection;
use scim::schema::ResourceType;
use scim::work::{self, Meter};
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
    /// The origin of the changes of the request, for their events.
    pub(super) origin: Origin,
    /// SCIM base URL as the client reaches it.
    pub(super) scim_url: String,
    /// The work that the request may still cause.
    pub(super) meter: Meter,
    /// The work that the resources of the answer may still cause.
    answer: Meter,
    /// Number of bulk operations.
    operations: AtomicU64,
    /// The charge to the tenant's rate limit for the request so far, in thousandths of a request.
    paid: AtomicU64,
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
        // Two calls at the same time, and none within a minute of these.
        let (expires_at, product) = (validity.expires_at(), Product::of(&parts.headers));
        let (mode, ()) = tokio::join!(
            app.mode(tenant, now),
            app.scim_tokens.note_use(&token, expires_at, product, now)
        );
        Ok(Self {
            app: app.clone(),
            tenant,
            mode: mode.context("read the settings of a tenant")?,
            now,
            origin: Origin {
                source: Source::Scim,
                actor: Actor::ScimToken { id: token.id().to_owned() },
            },
            scim_url: BaseUrl::of(&app.config, &parts.headers).scim(),
            meter: Meter::default(),
            answer: Meter::new(work::ANSWER),
            operations: AtomicU64::new(0),
            paid: AtomicU64::new(ONE_REQUEST),
        })
    }
}

impl Caller {
    /// Counts an operation of a bulk request.
    pub(super) fn count_operation(&self) {
        self.meter.charge_operation();
        self.operations.fetch_add(1, Ordering::Relaxed);
        self.pay();
    }

    /// Charges the rate limit of the tenant for what the request has cost so far. A long request
    /// pays as it goes, so that others beside it wait for it.
    pub(super) fn pay(&self) {
        if let Some(limiter) = &self.app.rate_limiter {
            let cost = self.cost();
            let paid = self.paid.fetch_max(cost, Ordering::Relaxed);
            limiter.charge(self.tenant, cost.saturating_sub(paid), self.app.clock.now());
        }
    }

    /// Applies the projection of the request to a resource of the answer, and charges for it.
    ///
    /// # Errors
    ///
    /// [`ScimError::TooMany`] if this would cost more than an answer may.
    pub(super) fn project(
        &self,
        projection: &Projection,
        resource_type: &ResourceType,
        resource: &mut Map<String, Value>,
    ) -> Result<(), ScimError> {
        self.answer.charge(projection.cost(resource));
        if self.answer.is_used_up() {
            return Err(ScimError::TooMany(
                "the answer would select too many attributes of too large resources; name fewer \
                 in attributes or excludedAttributes"
                    .to_owned(),
            ));
        }
        projection.apply(resource_type, resource);
        Ok(())
    }

    /// Returns what the request has cost, in thousandths of a request: by its operations, by the
    /// capacity of the table that it took, or by its work, whichever is most.
    fn cost(&self) -> u64 {
        let Units { read, write } = usage::units();
        let units = |units: f64, of_a_request: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a positive number, and the conversion saturates"
            )]
            let thousandths = (units / of_a_request * 1e3) as u64;
            thousandths
        };
        let capacity = units(write, WRITE_UNITS).saturating_add(units(read, READ_UNITS));
        let operations = self.operations.load(Ordering::Relaxed).saturating_mul(1_000);
        operations.max(capacity).max(self.meter.used_thousandths().saturating_mul(DEAREST))
    }

    /// Charges the request for memberships that it reads.
    pub(super) fn charge_memberships(&self, count: usize) {
        self.meter.charge(count.saturating_mul(MEMBERSHIP));
    }

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

/// The tenant pays the rest when the request ends, however it ends.
impl Drop for Caller {
    fn drop(&mut self) {
        self.pay();
    }
}

/// One request of the rate limit in thousandths, which is taken at the beginning.
const ONE_REQUEST: u64 = 1_000;

/// Capacity units that one request of the rate limit is worth: the creation of a user takes 12 write
/// units, a page of a hundred users 30 read units.
pub(super) const WRITE_UNITS: f64 = 12.0;
const READ_UNITS: f64 = 30.0;

/// Number of requests that a request is worth which uses up its meter.
const DEAREST: u64 = 100;

/// Units of [`Meter`] to read and render a membership.
const MEMBERSHIP: usize = 2_500;

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
