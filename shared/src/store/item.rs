//! How our values become attributes, and back.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;

use super::StoreError;

/// One row as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// A text attribute.
pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// Takes a text out of a row without copying it.
pub(super) fn take_text(item: &mut Item, name: &'static str) -> Result<String, StoreError> {
    match item.remove(name) {
        Some(AttributeValue::S(value)) => Ok(value),
        _ => Err(StoreError::Corrupt(name)),
    }
}

/// Takes a text that a row may lack.
pub(super) fn take_optional_text(item: &mut Item, name: &str) -> Option<String> {
    match item.remove(name) {
        Some(AttributeValue::S(value)) => Some(value),
        _ => None,
    }
}

/// Reads a text that has a form of its own: an id, a time.
pub(super) fn parsed<T: FromStr>(item: &Item, name: &'static str) -> Result<T, StoreError> {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .and_then(|value| value.parse().ok())
        .ok_or(StoreError::Corrupt(name))
}

/// Reads a number that every such row has.
pub(super) fn required_number<T: FromStr>(
    item: &Item,
    name: &'static str,
) -> Result<T, StoreError> {
    optional_number(item, name)?.ok_or(StoreError::Corrupt(name))
}

/// Reads a number that a row may lack.
pub(super) fn optional_number<T: FromStr>(
    item: &Item,
    name: &'static str,
) -> Result<Option<T>, StoreError> {
    match item.get(name) {
        None => Ok(None),
        Some(AttributeValue::N(value)) => {
            value.parse().map(Some).map_err(|_| StoreError::Corrupt(name))
        }
        Some(_) => Err(StoreError::Corrupt(name)),
    }
}

/// Whether a row has a flag that is set; an absent flag is not set.
pub(super) fn flag(item: &Item, name: &str) -> bool {
    matches!(item.get(name), Some(AttributeValue::Bool(true)))
}
