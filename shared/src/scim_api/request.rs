//! The parts of a request that a handler reads: id, query string, JSON body and preconditions.
//!
//! Each extractor rejects a request with a SCIM error. Authentication is in `caller`.

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, RawQuery, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use serde_json::Value;

use super::error::ScimApiError;
use crate::http::body::{self, BodyError};
use scim::discovery::MAX_BODY_BYTES;
use scim::error::ScimError;
use scim::projection::Projection;
use scim::query::append_to_list;
use scim::schema::ResourceKind;

/// The `{id}` of the path, percent-decoded.
pub(super) struct PathId(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = ScimApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ScimApiError> {
        let not_found = || ScimError::NotFound("resource".to_owned());
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| not_found())?;
        let id = params.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.to_owned());
        Ok(id.map(Self).ok_or_else(not_found)?)
    }
}

/// The query string, percent-encoded; empty if the request has none.
pub(super) struct Query(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await?;
        Ok(Self(query.unwrap_or_default()))
    }
}

impl Query {
    /// Parses `attributes` and `excludedAttributes` of a request for one resource (RFC 7644 §3.9).
    ///
    /// # Errors
    ///
    /// As [`Projection::parse`] and [`Projection::check`].
    pub(super) fn projection(&self, kind: ResourceKind) -> Result<Projection, ScimError> {
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
            append_to_list(list, value);
        }
        let projection = Projection::parse(attributes.as_deref(), excluded.as_deref())?;
        projection.check(&[kind.resource_type()])?;
        Ok(projection)
    }
}

/// A body that is JSON by its media type and its content, of at most [`MAX_BODY_BYTES`].
///
/// A byte order mark before the JSON is ignored, as RFC 8259 §8.1 allows.
pub(super) struct JsonBody(pub(super) Value);

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = ScimApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ScimApiError> {
        let is_json = is_json(request.headers());
        let is_encoded = body::is_encoded(request.headers());
        let bytes = body::read(request.into_body(), MAX_BODY_BYTES).await.map_err(body_error)?;
        if is_encoded {
            return Err(ScimError::UnsupportedContentEncoding.into());
        }
        if !is_json {
            return Err(ScimError::UnsupportedMediaType.into());
        }
        let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
        let value = serde_json::from_slice(text).map_err(|error| {
            ScimError::InvalidSyntax(format!(
                "the body is not valid JSON: line {}, column {}",
                error.line(),
                error.column()
            ))
        })?;
        Ok(Self(value))
    }
}

/// Returns whether the media type is `application/scim+json` or `application/json`, with any
/// parameter, or absent.
fn is_json(headers: &HeaderMap) -> bool {
    let known = ["application/scim+json", "application/json"];
    body::media_type(headers)
        .is_none_or(|found| known.iter().any(|known| known.eq_ignore_ascii_case(found)))
}

fn body_error(error: BodyError) -> ScimError {
    match error {
        BodyError::Broken => ScimError::InvalidSyntax(
            "the connection closed before the body was complete".to_owned(),
        ),
        BodyError::TooLarge(_) => {
            ScimError::PayloadTooLarge(format!("the body is larger than {MAX_BODY_BYTES} bytes"))
        }
    }
}

/// Versions that a change requires and excludes (RFC 7644 §3.14, RFC 9110 §13.1).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Preconditions {
    if_match: Option<String>,
    if_none_match: IfNoneMatch,
}

impl Preconditions {
    /// Reads the headers `If-Match` and `If-None-Match`.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        Self {
            if_match: joined(headers, &header::IF_MATCH),
            if_none_match: IfNoneMatch::from_headers(headers),
        }
    }

    /// Takes the `version` of a bulk operation (RFC 7644 §3.7).
    pub(super) fn from_version(version: Option<String>) -> Self {
        Self { if_match: version, if_none_match: IfNoneMatch::default() }
    }

    /// Checks the version of a stored resource.
    ///
    /// # Errors
    ///
    /// [`ScimError::PreconditionFailed`] if the resource has another version than required, or one
    /// that is excluded. `If-None-Match: *` excludes every version.
    pub(super) fn check(&self, version: u64) -> Result<(), ScimError> {
        let is_required = self.if_match.as_ref().is_none_or(|list| has_version(list, version));
        if is_required && !self.if_none_match.has(version) {
            Ok(())
        } else {
            Err(ScimError::PreconditionFailed)
        }
    }
}

/// Versions that the client has already.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct IfNoneMatch(Option<String>);

impl IfNoneMatch {
    /// Reads the header `If-None-Match`.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        Self(joined(headers, &header::IF_NONE_MATCH))
    }

    /// Returns whether the client has this version.
    pub(super) fn has(&self, version: u64) -> bool {
        self.0.as_deref().is_some_and(|known| has_version(known, version))
    }
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<&str> =
        headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("-")).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Returns whether a list of entity tags contains this version. Strong and weak tags are
/// equivalent: a version identifies one representation.
fn has_version(list: &str, version: u64) -> bool {
    list.split(',').map(str::trim).any(|tag| {
        let opaque = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || opaque.trim_matches('"') == version.to_string()
    })
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, expect: bool) {
        assert_eq!(has_version(list, 3), expect, "{list}");
    }

    #[test]
    fn weak_and_strong_tags_and_lists_are_parsed() {
        check("W/\"3\"", true);
        check("\"3\"", true);
        check("*", true);
        check("\"1\", W/\"3\"", true);
        check("W/\"33\"", false);
        check("\"2\"", false);
        check("", false);
    }

    #[test]
    fn a_request_without_if_match_accepts_every_version() {
        assert_eq!(Preconditions::default().check(7), Ok(()));
        let other = Preconditions::from_version(Some("W/\"6\"".to_owned()));
        assert_eq!(other.check(7), Err(ScimError::PreconditionFailed));
    }

    #[test]
    fn if_none_match_excludes_versions_from_a_change() {
        for (list, excluded) in [("*", true), ("W/\"7\"", true), ("W/\"6\"", false)] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, list.parse().unwrap())]);
            let checked = Preconditions::from_headers(&headers).check(7);
            assert_eq!(checked.is_err(), excluded, "{list}");
        }
    }
}
