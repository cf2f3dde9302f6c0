//! Handlers of `/ServiceProviderConfig`, `/Schemas` and `/ResourceTypes` (RFC 7644 §4). The
//! documents are in [`scim::discovery`].

use serde_json::Value;

use super::caller::Caller;
use super::error::ScimApiError;
use super::reply::Reply;
use super::request::{PathId, Query};
use scim::discovery;
use scim::error::ScimError;

pub(super) async fn service_provider_config(
    caller: Caller,
    Query(query): Query,
) -> Result<Reply, ScimApiError> {
    reject_filter(&query)?;
    Ok(Reply::document(discovery::service_provider_config(&caller.scim_url).to_string()))
}

pub(super) async fn resource_types(
    caller: Caller,
    Query(query): Query,
) -> Result<Reply, ScimApiError> {
    reject_filter(&query)?;
    Ok(Reply::document(discovery::resource_types(&caller.scim_url).to_string()))
}

pub(super) async fn resource_type(
    caller: Caller,
    PathId(id): PathId,
) -> Result<Reply, ScimApiError> {
    reply("ResourceType", discovery::resource_type(&id, &caller.scim_url))
}

pub(super) async fn schemas(caller: Caller, Query(query): Query) -> Result<Reply, ScimApiError> {
    reject_filter(&query)?;
    Ok(Reply::document(discovery::schemas(&caller.scim_url).to_string()))
}

pub(super) async fn schema(caller: Caller, PathId(id): PathId) -> Result<Reply, ScimApiError> {
    reply("Schema", discovery::schema(&id, &caller.scim_url))
}

/// Replies with a document, or with 404 and the name of its kind.
fn reply(kind: &str, document: Option<Value>) -> Result<Reply, ScimApiError> {
    let document = document.ok_or_else(|| ScimError::NotFound(kind.to_owned()))?;
    Ok(Reply::document(document.to_string()))
}

/// Rejects a filter with 403 (RFC 7644 §4: "SHALL"). All other parameters are ignored.
fn reject_filter(query: &str) -> Result<(), ScimApiError> {
    let filtered = form_urlencoded::parse(query.as_bytes())
        .any(|(name, _)| name.eq_ignore_ascii_case("filter"));
    if filtered {
        return Err(
            ScimError::Forbidden("discovery endpoints do not support filter".to_owned()).into()
        );
    }
    Ok(())
}
