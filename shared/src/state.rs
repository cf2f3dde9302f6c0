//! What every handler is given.

use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_secretsmanager::Client as SecretsManager;
use jiff::Timestamp;

use crate::clock::Clock;
use crate::config::Config;
use crate::ids::TenantId;
use crate::rate_limit::RateLimiter;
use crate::scim::resource::Mode;
use crate::scim_tokens::ScimTokens;
use crate::secrets::Secrets;
use crate::store::{Store, StoreError};
use crate::ttl_cache::TtlCache;

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
    /// Which tenants refuse what the SCIM schemas do not know.
    pub modes: TtlCache<TenantId, Mode>,
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
            scim_tokens: ScimTokens::new(Arc::clone(&secrets), store.clone()),
            store,
            rate_limiter: config.rate_limit.map(RateLimiter::new),
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
