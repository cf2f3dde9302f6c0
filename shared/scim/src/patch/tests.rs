use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::normalize::normalize;
use crate::schema::{Attribute, DataType, ENTERPRISE_USER, LICENCE_USER, LUCID_USER};

fn user(attributes: &Value) -> Map<String, Value> {
    let mut user = json!({"userName": "ada"});
    user.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    normalize(ResourceType::user(), user, Mode::Lenient).unwrap()
}

fn patch(
    user: &Map<String, Value>,
    operations: &Value,
    mode: Mode,
) -> Result<Map<String, Value>, ScimError> {
    let request = PatchRequest::parse(json!({"Operations": operations}))?;
    apply(ResourceType::user(), user, &request, mode)
}

/// Applies `operations` to a user with the attributes `before`. A second time must change nothing.
#[track_caller]
fn check(before: &Value, operations: &Value, after: &Value) {
    let once = patch(&user(before), operations, Mode::Lenient).unwrap();
    assert_eq!(Value::Object(once.clone()), Value::Object(user(after)));
    assert_eq!(patch(&once, operations, Mode::Lenient).unwrap(), once);
    assert_eq!(normalize(ResourceType::user(), once.clone().into(), Mode::Lenient), Ok(once));
}

#[track_caller]
fn refused(before: &Value, operations: &Value, mode: Mode, scim_type: &str, detail: &str) {
    let error = patch(&user(before), operations, mode).unwrap_err();
    assert_eq!(error.to_string(), detail);
    assert_eq!(error.scim_type(), Some(scim_type));
}

#[test]
fn add_sets_single_values_and_appends_to_lists() {
    check(
        &json!({"title": "A", "emails": [{"type": "work", "value": "a@b"}]}),
        &json!([
            {"op": "add", "path": "title", "value": "B"},
            {"op": "add", "path": "nickName", "value": "Babs"},
            {"op": "add", "path": "EMAILS", "value": [{"type": "home", "value": "c@d"}]},
            {"op": "add", "path": "emails", "value": {"type": "WORK", "value": "A@B", "display": "x"}},
            {"op": "add", "path": "emails", "value": []},
            {"op": "add", "path": "name.givenName", "value": "Ada"},
            {"op": "add", "path": "roles", "value": ["Admin"]},
        ]),
        &json!({
            "title": "B",
            "emails": [
                {"type": "work", "value": "a@b", "display": "x"},
                {"type": "home", "value": "c@d"},
            ],
            "nickName": "Babs",
            "name": {"givenName": "Ada"},
            "roles": [{"value": "Admin"}],
        }),
    );
}

#[test]
fn replace_sets_lists_and_merges_complex_values() {
    check(
        &json!({
            "name": {"givenName": "Ada", "familyName": "Byron", "middleName": "K"},
            "emails": [{"value": "a@b"}],
        }),
        &json!([
            {"op": "replace", "path": "name", "value": {"FamilyName": "King", "middleName": null}},
            {"op": "replace", "path": "emails", "value": [{"value": "c@d"}]},
            {"op": "replace", "path": "userName", "value": "countess"},
        ]),
        &json!({
            "userName": "countess",
            "name": {"givenName": "Ada", "familyName": "King"},
            "emails": [{"value": "c@d"}],
        }),
    );
}

#[test]
fn null_for_a_sub_attribute_clears_only_that_one() {
    let before = json!({
        "name": {"givenName": "Ada", "familyName": "Byron"},
        ENTERPRISE_USER: {"manager": {"value": "7", "$ref": "../Users/7"}, "department": "R&D"},
    });
    let rest = json!({"name": {"familyName": "Byron"}, ENTERPRISE_USER: {"department": "R&D"}});
    let manager = format!("{ENTERPRISE_USER}:manager");
    for value in [json!({"value": null}), json!({"Value": "", "$ref": null}), json!({})] {
        for op in ["add", "replace"] {
            check(
                &before,
                &json!([
                    {"op": op, "path": "name", "value": {"GivenName": null, "middleName": ""}},
                    {"op": op, "path": manager, "value": value},
                ]),
                &rest,
            );
        }
    }
    check(&before, &json!([{"op": "replace", "value": {"name": {"givenName": null}}}]), &{
        let mut after = before.clone();
        after["name"] = json!({"familyName": "Byron"});
        after
    });
}

