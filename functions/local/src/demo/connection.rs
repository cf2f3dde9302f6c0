//! The connection of the demo tenant to the demo identity provider.
//!
//! `demo` calls this at each start. It reads and writes the embedded table and sends no request:
//! the metadata comes from `demo_idp`, in the same process. The domain and the connection are
//! stored by `shared::sign_in::claims`, as for any other tenant.

use std::collections::BTreeMap;

use super::DOMAIN;
use crate::demo_idp::DemoIdp;
use saml::connection::{Connection, Settings, Trust};
use saml::metadata::{MetadataError, ReadOptions, read_idp_metadata};
use shared::runtime::state::AppState;
use shared::sign_in::claims::{self, ClaimError};
use shared::store::StoreError;
use types::domain::{Domain, InvalidDomain};
use types::ids::TenantId;

/// Creates the connection, or updates one of an earlier start. A connection that the user has
/// changed to another identity provider stays.
pub(super) async fn prepare(
    app: &AppState,
    base_url: &str,
    tenant: TenantId,
    idp: &DemoIdp,
) -> Result<(), DemoConnectionError> {
    let now = app.clock.now();
    let domain: Domain = DOMAIN.parse()?;
    let stored = app.store.connection(tenant, &domain).await?;
    let known = stored.as_ref().and_then(|stored| stored.connection.trust.as_ref());
    let options = ReadOptions {
        our_entity_id: &format!("{base_url}/saml/metadata/{DOMAIN}"),
        pinned_key: None,
        allow_loopback_http: true,
        now,
    };
    let trust =
        Trust::new(read_idp_metadata(idp.metadata().as_bytes(), &options)?, None, None, now);
    if known.is_some_and(|known| !is_replaceable(known, &trust)) {
        return Ok(());
    }
    claims::put_domain(app, tenant, &domain, true, now).await?;
    let connection = match &stored {
        Some(stored) => {
            let known = stored.connection.clone();
            Connection { trust: Some(trust), changed_at: now, ..known }
        }
        None => Connection {
            tenant,
            domain,
            domains: None,
            member_domains: BTreeMap::new(),
            settings: Settings { jit: true, ..Settings::default() },
            trust: Some(trust),
            created_at: now,
            changed_at: now,
            unknown: serde_json::Map::new(),
        },
    };
    claims::put_connection(app, stored.as_ref(), &connection, now).await?;
    Ok(())
}

/// Whether the trust is in the demo identity provider of an earlier start, on another port or with
/// another key.
fn is_replaceable(known: &Trust, fresh: &Trust) -> bool {
    let is_demo = |trust: &Trust| {
        trust.providers.iter().all(|provider| provider.entity_id.ends_with("/demo/idp/metadata"))
    };
    is_demo(known) && known.providers != fresh.providers
}

/// The demo connection cannot be created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoConnectionError {
    /// The demo domain is invalid.
    #[error(transparent)]
    Domain(#[from] InvalidDomain),
    /// Gatehouse refuses the metadata of the demo identity provider.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The embedded table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The demo's domain cannot be claimed.
    #[error(transparent)]
    Claim(#[from] ClaimError),
}
