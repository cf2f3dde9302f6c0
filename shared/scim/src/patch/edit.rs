//! One operation on one attribute.

use serde_json::{Map, Value};

use super::request::Op;
use super::select;
use crate::error::ScimError;
use crate::filter::Filter;
use crate::path::PatchPath;
use crate::quirks;
use crate::resource::{
    Mode, attribute_value, drop_duplicates, is_primary, part_value, same, same_text, type_name,
    unset_primaries,
};
use crate::schema::{Attribute, Kind, Mutability};
use crate::target::Target;

/// Where an operation acts, within the resource or one of its extensions.
pub(super) struct At<'a> {
    /// The attribute, in the letter case of its schema.
    pub(super) name: &'a str,
    /// Its definition; none for one that a client added.
    pub(super) attribute: Option<&'static Attribute>,
    /// Which elements.
    pub(super) filter: Option<&'a Filter>,
    /// The part of the attribute or of each element.
    pub(super) part: Option<Part<'a>>,
}

/// A sub-attribute.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    pub(super) attribute: Option<&'static Attribute>,
}

impl<'a> At<'a> {
    /// Resolves a path and refuses one that can be no target (RFC 7644 §3.5.2).
    pub(super) fn new(
        path: &'a PatchPath,
        target: &Target<'a>,
        name: &'a str,
        mode: Mode,
    ) -> Result<Self, ScimError> {
        if path.filter.is_some() && target.sub.is_some() {
            return Err(invalid_path(path, "has a filter on a sub-attribute"));
        }
        let attribute = target.attribute;
        let part = path.sub.as_deref().or(target.sub).map(|name| {
            let attribute = attribute.and_then(|attribute| attribute.sub_attribute(name));
            Part { name: attribute.map_or(name, |attribute| &attribute.name), attribute }
        });
        let is_simple = attribute.is_some_and(|attribute| attribute.kind != Kind::Complex);
        if is_simple && (path.filter.is_some() || part.is_some()) {
            return Err(invalid_path(path, "names a part of what has no parts"));
        }
        let is_declared =
            attribute.is_some() && part.as_ref().is_none_or(|part| part.attribute.is_some());
        if !is_declared && !quirks::keeps_unknown(mode) {
            return Err(invalid_path(path, "names no attribute that a schema declares"));
        }
        let read_only =
            |attribute: &'static Attribute| attribute.mutability == Mutability::ReadOnly;
        if attribute.is_some_and(read_only)
            || part.and_then(|part| part.attribute).is_some_and(read_only)
        {
            return Err(ScimError::Mutability(format!("{path} is read-only")));
        }
        let name = attribute.map_or(name, |attribute| &attribute.name);
        Ok(Self { name, attribute, filter: path.filter.as_ref(), part })
    }

    /// Whether the target holds a list, by its definition or, without one, by its value.
    fn is_list(&self, current: Option<&Value>) -> bool {
        self.attribute.map_or(current.is_some_and(Value::is_array), |known| known.multi_valued)
    }
}

/// What to do there.
pub(super) struct Change {
    pub(super) op: Op,
    pub(super) value: Option<Value>,
    pub(super) mode: Mode,
}

impl Change {
    /// Does it to the attribute at `at` in `within`.
    pub(super) fn apply(
        self,
        within: &mut Map<String, Value>,
        at: &At<'_>,
    ) -> Result<(), ScimError> {
        match (at.filter, at.part) {
            (Some(filter), _) => select::apply(&self, within, at, filter)?,
            (None, Some(part)) => self.part(within, at, part)?,
            (None, None) => self.whole(within, at)?,
        }
        if within.get(at.name).is_some_and(quirks::is_unassigned) {
            within.shift_remove(at.name);
        }
        Ok(())
    }

    /// The value in its declared form; none to unassign.
    pub(super) fn normal(&self, at: &At<'_>) -> Result<Option<Value>, ScimError> {
        let value = self.value.clone().unwrap_or_default();
        match (at.attribute, at.part) {
            (_, Some(Part { attribute: None, .. })) | (None, None) => {
                Ok((!quirks::is_unassigned(&value)).then_some(value))
            }
            (_, Some(Part { attribute: Some(part), .. })) => {
                part_value(at.name, part, value, self.mode)
            }
            (Some(attribute), None) => attribute_value(attribute, value, self.mode),
        }
    }

