//! Group membership (RFC 7643 §4.2), apart from the group's other attributes.
//!
//! A group may have 100,000 members, each a row of its own. So a PATCH is split into what it does
//! to the group's attributes and what it does to the membership, and nothing here needs to know
//! who is a member.

mod net;
mod split;

use serde_json::{Map, Value};

pub use self::net::{Net, net};
pub use self::split::{MemberOp, only_ids, says_members, split};
use crate::error::ScimError;

/// A member as a client names it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Member {
    /// The id of the resource. As sent: whether there is one is for the store to find out.
    pub value: String,
    /// What it is, where the client says so.
    pub kind: Option<MemberKind>,
    /// What the client calls it.
    pub display: Option<String>,
}

/// What a member is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum MemberKind {
    /// A user.
    User,
    /// A group.
    Group,
}

impl MemberKind {
    /// The value of `type`, which is also the resource type's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }
}

impl Member {
    /// Reads one element of `members`: an object, or the id alone, as Microsoft's Postman
    /// collection sends it. None is no value (RFC 7643 §2.5).
    ///
    /// A name may come as `displayName`, from the same collection.
    fn read(element: &Value) -> Result<Option<Self>, ScimError> {
        let (value, parts) = match element {
            Value::Object(parts) => (part(parts, "value"), Some(parts)),
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
        if value.len() > MAX_ID || value.contains('\0') {
            return Err(invalid("is not the id of a resource"));
        }
        let display = parts.and_then(display);
        Ok(Some(Self { value, kind: parts.and_then(kind), display }))
    }
}

/// Takes `members` out of a normalised group, whose rows hold them. None is a group that says
/// nothing of its members.
pub fn take(group: &mut Map<String, Value>) -> Result<Option<Vec<Member>>, ScimError> {
    group.shift_remove("members").map(|members| read_all(&members)).transpose()
}

/// Reads a list of members, or a single one.
fn read_all(members: &Value) -> Result<Vec<Member>, ScimError> {
    let elements = match members {
        Value::Array(elements) => elements.as_slice(),
        one @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)) => std::slice::from_ref(one),
    };
    elements.iter().filter_map(|element| Member::read(element).transpose()).collect()
}

/// `type`, or what `$ref` points to: RFC 7643 §4.2 has both.
fn kind(parts: &Map<String, Value>) -> Option<MemberKind> {
    let text = |name| part(parts, name).and_then(Value::as_str).unwrap_or_default();
    let kinds = [MemberKind::User, MemberKind::Group];
    let by_type = kinds.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text("type")));
    by_type.or_else(|| {
        let mut segments = text("$ref").rsplit('/');
        let endpoint = segments.nth(1)?.strip_suffix('s')?;
        kinds.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(endpoint))
    })
}

/// `display`, if it is short enough for a name.
fn display(parts: &Map<String, Value>) -> Option<String> {
    let name = part(parts, "display").or_else(|| part(parts, "displayName"))?.as_str()?;
    (!name.is_empty() && name.len() <= MAX_DISPLAY).then(|| name.to_owned())
}

/// The member of that name, in any letter case.
fn part<'a>(parts: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    parts.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn invalid(detail: &str) -> ScimError {
    ScimError::InvalidValue(format!("members.value {detail}"))
}

/// Names that are longer, in bytes, are not kept: they are for people to tell members apart.
const MAX_DISPLAY: usize = 256;

/// Longer than any id of ours; a client's own id is echoed in an error at most.
const MAX_ID: usize = 512;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_is_read_in_every_form_that_clients_send() {
        let member = |value: &str, kind| Member { value: value.to_owned(), kind, display: None };
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
            read_all(&members),
            Ok(vec![
                member("1", None),
                member("2", None),
                Member { display: Some("G".to_owned()), ..member("3", Some(MemberKind::Group)) },
                member("4", Some(MemberKind::User)),
                member("5", Some(MemberKind::Group)),
                member("6", None),
                member("7", None),
            ])
        );
        assert_eq!(read_all(&json!({"value": "1"})), Ok(vec![member("1", None)]));
        assert_eq!(read_all(&json!(null)), Ok(Vec::new()));
    }

    #[test]
    fn what_names_no_resource_is_refused() {
        for (members, detail) in [
            (json!([{"display": "Ada"}]), "members.value is required"),
            (json!([{"value": {}}]), "members.value must be the id of a resource"),
            (json!([true]), "members.value must be the id of a resource"),
            (json!(["a\0b"]), "members.value is not the id of a resource"),
            (json!(["a".repeat(513)]), "members.value is not the id of a resource"),
        ] {
            assert_eq!(read_all(&members).unwrap_err().to_string(), detail);
        }
    }

    #[test]
    fn members_are_taken_out_of_a_group() {
        let mut group = json!({"displayName": "g", "members": [{"value": "1"}]});
        let group = group.as_object_mut().unwrap();
        let members = take(group).unwrap().unwrap();
        assert_eq!(members, [Member { value: "1".to_owned(), kind: None, display: None }]);
        assert_eq!(take(group), Ok(None));
    }
}
