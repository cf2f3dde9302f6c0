//! Recognises the names in the body of a POST or PUT that are paths.

use serde_json::Value;

use crate::mode::Mode;
use crate::path::PatchPath;
use crate::quirks;
use crate::schema::ResourceType;
use crate::target::Target;

/// Parses a name that is a path: `name.givenName`, `urn:…:enterprise:2.0:User:department`,
/// `emails[type eq "work"].value`, or the URN of the core schema with an object of attributes.
///
/// Not a path: the URN of a whole extension; an undeclared name, which stays a custom attribute of
/// the client; a name with a dot whose value is an object, since no sub-attribute takes one. An
/// object under an undeclared URN may be an extension itself, so only a simple value there counts
/// as an attribute.
pub(super) fn parse_name(
    resource_type: &ResourceType,
    name: &str,
    value: &Value,
    mode: Mode,
) -> Option<PatchPath> {
    if !name.contains([':', '.', '[']) || resource_type.extension(name).is_some() {
        return None;
    }
    let path = PatchPath::parse(name).ok()?;
    if path.attr.schema.is_none() && value.is_object() {
        return None;
    }
    let target = Target::resolve(&path.attr, resource_type);
    let is_path = match (target.name, target.extension.as_deref()) {
        (None, None) => !quirks::is_unassigned(value),
        (None, Some(_)) => false,
        (Some(_), _) if target.attribute.is_some() => true,
        (Some(_), None) => path.attr.schema.is_some() && quirks::keeps_unknown(mode),
        (Some(_), Some(urn)) => {
            let is_attribute = resource_type.extension(urn).is_some() || !value.is_object();
            is_attribute && quirks::keeps_unknown(mode)
        }
    };
    is_path.then_some(path)
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
