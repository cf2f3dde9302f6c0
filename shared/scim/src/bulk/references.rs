//! Finds and resolves the `bulkId:` references in the data of bulk operations (RFC 7644 §3.7.2).
//!
//! A reference is a string that begins with `bulkId:` in a place that names a resource: as `value`
//! or `$ref`, as `manager` or an element of `members` given as the id alone, and as the value of a
//! PATCH operation on one of these. In the `path` of such an operation it may also be a string
//! within the value filter: `members[value eq "bulkId:x"]`. In any other place it is plain text.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::json::member;

/// Returns the `bulkId` that a text refers to, if it is a reference.
pub(super) fn name(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)
}

/// Collects the `bulkId` of every reference in a value.
pub(super) fn names<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    names_at(value, Place::Elsewhere, found);
}

fn names_at<'v>(value: &'v Value, place: Place, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => match place {
            Place::Reference => found.extend(name(text)),
            Place::Path => found.extend(quoted(text).map(|(_, name)| name)),
            Place::Elsewhere => {}
        },
        Value::Array(values) => values.iter().for_each(|value| names_at(value, place, found)),
        Value::Object(members) => {
            let places = Places::of(members);
            for (key, value) in members {
                names_at(value, places.at(key), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Replaces every reference by the id of its resource.
pub(super) fn resolve(value: &mut Value, ids: &HashMap<String, String>) -> Result<(), ScimError> {
    resolve_at(value, Place::Elsewhere, ids)
}

fn resolve_at(
    value: &mut Value,
    place: Place,
    ids: &HashMap<String, String>,
) -> Result<(), ScimError> {
    match value {
        Value::String(text) => match place {
            Place::Reference => resolve_text(text, ids),
            Place::Path => {
                *text = resolve_path(text, ids)?;
                Ok(())
            }
            Place::Elsewhere => Ok(()),
        },
        Value::Array(values) => {
            values.iter_mut().try_for_each(|value| resolve_at(value, place, ids))
        }
        Value::Object(members) => {
            let places = Places::of(members);
            members.iter_mut().try_for_each(|(key, value)| resolve_at(value, places.at(key), ids))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Replaces a text that is a reference by the id of its resource.
pub(super) fn resolve_text(
    text: &mut String,
    ids: &HashMap<String, String>,
) -> Result<(), ScimError> {
    if let Some(name) = name(text) {
        *text = id(name, ids)?.to_owned();
    }
    Ok(())
}

/// Removes the references to resources that do not exist yet: such values, elements of lists that
/// contain one, and objects that become empty.
pub(super) fn strip_unresolved(value: &mut Value, ids: &HashMap<String, String>) {
    strip_at(value, Place::Elsewhere, ids);
}

fn strip_at(value: &mut Value, place: Place, ids: &HashMap<String, String>) {
    match value {
        Value::Array(values) => values.retain(|value| !waits(value, place, ids)),
        Value::Object(members) => {
            let places = Places::of(members);
            members.retain(|key, value| {
                let place = places.at(key);
                let was_waiting = waits(value, place, ids);
                strip_at(value, place, ids);
                let is_empty = value.as_object().is_some_and(Map::is_empty);
                !(was_waiting && (value.is_string() || is_empty))
            });
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns the error of a reference that cannot be resolved.
pub(super) fn unresolved(name: &str) -> ScimError {
    ScimError::InvalidValue(format!("bulkId:{name} names no resource that this request created"))
}

fn resolve_path(path: &str, ids: &HashMap<String, String>) -> Result<String, ScimError> {
    let mut resolved = String::with_capacity(path.len());
    let mut rest = 0;
    for (start, name) in quoted(path) {
        resolved.push_str(path.get(rest..start).unwrap_or_default());
        resolved.push_str(id(name, ids)?);
        rest = start + PREFIX.len() + name.len();
    }
    resolved.push_str(path.get(rest..).unwrap_or_default());
    Ok(resolved)
}

/// Meaning of a string by its place.
#[derive(Clone, Copy)]
enum Place {
    /// The id of a resource, or a reference to one.
    Reference,
    /// The path of a PATCH operation.
    Path,
    /// Plain text.
    Elsewhere,
}

/// Places of the members of one object.
struct Places {
    /// Place of `value` if the object is a PATCH operation with a path.
    operation: Option<Place>,
}

impl Places {
    fn of(object: &Map<String, Value>) -> Self {
        let path = member(object, "path").and_then(Value::as_str);
        let path = path.filter(|path| !path.is_empty() && member(object, "op").is_some());
        Self { operation: path.map(place_of) }
    }

    fn at(&self, key: &str) -> Place {
        match self.operation {
            Some(_) if key.eq_ignore_ascii_case("path") => Place::Path,
            Some(place) if key.eq_ignore_ascii_case("value") => place,
            Some(_) | None => place_of(key),
        }
    }
}

/// Returns the place of the value of an attribute, by its name or path.
fn place_of(path: &str) -> Place {
    let (before, after) = match path.split_once('[') {
        Some((before, rest)) => (before, rest.rsplit_once(']').map_or("", |(_, after)| after)),
        None => (path, ""),
    };
    let path = if after.is_empty() { before } else { after };
    let last = path.rsplit([':', '.']).next().unwrap_or_default();
    let is_reference = REFERENCES.iter().any(|name| name.eq_ignore_ascii_case(last));
    if is_reference { Place::Reference } else { Place::Elsewhere }
}

/// Returns the references in double quotes, each with the offset of its prefix.
fn quoted(path: &str) -> impl Iterator<Item = (usize, &str)> {
    path.match_indices("\"bulkId:").filter_map(|(quote, _)| {
        let start = quote + 1;
        let (name, _) = path.get(start + PREFIX.len()..)?.split_once('"')?;
        Some((start, name))
    })
}

fn waits(value: &Value, place: Place, ids: &HashMap<String, String>) -> bool {
    let mut found = Vec::new();
    names_at(value, place, &mut found);
    found.iter().any(|name| !ids.contains_key(*name))
}

fn id<'i>(name: &str, ids: &'i HashMap<String, String>) -> Result<&'i str, ScimError> {
    ids.get(name).map(String::as_str).ok_or_else(|| unresolved(name))
}

const PREFIX: &str = "bulkId:";

/// Attributes that name resources by id.
const REFERENCES: [&str; 4] = ["value", "$ref", "manager", "members"];
