//! The message `PatchOp`.

use std::fmt;

use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::path::PatchPath;
use crate::resource::type_name;

/// The body of a PATCH (RFC 7644 §3.5.2).
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    /// What to do, in order. May be empty: Microsoft's validator sends that, and it changes
    /// nothing.
    pub operations: Vec<Operation>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What to do.
    pub op: Op,
    /// Where; without one the value's keys say it.
    pub path: Option<PatchPath>,
    /// With what. Null is a value: it clears.
    pub value: Option<Value>,
}

/// What an operation does (RFC 7644 §3.5.2.1 to §3.5.2.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Op {
    /// Sets a single value, appends to a list.
    Add,
    /// Unassigns.
    Remove,
    /// Sets.
    Replace,
}

impl PatchRequest {
    /// Reads a body.
    ///
    /// Names and operations may have any letter case: Entra capitalises `Add`, `Replace` and
    /// `Remove`. `schemas` is not looked at, since clients get it wrong and `Operations` says
    /// enough: OneLogin's SCIM 1.1 body, which has none, is refused by that.
    pub fn parse(body: Value) -> Result<Self, ScimError> {
        let Value::Object(mut body) = body else {
            return Err(syntax("the body must be a JSON object"));
        };
        let Some(Value::Array(operations)) = take(&mut body, "Operations") else {
            return Err(syntax("Operations must be a list of operations"));
        };
        if operations.len() > MAX_OPERATIONS {
            return Err(ScimError::PayloadTooLarge(format!(
                "one PATCH takes at most {MAX_OPERATIONS} operations"
            )));
        }
        let operations = operations.into_iter().map(Operation::parse).collect::<Result<_, _>>()?;
        Ok(Self { operations })
    }
}

impl Operation {
    fn parse(operation: Value) -> Result<Self, ScimError> {
        let Value::Object(mut operation) = operation else {
            return Err(syntax("an operation must be an object"));
        };
        let op = match take(&mut operation, "op") {
            Some(Value::String(op)) => Op::parse(&op)?,
            Some(_) | None => return Err(syntax("op must be add, remove or replace")),
        };
        let path = match take(&mut operation, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.is_empty() => None,
            Some(Value::String(path)) => Some(PatchPath::parse(&path)?),
            Some(path) => {
                return Err(syntax(&format!("path must be a string, not {}", type_name(&path))));
            }
        };
        let value = take(&mut operation, "value");
        if op == Op::Add && value.is_none() {
            return Err(ScimError::InvalidValue("add needs a value".to_owned()));
        }
        Ok(Self { op, path, value })
    }
}

impl Op {
    fn parse(op: &str) -> Result<Self, ScimError> {
        [Self::Add, Self::Remove, Self::Replace]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(op))
            .ok_or_else(|| syntax("op must be add, remove or replace"))
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Takes the member of that name, in any letter case (RFC 7643 §2.1).
fn take(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    if let Some(value) = members.get_mut(name) {
        return Some(value.take());
    }
    let (_, value) = members.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
    Some(value.take())
}

fn syntax(detail: &str) -> ScimError {
    ScimError::InvalidSyntax(detail.to_owned())
}

/// Most operations in one PATCH.
const MAX_OPERATIONS: usize = 1_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn refused(body: Value, status: u16, detail: &str) {
        let error = PatchRequest::parse(body).unwrap_err();
        assert_eq!((error.status(), &*error.to_string()), (status, detail));
    }

    #[test]
    fn names_and_operations_have_any_letter_case() {
        let request = PatchRequest::parse(json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "operations": [
                {"op": "Replace", "path": "title", "value": null},
                {"name": "addMember", "OP": "ADD", "Path": null, "Value": {"title": "T"}},
                {"op": "remove", "path": "title"},
            ],
        }))
        .unwrap();
        let title = PatchPath::parse("title").ok();
        let expected = [
            Operation { op: Op::Replace, path: title.clone(), value: Some(Value::Null) },
            Operation { op: Op::Add, path: None, value: Some(json!({"title": "T"})) },
            Operation { op: Op::Remove, path: title, value: None },
        ];
        assert_eq!(request.operations, expected);
    }

    #[test]
    fn no_operations_are_a_request_too() {
        assert_eq!(PatchRequest::parse(json!({"Operations": []})).unwrap().operations, []);
    }

    #[test]
    fn what_is_no_patch_is_refused() {
        refused(json!([]), 400, "the body must be a JSON object");
        refused(json!({}), 400, "Operations must be a list of operations");
        refused(
            json!({"members": [{"value": "7", "operation": "delete"}]}),
            400,
            "Operations must be a list of operations",
        );
        refused(json!({"Operations": ["add"]}), 400, "an operation must be an object");
        let op = |operation| json!({"Operations": [operation]});
        refused(op(json!({"op": "move"})), 400, "op must be add, remove or replace");
        refused(op(json!({"path": "title"})), 400, "op must be add, remove or replace");
        refused(op(json!({"op": "add", "path": "title"})), 400, "add needs a value");
        refused(op(json!({"op": "add", "path": 1})), 400, "path must be a string, not a number");
        let error = PatchRequest::parse(op(json!({"op": "remove", "path": "emails[broken"})));
        assert_eq!(error.unwrap_err().scim_type(), Some("invalidPath"));
    }

    #[test]
    fn too_many_operations_are_refused() {
        let request =
            |count| json!({"Operations": vec![json!({"op": "remove", "path": "title"}); count]});
        assert_eq!(PatchRequest::parse(request(1_000)).unwrap().operations.len(), 1_000);
        refused(request(1_001), 413, "one PATCH takes at most 1000 operations");
    }
}
