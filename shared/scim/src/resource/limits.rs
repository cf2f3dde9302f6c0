//! Limits the size of a resource.
//!
//! The limits keep a resource within one DynamoDB item, every key that is built from it within a
//! sort key, and every write within one transaction.

use std::io;

use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::schema::ResourceType;

/// Checks a normalised resource against the limits.
///
/// # Errors
///
/// [`ScimError::InvalidValue`] with the attribute and the limit that it exceeds.
pub(super) fn check(
    resource_type: &ResourceType,
    resource: &Map<String, Value>,
) -> Result<(), ScimError> {
    for (name, value) in resource {
        check_value(name, value, 0)?;
        // The members of a group are stored in rows of their own. The size of the request limits
        // them.
        let max = match name.as_str() {
            "members" if resource_type.schema.attribute("members").is_some() => usize::MAX,
            "emails" => MAX_EMAILS,
            _ => MAX_VALUES,
        };
        if value.as_array().is_some_and(|values| values.len() > max) {
            return Err(limit_exceeded(format!("{name} has more than {max} values")));
        }
    }
    for key in ["userName", "externalId", "displayName"] {
        if let Some(text) = resource.get(key).and_then(Value::as_str) {
            check_key(key, text)?;
        }
    }
    for email in resource.get("emails").and_then(Value::as_array).into_iter().flatten() {
        if let Some(address) = email.get("value").and_then(Value::as_str) {
            check_key("emails.value", address)?;
        }
    }
    if serialized_length(resource) > MAX_RESOURCE {
        return Err(limit_exceeded(format!("the resource is larger than {MAX_RESOURCE} bytes")));
    }
    Ok(())
}

/// Checks a text that becomes part of a key. A key with a long one has its digest.
fn check_key(name: &str, text: &str) -> Result<(), ScimError> {
    if is_longer(text, MAX_KEY) {
        return Err(limit_exceeded(format!("{name} is longer than {MAX_KEY} characters")));
    }
    Ok(())
}

/// Returns whether a text has more characters than a limit. Texts in any script have the same
/// limit.
fn is_longer(text: &str, limit: usize) -> bool {
    text.len() > limit && text.chars().nth(limit).is_some()
}

/// Checks a value and its name, at any depth.
fn check_value(name: &str, value: &Value, depth: usize) -> Result<(), ScimError> {
    if depth > MAX_DEPTH {
        return Err(limit_exceeded(format!("{name} is nested deeper than {MAX_DEPTH} levels")));
    }
    check_text(name, name)?;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) if is_longer(text, MAX_STRING) => {
            Err(limit_exceeded(format!("{name} is longer than {MAX_STRING} characters")))
        }
        Value::String(text) => check_text(name, text),
        Value::Array(values) => {
            values.iter().try_for_each(|value| check_value(name, value, depth + 1))
        }
        Value::Object(members) => {
            members.iter().try_for_each(|(name, value)| check_value(name, value, depth + 1))
        }
    }
}

/// Rejects NUL characters. No identity provider sends one, and a reader written in C would see a
/// truncated text.
fn check_text(name: &str, text: &str) -> Result<(), ScimError> {
    if text.contains('\0') {
        let name = name.escape_debug();
        return Err(ScimError::InvalidValue(format!("{name} contains a NUL character")));
    }
    Ok(())
}

const fn limit_exceeded(detail: String) -> ScimError {
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

/// Maximum length of `userName`, `externalId`, `displayName` and an e-mail address, in characters:
/// they are parts of keys. Entra ID sends up to 256.
const MAX_KEY: usize = 512;
/// Maximum number of e-mail addresses of a user. Each has a row of its own, and one change may
/// replace all of them: twice this number and the user's other rows fit one transaction of 100
/// rows.
pub const MAX_EMAILS: usize = 40;
/// Maximum number of elements in any other list.
const MAX_VALUES: usize = 1_000;
/// Maximum length of any other text, in characters.
const MAX_STRING: usize = 64 * 1024;
/// Maximum nesting of lists and objects.
const MAX_DEPTH: usize = 16;
/// Maximum size of a resource as JSON, in bytes. A DynamoDB item holds 400 KB, other attributes
/// included.
const MAX_RESOURCE: usize = 256 * 1024;
