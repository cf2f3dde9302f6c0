//! Parts of a request that need a SCIM error of their own when they do not fit.

use axum::extract::{FromRequestParts, RawPathParams, RawQuery};
use axum::http::request::Parts;

use super::error::ScimApiError;
use scim::error::ScimError;
use scim::projection::Projection;
use scim::query::join;

/// The `{id}` of a path, percent-decoded.
pub(super) struct PathId(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = ScimApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ScimApiError> {
        let gone = || ScimError::NotFound("resource".to_owned());
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| gone())?;
        let id = params.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.to_owned());
        Ok(id.map(Self).ok_or_else(gone)?)
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

impl Query {
    /// `attributes` and `excludedAttributes` of a request for one resource (RFC 7644 §3.9).
    pub(super) fn projection(&self) -> Result<Projection, ScimError> {
        if self.0.is_empty() {
            return Ok(Projection::default());
        }
        let (mut attributes, mut excluded) = (None, None);
        for (name, value) in form_urlencoded::parse(self.0.as_bytes()) {
            let list = if name.eq_ignore_ascii_case("attributes") {
                &mut attributes
            } else if name.eq_ignore_ascii_case("excludedAttributes") {
                &mut excluded
            } else {
                continue;
            };
            join(list, value);
        }
        Projection::parse(attributes.as_deref(), excluded.as_deref())
    }
}
