//! PATCH (RFC 7644 §3.5.2).
//!
//! Operations work on a draft in the order of the request; the first that fails leaves the
//! resource as it was. What the RFC leaves open, or clients do against it, is decided in
//! [`crate::scim::quirks`].

mod edit;
mod request;
mod select;

use serde_json::{Map, Value};

use self::edit::{At, Change};
pub use self::request::{Op, Operation, PatchRequest};
use crate::scim::attr_path::AttrPath;
use crate::scim::error::ScimError;
use crate::scim::path::PatchPath;
use crate::scim::quirks;
use crate::scim::resource::{Mode, finish};
use crate::scim::schema::{Mutability, ResourceType};
use crate::scim::target::Target;

/// Applies all operations to a copy of `resource`, or none (RFC 7644 §3.5.2).
///
/// A result equal to `resource` is a request that changes nothing.
pub fn apply(
    of: &ResourceType,
    resource: &Map<String, Value>,
    request: &PatchRequest,
    mode: Mode,
) -> Result<Map<String, Value>, ScimError> {
    let values = request.operations.iter().filter_map(|operation| operation.value.as_ref());
    if values.map(elements).sum::<usize>() > MAX_ELEMENTS {
        return Err(ScimError::PayloadTooLarge(format!(
            "the lists in one PATCH of a resource have at most {MAX_ELEMENTS} values"
        )));
    }
    let mut draft = resource.clone();
    for operation in &request.operations {
        let Operation { op, path, value } = operation;
        match path {
            Some(path) => at_path(of, &mut draft, *op, path, value.clone(), mode)?,
            None => without_path(of, &mut draft, *op, value.clone(), mode)?,
        }
    }
    finish(of, &mut draft)?;
    Ok(draft)
}

/// An operation whose value is an object of attributes. Its keys are paths.
fn without_path(
    of: &ResourceType,
    draft: &mut Map<String, Value>,
    op: Op,
    value: Option<Value>,
    mode: Mode,
) -> Result<(), ScimError> {
    for (path, value) in entries(op, value)? {
        if !is_read_only(of, &path) {
            at_path(of, draft, op, &path, Some(value), mode)?;
        }
    }
    Ok(())
}

/// Takes the value of an operation without path apart into paths and their values.
pub(in crate::scim) fn entries(
    op: Op,
    value: Option<Value>,
) -> Result<Vec<(PatchPath, Value)>, ScimError> {
    match (op, value) {
        (Op::Add | Op::Replace | Op::Remove, Some(Value::Object(members))) => {
            members.into_iter().map(|(name, value)| Ok((PatchPath::parse(&name)?, value))).collect()
        }
        (Op::Remove, _) => {
            Err(ScimError::NoTarget("remove needs a path (RFC 7644 §3.5.2.2)".to_owned()))
        }
        (Op::Add | Op::Replace, _) => Err(ScimError::InvalidValue(format!(
            "{op} without a path needs an object of attributes as its value"
        ))),
    }
}

/// Clients that echo what they read send `id`, `meta` and `groups` along; only a path of its own
/// is an attempt to change them.
fn is_read_only(of: &ResourceType, path: &PatchPath) -> bool {
    Target::of(&path.attr, of)
        .attribute
        .is_some_and(|attribute| attribute.mutability == Mutability::ReadOnly)
}

fn at_path(
    of: &ResourceType,
    draft: &mut Map<String, Value>,
    op: Op,
    path: &PatchPath,
    value: Option<Value>,
    mode: Mode,
) -> Result<(), ScimError> {
    let target = Target::of(&path.attr, of);
    let Some(name) = target.name else {
        return whole_schema(of, draft, op, &target, value, mode);
    };
    if target.is_core("schemas") || target.extension.is_none() && quirks::is_dropped(name, mode) {
        return Ok(());
    }
    let at = At::new(path, &target, name, mode)?;
    let change = Change { op, value, mode };
    match &target.extension {
        None => change.apply(draft, &at),
        Some(urn) => in_extension(draft, urn, op, |extension| change.apply(extension, &at)),
    }
}

/// An operation on a whole extension: on each attribute in its value, or its removal.
fn whole_schema(
    of: &ResourceType,
    draft: &mut Map<String, Value>,
    op: Op,
    target: &Target<'_>,
    value: Option<Value>,
    mode: Mode,
) -> Result<(), ScimError> {
    let Some(urn) = target.extension.as_deref() else {
        return without_path(of, draft, op, value, mode);
    };
    let value = value.filter(|value| !quirks::is_unassigned(value));
    let Some(value) = value else {
        match op {
            Op::Remove | Op::Replace => draft.shift_remove(urn),
            Op::Add => None,
        };
        return Ok(());
    };
    let Value::Object(members) = value else {
        return Err(ScimError::InvalidValue(format!("the value of {urn} must be an object")));
    };
    for (name, value) in members {
        let attr = AttrPath { schema: Some(urn.to_owned()), ..AttrPath::parse(&name)? };
        let path = PatchPath { attr, filter: None, sub: None };
        at_path(of, draft, op, &path, Some(value), mode)?;
    }
    Ok(())
}

/// Changes an extension, which exists while it has a value.
fn in_extension(
    draft: &mut Map<String, Value>,
    urn: &str,
    op: Op,
    change: impl FnOnce(&mut Map<String, Value>) -> Result<(), ScimError>,
) -> Result<(), ScimError> {
    if op == Op::Remove && !draft.contains_key(urn) {
        return Ok(());
    }
    let extension = draft.entry(urn).or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(extension) = extension else {
        return Err(ScimError::InvalidPath(format!("{urn} is not an extension")));
    };
    change(extension)?;
    if extension.is_empty() {
        draft.shift_remove(urn);
    }
    Ok(())
}

/// How many list elements a value has.
fn elements(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        Value::Array(values) => values.len() + values.iter().map(elements).sum::<usize>(),
        Value::Object(members) => members.values().map(elements).sum(),
    }
}

/// Every element is compared with those that are there, so this bounds the work.
const MAX_ELEMENTS: usize = 2_000;

#[cfg(test)]
mod tests;
