//! Recognises the names in the body of a POST or PUT that are paths.

use serde_json::Value;

use crate::attr_path::AttrPath;
use crate::error::ScimError;
use crate::mode::Mode;
use crate::path::PatchPath;
use crate::quirks;
use crate::schema::ResourceType;
use crate::schema_urn::find_schema;
use crate::target::{Schemas, Target};

/// The meaning of a name at the root of a body.
pub(super) enum Name {
    /// An attribute, a whole extension, or a name of the client's own.
    Whole,
    /// A path: `name.givenName`, `urn:…:enterprise:2.0:User:department`,
    /// `emails[type eq "work"].value`, or the core schema with an object of attributes.
    Path(PatchPath),
    /// An attribute of the extension `urn` without its URN: `department`.
    Unqualified {
        /// URN of the extension.
        urn: &'static str,
        /// Path of the attribute.
        path: PatchPath,
    },
}

impl Name {
    /// Parses a name.
    ///
    /// An undeclared name without a URN stays an attribute of the client, and so does a name with a
    /// dot whose value is an object, since no sub-attribute takes one.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidPath`] for a name like ours that names nothing, as in
    /// [`Target::resolve`].
    pub(super) fn parse(
        schemas: Schemas<'_>,
        name: &str,
        value: &Value,
        mode: Mode,
    ) -> Result<Self, ScimError> {
        let resource_type = schemas.resource_type;
        let is_declared =
            resource_type.attribute(name).is_some() || resource_type.extension(name).is_some();
        if is_declared || quirks::is_unassigned(value) && !name.contains(['.', '[']) {
            return Ok(Self::Whole);
        }
        if !name.contains([':', '.', '[']) {
            return Ok(Self::parse_plain(resource_type, name, mode));
        }
        let Ok(path) = PatchPath::parse(name) else {
            return match find_schema(resource_type, name) {
                Ok(None) => Ok(Self::Whole),
                Ok(Some(_)) | Err(_) => {
                    Err(ScimError::InvalidPath(format!("{name} names no attribute")))
                }
            };
        };
        let is_qualified = matches!(path.attr, AttrPath::Qualified(_));
        if !is_qualified && value.is_object() {
            return Ok(Self::Whole);
        }
        let value = Some(value).filter(|_| path.filter.is_none());
        let target = Target::resolve_for(&path.attr, schemas, value)?;
        let is_path = match (target.name, target.extension.as_deref()) {
            _ if !target.is_accepted(mode) => false,
            (None, None) => true,
            (None, Some(urn)) => resource_type.extension(urn).is_some(),
            (Some(_), _) if target.attribute.is_some() => true,
            (Some(_), _) => is_qualified && quirks::keeps_unknown(mode),
        };
        Ok(if is_path { Self::Path(path) } else { Self::Whole })
    }

    fn parse_plain(resource_type: &ResourceType, name: &str, mode: Mode) -> Self {
        match quirks::find_unqualified(resource_type, name) {
            Some((extension, _)) if quirks::accepts_urn_forms(mode) => {
                let path = PatchPath { attr: AttrPath::core(name), filter: None, sub: None };
                Self::Unqualified { urn: &extension.id, path }
            }
            Some(_) | None => Self::Whole,
        }
    }
}

