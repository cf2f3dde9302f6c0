//! Compares one stored value with the value of a filter.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::{Timestamp, civil, tz::TimeZone};
use serde_json::{Number, Value};

use crate::filter::{CompareOp, CompareValue};
use crate::fold::fold;
use crate::json::member;
use crate::schema::{Attribute, DataType};

/// Returns whether `stored op expected` holds. Two values without a common order satisfy `ne` and no
/// other operator.
pub(super) fn holds(
    stored: &Value,
    op: CompareOp,
    expected: &CompareValue,
    definition: Option<&Attribute>,
) -> bool {
    if op == CompareOp::Ne {
        return !holds(stored, CompareOp::Eq, expected, definition);
    }
    match stored {
        Value::Object(values) => {
            let definition = definition.and_then(|complex| complex.sub_attribute("value"));
            member(values, "value").is_some_and(|value| holds(value, op, expected, definition))
        }
        Value::Bool(stored) => op == CompareOp::Eq && to_boolean(expected) == Some(*stored),
        Value::Number(stored) => to_number(expected)
            .and_then(|expected| compare_numbers(stored, &expected))
            .is_some_and(|order| in_order(op, order)),
        Value::String(stored) => {
            to_text(expected).is_some_and(|expected| text_holds(stored, op, &expected, definition))
        }
        Value::Null | Value::Array(_) => false,
    }
}

/// Returns whether a value is present: not null and not empty, and with a present element or
/// sub-attribute if it has any (RFC 7644 §3.4.2.2, `pr`).
pub(crate) fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => values.iter().any(is_present),
        Value::Object(values) => values.values().any(is_present),
    }
}

/// Reads a boolean, also from the strings that Entra ID sends: `primary eq "True"`.
pub(super) fn to_boolean(expected: &CompareValue) -> Option<bool> {
    match expected {
        CompareValue::Bool(expected) => Some(*expected),
        CompareValue::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        CompareValue::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        CompareValue::String(_) | CompareValue::Null | CompareValue::Number(_) => None,
    }
}

/// Reads a number, also in quotes.
pub(super) fn to_number(expected: &CompareValue) -> Option<Number> {
    match expected {
        CompareValue::Number(expected) => Some(expected.clone()),
        CompareValue::String(text) => text.parse().ok(),
        CompareValue::Bool(_) | CompareValue::Null => None,
    }
}

/// Returns the text to compare strings with. A number or boolean may be a string that the client
/// sent without quotes.
pub(super) fn to_text(expected: &CompareValue) -> Option<Cow<'_, str>> {
    match expected {
        CompareValue::String(expected) => Some(Cow::Borrowed(expected)),
        CompareValue::Bool(_) | CompareValue::Number(_) => Some(Cow::Owned(expected.to_string())),
        CompareValue::Null => None,
    }
}

/// Parses a date and time of XML Schema (RFC 7643 §2.3.5). Without an offset it is UTC; a date
/// alone is its first instant.
pub(crate) fn parse_instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let midnight = || text.parse::<civil::Date>().map(|date| date.at(0, 0, 0, 0));
        let local = text.parse::<civil::DateTime>().or_else(|_| midnight()).ok()?;
        local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

/// Compares two JSON numbers of any form.
pub(crate) fn compare_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn text_holds(stored: &str, op: CompareOp, expected: &str, definition: Option<&Attribute>) -> bool {
    let is_time = definition.is_some_and(|definition| definition.data_type == DataType::DateTime);
    if is_time
        && !compares_substring(op)
        && let (Some(stored), Some(expected)) = (parse_instant(stored), parse_instant(expected))
    {
        return in_order(op, stored.cmp(&expected));
    }
    // RFC 7643 §2.2: caseExact is false unless the schema says otherwise.
    if definition.is_some_and(|definition| definition.case_exact) {
        return exact_text_holds(stored, op, expected);
    }
    if op == CompareOp::Eq && stored.is_ascii() && expected.is_ascii() {
        return stored.eq_ignore_ascii_case(expected);
    }
    exact_text_holds(&fold(stored), op, &fold(expected))
}

fn exact_text_holds(stored: &str, op: CompareOp, expected: &str) -> bool {
    match op {
        CompareOp::Co => stored.contains(expected),
        CompareOp::Sw => stored.starts_with(expected),
        CompareOp::Ew => stored.ends_with(expected),
        CompareOp::Eq
        | CompareOp::Ne
        | CompareOp::Gt
        | CompareOp::Lt
        | CompareOp::Ge
        | CompareOp::Le => in_order(op, stored.cmp(expected)),
    }
}

/// Returns whether the operator looks for a part of a string.
pub(super) const fn compares_substring(op: CompareOp) -> bool {
    matches!(op, CompareOp::Co | CompareOp::Sw | CompareOp::Ew)
}

/// Returns whether the operator holds for two values in this order.
const fn in_order(op: CompareOp, order: Ordering) -> bool {
    match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Ge => order.is_ge(),
        CompareOp::Le => order.is_le(),
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
    }
}