#[test]
fn a_required_attribute_cannot_be_removed() {
    let nothing = json!({});
    let required = "userName is required";
    let remove = json!([{"op": "remove", "path": "USERNAME"}]);
    let remove_value = json!([{"op": "remove", "value": {"userName": "ada"}}]);
    let clear = json!([{"op": "replace", "path": "userName", "value": null}]);
    refused(&nothing, &remove, Mode::Lenient, "mutability", required);
    refused(&nothing, &remove_value, Mode::Strict, "mutability", required);
    refused(&nothing, &clear, Mode::Lenient, "invalidValue", required);
}

#[test]
fn remove_unassigns() {
    check(
        &json!({
            "title": "T",
            "name": {"givenName": "Ada"},
            "phoneNumbers": [{"type": "work", "value": "1"}, {"type": "mobile", "value": "2"}],
            "emails": [{"value": "a@b", "display": "x"}, {"value": "c@d", "display": "y"}],
            ENTERPRISE_USER: {"department": "R&D"},
        }),
        &json!([
            {"op": "Remove", "path": "title"},
            {"op": "Remove", "path": "nickName"},
            {"op": "Remove", "path": "name.givenName"},
            {"op": "Remove", "path": "phoneNumbers[type eq \"mobile\"]"},
            {"op": "Remove", "path": "phoneNumbers[type eq \"pager\"]"},
            {"op": "Remove", "path": "emails.display"},
            {"op": "Remove", "path": format!("{ENTERPRISE_USER}:department")},
            {"op": "Remove", "path": format!("{ENTERPRISE_USER}:manager.value")},
        ]),
        &json!({
            "phoneNumbers": [{"type": "work", "value": "1"}],
            "emails": [{"value": "a@b"}, {"value": "c@d"}],
        }),
    );
}

#[test]
fn remove_with_a_value_removes_only_that_value() {
    let roles = json!({"roles": [{"value": "a", "display": "A"}, {"value": "b"}, {"value": "c"}]});
    for (value, left) in [
        (json!([{"$ref": null, "value": "b"}]), json!(["a", "c"])),
        (json!([{"value": "a", "display": "other"}, "c"]), json!(["b"])),
        (json!("a"), json!(["b", "c"])),
        (json!([]), json!(["a", "b", "c"])),
        (json!(["a", "b", "c"]), json!([])),
        (Value::Null, json!([])),
    ] {
        let request = json!([{"op": "Remove", "path": "roles", "value": value}]);
        let after = patch(&user(&roles), &request, Mode::Lenient).unwrap();
        let values = after.get("roles").and_then(Value::as_array).cloned().unwrap_or_default();
        let values: Vec<_> = values.iter().map(|role| role["value"].clone()).collect();
        assert_eq!(Value::Array(values), left, "{request}");
    }
}

#[test]
fn names_in_a_value_without_path_are_paths() {
    check(
        &json!({"title": "T", "name": {"familyName": "Byron"}}),
        &json!([{"op": "replace", "value": {
            "displayName": "Ada",
            "name.givenName": "Ada",
            "title": "",
            "active": "False",
            "emails[type eq \"work\"].value": "a@b",
            "externalId": "E1",
            (ENTERPRISE_USER): {"costCenter": "7", "manager": "m1"},
            (format!("{ENTERPRISE_USER}:employeeNumber")): "701984",
            (format!("{LUCID_USER}:productLicenses.Lucidchart")): true,
        }}]),
        &json!({
            "name": {"familyName": "Byron", "givenName": "Ada"},
            "displayName": "Ada",
            "active": false,
            "emails": [{"type": "work", "value": "a@b"}],
            "externalId": "E1",
            ENTERPRISE_USER: {
                "costCenter": "7",
                "manager": {"value": "m1"},
                "employeeNumber": "701984",
            },
            LUCID_USER: {"productLicenses": {"Lucidchart": "True"}},
        }),
    );
}

