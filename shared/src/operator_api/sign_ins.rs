//! `/v1/tenants/{tenant}/sign-ins`: the records of the sign-ins of the last week, newest first.

use axum::extract::State;
use serde::Deserialize;
use uuid::Uuid;

use super::body::Json;
use super::caller::Operator;
use super::page::{CHUNK, FilteredPage, Limit, Page, PageQuery};
use super::params::{FilterValue, Path, Query};
use super::tenants::find_tenant;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::store::SignInRecord;
use types::ids::ResourceId;

#[derive(Debug, Deserialize)]
pub(super) struct SignInsQuery {
    /// Lists only sign-ins that succeeded, or only those that failed.
    succeeded: Option<bool>,
    /// Lists only sign-ins of the user with this id.
    user: Option<ResourceId>,
    /// Lists only sign-ins that failed with this code.
    code: Option<FilterValue>,
    cursor: Option<String>,
    limit: Option<Limit>,
}

/// The sign-ins to list. There is no lookup by any of these values, so the list is read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct SignInFilter {
    succeeded: Option<bool>,
    user: Option<ResourceId>,
    code: Option<String>,
}

impl SignInFilter {
    fn matches(&self, record: &SignInRecord) -> bool {
        self.succeeded.is_none_or(|succeeded| record.succeeded == succeeded)
            && self.user.is_none_or(|user| record.user == Some(user))
            && self.code.as_ref().is_none_or(|code| record.code.as_ref() == Some(code))
    }
}

pub(super) async fn list(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Query(query): Query<SignInsQuery>,
) -> Result<Json<Page<SignInRecord>>, OperatorApiError> {
    let SignInsQuery { succeeded, user, code, cursor, limit } = query;
    let page = PageQuery { cursor, limit };
    let filter = SignInFilter { succeeded, user, code: code.map(|FilterValue(code)| code) };
    let tenant = find_tenant(&app, &tenant).await?.id;
    let before = page.after::<Uuid>()?.map(|id| id.to_string());
    let now = app.clock.now();
    if filter == SignInFilter::default() {
        let items = app.store.sign_in_records(tenant, before, page.limit(), now).await?;
        return Ok(Json(Page::new(items, page.limit(), |record| record.id.clone())));
    }
    let mut found = FilteredPage::new(before, page.limit());
    while found.is_incomplete() {
        let before = found.last().map(str::to_owned);
        let records = app.store.sign_in_records(tenant, before, CHUNK, now).await?;
        found.add(records, |record| record.id.clone(), |record| filter.matches(record));
    }
    Ok(Json(found.finish()))
}
