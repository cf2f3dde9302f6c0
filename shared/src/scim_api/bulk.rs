//! `/Bulk` (RFC 7644 §3.7): does what [`scim::bulk`] says is next.

use super::body::JsonBody;
use super::caller::Caller;
use super::error::ScimApiError;
use super::precondition::IfMatch;
use super::reply::Reply;
use super::resources::Kind;
use scim::bulk::{Bulk, BulkMethod, Done, Operation};
use scim::projection::Projection;

pub(super) async fn bulk(caller: Caller, JsonBody(body): JsonBody) -> Result<Reply, ScimApiError> {
    let mut bulk = Bulk::parse(body)?;
    while let Some(operation) = bulk.next_operation() {
        let index = operation.index;
        let outcome = run(&caller, operation).await;
        bulk.record(index, outcome.map_err(ScimApiError::into_answer));
    }
    Ok(Reply::document(bulk.finish(&caller.scim_url).to_string()))
}

async fn run(caller: &Caller, operation: Operation) -> Result<Done, ScimApiError> {
    let Operation { method, resource_type, id, version, data, .. } = operation;
    let kind = Kind::of(resource_type);
    let if_match = IfMatch::version(version.as_deref());
    // The response of a bulk operation has no body, so nothing need be read for one.
    let nothing = Projection::parse(Some("id"), None)?;
    let known = id.as_deref().unwrap_or_default();
    let reply = match method {
        BulkMethod::Post => kind.add(caller, &nothing, data).await?,
        BulkMethod::Put => kind.put(caller, &nothing, known, &if_match, data).await?,
        BulkMethod::Patch => kind.modify(caller, &nothing, known, &if_match, data).await?,
        BulkMethod::Delete => kind.remove(caller, known, &if_match).await?,
    };
    let created = reply.location.as_deref().and_then(|url| url.rsplit('/').next());
    let id = id.as_deref().or(created).unwrap_or_default().to_owned();
    Ok(Done { status: reply.status.as_u16(), id, version: reply.etag })
}