    fn whole(self, within: &mut Map<String, Value>, at: &At<'_>) -> Result<(), ScimError> {
        let is_list = at.is_list(within.get(at.name));
        if self.op == Op::Remove {
            return self.remove(within, at, is_list);
        }
        let Some(new) = self.normal(at)? else {
            match (within.get_mut(at.name), self.value.as_ref().and_then(Value::as_object)) {
                (Some(Value::Object(current)), Some(sent)) if clears_parts(sent) => {
                    merge(at.attribute, current, self.value.as_ref(), Map::new());
                }
                // To add nothing to a list is no change; a single value becomes nothing.
                _ if is_list && self.op == Op::Add => {}
                _ => {
                    within.shift_remove(at.name);
                }
            }
            return Ok(());
        };
        match (self.op, within.get_mut(at.name), new) {
            (Op::Add, Some(Value::Array(current)), Value::Array(new)) => {
                append(at.attribute, current, new);
            }
            (Op::Add, Some(Value::Array(current)), new) => {
                append(at.attribute, current, vec![new]);
            }
            (Op::Add | Op::Replace, Some(Value::Object(current)), Value::Object(new)) => {
                merge(at.attribute, current, self.value.as_ref(), new);
            }
            (Op::Add | Op::Replace | Op::Remove, Some(current), new) => *current = new,
            (Op::Add | Op::Replace | Op::Remove, None, new) => {
                within.insert(at.name.to_owned(), new);
            }
        }
        Ok(())
    }

    fn remove(
        self,
        within: &mut Map<String, Value>,
        at: &At<'_>,
        is_list: bool,
    ) -> Result<(), ScimError> {
        if at.attribute.is_some_and(|attribute| attribute.required) {
            // RFC 7644 §3.5.2.2 has this error for it.
            return Err(ScimError::Mutability(format!("{} is required", at.name)));
        }
        let mode = self.mode;
        let values = quirks::values_to_remove(self.value);
        let (Some(values), Some(Value::Array(current)), true) =
            (values, within.get_mut(at.name), is_list)
        else {
            within.shift_remove(at.name);
            return Ok(());
        };
        let values = match at.attribute {
            Some(attribute) => attribute_value(attribute, values.into(), mode)?,
            None => Some(values.into()),
        };
        for gone in values.iter().filter_map(Value::as_array).flatten() {
            current.retain(|element| !is_meant(at.attribute, gone, element));
        }
        Ok(())
    }

