//! Handlers of `/Users` and `/Groups` (RFC 7644 §3.3 to §3.6).
//!
//! A handler reads the request and passes it on by the kind of the resource: to `users`, `groups`
//! or `listing`.

use axum::http::HeaderMap;

use super::caller::Caller;
use super::error::ScimApiError;
use super::reply::Reply;
use super::request::{IfNoneMatch, JsonBody, PathId, Preconditions, Query};
use super::{groups, listing, users};
use scim::query::ListQuery;
use scim::schema::ResourceKind;

/// `POST /Users` or `/Groups`.
pub(super) async fn create(
    kind: ResourceKind,
    caller: Caller,
    query: Query,
    JsonBody(body): JsonBody,
) -> Result<Reply, ScimApiError> {
    let projection = query.projection(kind)?;
    let reply = match kind {
        ResourceKind::User => users::create(&caller, &projection, body).await,
        ResourceKind::Group => groups::create(&caller, &projection, body).await,
    };
    reply.map(Reply::without_large_body)
}

/// `GET /Users/{id}` or `/Groups/{id}`.
pub(super) async fn read(
    kind: ResourceKind,
    caller: Caller,
    PathId(id): PathId,
    query: Query,
    headers: HeaderMap,
) -> Result<Reply, ScimApiError> {
    let projection = query.projection(kind)?;
    let if_none_match = IfNoneMatch::from_headers(&headers);
    let reply = match kind {
        ResourceKind::User => users::read(&caller, &projection, &id, &if_none_match).await,
        ResourceKind::Group => groups::read(&caller, &projection, &id, &if_none_match).await,
    };
    Ok(reply?.checked()?)
}

/// `PUT /Users/{id}` or `/Groups/{id}`.
pub(super) async fn replace(
    kind: ResourceKind,
    caller: Caller,
    PathId(id): PathId,
    query: Query,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Reply, ScimApiError> {
    let projection = query.projection(kind)?;
    let preconditions = Preconditions::from_headers(&headers);
    let reply = match kind {
        ResourceKind::User => users::replace(&caller, &projection, &id, &preconditions, body).await,
        ResourceKind::Group => {
            groups::replace(&caller, &projection, &id, &preconditions, body).await
        }
    };
    reply.map(Reply::without_large_body)
}

/// `PATCH /Users/{id}` or `/Groups/{id}`.
pub(super) async fn patch(
    kind: ResourceKind,
    caller: Caller,
    PathId(id): PathId,
    query: Query,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Reply, ScimApiError> {
    let projection = query.projection(kind)?;
    let preconditions = Preconditions::from_headers(&headers);
    let reply = match kind {
        ResourceKind::User => users::patch(&caller, &projection, &id, &preconditions, body).await,
        ResourceKind::Group => groups::patch(&caller, &projection, &id, &preconditions, body).await,
    };
    reply.map(Reply::without_large_body)
}

/// `DELETE /Users/{id}` or `/Groups/{id}`.
pub(super) async fn delete(
    kind: ResourceKind,
    caller: Caller,
    PathId(id): PathId,
    headers: HeaderMap,
) -> Result<Reply, ScimApiError> {
    let preconditions = Preconditions::from_headers(&headers);
    match kind {
        ResourceKind::User => users::delete(&caller, &id, &preconditions).await,
        ResourceKind::Group => groups::delete(&caller, &id, &preconditions).await,
    }
}

/// `GET /Users` or `/Groups`.
pub(super) async fn list(
    kind: ResourceKind,
    caller: Caller,
    Query(query): Query,
) -> Result<Reply, ScimApiError> {
    listing::list(&caller, &[kind], &ListQuery::parse(&query)?).await
}

/// `POST /.search`, `/Users/.search` or `/Groups/.search` (RFC 7644 §3.4.3).
pub(super) async fn search(
    kinds: &[ResourceKind],
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Reply, ScimApiError> {
    listing::list(&caller, kinds, &ListQuery::from_search(&body)?).await
}
