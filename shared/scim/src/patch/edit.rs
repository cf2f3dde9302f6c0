//! Applies an operation without a value filter to an attribute or a sub-attribute.

use serde_json::{Map, Value};

use super::change::{Change, SubAttribute, TargetLocation};
use super::elements::{append, is_removed, restore_invariants, set_sub_attribute};
use crate::error::ScimError;
use crate::json::type_name;
use crate::patch_request::Op;
use crate::quirks;
use crate::schema::Attribute;
use crate::value::normalize_attribute;

/// Applies a change to an attribute of `object`.
pub(super) fn apply(
    change: &Change,
    object: &mut Map<String, Value>,
    target: &TargetLocation<'_>,
) -> Result<(), ScimError> {
    match (target.sub, change.op) {
        (Some(sub), _) => change_sub_attribute(change, object, target, sub),
        (None, Op::Remove) => remove(change, object, target),
        (None, Op::Add | Op::Replace) => set(change, object, target),
    }
}

/// Adds or replaces a whole attribute.
fn set(
    change: &Change,
    object: &mut Map<String, Value>,
    target: &TargetLocation<'_>,
) -> Result<(), ScimError> {
    let sent = change.value.as_ref();
    let Some(new) = change.normalized_value(target)? else {
        unassign(change, object, target);
        return Ok(());
    };
    match (change.op, object.get_mut(target.name), new) {
        (Op::Add, Some(Value::Array(current)), Value::Array(new)) => {
            append(target.attribute, current, new);
        }
        (Op::Add, Some(Value::Array(current)), new) => {
            append(target.attribute, current, vec![new]);
        }
        (Op::Add | Op::Replace, Some(Value::Object(current)), Value::Object(new)) => {
            merge(target.attribute, current, sent, new);
        }
        (Op::Add | Op::Replace | Op::Remove, Some(current), new) => *current = new,
        (Op::Add | Op::Replace | Op::Remove, None, new) => {
            object.insert(target.name.to_owned(), new);
        }
    }
    Ok(())
}

/// Applies an add or replace whose value is unassigned.
fn unassign(change: &Change, object: &mut Map<String, Value>, target: &TargetLocation<'_>) {
    let current = object.get_mut(target.name);
    let is_list = target.is_list(current.as_deref());
    match (current, change.value.as_ref().and_then(Value::as_object)) {
        (Some(Value::Object(current)), Some(sent)) if clears_sub_attributes(sent) => {
            merge(target.attribute, current, change.value.as_ref(), Map::new());
        }
        // Adding nothing to a list changes nothing; a single value becomes unassigned.
        _ if is_list && change.op == Op::Add => {}
        _ => {
            object.shift_remove(target.name);
        }
    }
}

/// Removes a whole attribute, or some elements of a list.
fn remove(
    change: &Change,
    object: &mut Map<String, Value>,
    target: &TargetLocation<'_>,
) -> Result<(), ScimError> {
    if target.attribute.is_some_and(|attribute| attribute.required) {
        // RFC 7644 §3.5.2.2 prescribes this error.
        return Err(ScimError::Mutability(format!("{} is required", target.name)));
    }
    let is_list = target.is_list(object.get(target.name));
    let values = quirks::values_to_remove(change.value.clone());
    let (Some(values), Some(Value::Array(current)), true) =
        (values, object.get_mut(target.name), is_list)
    else {
        object.shift_remove(target.name);
        return Ok(());
    };
    let values = match target.attribute {
        Some(attribute) => normalize_attribute(attribute, values.into(), change.mode)?,
        None => Some(values.into()),
    };
    for removed in values.iter().filter_map(Value::as_array).flatten() {
        current.retain(|element| !is_removed(target.attribute, removed, element));
    }
    Ok(())
}

/// Changes `name.givenName`, or `emails.display` of every element.
fn change_sub_attribute(
    change: &Change,
    object: &mut Map<String, Value>,
    target: &TargetLocation<'_>,
    sub: SubAttribute<'_>,
) -> Result<(), ScimError> {
    let value = if change.op == Op::Remove { None } else { change.normalized_value(target)? };
    let is_list = target.is_list(object.get(target.name));
    if value.is_some() {
        let empty = if is_list { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
        object.entry(target.name).or_insert(empty);
    }
    match object.get_mut(target.name) {
        None => {}
        Some(Value::Object(current)) => set_sub_attribute(current, sub, value)?,
        Some(Value::Array(elements)) => {
            if elements.is_empty() {
                elements.push(Value::Object(Map::new()));
            }
            for element in elements.iter_mut().filter_map(Value::as_object_mut) {
                set_sub_attribute(element, sub, value.clone())?;
            }
            if value.is_none() {
                elements.retain(|element| !quirks::is_hollow(target.attribute, element));
            }
            restore_invariants(target.attribute, elements, None);
        }
        Some(current) => {
            let found = type_name(current);
            return Err(ScimError::InvalidPath(format!(
                "{} is {found} without the sub-attribute {}",
                target.name, sub.name
            )));
        }
    }
    Ok(())
}

/// Replaces the sub-attributes of a complex value that a client sends: connectors send `name` with
/// the changed ones, and null for those to clear. `sent` is the value before normalising.
///
/// A new `value` makes it another value, to which the old `$ref` and `displayName` do not apply.
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

/// Returns whether an unassigned value clears single sub-attributes, as `{"givenName": null}`, and
/// not the whole. Clearing `value` clears the whole, as of a manager.
fn clears_sub_attributes(sent: &Map<String, Value>) -> bool {
    !sent.is_empty() && !sent.keys().any(|name| name.eq_ignore_ascii_case("value"))
}