#[test]
fn a_read_only_attribute_is_ignored_in_a_value_and_rejected_as_a_path() {
    check(
        &json!({}),
        &json!([{"op": "replace", "value": {
            "id": "7", "meta": {"version": "x"}, "groups": [], "schemas": [], "password": "x",
            "meta.version": "x",
        }}]),
        &json!({}),
    );
    check(&json!({}), &json!([{"op": "replace", "path": "password", "value": "x"}]), &json!({}));
    for path in ["id", "meta.version", "groups", "groups[value eq \"1\"].display"] {
        let operations = json!([{"op": "replace", "path": path, "value": "x"}]);
        refused(
            &json!({}),
            &operations,
            Mode::Lenient,
            "mutability",
            &format!("{path} is read-only"),
        );
    }
}

#[test]
fn a_value_filter_that_matches_nothing_creates_the_element() {
    check(
        &json!({"emails": [{"type": "home", "value": "h@b"}]}),
        &json!([
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "w@b"},
            {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "2"},
            {"op": "Add", "path": "addresses[type eq \"work\"].streetAddress", "value": "S"},
            {"op": "Add", "path": "addresses[type eq \"work\"].country", "value": "GB"},
            {"op": "Replace", "path": "roles[primary eq \"True\"].value", "value": "Viewer"},
            {"op": "Replace", "path": "ims[type eq \"xmpp\" and value eq \"x\"]", "value": [{"display": "X"}]},
        ]),
        &json!({
            "emails": [{"type": "home", "value": "h@b"}, {"type": "work", "value": "w@b"}],
            "phoneNumbers": [{"type": "mobile", "value": "2"}],
            "addresses": [{"type": "work", "streetAddress": "S", "country": "GB"}],
            "roles": [{"primary": true, "value": "Viewer"}],
            "ims": [{"type": "xmpp", "value": "x", "display": "X"}],
        }),
    );
    let none = "emails[type ne \"work\"] matches no value";
    let operations = json!([{"op": "add", "path": "emails[type ne \"work\"].value", "value": "x"}]);
    refused(&json!({}), &operations, Mode::Lenient, "noTarget", none);
    let none = "emails[type eq \"work\"] matches no value";
    let operations =
        json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x"}]);
    refused(&json!({}), &operations, Mode::Strict, "noTarget", none);
    let none = "emails[kind eq \"x\"] matches no value";
    let operations = json!([{"op": "add", "path": "emails[kind eq \"x\"].value", "value": "x"}]);
    refused(&json!({}), &operations, Mode::Strict, "noTarget", none);
    let none = "emails[kind eq null] matches no value";
    let operations = json!([{"op": "add", "path": "emails[kind eq null].value", "value": "x"}]);
    refused(&json!({}), &operations, Mode::Lenient, "noTarget", none);
    let none = "name[givenName eq \"x\"] matches no value";
    let operations =
        json!([{"op": "add", "path": "name[givenName eq \"x\"].givenName", "value": "y"}]);
    refused(&json!({"name": {"givenName": "a"}}), &operations, Mode::Lenient, "noTarget", none);
    refused(&json!({}), &operations, Mode::Lenient, "noTarget", none);
}

