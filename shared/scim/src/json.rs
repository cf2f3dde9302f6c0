//! Access to JSON objects by SCIM's rule that names have no letter case (RFC 7643 §2.1).

use serde_json::{Map, Value};

/// Returns the member of that name, in any letter case. The exact name wins.
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

/// Takes the value of the member of that name, in any letter case, and leaves null in its place.
pub(crate) fn take_member(object: &mut Map<String, Value>, name: &str) -> Option<Value> {
    if let Some(value) = object.get_mut(name) {
        return Some(value.take());
    }
    let (_, value) = object.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value.take())
}

/// Returns the texts of a list, or the only text.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    let values = match value {
        Some(Value::Array(values)) => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Names the type of a value in an error text.
pub(crate) const fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
