//! One attribute's value, brought to the form that its schema declares (RFC 7643 §2.3 to §2.5).

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::Mode;
use crate::error::ScimError;
use crate::fold::fold;
use crate::quirks;
use crate::schema::{Attribute, Kind, Mutability};

/// Brings a whole attribute to its declared form. `None` is unassigned (RFC 7643 §2.5).
pub(crate) fn attribute_value(
    attribute: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Option<Value>, ScimError> {
    at("", attribute, value, mode)
}

fn at(
    parent: &str,
    attribute: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Option<Value>, ScimError> {
    if quirks::is_unassigned(&value) {
        Ok(None)
    } else if attribute.multi_valued {
        list(parent, attribute, value, mode)
    } else {
        one(parent, attribute, quirks::single(value, mode), mode)
    }
}

fn list(
    parent: &str,
    attribute: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Option<Value>, ScimError> {
    let values =
        quirks::list(value, mode).map_err(|value| wrong(parent, attribute, "a list", &value))?;
    let mut kept = Vec::with_capacity(values.len());
    for value in values {
        if let Some(value) = one(parent, attribute, value, mode)? {
            kept.push(value);
        }
    }
    drop_duplicates(attribute, &mut kept);
    one_primary(attribute, &mut kept, mode)?;
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

fn one(
    parent: &str,
    attribute: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Option<Value>, ScimError> {
    if quirks::is_unassigned(&value) {
        return Ok(None);
    }
    if attribute.kind != Kind::Complex {
        return simple(parent, attribute, value, mode).map(Some);
    }
    let members = quirks::complex(attribute, value, mode)
        .map_err(|value| wrong(parent, attribute, expected(Kind::Complex), &value))?;
    let prefix = format!("{parent}{}.", attribute.name);
    let members = walk(&prefix, |name| attribute.sub_attribute(name), members, mode)?;
    Ok((!members.is_empty()).then_some(Value::Object(members)))
}

/// Brings one sub-attribute of `parent` to its declared form.
pub(crate) fn part_value(
    parent: &str,
    part: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Option<Value>, ScimError> {
    at(&format!("{parent}."), part, value, mode)
}

/// Brings the attributes of an extension, or the parts of a complex value, to their declared form.
///
/// `parent` is what messages put before a name.
pub(super) fn walk<'s>(
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
                at(parent, attribute, value, mode)?
            }
            None if quirks::keeps_unknown(mode) => {
                (!quirks::is_unassigned(&value)).then_some(value)
            }
            None => return Err(unknown(&format!("{parent}{name}"))),
        };
        if let Some(value) = value {
            insert_once(&mut kept, parent, name, value)?;
        }
    }
    Ok(kept)
}

/// Inserts a value under a name that has none yet.
///
/// Two spellings of one name would make the order of a JSON object decide, which has none.
pub(super) fn insert_once(
    into: &mut Map<String, Value>,
    parent: &str,
    name: String,
    value: Value,
) -> Result<(), ScimError> {
    if into.contains_key(&name) {
        return Err(ScimError::InvalidSyntax(format!("{parent}{name} is given twice")));
    }
    into.insert(name, value);
    Ok(())
}

pub(super) fn unknown(name: &str) -> ScimError {
    ScimError::InvalidValue(format!("no schema declares the attribute {name}"))
}

fn simple(
    parent: &str,
    attribute: &Attribute,
    value: Value,
    mode: Mode,
) -> Result<Value, ScimError> {
    let fits = match (attribute.kind, &value) {
        (Kind::String | Kind::Reference, Value::String(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Decimal, Value::Number(_)) => true,
        (Kind::Integer, Value::Number(number)) => number.is_i64() || number.is_u64(),
        (Kind::DateTime, Value::String(text)) => text.parse::<jiff::Timestamp>().is_ok(),
        (Kind::Binary, Value::String(text)) => STANDARD.decode(text).is_ok(),
        (
            Kind::String
            | Kind::Reference
            | Kind::Boolean
            | Kind::Decimal
            | Kind::Integer
            | Kind::DateTime
            | Kind::Binary
            | Kind::Complex,
            _,
        ) => false,
    };
    if fits {
        return Ok(value);
    }
    let tolerated = match (attribute.kind, &value) {
        (Kind::Boolean, Value::String(text)) => quirks::boolean(text, mode).map(Value::Bool),
        (Kind::String | Kind::Reference, value) => {
            quirks::text(attribute, value, mode).map(Value::String)
        }
        (
            Kind::Boolean
            | Kind::Decimal
            | Kind::Integer
            | Kind::DateTime
            | Kind::Binary
            | Kind::Complex,
            _,
        ) => None,
    };
    tolerated.ok_or_else(|| wrong(parent, attribute, expected(attribute.kind), &value))
}

fn wrong(parent: &str, attribute: &Attribute, expected: &str, value: &Value) -> ScimError {
    let name = &attribute.name;
    let found = type_name(value);
    ScimError::InvalidValue(format!("{parent}{name} must be {expected}, not {found}"))
}

/// Drops every later element that is the same as an earlier one.
pub(crate) fn drop_duplicates(attribute: &Attribute, values: &mut Vec<Value>) {
    if values.len() > FEW {
        let mut seen = HashSet::with_capacity(values.len());
        values.retain(|value| seen.insert(identity(attribute, value)));
        return;
    }
    let mut at = 1;
    while at < values.len() {
        let (before, rest) = values.split_at(at);
        let is_known = rest.first().is_some_and(|value| {
            before.iter().any(|earlier| same(Some(attribute), earlier, value))
        });
        if is_known {
            values.remove(at);
        } else {
            at += 1;
        }
    }
}

/// Whether two elements of a list are one: the same `type` and `value` (RFC 7643 §2.4), or the
/// same parts where an element has no `value`, as in `addresses`.
///
/// `primary` is no part of what an element is: another element takes it away.
pub(crate) fn same(attribute: Option<&Attribute>, left: &Value, right: &Value) -> bool {
    let Some(attribute) = attribute else { return left == right };
    let text = |element, name| Value::get(element, name).and_then(Value::as_str);
    match (text(left, "value"), text(right, "value")) {
        (Some(left_value), Some(right_value)) => {
            let kind = |element| text(element, "type").unwrap_or_default();
            same_text(attribute, left_value, right_value)
                && kind(left).eq_ignore_ascii_case(kind(right))
        }
        (None, None) => same_parts(left, right),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn same_parts(left: &Value, right: &Value) -> bool {
    let (Value::Object(left), Value::Object(right)) = (left, right) else { return left == right };
    let parts = |of: &Map<String, Value>| of.len() - usize::from(of.contains_key("primary"));
    let is_in_right = |(name, part)| name == "primary" || right.get(name) == Some(part);
    parts(left) == parts(right) && left.iter().all(is_in_right)
}

/// Whether two `value`s of an attribute are one.
pub(crate) fn same_text(attribute: &Attribute, left: &str, right: &str) -> bool {
    if is_exact(attribute) {
        left == right
    } else if left.is_ascii() && right.is_ascii() {
        left.eq_ignore_ascii_case(right)
    } else {
        fold(left) == fold(right)
    }
}

/// The same question as [`same`] as a key for long lists.
fn identity(attribute: &Attribute, element: &Value) -> (String, String) {
    let text = |name| element.get(name).and_then(Value::as_str);
    let Some(value) = text("value") else {
        let mut parts = element.clone();
        if let Some(parts) = parts.as_object_mut() {
            parts.shift_remove("primary");
        }
        parts.sort_all_objects();
        return ("\u{0}".to_owned(), parts.to_string());
    };
    let value = if is_exact(attribute) { value.to_owned() } else { fold(value) };
    (text("type").unwrap_or_default().to_ascii_lowercase(), value)
}

fn is_exact(attribute: &Attribute) -> bool {
    attribute.sub_attribute("value").is_some_and(|value| value.case_exact)
}

/// Leaves at most one element `primary` (RFC 7643 §2.4).
fn one_primary(attribute: &Attribute, values: &mut [Value], mode: Mode) -> Result<(), ScimError> {
    let mut primaries = values.iter_mut().filter(|value| is_primary(value));
    if primaries.next().is_none() {
        return Ok(());
    }
    for value in primaries {
        if !quirks::first_primary_stays(mode) {
            return Err(ScimError::InvalidValue(format!(
                "{} has more than one primary value",
                attribute.name
            )));
        }
        unset_primary(value);
    }
    Ok(())
}

/// Whether an element is the preferred one of its list.
pub(crate) fn is_primary(element: &Value) -> bool {
    element.get("primary").and_then(Value::as_bool).unwrap_or(false)
}

/// Makes no element the preferred one of its list, except the one at `keep`.
pub(crate) fn unset_primaries(elements: &mut [Value], keep: Option<usize>) {
    for (at, element) in elements.iter_mut().enumerate() {
        if Some(at) != keep && is_primary(element) {
            unset_primary(element);
        }
    }
}

fn unset_primary(element: &mut Value) {
    if let Some(primary) = element.get_mut("primary") {
        *primary = Value::Bool(false);
    }
}

/// Names a JSON type for a message to the client.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Names the JSON type that a kind of attribute takes.
const fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::String | Kind::Reference => "a string",
        Kind::Boolean => "true or false",
        Kind::Decimal => "a number",
        Kind::Integer => "a whole number",
        Kind::DateTime => "a date and time (RFC 3339)",
        Kind::Binary => "base64 text",
        Kind::Complex => "an object",
    }
}

/// Up to here comparing all with all is cheaper than hashing.
const FEW: usize = 16;
