//! Parses the paths of PATCH operations (RFC 7644 §3.5.2 figure 7).

use std::fmt;

use crate::attr_path::AttrPath;
use crate::error::ScimError;
use crate::filter::{Filter, parse_path};

/// `PATH = attrPath / valuePath [subAttr]`.
///
/// As in an [`AttrPath`], the end of a schema URN is not resolved yet.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchPath {
    /// The attribute. Without a filter, its own `sub` may name a sub-attribute.
    pub attr: AttrPath,
    /// Selects elements of a multi-valued attribute: `[type eq "work"]`.
    pub filter: Option<Filter>,
    /// The sub-attribute after the filter: `.value`.
    pub sub: Option<String>,
}

impl PatchPath {
    /// Parses a complete text as a path, within the limits of a filter.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidPath`] if the text does not follow the grammar or exceeds a limit.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        let (attr, filter, sub) = parse_path(text).map_err(ScimError::InvalidPath)?;
        Ok(Self { attr, filter, sub })
    }
}

impl fmt::Display for PatchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.attr)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, attr: &str, filter: Option<&str>, sub: Option<&str>) {
        let path = PatchPath::parse(text).unwrap();
        assert_eq!(path.attr, AttrPath::parse(attr).unwrap());
        assert_eq!(path.filter, filter.map(|filter| Filter::parse(filter).unwrap()));
        assert_eq!(path.sub.as_deref(), sub);
        assert_eq!(PatchPath::parse(&path.to_string()), Ok(path));
    }

    #[test]
    fn the_forms_of_the_rfc_and_of_the_connectors_parse() {
        check("members", "members", None, None);
        check("name.familyName", "name.familyName", None, None);
        check(r#"addresses[type eq "work"]"#, "addresses", Some(r#"type eq "work""#), None);
        check(
            r#"members[value eq "2819"].displayName"#,
            "members",
            Some(r#"value eq "2819""#),
            Some("displayName"),
        );
        check(
            r#"members[value eq "2819"].$ref"#,
            "members",
            Some(r#"value eq "2819""#),
            Some("$ref"),
        );
        check(
            r#"emails[ type eq "work" and primary eq true ].value"#,
            "emails",
            Some(r#"type eq "work" and primary eq true"#),
            Some("value"),
        );
        check(
            r#"roles[primary eq "True"].value"#,
            "roles",
            Some(r#"primary eq "True""#),
            Some("value"),
        );
        check("emails[type eq work].value", "emails", Some(r#"type eq "work""#), Some("value"));
        for urn in [
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            "urn:ietf:params:scim:schemas:extension:lucid:2.0:User:productLicenses.Lucidchart",
            "urn:ietf:params:scim:schemas:extension:CustomExtension:2.0:User:Custom_1",
        ] {
            check(urn, urn, None, None);
        }
        check(
            r#"urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"].value"#,
            "urn:ietf:params:scim:schemas:core:2.0:User:emails",
            Some(r#"type eq "work""#),
            Some("value"),
        );
    }

    #[test]
    fn an_invalid_path_is_rejected_with_its_position() {
        let error = |text: &str| PatchPath::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(error("emails[broken"), @"path: ends after 13 bytes, expected a blank and one of eq, ne, co, sw, ew, gt, ge, lt, le, pr");
        insta::assert_snapshot!(error(r#"emails[type eq "work"][primary eq true]"#), @"path: at byte 22, expected `[` or the end");
        insta::assert_snapshot!(error(r#"emails[type eq "work"].a.b"#), @"path: at byte 23, expected the name of a sub-attribute");
        insta::assert_snapshot!(error("emails[]"), @"path: at byte 7, expected an attribute name");
        insta::assert_snapshot!(error(""), @"path: ends after 0 bytes, expected an attribute name");
        insta::assert_snapshot!(error("a b"), @"path: at byte 2, expected `[` or the end");
        insta::assert_snapshot!(error("a.b.c"), @"path: at byte 0, expected an attribute name");
        insta::assert_snapshot!(error("members[value[a eq 1] eq 2]"), @"path: at byte 14, expected no `[` within another one");
    }

    #[test]
    fn a_long_or_deep_path_is_rejected() {
        assert!(PatchPath::parse(&format!("a[{}b pr{}]", "(".repeat(40), ")".repeat(40))).is_err());
        assert!(PatchPath::parse(&format!("a[b eq \"{}\"]", "x".repeat(5000))).is_err());
    }
}
