//! `/v1/oidc-keys`: the keys that sign tokens for apps.

use axum::extract::State;
use serde_json::Value;

use super::body::Json;
use super::caller::Operator;
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;

/// The next key signs from now on; the current one stays published.
pub(super) async fn rotate(
    _: Operator,
    State(app): State<AppState>,
) -> Result<Json<Value>, Problem> {
    let keys = app.oidc_keys.rotate(app.clock.now()).await?;
    Ok(Json(keys.kids()))
}
