//! Every tolerance for what provisioning clients send beyond or against the RFCs.
//!
//! One item per tolerance: what is sent, by whom, what we make of it. Nothing else in the core is
//! lenient by accident. A tenant in strict mode gets none of those that take a [`Mode`].

use serde_json::{Map, Value};

use crate::patch::Op;
use crate::resource::Mode;
use crate::schema::{Attribute, ResourceType, Schema};

/// `"active": "False"`: booleans as text, in any letter case.
///
/// Microsoft Entra ID without the flag `aadOptscim062020` in PATCH, OneLogin templates that quote
/// `{$user.active}`, the string `"True"` in Microsoft's Postman collection. They are stored and
/// answered as booleans.
pub fn boolean(text: &str, mode: Mode) -> Option<bool> {
    match mode {
        Mode::Lenient if text.eq_ignore_ascii_case("true") => Some(true),
        Mode::Lenient if text.eq_ignore_ascii_case("false") => Some(false),
        Mode::Lenient | Mode::Strict => None,
    }
}

/// `"employeeNumber": 701984`, `"Lucidchart": true`: a number or boolean where text belongs.
///
/// OneLogin templates and scripts that map a typed source field. A boolean takes the spelling of
/// the attribute's canonical values if it is one of them.
pub fn text(attribute: &Attribute, value: &Value, mode: Mode) -> Option<String> {
    let text = match (mode, value) {
        (Mode::Lenient, Value::Number(number)) => number.to_string(),
        (Mode::Lenient, Value::Bool(boolean)) => boolean.to_string(),
        (Mode::Lenient | Mode::Strict, _) => return None,
    };
    let canonical = attribute.canonical_values.iter().find(|one| one.eq_ignore_ascii_case(&text));
    Some(canonical.cloned().unwrap_or(text))
}

/// `"title": ""`: the empty string as "no value".
///
/// Microsoft's provisioning validator clears attributes with `""` and expects them null or absent;
/// Entra clears `manager` so. RFC 7643 §2.5 has only null and the empty array for it. No attribute
/// of ours means anything by an empty string, so it is unassigned in both modes.
pub fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// `add members [{"value": "<no id of ours>"}]`: a member that does not exist.
///
/// Entra adds members from its own memory, among them users that were deleted here; Microsoft's
/// Postman collection adds `"string id 1"`; scim-sanity expects 200. A PATCH or PUT passes over
/// them, since one unknown member must not keep the others out. Creating a group with one is an
/// error, as it is the client's first word about the group.
pub const fn ignores_unknown_members(mode: Mode) -> bool {
    matches!(mode, Mode::Lenient)
}

/// `manager eq "…"`, `path: "manager"`: an attribute of an extension without its URN.
///
/// Entra asks `id eq "…" and manager eq "…"` before it changes a reference, and old samples of it
/// patch `manager`. The core schema goes first; a name that no schema has stays the client's own.
pub fn unqualified(of: &ResourceType, name: &str) -> Option<(&'static Schema, &'static Attribute)> {
    of.extensions.iter().find_map(|extension| Some((*extension, extension.attribute(name)?)))
}

/// `"emails": {"value": "…"}`, `"members": "<id>"`: one value where a list belongs.
///
/// OneLogin sends an object for `emails`; Microsoft's Postman collection adds a member as a bare
/// string.
pub fn list(value: Value, mode: Mode) -> Result<Vec<Value>, Value> {
    match (mode, value) {
        (Mode::Lenient | Mode::Strict, Value::Array(values)) => Ok(values),
        (Mode::Lenient, value) => Ok(vec![value]),
        (Mode::Strict, value) => Err(value),
    }
}

/// `"manager": [{"value": "…"}]`: a list of one where a single value belongs.
///
/// Old Microsoft samples for the enterprise extension.
pub fn single(value: Value, mode: Mode) -> Value {
    match (mode, value) {
        (Mode::Lenient, Value::Array(mut values)) if values.len() == 1 => {
            values.pop().unwrap_or_default()
        }
        (Mode::Lenient | Mode::Strict, value) => value,
    }
}

