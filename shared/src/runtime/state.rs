//! The state of a process, which every handler receives.

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
use crate::secrets::webhook_secrets::WebhookSecrets;
use crate::store::{Store, StoreError};
use scim::mode::Mode;
use types::ids::TenantId;

/// Configuration, clock, table, secrets and caches of one process. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// The parts of [`AppState`].
pub struct Parts {
    /// Settings of the deployment.
    pub config: Config,
    /// Clock of the process.
    pub clock: Clock,
    /// The table.
    pub store: Store,
    /// Secrets Manager.
    pub secrets: Arc<Secrets>,
    /// SCIM tokens of all tenants.
    pub scim_tokens: ScimTokens,
    /// Key pairs of the SAML service provider.
    pub saml_keys: SamlKeys,
    /// Keys that sign ID tokens and access tokens.
    pub oidc_keys: OidcKeys,
    /// Secrets that sign the messages of webhooks.
    pub webhook_secrets: WebhookSecrets,
    /// Whether a tenant refuses or keeps unknown SCIM attributes.
    pub modes: TtlCache<TenantId, Mode>,
    /// Limit on the records of refused SAML responses, per tenant.
    pub refused_records: RateLimiter<TenantId>,
    /// Limit on SCIM requests per tenant, if one is configured.
    pub rate_limiter: Option<RateLimiter<TenantId>>,
}

impl AppState {
    /// Creates the state of a process.
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
            webhook_secrets: WebhookSecrets::new(Arc::clone(&secrets), store.clone()),
            store,
            rate_limiter: config.rate_limit.map(RateLimiter::new),
            refused_records: RateLimiter::new(REFUSED_RECORDS),
            modes: TtlCache::default(),
            secrets,
            clock,
            config,
        }))
    }

    /// Returns how the tenant treats unknown SCIM attributes; cached for a minute.
    ///
    /// # Errors
    ///
    /// When the tenant cannot be read.
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

/// Rate of refused responses that a process records: enough for a company whose certificate has
/// just expired, and a bound on the writes that a stranger can cause.
const REFUSED_RECORDS: RateLimit =
    RateLimit { per_second: NonZeroU32::new(5).unwrap(), burst: NonZeroU32::new(100).unwrap() };
