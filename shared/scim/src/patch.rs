//! PATCH (RFC 7644 §3.5.2).
//!
//! Operations work on a draft in the order of the request; the first that fails leaves the
//! resource as it was. What the RFC leaves open, or clients do against it, is decided in
//! [`crate::quirks`].

mod edit;
mod request;
mod select;

use serde_json::{Map, Value};

use self::edit::{At, Change};
pub use self::request::{Op, Operation, PatchRequest};
use crate::attr_path::AttrPath;
use crate::error::ScimError;
use crate::filter::Filter;
use crate::path::PatchPath;
use crate::quirks;
use crate::resource::{Mode, finish};
use crate::schema::{Mutability, ResourceType};
use crate::target::Target;

/// Applies all operations to a copy of `resource`, or none (RFC 7644 §3.5.2).
///
/// A result equal to `resource` is a request that changes nothing. To clear `active` is one: it
/// neither deactivates nor reactivates anybody, as in a PUT without it.
pub fn apply(
    of: &ResourceType,
    resource: &Map<String, Value>,
    request: &PatchRequest,
    mode: Mode,
) -> Result<Map<String, Value>, ScimError> {
    let mut draft = Draft { of, resource: resource.clone(), mode, work: 0 };
    for Operation { op, path, value } in &request.operations {
        match path {
            Some(path) => draft.at_path(*op, path, without_passwords(value.as_ref()))?,
            None => draft.without_path(*op, without_passwords(value.as_ref()))?,
        }
    }
    finish(of, &mut draft.resource)?;
    Ok(draft.resource)
}

/// Puts into a resource under construction what the body of a POST or PUT has under paths, as an
/// `add` without path does.
pub(crate) fn merge(
    of: &ResourceType,
    resource: Map<String, Value>,
    entries: Vec<(PatchPath, Value)>,
    mode: Mode,
) -> Result<Map<String, Value>, ScimError> {
    let mut draft = Draft { of, resource, mode, work: 0 };
    draft.at_paths(Op::Add, entries)?;
    Ok(draft.resource)
}

fn without_passwords(value: Option<&Value>) -> Option<Value> {
    let mut value = value?.clone();
    quirks::drop_passwords(&mut value);
    Some(value)
}

/// Takes the value of an operation without path apart into paths and their values.
pub(crate) fn entries(op: Op, value: Option<Value>) -> Result<Vec<(PatchPath, Value)>, ScimError> {
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

/// The copy that operations work on.
struct Draft<'a> {
    of: &'a ResourceType,
    resource: Map<String, Value>,
    mode: Mode,
    /// What the operations have cost so far.
    work: usize,
}

impl Draft<'_> {
    /// An operation whose value is an object of attributes. Its keys are paths.
    fn without_path(&mut self, op: Op, value: Option<Value>) -> Result<(), ScimError> {
        self.at_paths(op, entries(op, value)?)
    }

    fn at_paths(&mut self, op: Op, entries: Vec<(PatchPath, Value)>) -> Result<(), ScimError> {
        for (path, value) in entries {
            if !self.is_read_only(&path) {
                self.at_path(op, &path, Some(value))?;
            }
        }
        Ok(())
    }

    /// Clients that echo what they read send `id`, `meta` and `groups` along; only a path of its
    /// own is an attempt to change them.
    fn is_read_only(&self, path: &PatchPath) -> bool {
        Target::of(&path.attr, self.of)
            .attribute
            .is_some_and(|attribute| attribute.mutability == Mutability::ReadOnly)
    }

    fn at_path(&mut self, op: Op, path: &PatchPath, value: Option<Value>) -> Result<(), ScimError> {
        let target = Target::of(&path.attr, self.of);
        let Some(name) = target.name else {
            return self.whole_schema(op, &target, value);
        };
        let mut names = [Some(name), target.sub, path.sub.as_deref()].into_iter().flatten();
        if target.is_core("schemas") || names.any(quirks::is_dropped) {
            return Ok(());
        }
        let urn = target.extension.as_deref();
        if urn.is_some_and(|urn| self.of.is_below_schema(urn)) {
            return Err(ScimError::InvalidPath(format!("{path} names a part of an attribute")));
        }
        let at = At::new(path, &target, name, self.mode)?;
        self.charge(urn, &at, value.as_ref())?;
        let change = Change { op, value, mode: self.mode };
        match urn {
            None => change.apply(&mut self.resource, &at),
            Some(urn) => self.in_extension(urn, change, &at),
        }
    }

    /// An operation on a whole extension: on each attribute in its value, or its removal.
    fn whole_schema(
        &mut self,
        op: Op,
        target: &Target<'_>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        let Some(urn) = target.extension.as_deref() else {
            return self.without_path(op, value);
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
            let attr = AttrPath { schema: Some(urn.to_owned()), ..AttrPath::parse(&name)? };
            let path = PatchPath { attr, filter: None, sub: None };
            self.at_path(op, &path, Some(value))?;
        }
        Ok(())
    }

    /// Changes an extension, which exists while it has a value.
    fn in_extension(&mut self, urn: &str, change: Change, at: &At<'_>) -> Result<(), ScimError> {
        if change.op == Op::Remove && !self.resource.contains_key(urn) {
            return Ok(());
        }
        let extension = self.resource.entry(urn).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(extension) = extension else {
            return Err(ScimError::InvalidPath(format!("{urn} is not an extension")));
        };
        change.apply(extension, at)?;
        if extension.is_empty() {
            self.resource.shift_remove(urn);
        }
        Ok(())
    }

    /// Counts what an operation on a list costs: each element that is there meets each one in the
    /// value and each term of the filter, and may get a copy of the value.
    fn charge(
        &mut self,
        urn: Option<&str>,
        at: &At<'_>,
        value: Option<&Value>,
    ) -> Result<(), ScimError> {
        let within = match urn {
            None => self.resource.get(at.name),
            Some(urn) => self.resource.get(urn).and_then(|extension| extension.get(at.name)),
        };
        let held = within.and_then(Value::as_array).map_or(0, Vec::len);
        if held > 0 {
            let weight = at.filter.map_or(0, terms) + value.map_or(0, weight);
            self.work = self.work.saturating_add(held.saturating_mul(weight + 1));
        }
        if self.work > MAX_WORK {
            return Err(ScimError::PayloadTooLarge(format!(
                "too many operations on the long list {}; send them in several requests",
                at.name
            )));
        }
        Ok(())
    }
}

fn terms(filter: &Filter) -> usize {
    match filter {
        Filter::Present(_) | Filter::Compare(..) => 1,
        Filter::ValuePath(_, inner) | Filter::Not(inner) => terms(inner),
        Filter::And(filters) | Filter::Or(filters) => filters.iter().map(terms).sum(),
    }
}

/// The number of elements in a value, and of 64 bytes of text.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len() / 64,
        Value::Array(values) => values.len() + values.iter().map(weight).sum::<usize>(),
        Value::Object(members) => members.values().map(weight).sum(),
    }
}

/// A thousand operations on the forty addresses that a user may have are less.
const MAX_WORK: usize = 200_000;

#[cfg(test)]
mod tests;
