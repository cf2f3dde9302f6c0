//! Tolerances for requests of provisioning clients that go beyond or against the RFCs.
//!
//! One function per tolerance. Its comment names the request, the clients that send it and the
//! result. Leniency towards a client belongs here and nowhere else; only the forms of filters and
//! query parameters are in their parsers. A tolerance that takes a [`Mode`] is off for a tenant in
//! strict mode.

use serde_json::{Map, Value};

use crate::mode::Mode;
use crate::patch_request::Op;
use crate::schema::{Attribute, ResourceType, Schema};

/// `"active": "False"`: a boolean as text, in any letter case.
///
/// Microsoft Entra ID without the flag `aadOptscim062020` in PATCH, OneLogin templates that quote
/// `{$user.active}`, the string `"True"` in Microsoft's Postman collection. The value is stored and
/// returned as a boolean.
pub fn parse_boolean(text: &str, mode: Mode) -> Option<bool> {
    match mode {
        Mode::Lenient if text.eq_ignore_ascii_case("true") => Some(true),
        Mode::Lenient if text.eq_ignore_ascii_case("false") => Some(false),
        Mode::Lenient | Mode::Strict => None,
    }
}

/// `"employeeNumber": 701984`, `"Lucidchart": true`: a number or boolean instead of text.
///
/// OneLogin templates and scripts that map a typed source field. A boolean takes the spelling of
/// the attribute's canonical values if it is one of them.
pub fn to_text(attribute: &Attribute, value: &Value, mode: Mode) -> Option<String> {
    let text = match (mode, value) {
        (Mode::Lenient, Value::Number(number)) => number.to_string(),
        (Mode::Lenient, Value::Bool(boolean)) => boolean.to_string(),
        (Mode::Lenient | Mode::Strict, _) => return None,
    };
    let canonical = attribute.canonical_values.iter().find(|one| one.eq_ignore_ascii_case(&text));
    Some(canonical.cloned().unwrap_or(text))
}

/// `"title": ""`: the empty string instead of no value.
///
/// Microsoft's provisioning validator clears attributes with `""` and expects them null or absent;
/// Entra clears `manager` in this way. RFC 7643 §2.5 has only null and the empty array for it. No
/// declared attribute gives a meaning to the empty string, so it is unassigned in both modes.
pub fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// `add members [{"value": "<unknown id>"}]`: a member that does not exist.
///
/// Entra adds members from its own state, among them users that are deleted here; Microsoft's
/// Postman collection adds `"string id 1"`; scim-sanity expects 200. A PATCH or PUT ignores unknown
/// members, so that one of them does not prevent the others from joining. A POST rejects them, in
/// lenient mode too: a new group has no earlier state that could be outdated.
pub const fn ignores_unknown_members(mode: Mode) -> bool {
    matches!(mode, Mode::Lenient)
}

/// `manager eq "…"`, `path: "manager"`: an attribute of an extension without its URN.
///
/// Entra filters by `id eq "…" and manager eq "…"` before it changes a reference, and old samples
/// of it patch `manager`. The caller looks in the core schema first. A name that no schema declares
/// is a custom attribute of the client.
pub fn find_unqualified(
    resource_type: &ResourceType,
    name: &str,
) -> Option<(&'static Schema, &'static Attribute)> {
    let mut extensions = resource_type.extensions.iter();
    extensions.find_map(|extension| Some((*extension, extension.attribute(name)?)))
}

/// `"emails": {"value": "…"}`, `"members": "<id>"`: one value instead of a list.
///
/// OneLogin sends an object for `emails`; Microsoft's Postman collection adds a member as a bare
/// string. Returns the value itself if it is not acceptable.
pub fn to_list(value: Value, mode: Mode) -> Result<Vec<Value>, Value> {
    match (mode, value) {
        (Mode::Lenient | Mode::Strict, Value::Array(values)) => Ok(values),
        (Mode::Lenient, value) => Ok(vec![value]),
        (Mode::Strict, value) => Err(value),
    }
}

