//! `/v1/tenants/{tenant}/sign-ins`: the records of the sign-ins of the last week, newest first.

use axum::extract::State;
use uuid::Uuid;

use super::body::Json;
use super::caller::Operator;
use super::page::{Page, PageQuery};
use super::params::{Path, Query};
use super::tenants::find_tenant;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::store::SignInRecord;

pub(super) async fn list(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SignInRecord>>, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    let before = page.after::<Uuid>()?.map(|id| id.to_string());
    let items = app.store.sign_in_records(tenant.id, before, page.limit(), app.clock.now()).await?;
    Ok(Json(Page::new(items, page.limit(), |record| record.id.clone())))
}
