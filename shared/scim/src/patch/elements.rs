//! Changes the elements of a list and the sub-attributes of one element.

use serde_json::{Map, Value};

use super::change::SubAttribute;
use crate::error::ScimError;
use crate::quirks;
use crate::schema::{Attribute, Mutability};
use crate::value::{drop_duplicates, is_primary, is_same_element, is_same_value, unset_primaries};

/// Appends the elements that a list does not have yet (RFC 7644 §3.5.2.1). An element that it has
/// gets the new sub-attributes.
pub(super) fn append(attribute: Option<&Attribute>, current: &mut Vec<Value>, new: Vec<Value>) {
    for element in new {
        if attribute.is_some() && is_primary(&element) {
            unset_primaries(current, None);
        }
        match current.iter_mut().find(|known| is_same_element(attribute, known, &element)) {
            Some(Value::Object(known)) => {
                if let Value::Object(mut element) = element {
                    // The stored spelling wins where only the letter case differs.
                    element.retain(|name, _| !(is_identifying(name) && known.contains_key(name)));
                    known.extend(element);
                }
            }
            Some(_) => {}
            None => current.push(element),
        }
    }
}

/// Returns whether a sub-attribute identifies an element, see [`is_same_element`].
fn is_identifying(name: &str) -> bool {
    matches!(name, "value" | "type")
}

/// Returns whether a removal of `removed` removes `element`: if `value` is the same, and `type` if
/// `removed` has one; without a `value`, if all sub-attributes of `removed` are the same.
pub(super) fn is_removed(attribute: Option<&Attribute>, removed: &Value, element: &Value) -> bool {
    let Value::Object(parts) = removed else { return removed == element };
    let Some(value) = parts.get("value") else {
        return parts.iter().all(|(name, part)| element.get(name) == Some(part));
    };
    let Some(current) = element.get("value") else { return false };
    let same_value = match (attribute, value, current) {
        (Some(attribute), Value::String(value), Value::String(current)) => {
            is_same_value(attribute, value, current)
        }
        (Some(_) | None, value, current) => value == current,
    };
    same_value && parts.get("type").is_none_or(|kind| element.get("type") == Some(kind))
}

/// Restores the invariants of a changed list: at most one primary element, no duplicates, no empty
/// element. `touched` is the index of the first changed element, which wins over the others.
pub(super) fn restore_invariants(
    attribute: Option<&Attribute>,
    elements: &mut Vec<Value>,
    touched: Option<usize>,
) {
    if let Some(attribute) = attribute {
        let primary = touched
            .filter(|index| elements.get(*index).is_some_and(is_primary))
            .or_else(|| elements.iter().position(is_primary));
        if primary.is_some() {
            unset_primaries(elements, primary);
        }
        if let Some(winner) = touched.and_then(|index| elements.get(index)).cloned() {
            let mut index = 0..;
            elements.retain(|element| {
                index.next() == touched || !is_same_element(Some(attribute), element, &winner)
            });
        }
        drop_duplicates(attribute, elements);
    }
    elements.retain(|element| !quirks::is_unassigned(element));
}

/// Sets or unassigns one sub-attribute of a complex value.
///
/// # Errors
///
/// [`ScimError::Mutability`] if the sub-attribute is immutable and has another value.
pub(super) fn set_sub_attribute(
    complex: &mut Map<String, Value>,
    sub: SubAttribute<'_>,
    value: Option<Value>,
) -> Result<(), ScimError> {
    let current = complex.get(sub.name);
    if current == value.as_ref() {
        return Ok(());
    }
    let is_immutable =
        sub.definition.is_some_and(|attribute| attribute.mutability == Mutability::Immutable);
    if is_immutable && current.is_some() {
        return Err(ScimError::Mutability(format!("{} is immutable", sub.name)));
    }
    if sub.name == "value" {
        // It points to the old value.
        complex.shift_remove("$ref");
    }
    match value {
        Some(value) => {
            complex.insert(sub.name.to_owned(), value);
        }
        None => {
            complex.shift_remove(sub.name);
        }
    }
    Ok(())
}
