//! Path and query parameters. An invalid one is [`OperatorApiError::Invalid`], not the plain text
//! of axum.
//!
//! Invariant: every handler takes a [`Query`] or [`NoQuery`], so that none ignores a parameter. A
//! test sends an unknown one to every route.

use axum::extract::{FromRequestParts, Path as AxumPath};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::http::query;
use crate::operator_api::error::OperatorApiError;

/// The parameters of the path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = OperatorApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, OperatorApiError> {
        let path = AxumPath::from_request_parts(parts, state).await;
        path.map(|AxumPath(value)| Self(value)).map_err(|rejection| {
            OperatorApiError::Invalid(format!("the path: {}", rejection.body_text()))
        })
    }
}

/// The parameters of the query: the fields of `T`, and no others.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = OperatorApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, OperatorApiError> {
        let values = query::parse(&parts.uri);
        values.map(Self).map_err(|error| OperatorApiError::Invalid(error.to_string()))
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
