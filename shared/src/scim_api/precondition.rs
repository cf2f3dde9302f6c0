//! Conditional requests: `If-Match` and `If-None-Match` (RFC 7644 §3.14, RFC 9110 §13.1).

use axum::http::{HeaderMap, HeaderName, header};

use scim::error::ScimError;

/// `W/"3"`, the wire form of a version.
pub(super) fn etag(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// What a request demands of the version that it changes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct IfMatch(Option<String>);

impl IfMatch {
    /// Reads the header.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self(joined(headers, &header::IF_MATCH))
    }

    /// Takes the `version` of a bulk operation (RFC 7644 §3.7).
    pub(super) fn version(version: Option<&str>) -> Self {
        Self(version.map(str::to_owned))
    }

    /// # Errors
    ///
    /// [`ScimError::PreconditionFailed`] when the resource is at another version.
    pub(super) fn check(&self, version: u64) -> Result<(), ScimError> {
        match &self.0 {
            Some(demanded) if !names(demanded, version) => Err(ScimError::PreconditionFailed),
            Some(_) | None => Ok(()),
        }
    }
}

/// Which versions the client has already.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct IfNoneMatch(Option<String>);

impl IfNoneMatch {
    /// Reads the header.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self(joined(headers, &header::IF_NONE_MATCH))
    }

    /// Whether this version is one of them.
    pub(super) fn names(&self, version: u64) -> bool {
        self.0.as_deref().is_some_and(|known| names(known, version))
    }
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<&str> =
        headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("-")).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Whether a list of entity tags has this version. Strong and weak forms are the same to us: a
/// version names one representation.
fn names(list: &str, version: u64) -> bool {
    list.split(',').map(str::trim).any(|tag| {
        let opaque = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || opaque.trim_matches('"') == version.to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, expect: bool) {
        assert_eq!(names(list, 3), expect, "{list}");
    }

    #[test]
    fn weak_and_strong_tags_and_lists_are_read() {
        check("W/\"3\"", true);
        check("\"3\"", true);
        check("*", true);
        check("\"1\", W/\"3\"", true);
        check("W/\"33\"", false);
        check("\"2\"", false);
        check("", false);
    }

    #[test]
    fn a_request_without_if_match_fits_every_version() {
        assert_eq!(IfMatch::default().check(7), Ok(()));
        assert_eq!(IfMatch::version(Some("W/\"6\"")).check(7), Err(ScimError::PreconditionFailed));
    }
}
