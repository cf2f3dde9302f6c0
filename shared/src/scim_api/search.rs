//! `POST /.search` at the root: users and groups in one list (RFC 7644 §3.4.2.1, §3.4.3).

use super::body::JsonBody;
use super::caller::Caller;
use super::listing::{self, Kind};
use super::reply::Reply;
use crate::scim::error::ScimError;
use crate::scim::query::ListQuery;

/// Answers users, then groups.
pub(super) async fn everything(
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Reply, ScimError> {
    let query = ListQuery::from_search(&body)?;
    listing::list(&caller, &[Kind::Users, Kind::Groups], &query).await
}
