//! Parses the body of a PATCH, the message `PatchOp` (RFC 7644 §3.5.2).
//!
//! [`crate::patch`] applies it to a resource; [`crate::members`] separates the membership of a
//! group from it.

use std::fmt;

use serde_json::Value;

use crate::error::ScimError;
use crate::json::{member, take_member, texts, type_name};
use crate::path::PatchPath;

/// Body of a PATCH.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    /// The texts in `schemas`. Beside the URN of the message they may name extensions of the
    /// client, whose URNs then end where these do.
    pub schemas: Vec<String>,
    /// Operations, in order. May be empty: Microsoft's validator sends such a body, which changes
    /// nothing.
    pub operations: Vec<PatchOperation>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchOperation {
    /// Action.
    pub op: Op,
    /// Target. Without a path, the names in the value are paths.
    pub path: Option<PatchPath>,
    /// Value. Null is a value, which clears the target.
    pub value: Option<Value>,
}

/// Action of an operation (RFC 7644 §3.5.2.1 to §3.5.2.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Op {
    /// Sets a single value or appends to a list.
    Add,
    /// Unassigns a value.
    Remove,
    /// Sets a value.
    Replace,
}

impl PatchRequest {
    /// Parses a body.
    ///
    /// Names and operations may have any letter case: Entra capitalises `Add`, `Replace` and
    /// `Remove`. Wrong `schemas` are accepted, since clients send them. A missing `Operations`
    /// identifies another message, as OneLogin's SCIM 1.1 body.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidSyntax`], [`ScimError::InvalidPath`] or [`ScimError::InvalidValue`] if
    /// an operation is malformed, [`ScimError::PayloadTooLarge`] if there are too many.
    pub fn parse(body: Value) -> Result<Self, ScimError> {
        let Value::Object(mut body) = body else {
            return Err(syntax("the body must be a JSON object"));
        };
        let Some(Value::Array(operations)) = take_member(&mut body, "Operations") else {
            return Err(syntax("Operations must be a list of operations"));
        };
        if operations.len() > MAX_OPERATIONS {
            return Err(ScimError::PayloadTooLarge(format!(
                "one PATCH may have at most {MAX_OPERATIONS} operations"
            )));
        }
        let operations =
            operations.into_iter().map(PatchOperation::parse).collect::<Result<_, _>>()?;
        Ok(Self { schemas: texts(member(&body, "schemas")), operations })
    }
}

impl PatchOperation {
    fn parse(operation: Value) -> Result<Self, ScimError> {
        let Value::Object(mut operation) = operation else {
            return Err(syntax("an operation must be an object"));
        };
        let op = match take_member(&mut operation, "op") {
            Some(Value::String(op)) => Op::parse(&op)?,
            Some(_) | None => return Err(syntax("op must be add, remove or replace")),
        };
        let path = match take_member(&mut operation, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.is_empty() => None,
            Some(Value::String(path)) => Some(PatchPath::parse(&path)?),
            Some(path) => {
                return Err(syntax(&format!("path must be a string, not {}", type_name(&path))));
            }
        };
        let value = take_member(&mut operation, "value");
        if op == Op::Add && value.is_none() {
            return Err(ScimError::InvalidValue("add requires a value".to_owned()));
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

    /// Splits the value of an operation without path into its attributes. Their names are paths.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidPath`] for a name that is not a path, [`ScimError::NoTarget`] or
    /// [`ScimError::InvalidValue`] if the value is not an object.
    pub(crate) fn value_entries(
        self,
        value: Option<Value>,
    ) -> Result<Vec<(PatchPath, Value)>, ScimError> {
        match (self, value) {
            (Self::Add | Self::Replace | Self::Remove, Some(Value::Object(members))) => members
                .into_iter()
                .map(|(name, value)| Ok((PatchPath::parse(&name)?, value)))
                .collect(),
            (Self::Remove, _) => {
                Err(ScimError::NoTarget("remove requires a path (RFC 7644 §3.5.2.2)".to_owned()))
            }
            (Self::Add | Self::Replace, _) => Err(ScimError::InvalidValue(format!(
                "{self} without a path requires an object of attributes as its value"
            ))),
        }
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

fn syntax(detail: &str) -> ScimError {
    ScimError::InvalidSyntax(detail.to_owned())
}

/// Maximum number of operations in one PATCH.
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
            PatchOperation { op: Op::Replace, path: title.clone(), value: Some(Value::Null) },
            PatchOperation { op: Op::Add, path: None, value: Some(json!({"title": "T"})) },
            PatchOperation { op: Op::Remove, path: title, value: None },
        ];
        assert_eq!(request.operations, expected);
    }

    #[test]
    fn a_request_without_operations_is_valid() {
        assert_eq!(PatchRequest::parse(json!({"Operations": []})).unwrap().operations, []);
    }

    #[test]
    fn an_invalid_body_is_rejected() {
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
        refused(op(json!({"op": "add", "path": "title"})), 400, "add requires a value");
        refused(op(json!({"op": "add", "path": 1})), 400, "path must be a string, not a number");
        let error = PatchRequest::parse(op(json!({"op": "remove", "path": "emails[broken"})));
        assert_eq!(error.unwrap_err().scim_type(), Some("invalidPath"));
    }

    #[test]
    fn too_many_operations_are_rejected() {
        let request =
            |count| json!({"Operations": vec![json!({"op": "remove", "path": "title"}); count]});
        assert_eq!(PatchRequest::parse(request(1_000)).unwrap().operations.len(), 1_000);
        refused(request(1_001), 413, "one PATCH may have at most 1000 operations");
    }
}
