//! Every name like `active` of the core schema acts on it or is refused: no request answers 200 and
//! puts the change aside.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::error::ScimError;
use crate::filter::Filter;
use crate::matcher::{self, Matcher};
use crate::mode::Mode;
use crate::normalize::normalize;
use crate::patch::apply;
use crate::patch_request::PatchRequest;
use crate::projection::Projection;
use crate::schema::{ENTERPRISE_USER, LUCID_USER, ResourceType, USER};
use crate::work::Meter;

/// Generates what stands before `active`: URNs of the core schema in many forms, right and wrong.
fn prefix() -> impl Strategy<Value = String> {
    let stem = prop::sample::select(vec![
        "urn:ietf:params:scim:schemas:core",
        "urn:scim:schemas:core",
        "urn:ietf:params:scim:schema:core",
        "urn:scim:core",
    ]);
    let version = prop::sample::select(vec!["", ":2.0", ":1.0", ":1.1", ".2.0", ":2"]);
    let kind = prop::sample::select(vec!["", ":User", ".User", ":Group", ":Users", ":user:User"]);
    let urn =
        (stem, version, kind).prop_map(|(stem, version, kind)| format!("{stem}{version}{kind}"));
    let name = prop::sample::select(vec!["User", "Group", "user"]);
    let separator = prop::sample::select(vec![":", ".", "::", ":."]);
    let long = (prop_oneof![4 => urn, 1 => name.prop_map(str::to_owned)], separator, 0..3_u8);
    prop_oneof![
        1 => Just(String::new()),
        20 => long.prop_map(|(urn, separator, case)| match case {
            0 => format!("{urn}{separator}"),
            1 => format!("{}{separator}", urn.to_lowercase()),
            _ => format!("{}{separator}", urn.to_uppercase()),
        }),
    ]
}

/// Generates users, some with what earlier versions of the service put aside.
fn user() -> impl Strategy<Value = Map<String, Value>> {
    prop::sample::select(vec![
        json!({}),
        json!({"active": true}),
        json!({"active": false, "urn:ietf:params:scim:schemas:core:2.0": {"User": {"active": true}}}),
        json!({"active": true, "urn:scim:schemas:core:1.0": {"active": true}}),
        json!({"User": {"active": true}, "group": {"name": "g"}}),
    ])
    .prop_map(|attributes| {
        let mut user =
            normalize(ResourceType::user(), json!({"userName": "ada"}), Mode::Strict).unwrap();
        user.extend(attributes.as_object().unwrap().clone());
        user
    })
}

fn operation(form: u8, prefix: &str, value: &Value) -> Value {
    let name = format!("{prefix}active");
    let schema = prefix.trim_end_matches([':', '.']);
    match form {
        0 => json!({"op": "replace", "path": name, "value": value}),
        1 => json!({"op": "add", "path": name, "value": value}),
        2 => json!({"op": "replace", "value": {name: value}}),
        3 => json!({"op": "replace", "path": schema, "value": {"active": value}}),
        4 => json!({"op": "add", "value": {schema: {"active": value}}}),
        _ => json!({"op": "replace", "path": USER, "value": {name: value}}),
    }
}

fn patch(
    user: &Map<String, Value>,
    body: Value,
    mode: Mode,
) -> Result<Map<String, Value>, ScimError> {
    apply(ResourceType::user(), user, &PatchRequest::parse(body)?, mode)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_patch_of_active_sets_it_or_is_refused(
        user in user(),
        prefix in prefix(),
        form in 0..6_u8,
        active: bool,
        as_text: bool,
        names_schema: bool,
        strict: bool,
    ) {
        // `User` alone is an attribute of the client, as `Group` and `group` are.
        let schema = prefix.trim_end_matches([':', '.']);
        prop_assume!(!(matches!(form, 3 | 4) && ["", "user", "group"].contains(&&*schema.to_lowercase())));
        // Nor is what the client has put below its own attribute of that name.
        prop_assume!(!(user.contains_key("group") && prefix == "group."));
        let value = if as_text { json!(active.to_string()) } else { json!(active) };
        let schemas = if names_schema { json!([schema, format!("{prefix}active")]) } else { json!([]) };
        let operation = operation(form, &prefix, &value);
        let body = json!({"schemas": schemas, "Operations": [operation]});
        let mode = if strict { Mode::Strict } else { Mode::Lenient };
        if let Ok(after) = patch(&user, body, mode) {
            prop_assert_eq!(after.get("active"), Some(&json!(active)), "{}", operation);
        }
    }

    #[test]
    fn a_body_with_active_sets_it_or_is_refused(
        prefix in prefix(),
        active: bool,
        whole: bool,
        names_schema: bool,
        strict: bool,
    ) {
        let schema = prefix.trim_end_matches([':', '.']);
        prop_assume!(!(whole && ["", "user", "group"].contains(&&*schema.to_lowercase())));
        // The grammar has no such name, so it is one of the client's own.
        prop_assume!(!["user", "group"].contains(&&*schema.to_lowercase()) || prefix.len() == schema.len() + 1);
        let mut body = json!({"userName": "ada"});
        if whole {
            body[schema] = json!({"active": active});
        } else {
            body[format!("{prefix}active")] = json!(active);
        }
        if names_schema {
            body["schemas"] = json!([USER, schema, format!("{prefix}active")]);
        }
        let mode = if strict { Mode::Strict } else { Mode::Lenient };
        if let Ok(user) = normalize(ResourceType::user(), body.clone(), mode) {
            prop_assert_eq!(user.get("active"), Some(&json!(active)), "{}", body);
        }
    }

    #[test]
    fn a_query_by_active_finds_it_or_is_refused(user in user(), prefix in prefix(), active: bool) {
        let user_type = ResourceType::user();
        let mut user = user;
        user.insert("active".to_owned(), active.into());
        if let Ok(filter) = Filter::parse(&format!("{prefix}active eq {active}"))
            && matcher::check(&filter, &[user_type]).is_ok()
        {
            let matcher = Matcher::new(&filter);
            prop_assert!(matcher.matches(user_type, &user, &Meter::default()), "{}", filter);
        }
        if let Ok(projection) = Projection::parse(Some(&format!("{prefix}active")), None)
            && projection.check(&[user_type]).is_ok()
        {
            projection.apply(user_type, &mut user);
            prop_assert_eq!(user.get("active"), Some(&json!(active)), "{:?}", projection);
        }
    }
}

