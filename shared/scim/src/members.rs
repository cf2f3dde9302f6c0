//! Separates the membership of a group (RFC 7643 §4.2) from its other attributes.
//!
//! A group may have 100,000 members, each stored in its own row. A PATCH is therefore separated
//! into operations on the attributes, which [`crate::patch`] applies, and a change of the
//! membership, which is computed without knowing the current members. `scim_api` of the crate
//! `shared` reads and writes the rows.

mod net_change;
mod separate;

use serde_json::{Map, Value};

pub use self::net_change::{NetChange, net_change};
pub use self::separate::{MemberOp, candidate_ids, has_members, separate_members};
use crate::error::ScimError;
use crate::json::member;
use crate::quirks;
use crate::schema::ResourceKind;

/// A member as sent by a client.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Member {
    /// Id of the resource, as sent. The resource may not exist.
    pub value: String,
    /// Kind of the resource, if the client sends it.
    pub kind: Option<ResourceKind>,
    /// Display name, if the client sends it.
    pub display: Option<String>,
}

impl Member {
    /// Parses one element of `members`: an object, or the id alone, as Microsoft's Postman
    /// collection sends it. `None` is an unassigned element (RFC 7643 §2.5).
    fn parse(element: &Value) -> Result<Option<Self>, ScimError> {
        let (value, parts) = match element {
            Value::Object(parts) => (member(parts, "value"), Some(parts)),
            value @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)) => (Some(value), None),
        };
        let value = match value {
            Some(Value::String(value)) => value.clone(),
            Some(Value::Number(value)) => value.to_string(),
            Some(Value::Null) | None => String::new(),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(invalid("must be the id of a resource"));
            }
        };
        if value.is_empty() {
            return match parts {
                Some(parts) if !parts.is_empty() => Err(invalid("is required")),
                Some(_) | None => Ok(None),
            };
        }
        if value.chars().count() > MAX_ID || value.contains('\0') {
            return Err(invalid("is not the id of a resource"));
        }
        let display = parts.and_then(display);
        Ok(Some(Self { value, kind: parts.and_then(kind), display }))
    }
}

/// Takes `members` out of a normalised group, since they are stored in rows of their own. `None` is
/// a group without the attribute.
///
/// # Errors
///
/// [`ScimError::InvalidValue`] if an element names no resource.
pub fn take_members(group: &mut Map<String, Value>) -> Result<Option<Vec<Member>>, ScimError> {
    group.shift_remove("members").map(|members| parse_members(&members)).transpose()
}

/// Parses a list of members, or a single one, or the JSON text of a list.
fn parse_members(members: &Value) -> Result<Vec<Member>, ScimError> {
    let parsed = members.as_str().and_then(quirks::parse_json_text);
    let elements = match parsed.as_ref().unwrap_or(members) {
        Value::Array(elements) => elements.as_slice(),
        one @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)) => std::slice::from_ref(one),
    };
    elements.iter().filter_map(|element| Member::parse(element).transpose()).collect()
}

/// Returns the kind by `type`, or by the target of `$ref`: RFC 7643 §4.2 has both.
fn kind(parts: &Map<String, Value>) -> Option<ResourceKind> {
    let text = |name| member(parts, name).and_then(Value::as_str).unwrap_or_default();
    let kinds = ResourceKind::ALL;
    let by_type = kinds.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text("type")));
    by_type.or_else(|| {
        let mut segments = text("$ref").rsplit('/');
        let endpoint = segments.nth(1)?.strip_suffix('s')?;
        kinds.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(endpoint))
    })
}

/// Returns `display`, if it is short enough for a name. Microsoft's Postman collection sends it as
/// `displayName`.
fn display(parts: &Map<String, Value>) -> Option<String> {
    let name = member(parts, "display").or_else(|| member(parts, "displayName"))?.as_str()?;
    (!name.is_empty() && name.chars().count() <= MAX_DISPLAY).then(|| name.to_owned())
}

fn invalid(detail: &str) -> ScimError {
    ScimError::InvalidValue(format!("members.value {detail}"))
}

/// Maximum length of a display name, in characters. A longer one is dropped: it serves only to tell
/// members apart.
const MAX_DISPLAY: usize = 256;

/// Maximum length of an id, in characters. Ids of the service are shorter; a client's own id is only
/// repeated in an error.
const MAX_ID: usize = 512;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_parses_in_every_form_that_clients_send() {
        let named = |value: &str, kind| Member { value: value.to_owned(), kind, display: None };
        let members = json!([
            {"value": "1"},
            {"$ref": null, "value": "2"},
            {"Value": "3", "type": "group", "display": "G"},
            {"value": "4", "$ref": "https://id.example/scim/v2/Users/4"},
            {"value": "5", "$ref": "../Groups/5"},
            "6",
            7,
            null,
            "",
            {},
        ]);
        assert_eq!(
            parse_members(&members),
            Ok(vec![
                named("1", None),
                named("2", None),
                Member { display: Some("G".to_owned()), ..named("3", Some(ResourceKind::Group)) },
                named("4", Some(ResourceKind::User)),
                named("5", Some(ResourceKind::Group)),
                named("6", None),
                named("7", None),
            ])
        );
        assert_eq!(parse_members(&json!({"value": "1"})), Ok(vec![named("1", None)]));
        assert_eq!(parse_members(&json!(null)), Ok(Vec::new()));
        assert_eq!(parse_members(&json!("[{\"value\":\"1\"}]")), Ok(vec![named("1", None)]));
    }

    #[test]
    fn a_member_without_a_valid_id_is_rejected() {
        for (members, detail) in [
            (json!([{"display": "Ada"}]), "members.value is required"),
            (json!([{"value": {}}]), "members.value must be the id of a resource"),
            (json!([true]), "members.value must be the id of a resource"),
            (json!(["a\0b"]), "members.value is not the id of a resource"),
            (json!(["a".repeat(513)]), "members.value is not the id of a resource"),
        ] {
            assert_eq!(parse_members(&members).unwrap_err().to_string(), detail);
        }
    }

    #[test]
    fn take_members_removes_them_from_the_group() {
        let mut group = json!({"displayName": "g", "members": [{"value": "1"}]});
        let group = group.as_object_mut().unwrap();
        let members = take_members(group).unwrap().unwrap();
        assert_eq!(members, [Member { value: "1".to_owned(), kind: None, display: None }]);
        assert_eq!(take_members(group), Ok(None));
    }
}
