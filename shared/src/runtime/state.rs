//! What every handler is given.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_secretsmanager::Client as SecretsManager;
use jiff::Timestamp;

use crate::clock::Clock;
use crate::config::{Config, RateLimit};
use crate::http::rate_limit::RateLimiter;
use crate::secrets::Secrets;
use crate::secrets::oidc_keys::OidcKeys;
use crate::secrets::saml_keys::SamlKeys;
use crate::secrets::scim_tokens::ScimTokens;
use crate::secrets::ttl_cache::TtlCache;
use crate::store::{Store, StoreError};
use scim::mode::Mode;
use types::ids::TenantId;

/// Configuration, clock, table and secrets of one process; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// The parts of [`AppState`].
pub struct Parts {
    /// What the deployment set.
    pub config: Config,
    /// Where the time comes from.
    pub clock: Clock,
    /// The table.
    pub store: Store,
    /// Secrets Manager.
    pub secrets: Arc<Secrets>,
    /// SCIM tokens of all tenants.
    pub scim_tokens: ScimTokens,
    /// The service provider's keys.
    pub saml_keys: SamlKeys,
    /// The keys that sign ID tokens and access tokens.
    pub oidc_keys: OidcKeys,
    /// Which tenants refuse what the SCIM schemas do not know.
    pub modes: TtlCache<TenantId, Mode>,
    /// Records of refused responses left to each tenant.
    pub refused_records: RateLimiter<TenantId>,
    /// Requests left to each tenant, when there is a limit.
    pub rate_limiter: Option<RateLimiter<TenantId>>,
}

impl AppState {
    /// Wires one process.
    pub fn new(
        config: Config,
        clock: Clock,
        dynamodb: DynamoDb,
        secrets_manager: SecretsManager,
    ) -> Self {
        let secrets = Arc::new(Secrets::new(secrets_manager, &config.stage));
        let store = Store::new(dynamodb, &config.table);
        Self(Arc::new(Parts {
            saml_keys: SamlKeys::new(Arc::clone(&secrets)),
            scim_tokens: ScimTokens::new(Arc::clone(&secrets), store.clone()),
            oidc_keys: OidcKeys::new(Arc::clone(&secrets)),
            store,
            rate_limiter: config.rate_limit.map(RateLimiter::new),
            refused_records: RateLimiter::new(REFUSED_RECORDS),
            modes: TtlCache::default(),
            secrets,
            clock,
            config,
        }))
    }

    /// How tolerant the tenant wants SCIM to be; known for a minute.
    ///
    /// # Errors
    ///
    /// When the table does not answer.
    pub async fn mode(&self, tenant: TenantId, now: Timestamp) -> Result<Mode, StoreError> {
        if let Some(mode) = self.modes.get(&tenant, now) {
            return Ok(mode);
        }
        let strict = self.store.tenant(tenant).await?.is_some_and(|tenant| tenant.strict);
        let mode = if strict { Mode::Strict } else { Mode::Lenient };
        self.modes.put(tenant, mode, now);
        Ok(mode)
    }
}

impl std::ops::Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState").field("config", &self.config).finish_non_exhaustive()
    }
}

/// How many refused responses a process records: enough for a company whose certificate has just
/// expired, and a bound to what a stranger can make us write.
const REFUSED_RECORDS: RateLimit =
    RateLimit { per_second: NonZeroU32::new(5).unwrap(), burst: NonZeroU32::new(100).unwrap() };