#[test]
fn every_form_that_clients_send_is_accepted_in_lenient_mode() {
    let user = normalize(ResourceType::user(), json!({"userName": "ada"}), Mode::Strict).unwrap();
    for (name, value, pointer) in [
        (format!("{USER}.active"), json!(false), "/active"),
        ("urn:scim:schemas:core:1.0:active".to_owned(), json!(false), "/active"),
        ("urn:scim:schemas:core:2.0:User.active".to_owned(), json!(false), "/active"),
        ("User.active".to_owned(), json!(false), "/active"),
        (format!("{USER}.name.givenName"), json!("Ada"), "/name/givenName"),
        (
            "urn:scim:schemas:extension:enterprise:2.0.department".to_owned(),
            json!("D"),
            "/e/department",
        ),
        (format!("{ENTERPRISE_USER}.manager.value"), json!("7"), "/e/manager/value"),
        ("employeeNumber".to_owned(), json!("7"), "/e/employeeNumber"),
        (
            "urn:ietf:params:scim:schemas:extension:lucid:1.0:User:productLicenses.Lucidchart"
                .to_owned(),
            json!("False"),
            "/l/productLicenses/Lucidchart",
        ),
        (format!("{USER}.emails[type eq \"work\"].value"), json!("a@b"), "/emails/0/value"),
    ] {
        let read = |user: &Map<String, Value>| {
            let mut user = user.clone();
            for (urn, short) in [(ENTERPRISE_USER, "e"), (LUCID_USER, "l")] {
                if let Some(extension) = user.shift_remove(urn) {
                    user.insert(short.to_owned(), extension);
                }
            }
            Value::Object(user).pointer(pointer).cloned()
        };
        let with_path = json!([{"op": "replace", "path": name, "value": value}]);
        let without_path = json!([{"op": "replace", "value": {name.clone(): value}}]);
        for operations in [with_path, without_path] {
            let body = json!({"Operations": operations});
            let patched = patch(&user, body.clone(), Mode::Lenient).unwrap();
            assert_eq!(read(&patched).as_ref(), Some(&value), "{name}");
            assert_eq!(patched.keys().filter(|key| key.starts_with("urn:scim")).count(), 0);
            let strict = patch(&user, body, Mode::Strict);
            assert!(strict.is_err() || name == "employeeNumber", "{name}");
        }
        let body = json!({"userName": "ada", name.clone(): value});
        let created = normalize(ResourceType::user(), body.clone(), Mode::Lenient).unwrap();
        assert_eq!(read(&created).as_ref(), Some(&value), "{name}");
        normalize(ResourceType::user(), body, Mode::Strict).unwrap_err();
    }
}

#[test]
fn what_an_extension_object_names_wins_over_the_root() {
    let body = json!({
        "userName": "ada",
        "Department": "root",
        "costCenter": "7",
        ENTERPRISE_USER: {"department": "D", "manager.value": "m"},
    });
    let user = normalize(ResourceType::user(), body, Mode::Lenient).unwrap();
    let expected = json!({"department": "D", "costCenter": "7", "manager": {"value": "m"}});
    assert_eq!(user.get(ENTERPRISE_USER), Some(&expected));
    assert_eq!(user.keys().collect::<Vec<_>>(), ["schemas", "userName", ENTERPRISE_USER]);
}

#[test]
fn a_name_of_ours_within_an_extension_is_ours_and_one_within_the_clients_own_is_not() {
    let user = normalize(ResourceType::user(), json!({"userName": "ada"}), Mode::Strict).unwrap();
    let active = format!("{USER}:active");
    let within = json!({(ENTERPRISE_USER): {active.clone(): false}});
    let body = json!({"userName": "ada", ENTERPRISE_USER: within[ENTERPRISE_USER]});
    let operations = json!({"Operations": [{"op": "add", "value": within}]});
    for changed in [
        normalize(ResourceType::user(), body, Mode::Lenient).unwrap(),
        patch(&user, operations, Mode::Lenient).unwrap(),
    ] {
        assert_eq!(
            (changed.get("active"), changed.get(ENTERPRISE_USER)),
            (Some(&json!(false)), None)
        );
    }
    let own = json!({"urn:UserAttributes": {"User.active": false, "a b": 1}});
    let operations = json!({"Operations": [{"op": "add", "value": own}]});
    let changed = patch(&user, operations, Mode::Lenient).unwrap();
    assert_eq!(changed.get("active"), None);
    assert_eq!(changed.get("urn:UserAttributes"), Some(&own["urn:UserAttributes"]));
}
