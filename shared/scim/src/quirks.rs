//! Tolerances for requests of provisioning clients that go beyond or against the RFCs.
//!
//! One function per tolerance. Its comment names the request, the clients that send it and the
//! result. Leniency towards a client belongs here and nowhere else; only the forms of filters and
//! query parameters are in their parsers. A tolerance that takes a [`Mode`] is off for a tenant in
//! strict mode.

use serde_json::{Map, Value};

use crate::json::member;
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
/// Entra and Okta add members from their own state, among them users that are deleted here;
/// Microsoft's Postman collection adds `"string id 1"`; scim-sanity expects 200. Unknown members are
/// ignored, so that one of them does not prevent the others from joining, also in a POST: the push
/// of a group after the deletion of one member would fail for ever.
pub const fn ignores_unknown_members(mode: Mode) -> bool {
    matches!(mode, Mode::Lenient)
}

/// `manager eq "…"`, `path: "manager"`, `"department": "…"` at the root of a body: an attribute of
/// an extension without its URN.
///
/// Entra filters by `id eq "…" and manager eq "…"` before it changes a reference, old samples of it
/// patch `manager`, and mappings without the URN put `department` at the root of a create. The
/// caller looks in the core schema first. A name that no schema declares is a custom attribute of
/// the client. Strict mode has no such names in bodies.
pub fn find_unqualified(
    resource_type: &ResourceType,
    name: &str,
) -> Option<(&'static Schema, &'static Attribute)> {
    let mut extensions = resource_type.extensions.iter();
    extensions.find_map(|extension| Some((*extension, extension.attribute(name)?)))
}

/// `urn:…:core:2.0:User.active`, `urn:scim:schemas:core:1.0`, `User.active`: a schema in another
/// form than its URN and a colon.
///
/// Syncope and WSO2 put a dot after the URN; OneLogin's templates have the URNs of the drafts,
/// without a resource type; Lucid's older extension has another version. The name acts like the
/// exact one. A name like ours that names nothing is an error in both modes: kept as an extension
/// of the client, it would answer 200 and change nothing.
pub const fn accepts_urn_forms(mode: Mode) -> bool {
    matches!(mode, Mode::Lenient)
}

/// `"schemas": ["urn:scim:schemas:core:1.0"]`, `"schemas": "[]"`: a wrong URN, or something else
/// than a list.
///
/// OneLogin's templates have the URNs of the drafts, other clients the URN of a message or a text.
/// The endpoint tells the type. Only a body that names another resource type is rejected: it was
/// sent to the wrong endpoint.
pub const fn accepts_any_schemas(mode: Mode) -> bool {
    matches!(mode, Mode::Lenient)
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

/// `"title": [{"$ref": null, "value": "…"}]`, `"active": "[{\"value\":\"False\"}]"`: a plain value in
/// a list, in an object with `value`, or in the JSON text of one.
///
/// Entra without the flag `aadOptscim062020` for some mappings, and gateways that pass its values on
/// as text. A text that is other JSON stays as it is, as the roles that Entra sends.
pub fn unwrap_plain(value: Value, mode: Mode) -> Value {
    let mut value = value;
    while let Some(inner) = plain_in(&value, mode) {
        value = inner;
    }
    value
}

fn plain_in(value: &Value, mode: Mode) -> Option<Value> {
    match (mode, value) {
        (Mode::Lenient, Value::Array(values)) if values.len() == 1 => values.first().cloned(),
        (Mode::Lenient, Value::Object(parts)) if is_wrapper(parts) => {
            member(parts, "value").cloned()
        }
        (Mode::Lenient, Value::String(text)) => {
            let parsed = unwrap_single(parse_json_text(text)?, mode);
            parsed.as_object().is_some_and(is_wrapper).then_some(parsed)
        }
        (Mode::Lenient | Mode::Strict, _) => None,
    }
}

/// Returns whether an object holds a plain value and nothing else.
fn is_wrapper(parts: &Map<String, Value>) -> bool {
    member(parts, "value").is_some()
        && parts
            .keys()
            .all(|name| ["value", "$ref"].iter().any(|known| known.eq_ignore_ascii_case(name)))
}

/// Parses a text that looks like a JSON object or list. `None` if it is none.
pub fn parse_json_text(text: &str) -> Option<Value> {
    let text = text.trim();
    if text.starts_with(['{', '[']) { serde_json::from_str(text).ok() } else { None }
}

/// `{"type": "work", "value": "", "primary": true}`: an element whose `value` is blank.
///
/// Bitwarden and gateways without a value for a mapped address. If nothing else but `type` and
/// `primary` is left of it, see [`is_hollow`], the element is dropped.
pub fn has_blank_value(element: &Value) -> bool {
    element.as_object().and_then(|parts| member(parts, "value")).is_some_and(is_unassigned)
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
mod tests;
