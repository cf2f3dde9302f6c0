//! Applies an operation to the elements that a value filter selects:
//! `emails[type eq "work"].value`.

use serde_json::{Map, Value};

use super::change::{Change, SubAttribute, TargetLocation};
use super::elements::{restore_invariants, set_sub_attribute};
use crate::error::ScimError;
use crate::filter::{CompareOp, CompareValue, Filter};
use crate::matcher::matches_element;
use crate::patch_request::Op;
use crate::quirks;
use crate::schema::Attribute;
use crate::value::normalize_sub_attribute;

/// Applies a change to every element that satisfies `filter`.
pub(super) fn apply(
    change: &Change,
    object: &mut Map<String, Value>,
    target: &TargetLocation<'_>,
    filter: &Filter,
) -> Result<(), ScimError> {
    let value = match change.op {
        Op::Remove => None,
        Op::Add | Op::Replace => change.normalized_value(target)?,
    };
    let value = match (value, target.sub) {
        // Some clients wrap the value of the one element in a list.
        (Some(Value::Array(mut elements)), None) if elements.len() == 1 => elements.pop(),
        (Some(Value::Array(_)), None) => {
            return Err(ScimError::InvalidValue(format!(
                "{}[…] takes one value, not a list",
                target.name
            )));
        }
        (value, _) => value,
    };
    match object.get_mut(target.name) {
        Some(Value::Array(elements)) => change_list(change, target, filter, value, elements),
        Some(element @ Value::Object(_)) => change_single(change, target, filter, value, element),
        Some(_) | None if value.is_none() => Ok(()),
        Some(_) => Err(no_target(target, filter)),
        None if target.attribute.is_some_and(|attribute| !attribute.multi_valued) => {
            Err(no_target(target, filter))
        }
        None => {
            let mut elements = Vec::new();
            change_list(change, target, filter, value, &mut elements)?;
            object.insert(target.name.to_owned(), Value::Array(elements));
            Ok(())
        }
    }
}

/// Applies a change to the selected elements of a list.
fn change_list(
    change: &Change,
    target: &TargetLocation<'_>,
    filter: &Filter,
    value: Option<Value>,
    elements: &mut Vec<Value>,
) -> Result<(), ScimError> {
    let Some(value) = value else {
        match target.sub {
            Some(sub) => {
                for element in elements.iter_mut() {
                    if let Some(element) = selected(target, filter, element) {
                        set_sub_attribute(element, sub, None)?;
                    }
                }
                elements.retain(|element| !quirks::is_hollow(target.attribute, element));
            }
            None => elements.retain(|element| !matches_element(filter, target.attribute, element)),
        }
        restore_invariants(target.attribute, elements, None);
        return Ok(());
    };
    let mut touched = None;
    for (index, element) in elements.iter_mut().enumerate() {
        if let Some(element) = selected(target, filter, element) {
            assign(change, target, filter, element, value.clone())?;
            touched.get_or_insert(index);
        }
    }
    if touched.is_none() {
        touched = Some(elements.len());
        elements.push(create(change, target, filter, value)?);
    }
    restore_invariants(target.attribute, elements, touched);
    Ok(())
}

/// Applies a change to a complex attribute with a single value, as
/// `manager[value eq "7"].displayName`.
fn change_single(
    change: &Change,
    target: &TargetLocation<'_>,
    filter: &Filter,
    value: Option<Value>,
    element: &mut Value,
) -> Result<(), ScimError> {
    match (selected(target, filter, element), value, target.sub) {
        (Some(complex), Some(value), _) => assign(change, target, filter, complex, value),
        (Some(complex), None, Some(sub)) => set_sub_attribute(complex, sub, None),
        (Some(complex), None, None) => {
            complex.clear();
            Ok(())
        }
        (None, Some(_), _) => Err(no_target(target, filter)),
        (None, None, _) => Ok(()),
    }
}

/// Returns the element if the filter selects it.
fn selected<'a>(
    target: &TargetLocation<'_>,
    filter: &Filter,
    element: &'a mut Value,
) -> Option<&'a mut Map<String, Value>> {
    if matches_element(filter, target.attribute, element) { element.as_object_mut() } else { None }
}

/// Sets the sub-attribute of a selected element, adds to it or replaces it.
fn assign(
    change: &Change,
    target: &TargetLocation<'_>,
    filter: &Filter,
    element: &mut Map<String, Value>,
    value: Value,
) -> Result<(), ScimError> {
    match (target.sub, value, change.op) {
        (Some(sub), value, _) => set_sub_attribute(element, sub, Some(value)),
        (None, Value::Object(parts), Op::Replace) => {
            // The element keeps the values of the filter, so that the filter selects it again.
            *element = element_of_filter(change, target, filter).unwrap_or_default();
            element.extend(parts);
            Ok(())
        }
        (None, Value::Object(parts), Op::Add | Op::Remove) => {
            element.extend(parts);
            Ok(())
        }
        (None, _, _) => Err(no_target(target, filter)),
    }
}

/// Creates the element that the filter describes (see [`quirks::creates_missing`]).
fn create(
    change: &Change,
    target: &TargetLocation<'_>,
    filter: &Filter,
    value: Value,
) -> Result<Value, ScimError> {
    if !quirks::creates_missing(change.op, change.mode) {
        return Err(no_target(target, filter));
    }
    let mut element =
        element_of_filter(change, target, filter).ok_or_else(|| no_target(target, filter))?;
    match (target.sub, value) {
        (Some(SubAttribute { name, .. }), value) => {
            element.insert(name.to_owned(), value);
        }
        (None, Value::Object(parts)) => element.extend(parts),
        (None, _) => return Err(no_target(target, filter)),
    }
    Ok(Value::Object(element))
}

/// Returns the element that a filter of `eq` terms joined by `and` describes. `None` for any other
/// filter.
fn element_of_filter(
    change: &Change,
    target: &TargetLocation<'_>,
    filter: &Filter,
) -> Option<Map<String, Value>> {
    let mut element = Map::new();
    for filter in filter.terms() {
        let Filter::Compare(path, CompareOp::Eq, value) = filter else { return None };
        let (name, _) = path.in_element();
        let known = target.attribute.and_then(|attribute| attribute.sub_attribute(name));
        let value = match known {
            Some(known) => {
                normalize_sub_attribute(target.name, known, json(value), change.mode).ok()??
            }
            None if quirks::keeps_unknown(change.mode) => json(value),
            None => return None,
        };
        if quirks::is_unassigned(&value) {
            return None;
        }
        let name = known.map_or(name, |known: &Attribute| known.name.as_str());
        element.insert(name.to_owned(), value);
    }
    Some(element)
}

/// Returns the value of a filter as JSON.
fn json(value: &CompareValue) -> Value {
    match value {
        CompareValue::Bool(value) => Value::Bool(*value),
        CompareValue::Null => Value::Null,
        CompareValue::Number(value) => Value::Number(value.clone()),
        CompareValue::String(value) => Value::String(value.clone()),
    }
}

fn no_target(target: &TargetLocation<'_>, filter: &Filter) -> ScimError {
    ScimError::NoTarget(format!("{}[{filter}] matches no value", target.name))
}
