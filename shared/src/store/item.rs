//! Converts values to and from the attributes of a row.

use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::StoreError;
use super::error::Operation;
pub(super) use super::keys::Item;
use super::keys::{Key, row_kind};

/// Returns a text attribute.
pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// Returns a number attribute.
pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// Serialises a value as a text attribute of JSON, for the row with this key.
pub(super) fn json(key: &Key, value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    serde_json::to_string(value)
        .map(AttributeValue::S)
        .map_err(|error| StoreError::unavailable(Operation::write(key), error))
}

/// Takes a value out of a row that is stored as a text of JSON. The error of the parser is dropped,
/// since it quotes the value.
pub(super) fn take_json<T: DeserializeOwned>(
    row: &mut Item,
    name: &'static str,
) -> Result<T, StoreError> {
    let json = take_text(row, name)?;
    serde_json::from_str(&json).map_err(|_| corrupt(row, name))
}

/// Takes a text out of a row without copying it.
pub(super) fn take_text(row: &mut Item, name: &'static str) -> Result<String, StoreError> {
    match row.remove(name) {
        Some(AttributeValue::S(value)) => Ok(value),
        _ => Err(corrupt(row, name)),
    }
}

/// Makes an attribute of a list of texts: one text of JSON.
pub(super) fn texts(values: &[String]) -> AttributeValue {
    text(Value::from(values).to_string())
}

/// Takes a list of texts that a row may lack.
pub(super) fn take_texts(
    row: &mut Item,
    name: &'static str,
) -> Result<Option<Vec<String>>, StoreError> {
    if row.contains_key(name) { take_json(row, name).map(Some) } else { Ok(None) }
}

/// A text that a row may lack.
pub(super) fn optional_text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// Takes a text that a row may lack.
pub(super) fn take_optional_text(row: &mut Item, name: &str) -> Option<String> {
    match row.remove(name) {
        Some(AttributeValue::S(value)) => Some(value),
        _ => None,
    }
}

/// Parses a text attribute: an id, a time.
pub(super) fn parsed<T: FromStr>(row: &Item, name: &'static str) -> Result<T, StoreError> {
    row.get(name)
        .and_then(|value| value.as_s().ok())
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| corrupt(row, name))
}

/// Reads a number that every such row has.
pub(super) fn required_number<T: FromStr>(row: &Item, name: &'static str) -> Result<T, StoreError> {
    optional_number(row, name)?.ok_or_else(|| corrupt(row, name))
}

/// Reads a number that a row may lack.
pub(super) fn optional_number<T: FromStr>(
    row: &Item,
    name: &'static str,
) -> Result<Option<T>, StoreError> {
    match row.get(name) {
        None => Ok(None),
        Some(AttributeValue::N(value)) => value.parse().map(Some).map_err(|_| corrupt(row, name)),
        Some(_) => Err(corrupt(row, name)),
    }
}

/// Returns whether a row has a flag that is set; an absent flag is not set.
pub(super) fn flag(row: &Item, name: &str) -> bool {
    matches!(row.get(name), Some(AttributeValue::Bool(true)))
}

/// Returns the error for an attribute that cannot be read.
pub(super) fn corrupt(row: &Item, attribute: &'static str) -> StoreError {
    let Key { pk, sk } = Key::of(row);
    StoreError::Corrupt { row: row_kind(&pk, &sk).one, attribute }
}