#[test]
fn a_value_filter_selects_elements() {
    let before = json!({"emails": [
        {"type": "work", "value": "a@b", "primary": true},
        {"type": "home", "value": "c@d", "display": "C"},
    ]});
    for (operation, emails) in [
        (
            json!({"op": "replace", "path": "emails[type eq \"HOME\"].value", "value": "x@y"}),
            json!([before["emails"][0], {"type": "home", "value": "x@y", "display": "C"}]),
        ),
        (
            json!({"op": "replace", "path": "emails[primary eq true]", "value": {"value": "x@y"}}),
            json!([{"primary": true, "value": "x@y"}, before["emails"][1]]),
        ),
        (
            json!({"op": "add", "path": "emails[type eq \"home\"]", "value": {"primary": "True"}}),
            json!([
                {"type": "work", "value": "a@b", "primary": false},
                {"type": "home", "value": "c@d", "display": "C", "primary": true},
            ]),
        ),
        (
            json!({"op": "remove", "path": "emails[type eq \"work\"].value"}),
            json!([before["emails"][1]]),
        ),
        (
            json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": ""}),
            json!([before["emails"][1]]),
        ),
        (
            json!({"op": "replace", "path": "emails[type eq \"work\"].type", "value": "other"}),
            json!([{"type": "other", "value": "a@b", "primary": true}, before["emails"][1]]),
        ),
    ] {
        let after = patch(&user(&before), &json!([operation]), Mode::Strict);
        let after = after.or_else(|_| patch(&user(&before), &json!([operation]), Mode::Lenient));
        assert_eq!(after.unwrap().get("emails"), Some(&emails), "{operation}");
    }
}

#[test]
fn an_address_that_stops_being_primary_stays_one_address() {
    let german = json!({"country": "DE", "primary": true});
    check(
        &json!({}),
        &json!([
            {"op": "add", "path": "addresses", "value": [german]},
            {"op": "add", "path": "addresses", "value": [german]},
            {"op": "add", "path": "addresses", "value": [{"country": "GB", "primary": true}]},
        ]),
        &json!({"addresses": [
            {"country": "DE", "primary": false},
            {"country": "GB", "primary": true},
        ]}),
    );
}

#[test]
fn the_newest_primary_is_the_only_one() {
    let before = json!({"emails": [{"value": "a@b", "primary": true}, {"value": "c@d"}]});
    for operation in [
        json!({"op": "add", "path": "emails", "value": [{"value": "c@d", "primary": true}]}),
        json!({"op": "replace", "path": "emails[value eq \"c@d\"].primary", "value": true}),
        json!({"op": "add", "value": {"emails": [{"value": "C@D", "primary": true}]}}),
    ] {
        let after = patch(&user(&before), &json!([operation]), Mode::Strict).unwrap();
        let primary = |at: usize| after["emails"][at]["primary"].as_bool();
        assert_eq!((primary(0), primary(1)), (Some(false), Some(true)), "{operation}");
    }
}

#[test]
fn an_element_that_becomes_equal_to_another_replaces_it() {
    check(
        &json!({"emails": [
            {"type": "work", "value": "a@b"},
            {"type": "work", "value": "c@d", "primary": true},
        ]}),
        &json!([{"op": "replace", "path": "emails[primary eq true].value", "value": "A@b"}]),
        &json!({"emails": [{"type": "work", "value": "A@b", "primary": true}]}),
    );
}

#[test]
fn a_manager_of_any_form_is_stored_as_an_object() {
    let path = format!("{ENTERPRISE_USER}:manager");
    let before = json!({ENTERPRISE_USER: {"manager": {"value": "1", "displayName": "Old"}}});
    let managed = json!({ENTERPRISE_USER: {"manager": {"value": "2"}}});
    for value in [json!("2"), json!({"value": "2"}), json!([{"value": "2"}]), json!({"Value": 2})] {
        check(&before, &json!([{"op": "Replace", "path": path, "value": value}]), &managed);
        check(&json!({}), &json!([{"op": "Add", "path": path, "value": value}]), &managed);
    }
    for value in [json!(""), json!({"value": ""}), json!(null), json!([])] {
        check(&before, &json!([{"op": "Replace", "path": path, "value": value}]), &json!({}));
    }
    check(
        &before,
        &json!([{"op": "Add", "path": format!("{path}.displayName"), "value": "New"}]),
        &json!({ENTERPRISE_USER: {"manager": {"value": "1", "displayName": "New"}}}),
    );
}

