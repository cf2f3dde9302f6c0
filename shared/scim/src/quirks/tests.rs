use serde_json::json;

use super::*;
use crate::error::ScimError;
use crate::normalize::normalize;
use crate::patch::apply;
use crate::patch_request::PatchRequest;
use crate::schema::{ENTERPRISE_USER, ResourceType, USER};

/// Normalises a user with `attributes`: lenient mode yields `expected`, strict mode rejects it.
#[track_caller]
fn check(attributes: &Value, expected: &Value) {
    let user = |attributes: &Value| {
        let mut user = json!({"userName": "ada"});
        user.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
        user
    };
    let lenient = normalize(ResourceType::user(), user(attributes), Mode::Lenient);
    let mut lenient = Value::Object(lenient.unwrap());
    lenient.as_object_mut().unwrap().shift_remove("schemas");
    assert_eq!(lenient, user(expected));
    normalize(ResourceType::user(), user(attributes), Mode::Strict).unwrap_err();
}

#[test]
fn a_boolean_may_be_text() {
    check(&json!({"active": "False"}), &json!({"active": false}));
    check(&json!({"active": "true"}), &json!({"active": true}));
    check(
        &json!({"emails": [{"value": "a@b", "primary": "True"}]}),
        &json!({"emails": [{"value": "a@b", "primary": true}]}),
    );
}

#[test]
fn text_may_be_a_number_or_a_boolean() {
    check(
        &json!({ENTERPRISE_USER: {"employeeNumber": 701_984}}),
        &json!({ENTERPRISE_USER: {"employeeNumber": "701984"}}),
    );
    check(&json!({"title": true}), &json!({"title": "true"}));
    let lucid = crate::schema::LUCID_USER;
    check(
        &json!({lucid: {"productLicenses": {"Lucidchart": true}}}),
        &json!({lucid: {"productLicenses": {"Lucidchart": "True"}}}),
    );
}

#[test]
fn the_empty_string_is_unassigned() {
    let user = json!({"userName": "ada", "title": "", "name": {"givenName": ""}, "roles": [""]});
    for mode in [Mode::Lenient, Mode::Strict] {
        let user = normalize(ResourceType::user(), user.clone(), mode).unwrap();
        assert_eq!(user.keys().collect::<Vec<_>>(), ["schemas", "userName"]);
    }
}

#[test]
fn a_list_may_be_a_single_value() {
    check(&json!({"emails": {"value": "a@b"}}), &json!({"emails": [{"value": "a@b"}]}));
    check(&json!({"roles": "Admin"}), &json!({"roles": [{"value": "Admin"}]}));
}

#[test]
fn a_single_value_may_be_a_list_of_one() {
    check(
        &json!({ENTERPRISE_USER: {"manager": [{"value": "7"}]}}),
        &json!({ENTERPRISE_USER: {"manager": {"value": "7"}}}),
    );
}

#[test]
fn a_complex_value_may_be_a_bare_value() {
    check(
        &json!({ENTERPRISE_USER: {"manager": "7"}}),
        &json!({ENTERPRISE_USER: {"manager": {"value": "7"}}}),
    );
    check(
        &json!({"roles": ["{\"id\":\"1\"}", 5]}),
        &json!({"roles": [{"value": "{\"id\":\"1\"}"}, {"value": "5"}]}),
    );
}

#[test]
fn a_password_is_dropped_wherever_it_is() {
    let secret = "hunter2";
    for body in [
        json!({"password": secret}),
        json!({"PassWord": secret}),
        json!({format!("{USER}:password"): secret}),
        json!({USER: {"password": secret}}),
        json!({ENTERPRISE_USER: {"password": secret}}),
        json!({format!("{ENTERPRISE_USER}:password"): secret}),
        json!({"name": {"password": secret}, "name.password": secret}),
        json!({"emails": [{"password": secret}]}),
        json!({"urn:example:2.0:User": {"a": [{"Password": secret}], "password": secret}}),
        json!({"urn:example:2.0:User:password": secret}),
    ] {
        for mode in [Mode::Lenient, Mode::Strict] {
            let mut user = body.clone();
            user["userName"] = "ada".into();
            if let Ok(user) = normalize(ResourceType::user(), user, mode) {
                assert!(!Value::from(user).to_string().contains(secret), "{body}");
            } else {
                let is_unknown = body.get("urn:example:2.0:User").is_some();
                assert!(is_unknown && mode == Mode::Strict, "{body} {mode:?}");
            }
            let operation = json!({"op": "replace", "value": body});
            if let Ok(user) = patched(&operation, mode) {
                assert!(!user.to_string().contains(secret), "{body}");
            }
        }
    }
    for path in ["password", "emails[type eq \"work\"].password", "name.password"] {
        for mode in [Mode::Lenient, Mode::Strict] {
            let operation = json!({"op": "replace", "path": path, "value": secret});
            let user = patched(&operation, mode).unwrap();
            assert!(!user.to_string().contains(secret), "{path}");
        }
    }
}

