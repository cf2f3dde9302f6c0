//! `/ServiceProviderConfig`, `/Schemas` and `/ResourceTypes` (RFC 7644 §4).

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
    refuse_filter(&query)?;
    Ok(Reply::document(discovery::service_provider_config(&caller.scim_url).to_string()))
}

pub(super) async fn resource_types(
    caller: Caller,
    Query(query): Query,
) -> Result<Reply, ScimApiError> {
    refuse_filter(&query)?;
    Ok(Reply::document(discovery::resource_types(&caller.scim_url).to_string()))
}

pub(super) async fn resource_type(
    caller: Caller,
    PathId(id): PathId,
) -> Result<Reply, ScimApiError> {
    found("ResourceType", discovery::resource_type(&id, &caller.scim_url))
}

pub(super) async fn schemas(caller: Caller, Query(query): Query) -> Result<Reply, ScimApiError> {
    refuse_filter(&query)?;
    Ok(Reply::document(discovery::schemas(&caller.scim_url).to_string()))
}

pub(super) async fn schema(caller: Caller, PathId(id): PathId) -> Result<Reply, ScimApiError> {
    found("Schema", discovery::schema(&id, &caller.scim_url))
}

fn found(what: &str, document: Option<Value>) -> Result<Reply, ScimApiError> {
    let document = document.ok_or_else(|| ScimError::NotFound(what.to_owned()))?;
    Ok(Reply::document(document.to_string()))
}

/// RFC 7644 §4: a filter here "SHALL" be answered with 403; all other parameters are ignored.
fn refuse_filter(query: &str) -> Result<(), ScimApiError> {
    let filtered = form_urlencoded::parse(query.as_bytes())
        .any(|(name, _)| name.eq_ignore_ascii_case("filter"));
    if filtered {
        return Err(ScimError::Forbidden("discovery endpoints take no filter".to_owned()).into());
    }
    Ok(())
}
