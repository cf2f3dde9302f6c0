//! How much one resource may hold.
//!
//! The bounds keep a resource within one DynamoDB item, every key built from it within a sort key,
//! and every write within one transaction.

use std::io;

use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::fold::fold;
use crate::schema::ResourceType;

/// Checks a normalised resource against the bounds.
pub(super) fn check(of: &ResourceType, resource: &Map<String, Value>) -> Result<(), ScimError> {
    for (name, value) in resource {
        bounded(name, value, 0)?;
        // A group's members are rows of their own, bounded by the size of the request.
        let most = match name.as_str() {
            "members" if of.schema.attribute("members").is_some() => usize::MAX,
            "emails" => MAX_EMAILS,
            _ => MAX_VALUES,
        };
        if value.as_array().is_some_and(|values| values.len() > most) {
            return Err(too_much(format!("{name} has more than {most} values")));
        }
    }
    for key in ["userName", "externalId", "displayName"] {
        if let Some(text) = resource.get(key).and_then(Value::as_str) {
            keyed(key, text)?;
        }
    }
    for email in super::emails(resource) {
        keyed("emails.value", &email)?;
    }
    if serialized_length(resource) > MAX_RESOURCE {
        return Err(too_much(format!("the resource is larger than {MAX_RESOURCE} bytes")));
    }
    Ok(())
}

/// A text that becomes part of a key, where it may grow in its folded form.
fn keyed(name: &str, text: &str) -> Result<(), ScimError> {
    if text.len() > MAX_KEY || !text.is_ascii() && fold(text).len() > MAX_KEY {
        return Err(too_much(format!("{name} is longer than {MAX_KEY} bytes")));
    }
    Ok(())
}

fn bounded(name: &str, value: &Value, depth: usize) -> Result<(), ScimError> {
    if depth > MAX_DEPTH {
        return Err(too_much(format!("{name} is nested more than {MAX_DEPTH} deep")));
    }
    plain(name, name)?;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) if text.len() > MAX_STRING => {
            Err(too_much(format!("{name} is longer than {MAX_STRING} bytes")))
        }
        Value::String(text) => plain(name, text),
        Value::Array(values) => values.iter().try_for_each(|value| bounded(name, value, depth + 1)),
        Value::Object(members) => {
            members.iter().try_for_each(|(name, value)| bounded(name, value, depth + 1))
        }
    }
}

/// No identity provider has a NUL in a name, and whatever reads ours in C would see another one.
fn plain(name: &str, text: &str) -> Result<(), ScimError> {
    if text.contains('\0') {
        let name = name.escape_debug();
        return Err(ScimError::InvalidValue(format!("{name} has a NUL character")));
    }
    Ok(())
}

const fn too_much(detail: String) -> ScimError {
    ScimError::InvalidValue(detail)
}

fn serialized_length(resource: &Map<String, Value>) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, resource) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}

/// `userName`, `externalId`, `displayName` and an e-mail address are parts of keys.
const MAX_KEY: usize = 512;
/// E-mail addresses of one user. Each has a row of its own, and a change may replace all of them by
/// as many others: twice this and the user's other rows are what one transaction takes, 100.
pub const MAX_EMAILS: usize = 40;
const MAX_VALUES: usize = 1_000;
const MAX_STRING: usize = 64 * 1024;
const MAX_DEPTH: usize = 16;
/// A DynamoDB item takes 400 KB, with our own columns.
const MAX_RESOURCE: usize = 256 * 1024;