#[test]
fn unknown_attributes_and_extensions_are_kept() {
    for unknown in [
        json!({"adreses": [{"country": "DE"}]}),
        json!({ENTERPRISE_USER: {"manager": {"managerId": "ext-1"}}}),
        json!({"urn:example:2.0:User": {"shoe": {"size": 42}}}),
    ] {
        check(&unknown, &unknown);
    }
}

#[test]
fn the_first_of_two_primaries_stays_primary() {
    check(
        &json!({"emails": [
            {"value": "a@b", "primary": true},
            {"value": "c@d", "primary": true},
        ]}),
        &json!({"emails": [
            {"value": "a@b", "primary": true},
            {"value": "c@d", "primary": false},
        ]}),
    );
}

#[test]
fn the_value_may_repeat_the_name_members() {
    let members = json!([{"value": "1"}]);
    assert_eq!(unwrap_members(json!({"members": members})), members);
    assert_eq!(unwrap_members(json!({"value": "1"})), json!({"value": "1"}));
}

/// Patches a user with two roles and a work address.
fn patched(operation: &Value, mode: Mode) -> Result<Value, ScimError> {
    let user = json!({
        "userName": "ada",
        "roles": [{"value": "a"}, {"value": "b"}],
        "emails": [{"type": "work", "value": "a@b", "primary": true}],
    });
    let user = normalize(ResourceType::user(), user, mode)?;
    let request = PatchRequest::parse(json!({"Operations": [operation]}))?;
    apply(ResourceType::user(), &user, &request, mode).map(Value::Object)
}

#[test]
fn remove_with_a_value_removes_only_that_value() {
    for mode in [Mode::Lenient, Mode::Strict] {
        let operation = json!({"op": "Remove", "path": "roles", "value": [{"value": "a"}]});
        assert_eq!(patched(&operation, mode).unwrap()["roles"], json!([{"value": "b"}]));
        let operation = json!({"op": "Remove", "path": "roles"});
        assert_eq!(patched(&operation, mode).unwrap().get("roles"), None);
    }
}

#[test]
fn a_filter_creates_a_missing_element() {
    let path = "phoneNumbers[type eq \"mobile\"].value";
    let replace = json!({"op": "Replace", "path": path, "value": "2"});
    let add = json!({"op": "Add", "path": path, "value": "2"});
    let created = json!([{"type": "mobile", "value": "2"}]);
    for (operation, mode) in
        [(&add, Mode::Lenient), (&add, Mode::Strict), (&replace, Mode::Lenient)]
    {
        assert_eq!(patched(operation, mode).unwrap()["phoneNumbers"], created);
    }
    let error = patched(&replace, Mode::Strict).unwrap_err();
    assert_eq!(error.scim_type(), Some("noTarget"));
}

#[test]
fn removing_its_value_removes_an_address() {
    let operation = json!({"op": "Remove", "path": "emails[type eq \"work\"].value"});
    assert_eq!(patched(&operation, Mode::Lenient).unwrap().get("emails"), None);
}

#[test]
fn a_plain_value_may_be_wrapped() {
    let title = json!({"title": "CTO"});
    for wrapped in
        [json!(["CTO"]), json!({"value": "CTO"}), json!([{"$ref": null, "Value": "CTO"}])]
    {
        check(&json!({"title": wrapped}), &title);
    }
    for text in ["{\"value\":\"CTO\"}", "[{\"$ref\":null,\"value\":[\"CTO\"]}]"] {
        assert_eq!(unwrap_plain(json!(text), Mode::Lenient), json!("CTO"));
        assert_eq!(unwrap_plain(json!(text), Mode::Strict), json!(text));
    }
    check(&json!({"active": {"value": "False"}}), &json!({"active": false}));
    check(&json!({"title": [{"value": null}]}), &json!({}));
    for other in ["{\"id\":\"1\",\"value\":\"2\"}", "[\"a\"]", "[1", "{}"] {
        let kept = unwrap_plain(json!(other), Mode::Lenient);
        assert_eq!(kept, json!(other));
    }
}

#[test]
fn an_element_with_a_blank_value_is_dropped() {
    let user = json!({"userName": "ada", "emails": [
        {"type": "work", "value": "", "primary": true},
        {"type": "home", "VALUE": null},
        {"type": "other"},
        {"type": "work", "value": "", "display": "d"},
    ]});
    for mode in [Mode::Lenient, Mode::Strict] {
        let user = normalize(ResourceType::user(), user.clone(), mode).unwrap();
        let kept = json!([{"type": "other"}, {"type": "work", "display": "d"}]);
        assert_eq!(user["emails"], kept, "{mode:?}");
    }
}

#[test]
fn a_dropped_duplicate_passes_on_that_it_is_primary() {
    let others = |count| (0..count).map(|at| json!({"value": at.to_string()}));
    for count in [0, 20] {
        let twice = [json!({"value": "a@b"}), json!({"value": "A@b", "primary": true})];
        let emails: Vec<_> = others(count).chain(twice).collect();
        let user = json!({"userName": "ada", "emails": emails});
        let user = normalize(ResourceType::user(), user, Mode::Strict).unwrap();
        let last = user["emails"].as_array().unwrap().last();
        assert_eq!(last, Some(&json!({"value": "a@b", "primary": true})), "{count}");
    }
}
