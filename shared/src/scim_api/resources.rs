//! The handlers of `/Users` and `/Groups`, which differ only in what they do it to
//! (RFC 7644 §3.3 to §3.6).

use axum::http::HeaderMap;
use serde_json::Value;

use super::body::JsonBody;
use super::caller::Caller;
use super::error::ScimApiError;
use super::precondition::{IfMatch, IfNoneMatch};
use super::reply::Reply;
use super::request::{PathId, Query};
use super::{groups, listing, users};
use scim::projection::Projection;
use scim::query::ListQuery;
use scim::schema::ResourceType;

/// Which collection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Users,
    Groups,
}

impl Kind {
    /// The collection of a resource type.
    pub(super) fn of(resource_type: &ResourceType) -> Self {
        if std::ptr::eq(resource_type, ResourceType::user()) { Self::Users } else { Self::Groups }
    }

    pub(super) fn resource_type(self) -> &'static ResourceType {
        match self {
            Self::Users => ResourceType::user(),
            Self::Groups => ResourceType::group(),
        }
    }

    pub(super) async fn add(
        self,
        caller: &Caller,
        projection: &Projection,
        body: Value,
    ) -> Result<Reply, ScimApiError> {
        match self {
            Self::Users => users::add(caller, projection, body).await,
            Self::Groups => groups::add(caller, projection, body).await,
        }
    }

    pub(super) async fn put(
        self,
        caller: &Caller,
        projection: &Projection,
        id: &str,
        if_match: &IfMatch,
        body: Value,
    ) -> Result<Reply, ScimApiError> {
        match self {
            Self::Users => users::put(caller, projection, id, if_match, body).await,
            Self::Groups => groups::put(caller, projection, id, if_match, body).await,
        }
    }

    pub(super) async fn modify(
        self,
        caller: &Caller,
        projection: &Projection,
        id: &str,
        if_match: &IfMatch,
        body: Value,
    ) -> Result<Reply, ScimApiError> {
        match self {
            Self::Users => users::modify(caller, projection, id, if_match, body).await,
            Self::Groups => groups::modify(caller, projection, id, if_match, body).await,
        }
    }

    pub(super) async fn remove(
        self,
        caller: &Caller,
        id: &str,
        if_match: &IfMatch,
    ) -> Result<Reply, ScimApiError> {
        match self {
            Self::Users => users::remove(caller, id, if_match).await,
            Self::Groups => groups::remove(caller, id, if_match).await,
        }
    }
}

pub(super) async fn list(
    kind: Kind,
    caller: Caller,
    Query(query): Query,
) -> Result<Reply, ScimApiError> {
    listing::list(&caller, &[kind], &ListQuery::parse(&query)?).await
}

pub(super) async fn search(
    kinds: &[Kind],
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Reply, ScimApiError> {
    listing::list(&caller, kinds, &ListQuery::from_search(&body)?).await
}

pub(super) async fn create(
    kind: Kind,
    caller: Caller,
    query: Query,
    JsonBody(body): JsonBody,
) -> Result<Reply, ScimApiError> {
    kind.add(&caller, &query.projection()?, body).await
}

pub(super) async fn read(
    kind: Kind,
    caller: Caller,
    PathId(id): PathId,
    query: Query,
    headers: HeaderMap,
) -> Result<Reply, ScimApiError> {
    let (projection, known) = (query.projection()?, IfNoneMatch::of(&headers));
    match kind {
        Kind::Users => users::read(&caller, &projection, &id, &known).await,
        Kind::Groups => groups::read(&caller, &projection, &id, &known).await,
    }
}

pub(super) async fn replace(
    kind: Kind,
    caller: Caller,
    PathId(id): PathId,
    query: Query,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Reply, ScimApiError> {
    kind.put(&caller, &query.projection()?, &id, &IfMatch::of(&headers), body).await
}

pub(super) async fn patch(
    kind: Kind,
    caller: Caller,
    PathId(id): PathId,
    query: Query,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Reply, ScimApiError> {
    kind.modify(&caller, &query.projection()?, &id, &IfMatch::of(&headers), body).await
}

pub(super) async fn delete(
    kind: Kind,
    caller: Caller,
    PathId(id): PathId,
    headers: HeaderMap,
) -> Result<Reply, ScimApiError> {
    kind.remove(&caller, &id, &IfMatch::of(&headers)).await
}
