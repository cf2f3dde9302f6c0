//! Normalises the body of a POST or PUT to the form of a stored resource (RFC 7644 §3.3, §3.5.1).
//!
//! Normalising is idempotent: a stored resource stays as it is. Values are normalised in
//! `value`; names that are paths are resolved in `paths` and added as in a PATCH.

mod paths;

use serde_json::{Map, Value};

use self::paths::Name;
use crate::error::ScimError;
use crate::json::{member, texts, type_name};
use crate::mode::Mode;
use crate::patch::add_at_paths;
use crate::quirks;
use crate::resource::complete;
use crate::schema::{Mutability, ResourceType, Schema};
use crate::schema_urn::{kind_of, names_type};
use crate::target::Schemas;
use crate::value::{insert_once, normalize_attribute, normalize_members, undeclared};

/// Normalises the body of a POST or PUT.
///
/// Names take the letter case of their schema. Null, an empty list, an empty object and the empty
/// string are unassigned (RFC 7643 §2.5; for the empty string see [`quirks::is_unassigned`]).
/// Read-only attributes are ignored (RFC 7644 §3.3). `schemas` is derived from the other
/// attributes. A name that is a path, as `name.givenName`, is resolved as in a PATCH; in lenient
/// mode also the name of an attribute of an extension at the root.
///
/// # Errors
///
/// [`ScimError::InvalidSyntax`] if the body is not an object or names another schema,
/// [`ScimError::InvalidValue`] if a value does not fit its attribute, and the errors of
/// [`crate::patch::apply`] for a name that is a path.
pub fn normalize(
    resource_type: &ResourceType,
    mut body: Value,
    mode: Mode,
) -> Result<Map<String, Value>, ScimError> {
    quirks::drop_passwords(&mut body);
    let Value::Object(body) = body else {
        return Err(ScimError::InvalidSyntax("the body must be a JSON object".to_owned()));
    };
    let named = texts(member(&body, "schemas"));
    check_schemas(resource_type, &body, &named, mode)?;
    let schemas = Schemas { resource_type, resource: Some(&body), named: &named };
    let meanings = body.iter().map(|(name, value)| Name::parse(schemas, name, value, mode));
    let meanings: Vec<Name> = meanings.collect::<Result<_, _>>()?;
    let mut resource = Map::with_capacity(body.len() + 1);
    resource.insert("schemas".to_owned(), Value::Null);
    let (mut unqualified, mut at_paths) = (Vec::new(), Vec::new());
    for (meaning, (name, mut value)) in meanings.into_iter().zip(body) {
        match meaning {
            Name::Path(path) => at_paths.push((path, value)),
            Name::Unqualified { urn, path } => unqualified.push((urn, name, path, value)),
            Name::Whole => {
                at_paths.extend(paths::take_inner_paths(resource_type, &name, &mut value));
                insert(resource_type, &mut resource, name, value, mode)?;
            }
        }
    }
    // An attribute under the URN of its schema wins over one at the root.
    let is_given = |urn: &str, name: &str| {
        resource
            .get(urn)
            .and_then(Value::as_object)
            .is_some_and(|known| member(known, name).is_some())
    };
    unqualified.retain(|(urn, name, ..)| !is_given(urn, name));
    let unqualified = unqualified.into_iter().map(|(_, _, path, value)| (path, value));
    let entries: Vec<_> = unqualified.chain(at_paths).collect();
    if !entries.is_empty() {
        resource = add_at_paths(resource_type, &named, resource, entries, mode)?;
    }
    complete(resource_type, &mut resource)?;
    Ok(resource)
}

