//! Whether the comparisons of a filter are defined for the types of its attributes.

use super::compare::{boolean, instant, is_part, number, text};
use crate::attr_path::AttrPath;
use crate::error::ScimError;
use crate::filter::{CompareOp, CompareValue, Filter};
use crate::schema::{Attribute, Kind, ResourceType};
use crate::target::Target;

/// Refuses a filter with a comparison that its attribute's type does not have, as `active gt true`
/// (RFC 7644 §3.4.2.2: 400 `invalidFilter`).
///
/// Attributes that no schema knows are let through, since resources may have them.
pub fn check(filter: &Filter, resource_type: &ResourceType) -> Result<(), ScimError> {
    check_in(filter, Scope::Resource(resource_type)).map_err(ScimError::InvalidFilter)
}

/// What the attribute names of a filter are looked up in.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Resource(&'a ResourceType),
    /// Inside of `[…]`.
    Element(Option<&'static Attribute>),
}

fn check_in(filter: &Filter, scope: Scope<'_>) -> Result<(), String> {
    match filter {
        Filter::Present(_) => Ok(()),
        Filter::Compare(path, op, value) => match definition(path, scope) {
            Some(definition) => check_comparison(path, *op, value, definition),
            None => check_null(path, *op, value),
        },
        Filter::ValuePath(path, inner) => {
            let definition = definition(path, scope);
            if definition.is_some_and(|plain| plain.kind != Kind::Complex && !plain.multi_valued) {
                return Err(format!("{path} has no parts to filter by"));
            }
            check_in(inner, Scope::Element(definition))
        }
        Filter::Not(inner) => check_in(inner, scope),
        Filter::And(terms) | Filter::Or(terms) => {
            terms.iter().try_for_each(|term| check_in(term, scope))
        }
    }
}

fn definition(path: &AttrPath, scope: Scope<'_>) -> Option<&'static Attribute> {
    match scope {
        Scope::Resource(resource_type) => Target::of(path, resource_type).definition(),
        Scope::Element(parent) => {
            let parent = parent?;
            // A list of plain values, where `value` is the value itself.
            let plain = parent.kind != Kind::Complex && path.name.eq_ignore_ascii_case("value");
            if plain { Some(parent) } else { parent.sub_attribute(&path.name) }
        }
    }
}

fn check_comparison(
    path: &AttrPath,
    op: CompareOp,
    value: &CompareValue,
    definition: &Attribute,
) -> Result<(), String> {
    if *value == CompareValue::Null {
        return check_null(path, op, value);
    }
    let same = matches!(op, CompareOp::Eq | CompareOp::Ne);
    let refuse = |reason: &str| Err(format!("{path} {}: {reason}", op.as_str()));
    match definition.kind {
        Kind::Boolean if !same => refuse("a boolean can be compared with eq and ne only"),
        Kind::Boolean if boolean(value).is_none() => refuse("the value must be true or false"),
        Kind::Binary if !same => refuse("a binary can be compared with eq and ne only"),
        Kind::Integer | Kind::Decimal if is_part(op) => refuse("a number has no parts"),
        Kind::Integer | Kind::Decimal if number(value).is_none() => {
            refuse("the value must be a number")
        }
        Kind::DateTime if !is_part(op) && text(value).and_then(|text| instant(&text)).is_none() => {
            refuse("the value must be a date and time, as \"2011-05-13T04:42:34Z\"")
        }
        Kind::String
        | Kind::Reference
        | Kind::Boolean
        | Kind::Binary
        | Kind::Integer
        | Kind::Decimal
        | Kind::DateTime => Ok(()),
        // A complex attribute stands for its value.
        Kind::Complex => match definition.sub_attribute("value") {
            Some(definition) => check_comparison(path, op, value, definition),
            None => refuse("a complex attribute has no value; name one of its sub-attributes"),
        },
    }
}

fn check_null(path: &AttrPath, op: CompareOp, value: &CompareValue) -> Result<(), String> {
    match op {
        CompareOp::Eq | CompareOp::Ne => Ok(()),
        _ if *value != CompareValue::Null => Ok(()),
        CompareOp::Co
        | CompareOp::Sw
        | CompareOp::Ew
        | CompareOp::Gt
        | CompareOp::Lt
        | CompareOp::Ge
        | CompareOp::Le => {
            Err(format!("{path} {}: null can be compared with eq and ne only", op.as_str()))
        }
    }
}
