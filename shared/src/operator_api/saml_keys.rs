//! `/v1/saml-keys`: the keys of the service provider, and their rotation.

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;

use super::body::Json;
use super::caller::Operator;
use super::params::NoQuery;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::secrets::saml_keys::{KeyState, PublishedKey, SpKeys};
use saml::crypto::Certificate;

/// The public part of all keys.
#[derive(Debug, Serialize)]
pub(super) struct KeysView {
    signing: Vec<KeyView>,
    encryption: Vec<KeyView>,
}

#[derive(Debug, Serialize)]
struct KeyView {
    state: KeyState,
    /// SHA-256 of the certificate.
    fingerprint: String,
    created_at: Timestamp,
    not_after: Option<Timestamp>,
}

impl From<&SpKeys> for KeysView {
    fn from(keys: &SpKeys) -> Self {
        let view = |keys: &[PublishedKey]| keys.iter().filter_map(KeyView::new).collect();
        Self { signing: view(&keys.signing_keys), encryption: view(&keys.encryption_keys) }
    }
}

impl KeyView {
    fn new(key: &PublishedKey) -> Option<Self> {
        let certificate = Certificate::from_der(&key.certificate).ok()?;
        Some(Self {
            state: key.state,
            fingerprint: certificate.key.fingerprint().to_owned(),
            created_at: key.created_at,
            not_after: certificate.not_after,
        })
    }
}

/// Returns the keys. Creates them if there are none yet.
pub(super) async fn read(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
) -> Result<Json<KeysView>, OperatorApiError> {
    let keys = app.saml_keys.ensure(app.clock.now()).await?;
    Ok(Json(KeysView::from(keys.as_ref())))
}

/// Publishes the next keys. The next call activates them.
pub(super) async fn rotate(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
) -> Result<Json<KeysView>, OperatorApiError> {
    let now = app.clock.now();
    app.saml_keys.ensure(now).await?;
    let keys = app.saml_keys.rotate(now).await?;
    Ok(Json(KeysView::from(keys.as_ref())))
}
