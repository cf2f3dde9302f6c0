//! Handler of `/Bulk` (RFC 7644 §3.7). [`scim::bulk`] decides which operation runs next.
//!
//! Each operation is charged to the meter of the request. When that is used up, the operations that
//! are left are answered 429.

use super::caller::Caller;
use super::error::ScimApiError;
use super::reply::Reply;
use super::request::{JsonBody, Preconditions};
use super::{groups, users};
use scim::bulk::{Bulk, BulkMethod, BulkOperation, BulkSuccess};
use scim::error::ScimError;
use scim::projection::Projection;
use scim::schema::ResourceKind;

/// `POST /Bulk`.
pub(super) async fn bulk(caller: Caller, JsonBody(body): JsonBody) -> Result<Reply, ScimApiError> {
    let mut bulk = Bulk::parse(body)?;
    while let Some(operation) = bulk.next_operation() {
        let index = operation.index;
        // A client repeats an operation with this answer. The operations before it have happened.
        let result = if caller.meter.is_used_up() {
            Err(ScimError::TooManyRequests { retry_after_seconds: 1 }.into())
        } else {
            caller.count_operation();
            execute(&caller, operation).await
        };
        bulk.record(index, result.map_err(ScimApiError::into_answer));
    }
    Ok(Reply::document(bulk.finish(&caller.scim_url).to_string()))
}

async fn execute(caller: &Caller, operation: BulkOperation) -> Result<BulkSuccess, ScimApiError> {
    let BulkOperation { method, kind, id, version, data, .. } = operation;
    let preconditions = Preconditions::from_version(version);
    // A bulk response has no bodies, so no attribute needs to be read for one.
    let only_id = Projection::parse(Some("id"), None)?;
    let target = id.as_deref().unwrap_or_default();
    let reply = match (method, kind) {
        (BulkMethod::Post, ResourceKind::User) => users::create(caller, &only_id, data).await?,
        (BulkMethod::Post, ResourceKind::Group) => groups::create(caller, &only_id, data).await?,
        (BulkMethod::Put, ResourceKind::User) => {
            users::replace(caller, &only_id, target, &preconditions, data).await?
        }
        (BulkMethod::Put, ResourceKind::Group) => {
            groups::replace(caller, &only_id, target, &preconditions, data).await?
        }
        (BulkMethod::Patch, ResourceKind::User) => {
            users::patch(caller, &only_id, target, &preconditions, data).await?
        }
        (BulkMethod::Patch, ResourceKind::Group) => {
            groups::patch(caller, &only_id, target, &preconditions, data).await?
        }
        (BulkMethod::Delete, ResourceKind::User) => {
            users::delete(caller, target, &preconditions).await?
        }
        (BulkMethod::Delete, ResourceKind::Group) => {
            groups::delete(caller, target, &preconditions).await?
        }
    };
    let created = reply.location.as_deref().and_then(|url| url.rsplit('/').next());
    let id = id.as_deref().or(created).unwrap_or_default().to_owned();
    Ok(BulkSuccess { status: reply.status.as_u16(), id, version: reply.etag })
}