#[test]
fn a_whole_extension_is_a_target() {
    let before = json!({ENTERPRISE_USER: {"department": "R&D", "division": "D"}});
    check(
        &before,
        &json!([{"op": "replace", "path": ENTERPRISE_USER, "value": {"Department": "X", "division": null}}]),
        &json!({ENTERPRISE_USER: {"department": "X"}}),
    );
    check(&before, &json!([{"op": "remove", "path": ENTERPRISE_USER}]), &json!({}));
    check(
        &json!({}),
        &json!([{"op": "add", "path": LICENCE_USER, "value": {"license": "full"}}]),
        &json!({LICENCE_USER: {"license": "full"}}),
    );
}

/// Returns a value that fits the definition.
fn sample(attribute: &Attribute) -> Value {
    let one = match (attribute.data_type, attribute.canonical_values.last()) {
        (DataType::Complex, _) => {
            attribute.sub_attributes.iter().map(|part| (part.name.clone(), sample(part))).collect()
        }
        (DataType::Boolean, _) => json!(true),
        (DataType::Binary, _) => json!("MIIB"),
        (_, Some(canonical)) => json!(canonical),
        (_, None) => json!(attribute.name),
    };
    if attribute.multi_valued { json!([one]) } else { one }
}

#[test]
fn every_declared_attribute_can_be_added_replaced_and_removed() {
    for resource_type in ResourceType::all() {
        let required =
            resource_type.schema.attributes.iter().filter(|attribute| attribute.required);
        let start = required.map(|attribute| (attribute.name.clone(), json!("x"))).collect();
        let start = normalize(resource_type, start, Mode::Strict).unwrap();
        let run = |resource: &Map<String, Value>, op, path: &str, value: &Value| {
            let operation = json!({"op": op, "path": path, "value": value});
            let request = PatchRequest::parse(json!({"Operations": [operation]})).unwrap();
            apply(resource_type, resource, &request, Mode::Strict)
        };
        for schema in resource_type.extensions.iter().chain([&resource_type.schema]) {
            for attribute in &schema.attributes {
                let path = format!("{}:{}", schema.id, attribute.name);
                let value = sample(attribute);
                if attribute.mutability == Mutability::ReadOnly {
                    let error = run(&start, "replace", &path, &value).unwrap_err();
                    assert_eq!(error.scim_type(), Some("mutability"), "{path}");
                    continue;
                }
                let read = |resource: &Map<String, Value>| {
                    let within = resource.get(&schema.id).and_then(Value::as_object);
                    within.unwrap_or(resource).get(&attribute.name).cloned()
                };
                let added = run(&start, "add", &path, &value).unwrap();
                assert_eq!(read(&added).as_ref(), Some(&value), "{path}");
                assert_eq!(run(&start, "replace", &path, &value), Ok(added.clone()), "{path}");
                let removed = run(&added, "remove", &path, &Value::Null);
                if attribute.required {
                    assert_eq!(removed.unwrap_err().scim_type(), Some("mutability"), "{path}");
                } else {
                    assert_eq!(read(&removed.unwrap()), None, "{path}");
                }
            }
        }
    }
}

#[test]
fn undeclared_attributes_can_be_changed_in_lenient_mode() {
    let urn = "urn:example:params:2.0:User";
    check(
        &json!({"shoe": {"size": 42}, urn: {"a": 1}}),
        &json!([
            {"op": "replace", "path": "shoe.size", "value": 43},
            {"op": "add", "path": "hats", "value": [{"type": "bowler"}]},
            {"op": "add", "path": "hats[type eq \"top\"].size", "value": 7},
            {"op": "add", "path": format!("{urn}:b"), "value": "x"},
            {"op": "remove", "path": format!("{urn}:a")},
        ]),
        &json!({
            "shoe": {"size": 43},
            urn: {"b": "x"},
            "hats": [{"type": "bowler"}, {"type": "top", "size": 7}],
        }),
    );
    for path in ["shoe", "name.nick", "urn:example:params:2.0:User:a"] {
        let operations = json!([{"op": "add", "path": path, "value": "x"}]);
        let detail = format!("path: {path} names an attribute that no schema declares");
        refused(&json!({}), &operations, Mode::Strict, "invalidPath", &detail);
    }
}