    /// An operation on `name.givenName`, or on `emails.display` of every element.
    fn part(
        self,
        within: &mut Map<String, Value>,
        at: &At<'_>,
        part: Part<'_>,
    ) -> Result<(), ScimError> {
        let value = if self.op == Op::Remove { None } else { self.normal(at)? };
        let is_list = at.is_list(within.get(at.name));
        if value.is_some() {
            let empty = if is_list { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
            within.entry(at.name).or_insert(empty);
        }
        match within.get_mut(at.name) {
            None => {}
            Some(Value::Object(current)) => set_part(current, part, value)?,
            Some(Value::Array(elements)) => {
                if elements.is_empty() {
                    elements.push(Value::Object(Map::new()));
                }
                for element in elements.iter_mut().filter_map(Value::as_object_mut) {
                    set_part(element, part, value.clone())?;
                }
                if value.is_none() {
                    elements.retain(|element| !quirks::is_hollow(at.attribute, element));
                }
                tidy(at.attribute, elements, None);
            }
            Some(current) => {
                let found = type_name(current);
                return Err(ScimError::InvalidPath(format!(
                    "{} is {found}, which has no part {}",
                    at.name, part.name
                )));
            }
        }
        Ok(())
    }
}

/// Sets or unassigns one part of a complex value.
pub(super) fn set_part(
    complex: &mut Map<String, Value>,
    part: Part<'_>,
    value: Option<Value>,
) -> Result<(), ScimError> {
    let current = complex.get(part.name);
    if current == value.as_ref() {
        return Ok(());
    }
    let is_immutable =
        part.attribute.is_some_and(|attribute| attribute.mutability == Mutability::Immutable);
    if is_immutable && current.is_some() {
        return Err(ScimError::Mutability(format!("{} is immutable", part.name)));
    }
    if part.name == "value" {
        // It pointed to the old value.
        complex.shift_remove("$ref");
    }
    match value {
        Some(value) => {
            complex.insert(part.name.to_owned(), value);
        }
        None => {
            complex.shift_remove(part.name);
        }
    }
    Ok(())
}

/// Replaces a complex value part by part: connectors send `name` with the parts that changed, and
/// null for those to clear (`sent` is the value before normalising).
///
/// Another `value` makes it another thing, of which the old `$ref` and `displayName` say nothing.
fn merge(
    attribute: Option<&Attribute>,
    current: &mut Map<String, Value>,
    sent: Option<&Value>,
    new: Map<String, Value>,
) {
    if new.get("value").is_some_and(|value| current.get("value") != Some(value)) {
        current.clear();
    }
    for (name, value) in sent.and_then(Value::as_object).into_iter().flatten() {
        if quirks::is_unassigned(value) {
            let known = attribute.and_then(|attribute| attribute.sub_attribute(name));
            current.shift_remove(known.map_or(name.as_str(), |known| known.name.as_str()));
        }
    }
    current.extend(new);
}

/// Whether a value without anything in it names parts to clear, `{"givenName": null}`, and not the
/// whole: what loses its `value`, as a manager, is gone.
fn clears_parts(sent: &Map<String, Value>) -> bool {
    !sent.is_empty() && !sent.keys().any(|name| name.eq_ignore_ascii_case("value"))
}

/// Appends what a list does not have yet (RFC 7644 §3.5.2.1); what it has gets the new parts.
fn append(attribute: Option<&Attribute>, current: &mut Vec<Value>, new: Vec<Value>) {
    for element in new {
        if attribute.is_some() && is_primary(&element) {
            unset_primaries(current, None);
        }
        match current.iter_mut().find(|have| same(attribute, have, &element)) {
            Some(Value::Object(have)) => {
                if let Value::Object(mut element) = element {
                    // The same in another letter case is there already.
                    element.retain(|name, _| !(is_identity(name) && have.contains_key(name)));
                    have.extend(element);
                }
            }
            Some(_) => {}
            None => current.push(element),
        }
    }
}

/// Whether a part decides which element this is, see [`same`].
fn is_identity(name: &str) -> bool {
    matches!(name, "value" | "type")
}

/// Whether `element` is what a client means by `gone`: the same `value`, and `type` if it names one;
/// without a `value`, every part that it names.
fn is_meant(attribute: Option<&Attribute>, gone: &Value, element: &Value) -> bool {
    let Value::Object(parts) = gone else { return gone == element };
    let Some(value) = parts.get("value") else {
        return parts.iter().all(|(name, part)| element.get(name) == Some(part));
    };
    let Some(current) = element.get("value") else { return false };
    let same_value = match (attribute, value, current) {
        (Some(attribute), Value::String(value), Value::String(current)) => {
            same_text(attribute, value, current)
        }
        (Some(_) | None, value, current) => value == current,
    };
    same_value && parts.get("type").is_none_or(|kind| element.get("type") == Some(kind))
}

/// Restores what holds for a list after its elements changed: one primary, no duplicates, no empty
/// element. Of the elements that changed, `touched` is the first; it wins.
pub(super) fn tidy(
    attribute: Option<&Attribute>,
    elements: &mut Vec<Value>,
    touched: Option<usize>,
) {
    if let Some(attribute) = attribute {
        let primary = touched
            .filter(|at| elements.get(*at).is_some_and(is_primary))
            .or_else(|| elements.iter().position(is_primary));
        if primary.is_some() {
            unset_primaries(elements, primary);
        }
        if let Some(winner) = touched.and_then(|at| elements.get(at)).cloned() {
            let mut at = 0..;
            elements
                .retain(|element| at.next() == touched || !same(Some(attribute), element, &winner));
        }
        drop_duplicates(attribute, elements);
    }
    elements.retain(|element| !quirks::is_unassigned(element));
}

fn invalid_path(path: &PatchPath, detail: &str) -> ScimError {
    ScimError::InvalidPath(format!("{path} {detail}"))
}
