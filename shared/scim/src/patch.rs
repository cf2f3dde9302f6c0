//! Applies a PATCH to a resource (RFC 7644 §3.5.2).
//!
//! The operations change a draft in the order of the request; if one fails, the resource stays as
//! it was. `edit` applies an operation without a value filter, `select` one with a filter.
//! Decisions beyond the RFC are in [`crate::quirks`].

mod change;
mod edit;
mod elements;
mod select;

use serde_json::{Map, Value};

use self::change::{Change, TargetLocation};
use crate::attr_path::AttrPath;
use crate::error::ScimError;
use crate::filter::Filter;
use crate::mode::Mode;
use crate::patch_request::{Op, PatchOperation, PatchRequest};
use crate::path::PatchPath;
use crate::quirks;
use crate::resource::complete;
use crate::schema::{Mutability, ResourceType};
use crate::target::{Schemas, Target};

/// Applies all operations to a copy of `resource`, or none of them.
///
/// The result equals `resource` if the request changes nothing.
///
/// # Errors
///
/// The error of the first operation that fails, or [`ScimError::InvalidValue`] if the result is not
/// a valid resource.
pub fn apply(
    resource_type: &ResourceType,
    resource: &Map<String, Value>,
    request: &PatchRequest,
    mode: Mode,
) -> Result<Map<String, Value>, ScimError> {
    let resource = resource.clone();
    let mut draft = Draft { resource_type, named: &request.schemas, resource, mode, cost: 0 };
    for PatchOperation { op, path, value } in &request.operations {
        match path {
            Some(path) => draft.apply_at_path(*op, path, without_passwords(value.as_ref()))?,
            None => draft.apply_without_path(*op, without_passwords(value.as_ref()))?,
        }
    }
    complete(resource_type, &mut draft.resource)?;
    Ok(draft.resource)
}

/// Adds values at paths to an incomplete resource, like an `add` without path. `named` is `schemas`
/// of the request.
pub(crate) fn add_at_paths(
    resource_type: &ResourceType,
    named: &[String],
    resource: Map<String, Value>,
    entries: Vec<(PatchPath, Value)>,
    mode: Mode,
) -> Result<Map<String, Value>, ScimError> {
    let mut draft = Draft { resource_type, named, resource, mode, cost: 0 };
    draft.apply_at_paths(Op::Add, entries)?;
    Ok(draft.resource)
}

fn without_passwords(value: Option<&Value>) -> Option<Value> {
    let mut value = value?.clone();
    quirks::drop_passwords(&mut value);
    Some(value)
}

/// The copy that the operations change.
struct Draft<'a> {
    resource_type: &'a ResourceType,
    /// `schemas` of the request.
    named: &'a [String],
    resource: Map<String, Value>,
    mode: Mode,
    /// Cost of the operations so far, see [`Draft::charge`].
    cost: usize,
}

