//! Parts of a request that need a SCIM error of their own when they do not fit.

use axum::extract::{FromRequestParts, RawPathParams, RawQuery};
use axum::http::request::Parts;

use crate::ids::ResourceId;
use crate::scim::error::ScimError;

/// The `{id}` of a path, percent-decoded.
pub(super) struct PathId(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = ScimError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ScimError> {
        let gone = || ScimError::NotFound("resource".to_owned());
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| gone())?;
        let id = params.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.to_owned());
        id.map(Self).ok_or_else(gone)
    }
}

impl PathId {
    /// The resource's id. A text that is no id names nothing, so it is a 404 and not a 400: the
    /// answer for a foreign id, an odd one and a deleted one is the same.
    pub(super) fn resource(&self) -> Result<ResourceId, ScimError> {
        self.0.parse().map_err(|_| ScimError::NotFound("resource".to_owned()))
    }
}

/// The query string as it came, undecoded; empty when there is none.
pub(super) struct Query(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await?;
        Ok(Self(query.unwrap_or_default()))
    }
}
