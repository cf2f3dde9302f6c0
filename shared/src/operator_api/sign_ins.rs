//! `/v1/tenants/{tenant}/sign-ins`: how each sign-in of the last week went, the newest first.

use axum::extract::State;
use uuid::Uuid;

use super::body::{Items, Json};
use super::caller::Operator;
use super::params::{Path, Query};
use super::tenants::{PageQuery, existing};
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::store::SignInRecord;

pub(super) async fn list(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Items<SignInRecord>>, Problem> {
    let tenant = existing(&app, &tenant).await?;
    let before = page.after::<Uuid>()?.map(|id| id.to_string());
    let items = app.store.sign_in_records(tenant.id, before, page.limit(), app.clock.now()).await?;
    let last = items.last().map(|record| record.id.clone());
    let next_cursor = last.filter(|_| items.len() == page.limit());
    Ok(Json(Items { items, next_cursor }))
}