/// `"manager": "<id>"`, `"roles": ["Admin"]`: a bare value where an object with `value` belongs.
///
/// Entra sends `manager` as the id alone and reports the service as incompatible when it gets a
/// string back, so the answer always has the object.
pub fn complex(
    attribute: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Map<String, Value>, Value> {
    match (mode, value) {
        (Mode::Lenient | Mode::Strict, Value::Object(members)) => Ok(members),
        (Mode::Lenient, value @ (Value::String(_) | Value::Number(_)))
            if attribute.sub_attribute("value").is_some() =>
        {
            Ok(Map::from_iter([("value".to_owned(), value)]))
        }
        (Mode::Lenient | Mode::Strict, value) => Err(value),
    }
}

/// `"password": "…"`: accepted, dropped, never stored and never answered.
///
/// Okta sends one on every create, even where passwords are not synchronised, and a path-less PATCH
/// with nothing else when they are. People sign in through their identity provider here. RFC 7643
/// §4.1.1 has the attribute, so strict mode accepts it too.
///
/// `name` may also be the text of a path, as `urn:…:User:password`.
pub fn is_dropped(name: &str) -> bool {
    let last = name.rsplit([':', '.']).next().unwrap_or_default();
    last.trim().eq_ignore_ascii_case("password")
}

/// Drops every such member, however deep: a secret in the wrong place is still none of ours.
pub fn drop_passwords(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !is_dropped(name));
            members.values_mut().for_each(drop_passwords);
        }
        Value::Array(values) => values.iter_mut().for_each(drop_passwords),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Attributes, sub-attributes and whole extensions that no schema of ours declares: kept and
/// returned as they came.
///
/// OneLogin's `manager.managerId`, `locale` variants, a customer's own extension object whose URN
/// is missing in `schemas`: failing the request would stop the whole provisioning cycle.
pub fn keeps_unknown(mode: Mode) -> bool {
    match mode {
        Mode::Lenient => true,
        Mode::Strict => false,
    }
}

/// Two values of a list marked `primary`: the first stays primary.
///
/// Entra with mappings for two types of the same attribute. RFC 7643 §2.4 allows one.
pub fn first_primary_stays(mode: Mode) -> bool {
    match mode {
        Mode::Lenient => true,
        Mode::Strict => false,
    }
}

/// `{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "<id>"}]}`: remove just
/// these values.
///
/// Entra without the flag `aadOptscim062020` and JumpCloud. RFC 7644 §3.5.2.2 knows no value here,
/// and going by the path alone would empty the list, so strict mode has it too. None is a remove
/// without a value: of everything.
pub fn values_to_remove(value: Option<Value>) -> Option<Vec<Value>> {
    match value? {
        Value::Null => None,
        Value::Array(values) => Some(values),
        value @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Some(vec![value])
        }
    }
}