/// Takes the names that are paths out of the value of a whole extension: `manager.value`, and names
/// with a URN of ours, which may be those of other attributes.
pub(super) fn take_inner_paths(
    resource_type: &ResourceType,
    urn: &str,
    value: &mut Value,
) -> Vec<(PatchPath, Value)> {
    let (Some(extension), Value::Object(members)) = (resource_type.extension(urn), value) else {
        return Vec::new();
    };
    let parse = |name: &str| match AttrPath::parse(name).ok()? {
        AttrPath::Plain { name: first, sub: Some(_) } => extension
            .attribute(&first)
            .map(|_| AttrPath::Qualified(format!("{}:{name}", extension.id))),
        AttrPath::Plain { sub: None, .. } => None,
        AttrPath::Qualified(text) => {
            let is_ours = !matches!(find_schema(resource_type, &text), Ok(None));
            is_ours.then_some(AttrPath::Qualified(text))
        }
    };
    let paths = members.keys().filter_map(|name| Some((name.clone(), parse(name)?)));
    let paths: Vec<_> = paths.collect();
    let take = |(name, attr): (String, _)| {
        let value = members.shift_remove(&name)?;
        Some((PatchPath { attr, filter: None, sub: None }, value))
    };
    paths.into_iter().filter_map(take).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;
    use crate::normalize::normalize;
    use crate::schema::{ENTERPRISE_USER, GROUP, LICENCE_USER, USER};

    #[track_caller]
    fn check(mode: Mode, body: &Value, schemas: &[&str], expected: &Value) {
        let mut resource = normalize(ResourceType::user(), body.clone(), mode).unwrap();
        assert_eq!(resource.shift_remove("schemas"), Some(json!(schemas)), "{body}");
        assert_eq!(&Value::Object(resource), expected, "{body}");
    }

    #[test]
    fn names_that_are_paths_are_resolved() {
        for mode in [Mode::Lenient, Mode::Strict] {
            check(
                mode,
                &json!({
                    "name": {"familyName": "Byron"},
                    "name.givenName": "Ada",
                    "emails[type eq \"work\"].value": "a@b",
                    "meta.version": "x",
                    USER: {"userName": "ada", "title": "Countess", "id": "7", "schemas": [USER]},
                    format!("{USER}:active"): false,
                    format!("{USER}:groups"): [{"value": "7"}],
                    ENTERPRISE_USER: {"costCenter": "7"},
                    format!("{ENTERPRISE_USER}:department"): "R&D",
                    format!("{ENTERPRISE_USER}:manager.value"): "m",
                    format!("{LICENCE_USER}:license"): "view_only",
                }),
                &[USER, ENTERPRISE_USER, LICENCE_USER],
                &json!({
                    "name": {"familyName": "Byron", "givenName": "Ada"},
                    "emails": [{"type": "work", "value": "a@b"}],
                    "userName": "ada",
                    "title": "Countess",
                    "active": false,
                    ENTERPRISE_USER: {
                        "costCenter": "7",
                        "department": "R&D",
                        "manager": {"value": "m"},
                    },
                    LICENCE_USER: {"license": "view_only"},
                }),
            );
            let empty = json!({"userName": "ada", USER: {}, format!("{USER}:title"): null});
            check(mode, &empty, &[USER], &json!({"userName": "ada"}));
        }
    }

    #[test]
    fn an_undeclared_name_stays_a_custom_attribute() {
        check(
            Mode::Lenient,
            &json!({
                "userName": "ada",
                "shoe.size": 42,
                "name.formatted": {"a": 1},
                "a b:c": 1,
                "externalId:a": 1,
                "urn:example:thing": {"a": 1},
                "urn:example:2.0:User": {"a b": 1},
                "urn:example:2.0:User:c": 2,
                format!("{USER}:shoe"): 42,
                format!("{ENTERPRISE_USER}:shoe"): {"size": 42},
            }),
            &[USER, "urn:example:thing", "urn:example:2.0:User", ENTERPRISE_USER],
            &json!({
                "userName": "ada",
                "shoe.size": 42,
                "name.formatted": {"a": 1},
                "a b:c": 1,
                "externalId:a": 1,
                "urn:example:thing": {"a": 1},
                "urn:example:2.0:User": {"a b": 1, "c": 2},
                "shoe": 42,
                ENTERPRISE_USER: {"shoe": {"size": 42}},
            }),
        );
        for name in ["shoe.size", "urn:example:2.0:User:c", &format!("{USER}:shoe")] {
            let body = json!({"userName": "ada", name: 1});
            let error = normalize(ResourceType::user(), body, Mode::Strict).unwrap_err();
            assert_eq!(error.scim_type(), Some("invalidValue"), "{name}");
        }
    }

    #[test]
    fn a_value_at_a_path_must_fit_its_attribute() {
        for (name, value) in [
            (USER.to_owned(), json!("ada")),
            (format!("{USER}:active"), json!("no")),
            (format!("{ENTERPRISE_USER}:department"), json!({"a": 1})),
            (format!("{LICENCE_USER}:license"), json!("gold")),
        ] {
            let body = Map::from_iter([("userName".to_owned(), json!("a")), (name, value)]);
            let body = Value::Object(body);
            let error = normalize(ResourceType::user(), body.clone(), Mode::Lenient).unwrap_err();
            assert_eq!(error.scim_type(), Some("invalidValue"), "{body}");
        }
    }

    #[test]
    fn the_members_of_a_group_may_be_under_its_urn() {
        let body = json!({
            format!("{GROUP}:displayName"): "g",
            format!("{GROUP}:members"): [{"value": "1"}],
        });
        let group = normalize(ResourceType::group(), body, Mode::Strict).unwrap();
        assert_eq!(
            Value::Object(group),
            json!({"schemas": [GROUP], "displayName": "g", "members": [{"value": "1"}]})
        );
    }
}
