//! Parses attribute paths: `userName`, `name.familyName`, `urn:…:User:department`
//! (RFC 7644 §3.10).
//!
//! The syntax does not tell where a schema URN ends: `urn:…:enterprise:2.0:User` is a whole
//! extension, `urn:…:2.0:User:department` an attribute of it. [`AttrPath`] splits at the last `:`
//! without losing text; [`crate::target`] resolves it against the schemas.

use std::fmt;

use crate::error::ScimError;

/// `attrPath` of RFC 7644 §3.4.2.2: `[URI ":"] ATTRNAME *1subAttr`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct AttrPath {
    /// Text before the last `:`.
    pub schema: Option<String>,
    /// Name of the attribute, in the letter case of the request.
    ///
    /// With a schema it may also be the last part of a URN, as `2.0` in `urn:example:2.0`.
    pub name: String,
    /// Name of the sub-attribute.
    pub sub: Option<String>,
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
        let (schema, rest) = match token.rsplit_once(':') {
            Some((schema, rest)) => (Some(schema), rest),
            None => (None, token),
        };
        if schema.is_some_and(|schema| !is_schema(schema)) {
            return None;
        }
        let (name, sub) = match rest.split_once('.') {
            _ if schema.is_some() && is_version(rest) => (rest, None),
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        let valid =
            (is_name(name) || schema.is_some() && is_version(name)) && sub.is_none_or(is_name);
        valid.then(|| Self {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }

    /// Returns the path of a core attribute, without schema and sub-attribute.
    pub fn core(name: &str) -> Self {
        Self { schema: None, name: name.to_owned(), sub: None }
    }
}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.name)?;
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// Returns whether a token of an attribute path may contain the character. `/` occurs in schemas
/// that are named by an `http:` URI.
pub(crate) const fn is_path_char(c: char) -> bool {
    is_name_char(c) || matches!(c, '.' | ':' | '$' | '/')
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

/// Returns whether the text can be a schema URI. It must contain a colon itself, so that
/// `externalId` in `externalId:a` does not count as a schema.
fn is_schema(text: &str) -> bool {
    text.contains(':')
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_path_char)
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
    fn check(text: &str, schema: Option<&str>, name: &str, sub: Option<&str>) {
        let path = AttrPath::parse(text).unwrap();
        assert_eq!((path.schema.as_deref(), &*path.name, path.sub.as_deref()), (schema, name, sub));
        assert_eq!(path.to_string(), text);
    }

    #[test]
    fn a_path_splits_at_the_last_colon_and_the_dot_after_it() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        check("userName", None, "userName", None);
        check("name.familyName", None, "name", Some("familyName"));
        check("manager.$ref", None, "manager", Some("$ref"));
        check("$ref", None, "$ref", None);
        check("x509Certificates.value", None, "x509Certificates", Some("value"));
        check(&format!("{enterprise}:department"), Some(enterprise), "department", None);
        check(&format!("{enterprise}:manager.value"), Some(enterprise), "manager", Some("value"));
        check("urn:example:2.0:User", Some("urn:example:2.0"), "User", None);
        check("urn:example:2.0", Some("urn:example"), "2.0", None);
        check(
            "http://example.com/ADSCIM/2.0/Group:a",
            Some("http://example.com/ADSCIM/2.0/Group"),
            "a",
            None,
        );
    }

    #[test]
    fn an_invalid_attribute_name_is_rejected() {
        for text in [
            "", " ", ".", "a.", ".a", "a.b.c", "1a", "_a", "a b", "a[b", "a\"", "é", ":a",
            "urn:x:", "urn:x", "a:b", "2.0", "$", "a.$", "a.$$ref", "urn::.a", "a\u{0}",
        ] {
            assert!(AttrPath::parse(text).is_err(), "{text:?}");
        }
        assert!(AttrPath::parse(&"a".repeat(5000)).is_err());
    }
}
