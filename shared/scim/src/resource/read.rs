//! What the store reads from a normalised resource.

use serde_json::{Map, Value};

use crate::fold::fold;

/// `userName` as the client wrote it.
pub fn user_name(resource: &Map<String, Value>) -> Option<&str> {
    text(resource, "userName")
}

/// `displayName` as the client wrote it.
pub fn display_name(resource: &Map<String, Value>) -> Option<&str> {
    text(resource, "displayName")
}

/// `externalId`, which compares exactly.
pub fn external_id(resource: &Map<String, Value>) -> Option<&str> {
    text(resource, "externalId")
}

/// Every e-mail address in its folded form, once each, in the order of the resource.
pub fn emails(resource: &Map<String, Value>) -> Vec<String> {
    let mut emails = Vec::new();
    for email in resource.get("emails").and_then(Value::as_array).into_iter().flatten() {
        if let Some(address) = email.get("value").and_then(Value::as_str) {
            let address = fold(address);
            if !emails.contains(&address) {
                emails.push(address);
            }
        }
    }
    emails
}

/// Whether the user may sign in; `None` if the resource does not say.
pub fn active(resource: &Map<String, Value>) -> Option<bool> {
    resource.get("active").and_then(Value::as_bool)
}

fn text<'a>(resource: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    resource.get(name).and_then(Value::as_str)
}
