//! Parses attribute paths: `userName`, `name.familyName`, `urn:…:User:department`
//! (RFC 7644 §3.10).
//!
//! The syntax does not tell where a schema URN ends: `urn:…:enterprise:2.0:User` is a whole
//! extension, `urn:…:2.0:User:department` an attribute of it. So a path with a URN stays one text
//! here; [`crate::target`] matches it against the schemas.

use std::fmt;

use crate::error::ScimError;
use crate::schema::ResourceKind;

/// `attrPath` of RFC 7644 §3.4.2.2: `[URI ":"] ATTRNAME *1subAttr`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum AttrPath {
    /// A name without a schema, in the letter case of the request.
    Plain {
        /// Name of the attribute.
        name: String,
        /// Name of the sub-attribute.
        sub: Option<String>,
    },
    /// A text that begins with the URN of a schema or with the name of a resource type, as sent:
    /// `urn:…:User:name.familyName`, `User.active`.
    Qualified(String),
}

impl AttrPath {
    /// Parses a complete text as one attribute path.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidPath`] if the text is too long or does not follow the grammar.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        if text.len() > MAX_LENGTH {
            return Err(ScimError::InvalidPath(format!("is longer than {MAX_LENGTH} bytes")));
        }
        Self::from_token(text.trim()).ok_or_else(|| {
            ScimError::InvalidPath(format!(
                "{text:?} is not an attribute name (RFC 7644 section 3.10)"
            ))
        })
    }

    /// Parses one token of the grammar, without surrounding blanks.
    pub(crate) fn from_token(token: &str) -> Option<Self> {
        if is_qualified(token) {
            return Some(Self::Qualified(token.to_owned()));
        }
        let (name, sub) = split_name(token)?;
        Some(Self::Plain { name: name.to_owned(), sub: sub.map(str::to_owned) })
    }

    /// Returns the path of an attribute without schema and sub-attribute.
    pub fn core(name: &str) -> Self {
        Self::Plain { name: name.to_owned(), sub: None }
    }

    /// Returns name and sub-attribute of a path within a value filter, where names are
    /// sub-attributes: `type` in `emails[type eq "work"]`. A URN before the name is ignored there.
    pub(crate) fn in_element(&self) -> (&str, Option<&str>) {
        match self {
            Self::Plain { name, sub } => (name, sub.as_deref()),
            Self::Qualified(text) => {
                let last = text.rsplit(':').next().unwrap_or_default();
                split_name(last).unwrap_or((last, None))
            }
        }
    }
}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain { name, sub: None } => f.write_str(name),
            Self::Plain { name, sub: Some(sub) } => write!(f, "{name}.{sub}"),
            Self::Qualified(text) => f.write_str(text),
        }
    }
}

/// Returns whether a token of an attribute path may contain the character. `/` occurs in schemas
/// that are named by an `http:` URI.
pub(crate) const fn is_path_char(c: char) -> bool {
    is_name_char(c) || matches!(c, '.' | ':' | '$' | '/')
}

/// Splits `name.familyName` into name and sub-attribute. `None` if a part is not a name.
pub(crate) fn split_name(text: &str) -> Option<(&str, Option<&str>)> {
    let (name, sub) = match text.split_once('.') {
        Some((name, sub)) => (name, Some(sub)),
        None => (text, None),
    };
    (is_name(name) && sub.is_none_or(is_name)).then_some((name, sub))
}

/// Removes the name of a resource type and the separator after it from the beginning of a text:
/// `User.active`. Returns the kind and the rest.
pub(crate) fn strip_kind(text: &str) -> Option<(ResourceKind, &str)> {
    ResourceKind::ALL.into_iter().find_map(|kind| {
        let (name, rest) = text.split_at_checked(kind.as_str().len())?;
        let rest = rest.strip_prefix(['.', ':'])?;
        name.eq_ignore_ascii_case(kind.as_str()).then_some((kind, rest))
    })
}

/// `ATTRNAME = ALPHA *(nameChar)`. A leading `$` is accepted for `$ref`, the only name of the RFC
/// that begins with another character.
fn is_name(text: &str) -> bool {
    text.strip_prefix('$').unwrap_or(text).starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().skip(1).all(is_name_char)
}

const fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// Returns whether a token begins with a URN, an `http:` URI or the name of a resource type.
///
/// A single `:` is not enough: `externalId:a` has no schema.
fn is_qualified(token: &str) -> bool {
    if let Some((_, rest)) = strip_kind(token) {
        return split_name(rest).is_some();
    }
    let Some((scheme, rest)) = token.split_once(':') else { return false };
    let is_uri = rest.contains(':')
        || ["urn", "http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    is_uri
        && is_name(scheme)
        && token.chars().all(is_path_char)
        && rest.split(':').all(is_segment)
        && rest.contains(|c: char| c.is_ascii_alphanumeric())
}

/// Returns whether a text can be between two colons of a URN, or after the last one.
fn is_segment(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(|part| !part.is_empty())
}

/// Returns whether the text looks like the version in a schema URN, as `2.0`.
pub(crate) fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// Maximum length of an attribute path, filter or PATCH path, in bytes.
pub const MAX_LENGTH: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn plain(text: &str, name: &str, sub: Option<&str>) {
        let path = AttrPath::parse(text).unwrap();
        assert_eq!(
            path,
            AttrPath::Plain { name: name.to_owned(), sub: sub.map(str::to_owned) },
            "{text}"
        );
        assert_eq!(path.to_string(), text);
    }

    #[test]
    fn a_plain_path_splits_at_its_dot() {
        plain("userName", "userName", None);
        plain("name.familyName", "name", Some("familyName"));
        plain("manager.$ref", "manager", Some("$ref"));
        plain("$ref", "$ref", None);
        plain("x509Certificates.value", "x509Certificates", Some("value"));
        plain("User", "User", None);
    }

    #[test]
    fn a_path_with_a_urn_stays_one_text() {
        for text in [
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            "urn:ietf:params:scim:schemas:core:2.0:User.name.givenName",
            "urn:example:2.0",
            "urn:UserAttributes",
            "http://example.com/ADSCIM/2.0/Group",
            "http://example.com/ADSCIM/2.0/Group:a",
            "User.name.givenName",
            "user:active",
        ] {
            assert_eq!(AttrPath::parse(text), Ok(AttrPath::Qualified(text.to_owned())));
        }
    }

    #[test]
    fn an_invalid_attribute_name_is_rejected() {
        for text in [
            "",
            " ",
            ".",
            "a.",
            ".a",
            "a.b.c",
            "1a",
            "_a",
            "a b",
            "a[b",
            "a\"",
            "é",
            ":a",
            "urn:x:",
            "a:b",
            "2.0",
            "$",
            "a.$",
            "a.$$ref",
            "urn::.a",
            "a\u{0}",
            "urn:",
            "urn:x.",
            "User.",
            "User:a:b",
            "User.a.b.c",
        ] {
            assert!(AttrPath::parse(text).is_err(), "{text:?}");
        }
        assert!(AttrPath::parse(&"a".repeat(5000)).is_err());
    }
}
