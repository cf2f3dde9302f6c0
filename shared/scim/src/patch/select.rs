//! Operations on the elements that a value filter selects: `emails[type eq "work"].value`.

use serde_json::{Map, Value};

use super::edit::{At, Change, Part, set_part, tidy};
use super::request::Op;
use crate::error::ScimError;
use crate::filter::{CompareOp, CompareValue, Filter};
use crate::matcher::matches_element;
use crate::quirks;
use crate::resource::part_value;
use crate::schema::Attribute;

/// Does the change to every element that satisfies `filter`.
pub(super) fn apply(
    change: &Change,
    within: &mut Map<String, Value>,
    at: &At<'_>,
    filter: &Filter,
) -> Result<(), ScimError> {
    let value = match change.op {
        Op::Remove => None,
        Op::Add | Op::Replace => change.normal(at)?,
    };
    let value = match (value, at.part) {
        // The value for one element, even where a client wraps it in a list.
        (Some(Value::Array(mut elements)), None) if elements.len() == 1 => elements.pop(),
        (Some(Value::Array(_)), None) => {
            return Err(ScimError::InvalidValue(format!(
                "{}[…] takes one value, not a list",
                at.name
            )));
        }
        (value, _) => value,
    };
    match within.get_mut(at.name) {
        Some(Value::Array(elements)) => in_list(change, at, filter, value, elements),
        Some(element @ Value::Object(_)) => in_single(change, at, filter, value, element),
        Some(_) | None if value.is_none() => Ok(()),
        Some(_) => Err(no_target(at, filter)),
        None if at.attribute.is_some_and(|attribute| !attribute.multi_valued) => {
            Err(no_target(at, filter))
        }
        None => {
            let mut elements = Vec::new();
            in_list(change, at, filter, value, &mut elements)?;
            within.insert(at.name.to_owned(), Value::Array(elements));
            Ok(())
        }
    }
}

fn in_list(
    change: &Change,
    at: &At<'_>,
    filter: &Filter,
    value: Option<Value>,
    elements: &mut Vec<Value>,
) -> Result<(), ScimError> {
    let Some(value) = value else {
        match at.part {
            Some(part) => {
                for element in elements.iter_mut() {
                    if let Some(element) = selected(at, filter, element) {
                        set_part(element, part, None)?;
                    }
                }
                elements.retain(|element| !quirks::is_hollow(at.attribute, element));
            }
            None => elements.retain(|element| !matches_element(filter, at.attribute, element)),
        }
        tidy(at.attribute, elements, None);
        return Ok(());
    };
    let mut touched = None;
    for (index, element) in elements.iter_mut().enumerate() {
        if let Some(element) = selected(at, filter, element) {
            assign(change, at, filter, element, value.clone())?;
            touched.get_or_insert(index);
        }
    }
    if touched.is_none() {
        touched = Some(elements.len());
        elements.push(created(change, at, filter, value)?);
    }
    tidy(at.attribute, elements, touched);
    Ok(())
}

/// A filter on a complex attribute with a single value, as `manager[value eq "7"].displayName`.
fn in_single(
    change: &Change,
    at: &At<'_>,
    filter: &Filter,
    value: Option<Value>,
    element: &mut Value,
) -> Result<(), ScimError> {
    match (selected(at, filter, element), value, at.part) {
        (Some(complex), Some(value), _) => assign(change, at, filter, complex, value),
        (Some(complex), None, Some(part)) => set_part(complex, part, None),
        (Some(complex), None, None) => {
            complex.clear();
            Ok(())
        }
        (None, Some(_), _) => Err(no_target(at, filter)),
        (None, None, _) => Ok(()),
    }
}

fn selected<'a>(
    at: &At<'_>,
    filter: &Filter,
    element: &'a mut Value,
) -> Option<&'a mut Map<String, Value>> {
    if matches_element(filter, at.attribute, element) { element.as_object_mut() } else { None }
}

/// Gives a selected element its part, its further parts (add) or its whole value (replace).
fn assign(
    change: &Change,
    at: &At<'_>,
    filter: &Filter,
    element: &mut Map<String, Value>,
    value: Value,
) -> Result<(), ScimError> {
    match (at.part, value, change.op) {
        (Some(part), value, _) => set_part(element, part, Some(value)),
        (None, Value::Object(parts), Op::Replace) => {
            // The value keeps what the filter says of it, or it could not be found again.
            *element = terms(change, at, filter).unwrap_or_default();
            element.extend(parts);
            Ok(())
        }
        (None, Value::Object(parts), Op::Add | Op::Remove) => {
            element.extend(parts);
            Ok(())
        }
        (None, _, _) => Err(no_target(at, filter)),
    }
}

/// The element that an operation wants to be there (see [`quirks::creates_missing`]).
fn created(
    change: &Change,
    at: &At<'_>,
    filter: &Filter,
    value: Value,
) -> Result<Value, ScimError> {
    if !quirks::creates_missing(change.op, change.mode) {
        return Err(no_target(at, filter));
    }
    let mut element = terms(change, at, filter).ok_or_else(|| no_target(at, filter))?;
    match (at.part, value) {
        (Some(Part { name, .. }), value) => {
            element.insert(name.to_owned(), value);
        }
        (None, Value::Object(parts)) => element.extend(parts),
        (None, _) => return Err(no_target(at, filter)),
    }
    Ok(Value::Object(element))
}

/// What a filter of `eq` terms joined by `and` says of an element. None for any other filter,
/// which describes no single element.
fn terms(change: &Change, at: &At<'_>, filter: &Filter) -> Option<Map<String, Value>> {
    let mut element = Map::new();
    for filter in filter.terms() {
        let Filter::Compare(path, CompareOp::Eq, value) = filter else { return None };
        let known = at.attribute.and_then(|attribute| attribute.sub_attribute(&path.name));
        let value = match known {
            Some(known) => part_value(at.name, known, json(value), change.mode).ok()??,
            None if quirks::keeps_unknown(change.mode) => json(value),
            None => return None,
        };
        if quirks::is_unassigned(&value) {
            return None;
        }
        let name = known.map_or(path.name.as_str(), |known: &Attribute| known.name.as_str());
        element.insert(name.to_owned(), value);
    }
    Some(element)
}

fn json(value: &CompareValue) -> Value {
    match value {
        CompareValue::Bool(value) => Value::Bool(*value),
        CompareValue::Null => Value::Null,
        CompareValue::Number(value) => Value::Number(value.clone()),
        CompareValue::String(value) => Value::String(value.clone()),
    }
}

fn no_target(at: &At<'_>, filter: &Filter) -> ScimError {
    ScimError::NoTarget(format!("{}[{filter}] matches no value", at.name))
}