#[test]
fn an_invalid_operation_is_rejected() {
    let lenient = |operation: Value, scim_type, detail| {
        let operations = json!([{"op": "add", "path": "title", "value": "T"}, operation]);
        refused(
            &json!({"emails": [{"value": "a@b"}]}),
            &operations,
            Mode::Lenient,
            scim_type,
            detail,
        );
    };
    lenient(json!({"op": "remove"}), "noTarget", "remove requires a path (RFC 7644 §3.5.2.2)");
    lenient(json!({"op": "remove", "path": "userName"}), "mutability", "userName is required");
    lenient(
        json!({"op": "replace", "path": "userName", "value": ""}),
        "invalidValue",
        "userName is required",
    );
    lenient(
        json!({"op": "replace", "value": "x"}),
        "invalidValue",
        "replace without a path requires an object of attributes as its value",
    );
    lenient(
        json!({
            "op": "add",
            "path": "urn:ietf:params:scim:schemas:core:2.0:User:name:givenName",
            "value": "x",
        }),
        "invalidPath",
        "path: urn:ietf:params:scim:schemas:core:2.0:User:name:givenName names no attribute of a \
         User",
    );
    lenient(
        json!({"op": "replace", "path": "active", "value": "maybe"}),
        "invalidValue",
        "active must be true or false, not a string",
    );
    lenient(
        json!({"op": "replace", "path": "emails[value eq \"a@b\"].primary", "value": "no"}),
        "invalidValue",
        "emails.primary must be true or false, not a string",
    );
    lenient(
        json!({"op": "replace", "path": "userName.first", "value": "x"}),
        "invalidPath",
        "path: userName.first names a sub-attribute of a simple attribute",
    );
    lenient(
        json!({"op": "replace", "path": format!("{LICENCE_USER}:license"), "value": "gold"}),
        "invalidValue",
        "license must be \"full\" or \"view_only\"",
    );
    lenient(
        json!({"op": "add", "path": "emails", "value": (0..40).map(|at| at.to_string()).collect::<Vec<_>>()}),
        "invalidValue",
        "emails has more than 40 values",
    );
    lenient(
        json!({"op": "replace", "path": "emails[value eq \"a@b\"]", "value": ["b@c", "c@d"]}),
        "invalidValue",
        "emails[…] takes one value, not a list",
    );
}

#[test]
fn a_patch_has_bounds() {
    let values: Vec<_> = (0..1_001).map(|at| at.to_string()).collect();
    let operation = json!({"op": "add", "value": {"roles": values}});
    let error = patch(&user(&json!({})), &json!([operation, operation]), Mode::Lenient);
    assert_eq!(error.unwrap_err().status(), 413);
    let error = patch(&user(&json!({})), &json!([operation]), Mode::Lenient);
    assert_eq!(error.unwrap_err().to_string(), "roles has more than 1000 values");

    let emails: Vec<_> = (0..40).map(|at| json!({"value": format!("{at}@b")})).collect();
    let operations: Vec<_> = (0..1_000)
        .map(|at| {
            let path = format!("emails[value eq \"{}@b\"].display", at % 40);
            json!({"op": "replace", "path": path, "value": "x".repeat(100)})
        })
        .collect();
    patch(&user(&json!({"emails": emails})), &operations.into(), Mode::Lenient).unwrap();
}

#[test]
fn groups_are_patched_by_their_schema() {
    let group = json!({"displayName": "g", "members": [{"value": "1"}, {"value": "2"}]});
    let group = normalize(ResourceType::group(), group, Mode::Strict).unwrap();
    let request = |operations| PatchRequest::parse(json!({"Operations": operations})).unwrap();
    let apply =
        |operations| apply(ResourceType::group(), &group, &request(operations), Mode::Lenient);
    let renamed = apply(json!([{"op": "replace", "value": {"id": "7", "displayName": "h"}}]));
    assert_eq!(renamed.unwrap()["displayName"], "h");
    let member = json!([{"op": "replace", "path": "members[value eq \"1\"].value", "value": "3"}]);
    assert_eq!(apply(member).unwrap_err().scim_type(), Some("mutability"));
}

