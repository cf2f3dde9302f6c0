//! `/v1/layout`: whether this version fits the table. The check of new versions asks first.

use axum::extract::State;
use serde_json::{Value, json};

use super::body::Json;
use super::caller::Operator;
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::store::{LAYOUT, LayoutFit};

pub(super) async fn claim(
    _: Operator,
    State(app): State<AppState>,
) -> Result<Json<Value>, Problem> {
    let (table, advice) = match app.store.claim_layout(LAYOUT).await? {
        LayoutFit::Fits => return Ok(Json(json!({"layout": LAYOUT}))),
        LayoutFit::TableIsNewer(table) => (table, "deploy a version that is at most one behind"),
        LayoutFit::TableIsOlder(table) => (table, "deploy the versions in between first"),
    };
    let text = format!("the table has layout {table}, this version writes {LAYOUT}; {advice}");
    Err(Problem::Conflict(text))
}