impl Draft<'_> {
    /// Applies an operation without path. Its value is an object whose names are paths.
    fn apply_without_path(&mut self, op: Op, value: Option<Value>) -> Result<(), ScimError> {
        self.apply_at_paths(op, op.value_entries(value)?)
    }

    fn apply_at_paths(
        &mut self,
        op: Op,
        entries: Vec<(PatchPath, Value)>,
    ) -> Result<(), ScimError> {
        for (path, value) in entries {
            let target = self.resolve(&path, Some(&value))?;
            if !is_read_only(&target) {
                self.apply_to_target(op, &path, &target, Some(value))?;
            }
        }
        Ok(())
    }

    /// Resolves a path in the draft as the operations before have left it.
    fn resolve<'p>(
        &self,
        path: &'p PatchPath,
        value: Option<&Value>,
    ) -> Result<Target<'p>, ScimError> {
        let resource = Some(&self.resource);
        let schemas = Schemas { resource_type: self.resource_type, resource, named: self.named };
        // A value filter selects elements of an attribute, never an extension.
        Target::resolve_for(&path.attr, schemas, value.filter(|_| path.filter.is_none()))
    }

    fn apply_at_path(
        &mut self,
        op: Op,
        path: &PatchPath,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        let target = self.resolve(path, value.as_ref())?;
        self.apply_to_target(op, path, &target, value)
    }

    fn apply_to_target(
        &mut self,
        op: Op,
        path: &PatchPath,
        target: &Target<'_>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        if !target.is_accepted(self.mode) {
            return Err(ScimError::InvalidPath(format!("{path} is not the URN of a schema")));
        }
        let Some(name) = target.name else {
            if path.filter.is_some() {
                return Err(ScimError::InvalidPath(format!("{path} filters a whole schema")));
            }
            return self.apply_to_schema(op, target, value);
        };
        let mut names = [Some(name), target.sub, path.sub.as_deref()].into_iter().flatten();
        if target.is_core("schemas") || names.any(quirks::is_password) {
            return Ok(());
        }
        let urn = target.extension.as_deref();
        let location = TargetLocation::new(path, target, name, self.mode)?;
        self.charge(urn, &location, value.as_ref())?;
        let change = Change { op, value, mode: self.mode };
        match urn {
            None => apply_change(&change, &mut self.resource, &location),
            Some(urn) => self.apply_in_extension(urn, &change, &location),
        }
    }

    /// Applies an operation to a whole schema: to each attribute in the value, or removes it.
    fn apply_to_schema(
        &mut self,
        op: Op,
        target: &Target<'_>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        let Some(urn) = target.extension.as_deref() else {
            return self.apply_without_path(op, value);
        };
        let Some(value) = value.filter(|value| !quirks::is_unassigned(value)) else {
            match op {
                Op::Remove | Op::Replace => self.resource.shift_remove(urn),
                Op::Add => None,
            };
            return Ok(());
        };
        let Value::Object(members) = value else {
            return Err(ScimError::InvalidValue(format!("the value of {urn} must be an object")));
        };
        for (name, value) in members {
            let attr = match (AttrPath::parse(&name), self.resource_type.extension(urn)) {
                (Ok(plain @ AttrPath::Plain { .. }), _) => plain,
                // The client may name the attributes of its own extension as it likes.
                (Ok(AttrPath::Qualified(_)) | Err(_), None) => AttrPath::core(&name),
                (parsed, Some(_)) => parsed?,
            };
            let path = PatchPath { attr, filter: None, sub: None };
            match &path.attr {
                AttrPath::Plain { name, sub } => {
                    let within =
                        Target::in_extension(self.resource_type, urn, name, sub.as_deref());
                    self.apply_to_target(op, &path, &within, Some(value))?;
                }
                AttrPath::Qualified(_) => self.apply_at_path(op, &path, Some(value))?,
            }
        }
        Ok(())
    }

    /// Applies a change within an extension, which exists while it has a value.
    fn apply_in_extension(
        &mut self,
        urn: &str,
        change: &Change,
        target: &TargetLocation<'_>,
    ) -> Result<(), ScimError> {
        if change.op == Op::Remove && !self.resource.contains_key(urn) {
            return Ok(());
        }
        let extension = self.resource.entry(urn).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(extension) = extension else {
            return Err(ScimError::InvalidPath(format!("{urn} is not an extension")));
        };
        apply_change(change, extension, target)?;
        if extension.is_empty() {
            self.resource.shift_remove(urn);
        }
        Ok(())
    }

    /// Adds the cost of an operation on a list: each element is compared with each one in the value
    /// and with each term of the filter, and may get a copy of the value.
    fn charge(
        &mut self,
        urn: Option<&str>,
        target: &TargetLocation<'_>,
        value: Option<&Value>,
    ) -> Result<(), ScimError> {
        let current = match urn {
            None => self.resource.get(target.name),
            Some(urn) => self.resource.get(urn).and_then(|extension| extension.get(target.name)),
        };
        let elements = current.and_then(Value::as_array).map_or(0, Vec::len);
        if elements > 0 {
            let weight = target.filter.map_or(0, count_terms) + value.map_or(0, weight);
            self.cost = self.cost.saturating_add(elements.saturating_mul(weight + 1));
        }
        if self.cost > MAX_COST {
            return Err(ScimError::PayloadTooLarge(format!(
                "the operations on the list {} are too many; send them in several requests",
                target.name
            )));
        }
        Ok(())
    }
}

/// Returns whether a name in a value is read-only and so ignored: clients that repeat what they
/// read send `id`, `meta` and `groups` too. Only the path of an operation is an attempt to change
/// them.
fn is_read_only(target: &Target<'_>) -> bool {
    target.attribute.is_some_and(|attribute| attribute.mutability == Mutability::ReadOnly)
}

/// Applies a change to an attribute of the resource or of an extension.
fn apply_change(
    change: &Change,
    object: &mut Map<String, Value>,
    target: &TargetLocation<'_>,
) -> Result<(), ScimError> {
    match target.filter {
        Some(filter) => select::apply(change, object, target, filter)?,
        None => edit::apply(change, object, target)?,
    }
    if object.get(target.name).is_some_and(quirks::is_unassigned) {
        object.shift_remove(target.name);
    }
    Ok(())
}

fn count_terms(filter: &Filter) -> usize {
    match filter {
        Filter::Present(_) | Filter::Compare(..) => 1,
        Filter::ValuePath(_, inner) | Filter::Not(inner) => count_terms(inner),
        Filter::And(filters) | Filter::Or(filters) => filters.iter().map(count_terms).sum(),
    }
}

/// Returns the number of elements in a value plus one for every 64 bytes of text.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len() / 64,
        Value::Array(values) => values.len() + values.iter().map(weight).sum::<usize>(),
        Value::Object(members) => members.values().map(weight).sum(),
    }
}

/// Maximum cost of one request. A thousand operations on forty addresses, as many as a user may
/// have, cost less.
const MAX_COST: usize = 200_000;

#[cfg(test)]
mod tests;