/// Generates operations that mostly apply to a user.
fn operations() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["add", "Replace", "remove"]);
    let path = prop::sample::select(vec![
        "title",
        "userName",
        "active",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        "roles",
        "emails[type eq \"work\"].value",
        "emails[type eq \"work\"]",
        "emails[primary eq true].value",
        "emails[value eq \"a@b\"].primary",
        "emails[type eq \"home\"].type",
        "emails[not (type pr)]",
        "addresses[type eq \"work\"].country",
        "shoe",
        "shoe.size",
        "hats[a eq 1].b",
        "urn:x:1.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        "urn:x:1.0:User:y",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
        "schemas",
        "",
        "id",
    ]);
    let value = prop::sample::select(vec![
        json!(null),
        json!(""),
        json!("x"),
        json!("True"),
        json!(1),
        json!([]),
        json!({}),
        json!({"value": "a@b", "type": "work", "primary": true}),
        json!([{"value": "c@d"}]),
        json!([{"value": "A@B", "type": "home", "primary": true}, {"value": "e@f", "primary": "true"}]),
        json!({"givenName": "G", "familyName": ""}),
        json!({"title": "T", "name.givenName": "N"}),
        json!({"country": "GB"}),
        json!(["x", {"value": "x"}, null]),
        json!({"department": "D"}),
    ]);
    (op, path, value).prop_map(|(op, path, value)| json!({"op": op, "path": path, "value": value}))
}

proptest! {
    /// `scim_v2` is an independent implementation of the message.
    #[test]
    fn messages_that_scim_v2_parses_are_parsed(
        operations in prop::collection::vec(
            (
                prop::sample::select(vec!["add", "Add", "ADD", "Remove", "replace", "x"]),
                prop::option::of(prop_oneof![
                    Just("emails[type eq \"work\" and not (primary eq true)].value".to_owned()),
                    Just("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName".to_owned()),
                    "[a-zA-Z.:\\[\\]$ ]{0,12}",
                ]),
                prop::sample::select(vec![json!("x"), json!({"a": 1}), json!([])]),
            ),
            1..4,
        ),
    ) {
        let operations: Vec<_> = operations
            .into_iter()
            .map(|(op, path, value)| {
                let mut operation = json!({"op": op, "value": value});
                if let Some(path) = path {
                    operation["path"] = path.into();
                }
                operation
            })
            .collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        if serde_json::from_value::<scim_v2::models::others::PatchOp>(body.clone()).is_ok() {
            prop_assert!(PatchRequest::parse(body).is_ok());
        }
    }

    #[test]
    fn a_repeated_patch_changes_nothing(operation in operations(), setup in prop::collection::vec(operations(), 0..4)) {
        let start = user(&json!({"emails": [{"type": "work", "value": "w@b", "primary": true}]}));
        let start = patch(&start, &Value::Array(setup), Mode::Lenient).unwrap_or(start);
        let operations = json!([operation]);
        if let Ok(once) = patch(&start, &operations, Mode::Lenient) {
            match patch(&once, &operations, Mode::Lenient) {
                Ok(twice) => prop_assert_eq!(&twice, &once),
                // The first request may have changed the value that its filter selects.
                Err(error) => prop_assert_eq!(error.scim_type(), Some("noTarget")),
            }
            prop_assert_eq!(normalize(ResourceType::user(), once.clone().into(), Mode::Lenient), Ok(once));
        }
    }

    /// One request has the same effect as one request per operation, so a request fails only if one
    /// of its operations fails.
    #[test]
    fn operations_apply_in_order(operations in prop::collection::vec(operations(), 0..6)) {
        let start = user(&json!({"emails": [{"value": "a@b", "primary": true}]}));
        let one_by_one = operations.iter().try_fold(start.clone(), |user, operation| {
            patch(&user, &json!([operation]), Mode::Lenient)
        });
        let together = patch(&start, &Value::Array(operations), Mode::Lenient);
        if let Ok(one_by_one) = one_by_one {
            prop_assert_eq!(together, Ok(one_by_one));
        }
    }
}
