//! Reads the attributes of a normalised resource that the store indexes.

use serde_json::{Map, Value};

use crate::fold::fold;

/// Returns `userName` as sent.
pub fn user_name(resource: &Map<String, Value>) -> Option<&str> {
    text(resource, "userName")
}

/// Returns `displayName` as sent.
pub fn display_name(resource: &Map<String, Value>) -> Option<&str> {
    text(resource, "displayName")
}

/// Returns `externalId`, which compares exactly.
pub fn external_id(resource: &Map<String, Value>) -> Option<&str> {
    text(resource, "externalId")
}

/// Returns every e-mail address, folded, once each, in the order of the resource.
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

/// Returns the value of the primary e-mail address; of the first when none is marked as primary.
pub fn primary_email(resource: &Map<String, Value>) -> Option<&str> {
    let emails = resource.get("emails").and_then(Value::as_array)?;
    let is_primary = |email: &&Value| email.get("primary").and_then(Value::as_bool) == Some(true);
    let primary = emails.iter().find(is_primary).or_else(|| emails.first())?;
    primary.get("value").and_then(Value::as_str)
}

/// Returns `active`, whether the user may sign in; `None` if the attribute is absent.
pub fn active(resource: &Map<String, Value>) -> Option<bool> {
    resource.get("active").and_then(Value::as_bool)
}

fn text<'a>(resource: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    resource.get(name).and_then(Value::as_str)
}