/// Rejects a body whose `schemas` names another resource type and not this one.
///
/// Clients omit `schemas`, omit an extension from it, or add their own URNs (Entra's
/// `…/ADSCIM/2.0/Group`). Strict mode requires one declared URN, or none at all. For lenient mode
/// see [`quirks::accepts_any_schemas`].
fn check_schemas(
    resource_type: &ResourceType,
    body: &Map<String, Value>,
    named: &[String],
    mode: Mode,
) -> Result<(), ScimError> {
    let is_none = match member(body, "schemas") {
        None | Some(Value::Null) => true,
        Some(Value::Array(urns)) => urns.is_empty(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => false,
    };
    let accepted = if quirks::accepts_any_schemas(mode) {
        named.iter().any(|urn| names_type(resource_type, urn))
            || !named.iter().any(|urn| kind_of(urn).is_some())
    } else {
        is_none || named.iter().any(|urn| resource_type.resolve_schema(urn).is_some())
    };
    if accepted {
        return Ok(());
    }
    Err(ScimError::InvalidSyntax(format!("schemas must contain {}", resource_type.schema.id)))
}

/// Normalises a value and inserts it into a resource.
fn insert(
    resource_type: &ResourceType,
    resource: &mut Map<String, Value>,
    mut name: String,
    value: Value,
    mode: Mode,
) -> Result<(), ScimError> {
    let value = if let Some(attribute) = resource_type.attribute(&name) {
        if attribute.mutability == Mutability::ReadOnly || attribute.name == "schemas" {
            return Ok(());
        }
        name.clone_from(&attribute.name);
        normalize_attribute(attribute, value, mode)?
    } else if let Some(extension) = resource_type.extension(&name) {
        name.clone_from(&extension.id);
        normalize_extension(extension, value, mode)?
    } else if quirks::is_unassigned(&value) {
        None
    } else if quirks::keeps_unknown(mode) {
        Some(value)
    } else {
        return Err(undeclared(&name));
    };
    match value {
        Some(value) => insert_once(resource, "", name, value),
        None => Ok(()),
    }
}

/// Normalises a whole extension. `None` is unassigned.
fn normalize_extension(
    extension: &Schema,
    value: Value,
    mode: Mode,
) -> Result<Option<Value>, ScimError> {
    if quirks::is_unassigned(&value) {
        return Ok(None);
    }
    let Value::Object(members) = value else {
        return Err(ScimError::InvalidValue(format!(
            "{} must be an object, not {}",
            extension.id,
            type_name(&value)
        )));
    };
    let members = normalize_members("", |name| extension.attribute(name), members, mode)?;
    Ok((!members.is_empty()).then_some(Value::Object(members)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::resource::{
        Meta, active, display_name, emails, external_id, render, replace, user_name,
    };
    use crate::schema::{ENTERPRISE_USER, GROUP, LICENCE_USER, LUCIDCHART_USER, USER};

    #[track_caller]
    fn check(body: Value, expected: &Value) {
        let resource = normalize(ResourceType::user(), body, Mode::Strict).unwrap();
        assert_eq!(&Value::Object(resource), expected);
    }

    #[track_caller]
    fn refused(resource_type: &ResourceType, body: Value, detail: &str) {
        let error = normalize(resource_type, body, Mode::Lenient).unwrap_err();
        assert_eq!(error.to_string(), detail);
        assert_eq!(error.status(), 400);
    }

    #[test]
    fn names_take_the_letter_case_of_the_schema() {
        check(
            json!({
                "USERNAME": "ada",
                "Emails": [{"Primary": true, "VALUE": "a@b"}],
                ENTERPRISE_USER.to_uppercase(): {"Department": "R&D", "Manager": {"Value": "7"}},
            }),
            &json!({
                "schemas": [USER, ENTERPRISE_USER],
                "userName": "ada",
                "emails": [{"primary": true, "value": "a@b"}],
                ENTERPRISE_USER: {"department": "R&D", "manager": {"value": "7"}},
            }),
        );
    }

    #[test]
    fn read_only_and_empty_attributes_are_dropped() {
        check(
            json!({
                "schemas": [USER, ENTERPRISE_USER],
                "id": null,
                "meta": {"resourceType": "User"},
                "groups": [{"value": "7"}],
                "userName": "ada",
                "roles": [],
                "emails": [null, {"value": null}],
                "name": {"middleName": null},
                ENTERPRISE_USER: {"manager": {"value": ""}},
            }),
            &json!({"schemas": [USER], "userName": "ada"}),
        );
    }

    #[test]
    fn an_element_with_the_same_type_and_value_is_dropped() {
        check(
            json!({"userName": "ada", "emails": [
                {"type": "work", "value": "a@b"},
                {"type": "Work", "value": "A@b", "display": "again"},
                {"type": "home", "value": "a@b"},
            ], "addresses": [{"country": "DE"}, {"country": "DE"}, {"country": "GB"}]}),
            &json!({"schemas": [USER], "userName": "ada", "emails": [
                {"type": "work", "value": "a@b"},
                {"type": "home", "value": "a@b"},
            ], "addresses": [{"country": "DE"}, {"country": "GB"}]}),
        );
    }

    #[test]
    fn elements_that_differ_only_in_primary_or_order_are_the_same() {
        let few = json!([
            {"country": "DE", "region": "BE"},
            {"region": "BE", "country": "DE", "primary": true},
            {"country": "GB", "primary": true},
            {"country": "GB", "primary": false},
        ]);
        let kept = json!([
            {"country": "DE", "region": "BE"},
            {"country": "GB", "primary": true},
        ]);
        // Long lists are compared by a hashed key.
        let others: Vec<_> = (0..20).map(|at| json!({"country": at.to_string()})).collect();
        let with = |list: &Value, others: &[Value]| {
            let list = [list.as_array().unwrap(), others].concat();
            json!({"userName": "ada", "addresses": list})
        };
        for others in [&[], others.as_slice()] {
            let mut expected = with(&kept, others);
            expected["schemas"] = json!([USER]);
            check(with(&few, others), &expected);
        }
    }

    #[test]
    fn schemas_may_be_missing_or_contain_more_urns_but_not_only_another_type() {
        let adscim = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
        let group = |schemas: &Value, mode| {
            let body = json!({"schemas": schemas, "displayName": "g"});
            normalize(ResourceType::group(), body, mode).map(Value::Object)
        };
        let expected = json!({"schemas": [GROUP], "displayName": "g"});
        for schemas in [json!(null), json!([]), json!([GROUP, adscim]), json!(GROUP.to_lowercase())]
        {
            for mode in [Mode::Lenient, Mode::Strict] {
                assert_eq!(group(&schemas, mode), Ok(expected.clone()), "{schemas}");
            }
        }
        for schemas in [
            json!(["urn:scim:schemas:core:1.0"]),
            json!("urn:scim:schemas:core:1.0:Group"),
            json!("[]"),
            json!([adscim]),
            json!([1]),
            json!({}),
        ] {
            assert_eq!(group(&schemas, Mode::Lenient), Ok(expected.clone()), "{schemas}");
            assert!(group(&schemas, Mode::Strict).is_err(), "{schemas}");
        }
        for schemas in
            [json!([USER]), json!(ENTERPRISE_USER), json!(["urn:scim:schemas:core:User"])]
        {
            let body = json!({"schemas": schemas, "displayName": "g"});
            refused(ResourceType::group(), body, &format!("schemas must contain {GROUP}"));
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_rejected_with_its_name() {
        let user = ResourceType::user();
        refused(user, json!([]), "the body must be a JSON object");
        refused(user, json!({"active": true}), "userName is required");
        refused(user, json!({"userName": " "}), "userName is required");
        refused(user, json!({"userName": ["a", "b"]}), "userName must be a string, not a list");
        refused(
            user,
            json!({"userName": "a", "active": "no"}),
            "active must be true or false, not a string",
        );
        refused(
            user,
            json!({"userName": "a", "emails": [{"value": {}, "primary": 1}]}),
            "emails.primary must be true or false, not a number",
        );
        refused(
            user,
            json!({"userName": "a", "name": "Ada"}),
            "name must be an object, not a string",
        );
        refused(
            user,
            json!({"userName": "a", ENTERPRISE_USER: 1}),
            &format!("{ENTERPRISE_USER} must be an object, not a number"),
        );
        refused(user, json!({"userName": "a", "USERNAME": "b"}), "userName is given twice");
        refused(ResourceType::group(), json!({"members": []}), "displayName is required");
    }

    #[test]
    fn a_resource_has_limits() {
        let user = ResourceType::user();
        let emails = |count| -> Vec<_> {
            (0..count).map(|at| json!({"value": format!("{at}@example.com")})).collect()
        };
        let longest = json!({"userName": "a".repeat(512), "emails": emails(40)});
        normalize(user, longest, Mode::Strict).unwrap();
        // Four bytes each, and eighteen letters when folded.
        for letter in ["\u{1f600}", "\u{fdfa}"] {
            let body = json!({"userName": letter.repeat(512), "displayName": letter.repeat(512)});
            normalize(user, body, Mode::Strict).unwrap();
        }
        for (attribute, value, detail) in [
            ("userName", json!("a".repeat(513)), "userName is longer than 512 characters"),
            ("userName", json!("\u{fdfa}".repeat(513)), "userName is longer than 512 characters"),
            ("userName", json!("a\0b"), "userName contains a NUL character"),
            ("externalId", json!("a".repeat(513)), "externalId is longer than 512 characters"),
            ("emails", json!(["a".repeat(513)]), "emails.value is longer than 512 characters"),
            ("emails", json!(emails(41)), "emails has more than 40 values"),
            ("title", json!("a".repeat(65_537)), "title is longer than 65536 characters"),
            ("odd", json!({"a\0": 1}), "a\\0 contains a NUL character"),
            ("odd", json!(vec!["a".repeat(65_000); 5]), "the resource is larger than 262144 bytes"),
        ] {
            let mut body = json!({"userName": "ada"});
            body[attribute] = value;
            refused(user, body, detail);
        }
        let deep = (0..20).fold(json!(1), |deep, _| json!({"d": deep}));
        refused(user, json!({"userName": "a", "d": deep}), "d is nested deeper than 16 levels");
        let members: Vec<_> = (0..5_000).map(|at| json!({"value": at.to_string()})).collect();
        let group = json!({"displayName": "g", "members": members});
        normalize(ResourceType::group(), group, Mode::Strict).unwrap();
    }

    #[test]
    fn the_indexed_attributes_are_read() {
        let body = json!({
            "userName": "Ada",
            "externalId": "E1",
            "displayName": "Ada Byron",
            "emails": [{"value": "A@b"}, {"value": "a@B", "type": "home"}, {"type": "other"}],
        });
        let user = normalize(ResourceType::user(), body, Mode::Strict).unwrap();
        assert_eq!(user_name(&user), Some("Ada"));
        assert_eq!(external_id(&user), Some("E1"));
        assert_eq!(display_name(&user), Some("Ada Byron"));
        assert_eq!(emails(&user), ["a@b"]);
        assert_eq!(active(&user), None);
    }

    #[test]
    fn a_put_clears_all_attributes_but_activity_and_licence() {
        let user = |body| normalize(ResourceType::user(), body, Mode::Strict).unwrap();
        let stored = user(json!({
            "userName": "ada",
            "title": "Countess",
            "active": false,
            ENTERPRISE_USER: {"department": "R&D"},
            LICENCE_USER: {"license": "view_only"},
        }));
        let put = |body| Value::Object(replace(ResourceType::user(), &stored, user(body)));
        assert_eq!(
            put(json!({"userName": "ada"})),
            json!({
                "schemas": [USER, LICENCE_USER],
                "userName": "ada",
                "active": false,
                LICENCE_USER: {"license": "view_only"},
            })
        );
        assert_eq!(
            put(json!({"userName": "ada", "active": true, LUCIDCHART_USER: {"canEdit": true}})),
            json!({
                "schemas": [USER, LUCIDCHART_USER],
                "userName": "ada",
                "active": true,
                LUCIDCHART_USER: {"canEdit": true},
            })
        );
    }

    #[test]
    fn a_rendered_resource_has_id_and_meta() {
        let user = normalize(ResourceType::user(), json!({"userName": "ada"}), Mode::Strict);
        let meta = Meta {
            id: "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap(),
            created: "2026-11-02T10:00:00Z".parse().unwrap(),
            last_modified: "2026-11-02T10:00:00.123456Z".parse().unwrap(),
            version: 3,
            base_url: "https://id.example/scim/v2",
        };
        let rendered = render(ResourceType::user(), user.unwrap(), &meta);
        insta::assert_snapshot!(
            serde_json::to_string(&rendered).unwrap(),
            @r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111","userName":"ada","meta":{"resourceType":"User","created":"2026-11-02T10:00:00.000Z","lastModified":"2026-11-02T10:00:00.123Z","location":"https://id.example/scim/v2/Users/7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111","version":"W/\"3\""}}"#
        );
    }

    /// Generates JSON whose names are mostly those of attributes.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z@\\x00]{0,6}".prop_map(Value::from),
            Just(json!("True")),
            Just(json!(USER)),
        ];
        leaf.prop_recursive(4, 48, 5, |inner| {
            let name = prop_oneof![
                Just("userName".to_owned()),
                Just("EMAILS".to_owned()),
                Just("name".to_owned()),
                Just("value".to_owned()),
                Just("primary".to_owned()),
                Just("schemas".to_owned()),
                Just("addresses".to_owned()),
                Just("manager".to_owned()),
                Just("license".to_owned()),
                Just(ENTERPRISE_USER.to_owned()),
                Just(LICENCE_USER.to_owned()),
                "[a-z:]{0,5}",
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((name, inner), 0..6)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn normalising_is_idempotent(mut body in json(), strict: bool) {
            if let Some(body) = body.as_object_mut() {
                body.entry("userName").or_insert_with(|| "ada".into());
            }
            let mode = if strict { Mode::Strict } else { Mode::Lenient };
            if let Ok(once) = normalize(ResourceType::user(), body, mode) {
                let again = normalize(ResourceType::user(), once.clone().into(), mode);
                prop_assert_eq!(again, Ok(once));
            }
        }
    }
}
