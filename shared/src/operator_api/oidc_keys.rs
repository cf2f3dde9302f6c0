//! `/v1/oidc-keys`: rotation of the keys that sign tokens for apps.

use axum::extract::State;
use serde_json::Value;

use super::body::Json;
use super::caller::Operator;
use super::params::NoQuery;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;

/// Lets the next key sign. The current one stays published.
pub(super) async fn rotate(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
) -> Result<Json<Value>, OperatorApiError> {
    let keys = app.oidc_keys.rotate(app.clock.now()).await?;
    Ok(Json(keys.kids()))
}
