//! Path and query parameters. An invalid one is [`OperatorApiError::Invalid`], not the plain text
//! of axum.

use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

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

/// The parameters of the query.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = OperatorApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, OperatorApiError> {
        let query = AxumQuery::from_request_parts(parts, state).await;
        query.map(|AxumQuery(value)| Self(value)).map_err(|rejection| {
            OperatorApiError::Invalid(format!("the query: {}", rejection.body_text()))
        })
    }
}
