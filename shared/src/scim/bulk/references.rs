//! `bulkId:` references in the data of bulk operations (RFC 7644 §3.7.2).
//!
//! A reference is a string value that begins `bulkId:`, at any depth. In the `path` of a PATCH
//! operation it may also be a string inside of the value filter: `members[value eq "bulkId:x"]`.

use std::collections::HashMap;

use serde_json::Value;

use crate::scim::error::ScimError;

/// What a text refers to, if it is a reference.
pub(super) fn name(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)
}

/// Collects the names of every reference in a value.
pub(super) fn names<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.extend(name(text)),
        Value::Array(values) => values.iter().for_each(|value| names(value, found)),
        Value::Object(members) => {
            for (key, value) in members {
                match path(key, value.as_str()) {
                    Some(path) => found.extend(quoted(path).map(|(_, name)| name)),
                    None => names(value, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Puts ids in the place of every reference.
pub(super) fn resolve(value: &mut Value, ids: &HashMap<String, String>) -> Result<(), ScimError> {
    match value {
        Value::String(text) => resolve_text(text, ids),
        Value::Array(values) => values.iter_mut().try_for_each(|value| resolve(value, ids)),
        Value::Object(members) => members.iter_mut().try_for_each(|(key, value)| {
            match path(key, value.as_str()).map(|path| resolve_path(path, ids)) {
                Some(resolved) => *value = resolved?.into(),
                None => resolve(value, ids)?,
            }
            Ok(())
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Puts the id in the place of a text that is a reference.
pub(super) fn resolve_text(
    text: &mut String,
    ids: &HashMap<String, String>,
) -> Result<(), ScimError> {
    if let Some(name) = name(text) {
        *text = id(name, ids)?.to_owned();
    }
    Ok(())
}

/// Takes out what refers to resources that are not there yet: such values, elements of lists with
/// such values in them, and objects that have nothing left.
pub(super) fn strip(value: &mut Value, ids: &HashMap<String, String>) {
    match value {
        Value::Array(values) => values.retain(|value| !waits(value, ids)),
        Value::Object(members) => members.retain(|_, value| {
            let was_waiting = waits(value, ids);
            strip(value, ids);
            let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty);
            !(was_waiting && (value.is_string() || is_empty))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The error of what cannot be resolved.
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

/// The path of a PATCH operation, if this member is one.
fn path<'v>(key: &str, text: Option<&'v str>) -> Option<&'v str> {
    text.filter(|_| key.eq_ignore_ascii_case("path"))
}

/// The references in double quotes, each with the offset of its prefix.
fn quoted(path: &str) -> impl Iterator<Item = (usize, &str)> {
    path.match_indices("\"bulkId:").filter_map(|(quote, _)| {
        let start = quote + 1;
        let (name, _) = path.get(start + PREFIX.len()..)?.split_once('"')?;
        Some((start, name))
    })
}

fn waits(value: &Value, ids: &HashMap<String, String>) -> bool {
    let mut found = Vec::new();
    names(value, &mut found);
    found.iter().any(|name| !ids.contains_key(*name))
}

fn id<'i>(name: &str, ids: &'i HashMap<String, String>) -> Result<&'i str, ScimError> {
    ids.get(name).map(String::as_str).ok_or_else(|| unresolved(name))
}

const PREFIX: &str = "bulkId:";