/// `"manager": [{"value": "…"}]`: a list of one element instead of a single value.
///
/// Old Microsoft samples for the enterprise extension.
pub fn unwrap_single(value: Value, mode: Mode) -> Value {
    match (mode, value) {
        (Mode::Lenient, Value::Array(mut values)) if values.len() == 1 => {
            values.pop().unwrap_or_default()
        }
        (Mode::Lenient | Mode::Strict, value) => value,
    }
}

/// `"manager": "<id>"`, `"roles": ["Admin"]`: a bare value instead of an object with `value`.
///
/// Entra sends `manager` as the id alone and reports the service as incompatible if it gets a
/// string back, so responses always have the object. Returns the value itself if it is not
/// acceptable.
pub fn to_complex(
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

/// `"password": "…"`: accepted, dropped, never stored and never returned.
///
/// Okta sends one on every create, even where passwords are not synchronised, and a path-less PATCH
/// with nothing else where they are. Users sign in through their identity provider. RFC 7643 §4.1.1
/// has the attribute, so strict mode accepts it too.
///
/// `name` may also be a path, as `urn:…:User:password`.
pub fn is_password(name: &str) -> bool {
    let last = name.rsplit([':', '.']).next().unwrap_or_default();
    last.trim().eq_ignore_ascii_case("password")
}

/// Drops every `password` at any depth: a secret in the wrong place must not be stored either.
pub fn drop_passwords(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !is_password(name));
            members.values_mut().for_each(drop_passwords);
        }
        Value::Array(values) => values.iter_mut().for_each(drop_passwords),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Attributes, sub-attributes and whole extensions that no schema declares: stored and returned
/// unchanged.
///
/// OneLogin's `manager.managerId`, `locale` variants, a customer's extension object whose URN is
/// missing in `schemas`: rejecting the request would stop the whole provisioning cycle.
pub fn keeps_unknown(mode: Mode) -> bool {
    match mode {
        Mode::Lenient => true,
        Mode::Strict => false,
    }
}

/// Two values of a list marked `primary`: the first one stays primary.
///
/// Entra with mappings for two types of the same attribute. RFC 7643 §2.4 allows one.
pub fn keeps_first_primary(mode: Mode) -> bool {
    match mode {
        Mode::Lenient => true,
        Mode::Strict => false,
    }
}

/// `{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "<id>"}]}`: removes only
/// these values.
///
/// Entra without the flag `aadOptscim062020` and JumpCloud. RFC 7644 §3.5.2.2 has no value here,
/// and the path alone would empty the list, so strict mode accepts it too. `None` is a remove
/// without a value, which removes everything.
pub fn values_to_remove(value: Option<Value>) -> Option<Vec<Value>> {
    match value? {
        Value::Null => None,
        Value::Array(values) => Some(values),
        value @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Some(vec![value])
        }
    }
}

/// `{"op": "remove", "path": "members", "value": {"members": […]}}`: the value repeats the name of
/// the attribute.
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

/// `{"op": "Replace", "path": "emails[type eq \"work\"].value", …}` without such an e-mail
/// address: the filter creates it.
///
/// Entra, for every typed attribute that a user does not have yet, with one operation per
/// sub-attribute. RFC 7644 §3.5.2.3 requires `noTarget` for replace and says nothing for add.
pub fn creates_missing(op: Op, mode: Mode) -> bool {
    match (op, mode) {
        (Op::Add, Mode::Lenient | Mode::Strict) | (Op::Replace, Mode::Lenient) => true,
        (Op::Replace, Mode::Strict) | (Op::Remove, Mode::Lenient | Mode::Strict) => false,
    }
}

/// `{"op": "Remove", "path": "emails[type eq \"work\"].value"}`: removes the whole address.
///
/// Entra clears the sub-attribute that it has a mapping for. An element of a declared attribute
/// that has only `type` and `primary` left holds no information, and Okta's tests report it as an
/// incomplete address.
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
        let user =
            json!({"userName": "ada", "title": "", "name": {"givenName": ""}, "roles": [""]});
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
}
