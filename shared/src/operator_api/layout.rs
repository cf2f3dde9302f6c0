//! `/v1/layout`: whether this version and the table are compatible. The check of new versions
//! (`deploy_check`) calls it first.

use axum::extract::State;
use serde_json::{Value, json};

use super::body::Json;
use super::caller::Operator;
use super::params::NoQuery;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::store::{LAYOUT, LayoutFit};

/// Moves the table to the layout of this version, if the two are at most one layout apart.
pub(super) async fn claim(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
) -> Result<Json<Value>, OperatorApiError> {
    let (table, advice) = match app.store.claim_layout(LAYOUT).await? {
        LayoutFit::Fits => return Ok(Json(json!({"layout": LAYOUT}))),
        LayoutFit::TableIsNewer(table) => {
            (table, "deploy a version whose layout is at most one behind")
        }
        LayoutFit::TableIsOlder(table) => (table, "deploy the versions in between first"),
    };
    let text = format!("the table has layout {table}, and this version has {LAYOUT}: {advice}");
    Err(OperatorApiError::Conflict(text))
}