/// `{"op": "remove", "path": "members", "value": {"members": […]}}`: the attribute named once more
/// in the value.
///
/// Salesforce's documentation shows it, with and without the path.
pub fn unwrap_members(value: Value) -> Value {
    match value {
        Value::Object(mut parts) if parts.contains_key("members") => {
            parts.shift_remove("members").unwrap_or_default()
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => value,
    }
}

/// `{"op": "Replace", "path": "emails[type eq \"work\"].value", …}` where there is no such e-mail
/// address: it is created from the filter.
///
/// Entra, for every typed attribute of a user that did not have one, one operation per part. RFC
/// 7644 §3.5.2.3 wants `noTarget` for replace and says nothing for add.
pub fn creates_missing(op: Op, mode: Mode) -> bool {
    match (op, mode) {
        (Op::Add, Mode::Lenient | Mode::Strict) | (Op::Replace, Mode::Lenient) => true,
        (Op::Replace, Mode::Strict) | (Op::Remove, Mode::Lenient | Mode::Strict) => false,
    }
}

/// `{"op": "Remove", "path": "emails[type eq \"work\"].value"}`: the whole address goes.
///
/// Entra clears the part that it has a mapping for. An element of a declared attribute that is
/// left with nothing but `type` and `primary` tells nobody anything, and Okta's tests take it for
/// an incomplete address.
pub fn is_hollow(attribute: Option<&Attribute>, element: &Value) -> bool {
    attribute.is_some()
        && element.as_object().is_some_and(|parts| {
            parts.keys().all(|name| matches!(name.as_str(), "type" | "primary"))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ScimError;
    use crate::patch::{PatchRequest, apply};
    use crate::resource::normalize;
    use crate::schema::{ENTERPRISE_USER, ResourceType, USER};

    /// Sends a user with `attributes`: lenient must make `expected` of them, strict refuse them.
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
    fn booleans_come_as_text() {
        check(&json!({"active": "False"}), &json!({"active": false}));
        check(&json!({"active": "true"}), &json!({"active": true}));
        check(
            &json!({"emails": [{"value": "a@b", "primary": "True"}]}),
            &json!({"emails": [{"value": "a@b", "primary": true}]}),
        );
    }

    #[test]
    fn text_comes_as_a_number_or_a_boolean() {
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
    fn the_empty_string_is_no_value() {
        let user =
            json!({"userName": "ada", "title": "", "name": {"givenName": ""}, "roles": [""]});
        for mode in [Mode::Lenient, Mode::Strict] {
            let user = normalize(ResourceType::user(), user.clone(), mode).unwrap();
            assert_eq!(user.keys().collect::<Vec<_>>(), ["schemas", "userName"]);
        }
    }

    #[test]
    fn one_value_comes_where_a_list_belongs() {
        check(&json!({"emails": {"value": "a@b"}}), &json!({"emails": [{"value": "a@b"}]}));
        check(&json!({"roles": "Admin"}), &json!({"roles": [{"value": "Admin"}]}));
    }

    #[test]
    fn a_list_of_one_comes_where_one_value_belongs() {
        check(
            &json!({ENTERPRISE_USER: {"manager": [{"value": "7"}]}}),
            &json!({ENTERPRISE_USER: {"manager": {"value": "7"}}}),
        );
    }

    #[test]
    fn a_bare_value_comes_where_an_object_belongs() {
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
    fn a_password_comes_and_goes_wherever_it_is() {
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
    fn unknown_attributes_and_extensions_stay() {
        for unknown in [
            json!({"adreses": [{"country": "DE"}]}),
            json!({ENTERPRISE_USER: {"manager": {"managerId": "ext-1"}}}),
            json!({"urn:example:2.0:User": {"shoe": {"size": 42}}}),
        ] {
            check(&unknown, &unknown);
        }
    }

    #[test]
    fn of_two_primaries_the_first_stays() {
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
    fn members_are_named_once_more_in_the_value() {
        let members = json!([{"value": "1"}]);
        assert_eq!(unwrap_members(json!({"members": members})), members);
        assert_eq!(unwrap_members(json!({"value": "1"})), json!({"value": "1"}));
    }

    /// Sends a PATCH for a user with two roles and a work address.
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
    fn remove_comes_with_the_values_to_remove() {
        for mode in [Mode::Lenient, Mode::Strict] {
            let operation = json!({"op": "Remove", "path": "roles", "value": [{"value": "a"}]});
            assert_eq!(patched(&operation, mode).unwrap()["roles"], json!([{"value": "b"}]));
            let operation = json!({"op": "Remove", "path": "roles"});
            assert_eq!(patched(&operation, mode).unwrap().get("roles"), None);
        }
    }

    #[test]
    fn a_filter_names_what_is_not_there_yet() {
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
    fn an_address_is_cleared_by_its_value() {
        let operation = json!({"op": "Remove", "path": "emails[type eq \"work\"].value"});
        assert_eq!(patched(&operation, Mode::Lenient).unwrap().get("emails"), None);
    }
}
