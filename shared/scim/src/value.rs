//! Normalises the value of an attribute to the form that its schema declares (RFC 7643 §2.3 to
//! §2.5), and compares the elements of a list.
//!
//! [`crate::normalize`] uses it for the body of a POST or PUT, [`crate::patch`] for the value of an
//! operation.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::fold::fold;
use crate::json::type_name;
use crate::mode::Mode;
use crate::quirks;
use crate::schema::{Attribute, DataType, Mutability};

/// Normalises the value of a whole attribute. `None` is unassigned (RFC 7643 §2.5).
///
/// # Errors
///
/// [`ScimError::InvalidValue`] if the value does not fit the definition.
pub(crate) fn normalize_attribute(
    attribute: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Option<Value>, ScimError> {
    normalize_value("", attribute, value, mode)
}

/// Normalises the value of an attribute. `parent` precedes its name in error texts.
fn normalize_value(
    parent: &str,
    attribute: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Option<Value>, ScimError> {
    if quirks::is_unassigned(&value) {
        Ok(None)
    } else if attribute.multi_valued {
        normalize_list(parent, attribute, value, mode)
    } else if attribute.data_type == DataType::Complex {
        normalize_element(parent, attribute, quirks::unwrap_single(value, mode), mode)
    } else {
        normalize_element(parent, attribute, quirks::unwrap_plain(value, mode), mode)
    }
}

fn normalize_list(
    parent: &str,
    attribute: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Option<Value>, ScimError> {
    let values = quirks::to_list(value, mode)
        .map_err(|value| type_error(parent, attribute, "a list", &value))?;
    let mut kept = Vec::with_capacity(values.len());
    for value in values {
        let is_blank = quirks::has_blank_value(&value);
        let value = normalize_element(parent, attribute, value, mode)?;
        kept.extend(value.filter(|value| !(is_blank && quirks::is_hollow(Some(attribute), value))));
    }
    drop_duplicates(attribute, &mut kept);
    keep_one_primary(attribute, &mut kept, mode)?;
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// Normalises a single value or one element of a list.
fn normalize_element(
    parent: &str,
    attribute: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Option<Value>, ScimError> {
    if quirks::is_unassigned(&value) {
        return Ok(None);
    }
    if attribute.data_type != DataType::Complex {
        return normalize_simple(parent, attribute, value, mode).map(Some);
    }
    let members = quirks::to_complex(attribute, value, mode)
        .map_err(|value| type_error(parent, attribute, expected(DataType::Complex), &value))?;
    let prefix = format!("{parent}{}.", attribute.name);
    let members = normalize_members(&prefix, |name| attribute.sub_attribute(name), members, mode)?;
    Ok((!members.is_empty()).then_some(Value::Object(members)))
}

/// Normalises the value of a sub-attribute of `parent`. `None` is unassigned.
///
/// # Errors
///
/// [`ScimError::InvalidValue`] if the value does not fit the definition.
pub(crate) fn normalize_sub_attribute(
    parent: &str,
    sub: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Option<Value>, ScimError> {
    normalize_value(&format!("{parent}."), sub, value, mode)
}

/// Normalises the attributes of an extension, or the sub-attributes of a complex value.
///
/// `parent` precedes each name in error texts.
///
/// # Errors
///
/// [`ScimError::InvalidValue`] if a value does not fit its definition or strict mode meets an
/// undeclared name, [`ScimError::InvalidSyntax`] if a name is given twice.
pub(crate) fn normalize_members<'s>(
    parent: &str,
    declared: impl Fn(&str) -> Option<&'s Attribute>,
    members: Map<String, Value>,
    mode: Mode,
) -> Result<Map<String, Value>, ScimError> {
    let mut kept = Map::with_capacity(members.len());
    for (mut name, value) in members {
        let value = match declared(&name) {
            Some(attribute) if attribute.mutability == Mutability::ReadOnly => None,
            Some(attribute) => {
                if name != attribute.name {
                    name.clone_from(&attribute.name);
                }
                normalize_value(parent, attribute, value, mode)?
            }
            None if quirks::keeps_unknown(mode) => {
                (!quirks::is_unassigned(&value)).then_some(value)
            }
            None => return Err(undeclared(&format!("{parent}{name}"))),
        };
        if let Some(value) = value {
            insert_once(&mut kept, parent, name, value)?;
        }
    }
    Ok(kept)
}

/// Inserts a value under a new name.
///
/// # Errors
///
/// [`ScimError::InvalidSyntax`] if the name is given twice, in whatever letter case: the members of
/// a JSON object have no order that could decide which one counts.
pub(crate) fn insert_once(
    object: &mut Map<String, Value>,
    parent: &str,
    name: String,
    value: Value,
) -> Result<(), ScimError> {
    if object.contains_key(&name) {
        return Err(ScimError::InvalidSyntax(format!("{parent}{name} is given twice")));
    }
    object.insert(name, value);
    Ok(())
}

/// Returns the error of a name that no schema declares, in strict mode.
pub(crate) fn undeclared(name: &str) -> ScimError {
    ScimError::InvalidValue(format!("no schema declares the attribute {name}"))
}

fn normalize_simple(
    parent: &str,
    attribute: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Value, ScimError> {
    let fits = match (attribute.data_type, &value) {
        (DataType::String | DataType::Reference, Value::String(_))
        | (DataType::Boolean, Value::Bool(_))
        | (DataType::Decimal, Value::Number(_)) => true,
        (DataType::Integer, Value::Number(number)) => number.is_i64() || number.is_u64(),
        (DataType::DateTime, Value::String(text)) => text.parse::<jiff::Timestamp>().is_ok(),
        (DataType::Binary, Value::String(text)) => STANDARD.decode(text).is_ok(),
        (
            DataType::String
            | DataType::Reference
            | DataType::Boolean
            | DataType::Decimal
            | DataType::Integer
            | DataType::DateTime
            | DataType::Binary
            | DataType::Complex,
            _,
        ) => false,
    };
    if fits {
        return Ok(value);
    }
    let tolerated = match (attribute.data_type, &value) {
        (DataType::Boolean, Value::String(text)) => {
            quirks::parse_boolean(text, mode).map(Value::Bool)
        }
        (DataType::String | DataType::Reference, value) => {
            quirks::to_text(attribute, value, mode).map(Value::String)
        }
        (
            DataType::Boolean
            | DataType::Decimal
            | DataType::Integer
            | DataType::DateTime
            | DataType::Binary
            | DataType::Complex,
            _,
        ) => None,
    };
    tolerated.ok_or_else(|| type_error(parent, attribute, expected(attribute.data_type), &value))
}

fn type_error(parent: &str, attribute: &Attribute, expected: &str, value: &Value) -> ScimError {
    let name = &attribute.name;
    let found = type_name(value);
    ScimError::InvalidValue(format!("{parent}{name} must be {expected}, not {found}"))
}

/// Drops every element that is the same as an earlier one.
///
/// The earlier one becomes primary if the dropped one was, and no other element is.
pub(crate) fn drop_duplicates(attribute: &Attribute, values: &mut Vec<Value>) {
    let dropped_primary = if values.len() > FEW {
        drop_duplicates_by_key(attribute, values)
    } else {
        drop_duplicates_by_comparison(attribute, values)
    };
    if values.iter().any(is_primary) {
        return;
    }
    if let Some(Value::Object(element)) = dropped_primary.and_then(|index| values.get_mut(index)) {
        element.insert("primary".to_owned(), Value::Bool(true));
    }
}

/// Drops duplicates. Returns the index of the first element of which a primary duplicate was
/// dropped.
fn drop_duplicates_by_key(attribute: &Attribute, values: &mut Vec<Value>) -> Option<usize> {
    let mut dropped_primary = None;
    let mut seen = HashMap::with_capacity(values.len());
    values.retain(|value| {
        let next = seen.len();
        let index = *seen.entry(element_key(attribute, value)).or_insert(next);
        if index != next && is_primary(value) {
            dropped_primary.get_or_insert(index);
        }
        index == next
    });
    dropped_primary
}

/// As [`drop_duplicates_by_key`], for short lists.
fn drop_duplicates_by_comparison(attribute: &Attribute, values: &mut Vec<Value>) -> Option<usize> {
    let mut dropped_primary = None;
    let mut index = 1;
    while index < values.len() {
        let (before, rest) = values.split_at(index);
        let known = rest.first().and_then(|value| {
            before.iter().position(|earlier| is_same_element(Some(attribute), earlier, value))
        });
        match known {
            None => index += 1,
            Some(known) => {
                if is_primary(&values.remove(index)) {
                    dropped_primary.get_or_insert(known);
                }
            }
        }
    }
    dropped_primary
}

/// Returns whether two elements of a list are the same: by `type` and `value` (RFC 7643 §2.4), or
/// by all sub-attributes if an element has no `value`, as in `addresses`.
///
/// `primary` does not count, since another element can take it away.
pub(crate) fn is_same_element(attribute: Option<&Attribute>, left: &Value, right: &Value) -> bool {
    let Some(attribute) = attribute else { return left == right };
    let text = |element, name| Value::get(element, name).and_then(Value::as_str);
    match (text(left, "value"), text(right, "value")) {
        (Some(left_value), Some(right_value)) => {
            let kind = |element| text(element, "type").unwrap_or_default();
            is_same_value(attribute, left_value, right_value)
                && kind(left).eq_ignore_ascii_case(kind(right))
        }
        (None, None) => has_same_sub_attributes(left, right),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn has_same_sub_attributes(left: &Value, right: &Value) -> bool {
    let (Value::Object(left), Value::Object(right)) = (left, right) else { return left == right };
    let count =
        |element: &Map<String, Value>| element.len() - usize::from(element.contains_key("primary"));
    let is_in_right = |(name, part)| name == "primary" || right.get(name) == Some(part);
    count(left) == count(right) && left.iter().all(is_in_right)
}

/// Returns whether two texts are the same `value` of an attribute.
pub(crate) fn is_same_value(attribute: &Attribute, left: &str, right: &str) -> bool {
    if is_case_exact(attribute) {
        left == right
    } else if left.is_ascii() && right.is_ascii() {
        left.eq_ignore_ascii_case(right)
    } else {
        fold(left) == fold(right)
    }
}

/// Returns a key that is equal for elements that [`is_same_element`] calls the same.
fn element_key(attribute: &Attribute, element: &Value) -> (String, String) {
    let text = |name| element.get(name).and_then(Value::as_str);
    let Some(value) = text("value") else {
        let mut parts = element.clone();
        if let Some(parts) = parts.as_object_mut() {
            parts.shift_remove("primary");
        }
        parts.sort_all_objects();
        return ("\u{0}".to_owned(), parts.to_string());
    };
    let value = if is_case_exact(attribute) { value.to_owned() } else { fold(value) };
    (text("type").unwrap_or_default().to_ascii_lowercase(), value)
}

fn is_case_exact(attribute: &Attribute) -> bool {
    attribute.sub_attribute("value").is_some_and(|value| value.case_exact)
}

/// Leaves at most one element `primary` (RFC 7643 §2.4).
fn keep_one_primary(
    attribute: &Attribute,
    values: &mut [Value],
    mode: Mode,
) -> Result<(), ScimError> {
    let mut primaries = values.iter_mut().filter(|value| is_primary(value));
    if primaries.next().is_none() {
        return Ok(());
    }
    for value in primaries {
        if !quirks::keeps_first_primary(mode) {
            return Err(ScimError::InvalidValue(format!(
                "{} has more than one primary value",
                attribute.name
            )));
        }
        unset_primary(value);
    }
    Ok(())
}

/// Returns whether an element is the primary one of its list.
pub(crate) fn is_primary(element: &Value) -> bool {
    element.get("primary").and_then(Value::as_bool).unwrap_or(false)
}

/// Unsets `primary` of every element except the one at `keep`.
pub(crate) fn unset_primaries(elements: &mut [Value], keep: Option<usize>) {
    for (index, element) in elements.iter_mut().enumerate() {
        if Some(index) != keep && is_primary(element) {
            unset_primary(element);
        }
    }
}

fn unset_primary(element: &mut Value) {
    if let Some(primary) = element.get_mut("primary") {
        *primary = Value::Bool(false);
    }
}

/// Names the JSON type of a data type in an error text.
const fn expected(data_type: DataType) -> &'static str {
    match data_type {
        DataType::String | DataType::Reference => "a string",
        DataType::Boolean => "true or false",
        DataType::Decimal => "a number",
        DataType::Integer => "a whole number",
        DataType::DateTime => "a date and time (RFC 3339)",
        DataType::Binary => "base64 text",
        DataType::Complex => "an object",
    }
}

/// Length of a list up to which comparing all elements is cheaper than hashing.
const FEW: usize = 16;
