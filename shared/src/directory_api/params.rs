//! Path and query parameters. An invalid one is [`DirectoryApiError::Invalid`].

use axum::extract::{FromRequestParts, Path as AxumPath};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::DirectoryApiError;
use crate::http::query;
use types::ids::ResourceId;

/// The parameters of the path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = DirectoryApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, DirectoryApiError> {
        let path = AxumPath::from_request_parts(parts, state).await;
        path.map(|AxumPath(value)| Self(value)).map_err(|rejection| {
            DirectoryApiError::Invalid(format!("the path: {}", rejection.body_text()))
        })
    }
}

/// The parameters of the query: the fields of `T`, and no others.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = DirectoryApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, DirectoryApiError> {
        let values = query::parse(&parts.uri);
        values.map(Self).map_err(|error| DirectoryApiError::Invalid(error.to_string()))
    }
}

/// A query without parameters.
pub(super) type NoQuery = Query<NoParameters>;

/// No parameters.
#[derive(Debug, Deserialize)]
pub(super) struct NoParameters {}

/// A parameter that selects items by a value. An empty one is refused: it is the sign of a script
/// whose variable is not set, and would find nothing or, taken as absent, everything.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct FilterValue(pub(super) String);

impl TryFrom<String> for FilterValue {
    type Error = &'static str;

    fn try_from(value: String) -> Result<Self, &'static str> {
        if value.is_empty() { Err("the value must not be empty") } else { Ok(Self(value)) }
    }
}

/// Length of a page, 1 to `MOST`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "usize")]
pub(super) struct Limit<const MOST: usize>(usize);

impl<const MOST: usize> TryFrom<usize> for Limit<MOST> {
    type Error = String;

    fn try_from(limit: usize) -> Result<Self, String> {
        let is_valid = (1..=MOST).contains(&limit);
        is_valid.then_some(Self(limit)).ok_or_else(|| format!("limit must be 1 to {MOST}"))
    }
}

impl<const MOST: usize> Limit<MOST> {
    /// Returns the length; `default` without the parameter.
    pub(super) fn or(limit: Option<Self>, default: usize) -> usize {
        limit.map_or(default, |Self(limit)| limit)
    }
}

/// Length of a page of users, groups or members.
pub(super) type PageLimit = Limit<500>;

/// Length of a page of users, groups or members without the parameter `limit`.
pub(super) const DEFAULT_LIMIT: usize = 100;

/// The place in a list at which a page begins.
#[derive(Debug, Deserialize)]
pub(super) struct PageQuery {
    pub(super) cursor: Option<String>,
    pub(super) limit: Option<PageLimit>,
}

impl PageQuery {
    /// Length of the page.
    pub(super) fn limit(&self) -> usize {
        Limit::or(self.limit, DEFAULT_LIMIT)
    }

    /// The id after which the page begins.
    ///
    /// # Errors
    ///
    /// [`DirectoryApiError::Invalid`] if the cursor is not one of the list.
    pub(super) fn after(&self) -> Result<Option<ResourceId>, DirectoryApiError> {
        after(self.cursor.as_deref())
    }
}

/// Returns the id that a cursor holds. An empty cursor counts as absent.
///
/// # Errors
///
/// [`DirectoryApiError::Invalid`] if it holds none.
pub(super) fn after<T: std::str::FromStr>(
    cursor: Option<&str>,
) -> Result<Option<T>, DirectoryApiError> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else { return Ok(None) };
    let invalid = |_| DirectoryApiError::Invalid("cursor is not one of this list".to_owned());
    cursor.parse().map(Some).map_err(invalid)
}
