//! Compares one stored value with the value of a filter.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::{Timestamp, civil, tz::TimeZone};
use serde_json::{Number, Value};

use super::folds::Folds;
use crate::filter::{CompareOp, CompareValue};
use crate::fold::fold;
use crate::json::member;
use crate::schema::{Attribute, DataType};

/// An operator and the value that it compares with, prepared for many stored values.
#[derive(Debug)]
pub(super) struct Comparison<'f> {
    pub(super) op: CompareOp,
    pub(super) expected: &'f CompareValue,
    boolean: Option<bool>,
    number: Option<Number>,
    text: Option<Text<'f>>,
}

/// The text that stored texts are compared with.
#[derive(Debug)]
struct Text<'f> {
    exact: Cow<'f, str>,
    folded: String,
    instant: Option<Timestamp>,
}

impl<'f> Comparison<'f> {
    pub(super) fn new(op: CompareOp, expected: &'f CompareValue) -> Self {
        let text = to_text(expected).map(|exact| Text {
            folded: fold(&exact),
            instant: parse_instant(&exact),
            exact,
        });
        let (boolean, number) = (to_boolean(expected), to_number(expected));
        Self { op, expected, boolean, number, text }
    }

    /// Returns whether `stored op expected` holds. Two values without a common order satisfy `ne`
    /// and no other operator.
    pub(super) fn holds(
        &self,
        stored: &Value,
        definition: Option<&Attribute>,
        folds: &mut Folds<'_>,
    ) -> bool {
        if self.op == CompareOp::Ne {
            return !self.compares(stored, CompareOp::Eq, definition, folds);
        }
        self.compares(stored, self.op, definition, folds)
    }

    fn compares(
        &self,
        stored: &Value,
        op: CompareOp,
        definition: Option<&Attribute>,
        folds: &mut Folds<'_>,
    ) -> bool {
        match stored {
            Value::Object(values) => {
                let definition = definition.and_then(|complex| complex.sub_attribute("value"));
                folds.charge(values.len());
                member(values, "value")
                    .is_some_and(|value| self.compares(value, op, definition, folds))
            }
            Value::Bool(stored) => op == CompareOp::Eq && self.boolean == Some(*stored),
            Value::Number(stored) => self
                .number
                .as_ref()
                .and_then(|expected| compare_numbers(stored, expected))
                .is_some_and(|order| in_order(op, order)),
            Value::String(stored) => {
                self.text.as_ref().is_some_and(|text| text.compares(stored, op, definition, folds))
            }
            Value::Null | Value::Array(_) => false,
        }
    }
}

impl Text<'_> {
    fn compares(
        &self,
        stored: &str,
        op: CompareOp,
        definition: Option<&Attribute>,
        folds: &mut Folds<'_>,
    ) -> bool {
        folds.charge(stored.len());
        let is_time =
            definition.is_some_and(|definition| definition.data_type == DataType::DateTime);
        if is_time
            && !compares_substring(op)
            && let (Some(stored), Some(expected)) = (parse_instant(stored), self.instant)
        {
            return in_order(op, stored.cmp(&expected));
        }
        // RFC 7643 §2.2: caseExact is false unless the schema says otherwise.
        if definition.is_some_and(|definition| definition.case_exact) {
            return exact_text_holds(stored, op, &self.exact);
        }
        if op == CompareOp::Eq && stored.is_ascii() && self.exact.is_ascii() {
            return stored.eq_ignore_ascii_case(&self.exact);
        }
        let folded = folds.fold(stored);
        let length = folded.len();
        let holds = exact_text_holds(folded, op, &self.folded);
        folds.charge(length);
        holds
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
