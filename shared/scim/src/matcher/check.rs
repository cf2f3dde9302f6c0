//! Checks that the comparisons of a filter are defined for the types of its attributes.

use super::compare::{compares_substring, parse_instant, to_boolean, to_number, to_text};
use crate::attr_path::AttrPath;
use crate::error::ScimError;
use crate::filter::{CompareOp, CompareValue, Filter};
use crate::schema::{Attribute, DataType, ResourceType};
use crate::target::{Schemas, Target};

/// Rejects a filter with a comparison that the type of its attribute does not define, as
/// `active gt true` (RFC 7644 §3.4.2.2), or with a name like ours that names nothing.
///
/// Undeclared attributes are accepted, since resources may have them. A search of several resource
/// types may use the attributes of each of them.
///
/// # Errors
///
/// [`ScimError::InvalidFilter`] with the path, the operator and the reason.
pub fn check(filter: &Filter, resource_types: &[&ResourceType]) -> Result<(), ScimError> {
    let mut types = resource_types.iter();
    let check = |current| check_in(filter, Definitions::Resource { current, all: resource_types });
    types.try_for_each(|current| check(current)).map_err(ScimError::InvalidFilter)
}

/// The definitions in which the attribute names of a filter are looked up.
#[derive(Clone, Copy)]
enum Definitions<'a> {
    Resource {
        current: &'a ResourceType,
        all: &'a [&'a ResourceType],
    },
    /// Within `[…]`: the definition of the attribute.
    Element(Option<&'static Attribute>),
}

fn check_in(filter: &Filter, scope: Definitions<'_>) -> Result<(), String> {
    match filter {
        Filter::Present(path) => definition(path, scope).map(|_| ()),
        Filter::Compare(path, op, value) => match definition(path, scope)? {
            Some(definition) => check_comparison(path, *op, value, definition),
            None => check_null(path, *op, value),
        },
        Filter::ValuePath(path, inner) => {
            let definition = definition(path, scope)?;
            if definition
                .is_some_and(|plain| plain.data_type != DataType::Complex && !plain.multi_valued)
            {
                return Err(format!("{path} has no sub-attributes to filter by"));
            }
            check_in(inner, Definitions::Element(definition))
        }
        Filter::Not(inner) => check_in(inner, scope),
        Filter::And(terms) | Filter::Or(terms) => {
            terms.iter().try_for_each(|term| check_in(term, scope))
        }
    }
}

fn definition(
    path: &AttrPath,
    scope: Definitions<'_>,
) -> Result<Option<&'static Attribute>, String> {
    let (current, all) = match scope {
        Definitions::Resource { current, all } => (current, all),
        Definitions::Element(parent) => {
            return Ok(parent.and_then(|parent| definition_in_element(path, parent)));
        }
    };
    let resolve = |resource_type| Target::resolve(path, Schemas::of_type(resource_type));
    match resolve(current) {
        Ok(target) => Ok(target.definition()),
        Err(_) if all.iter().any(|other| resolve(other).is_ok()) => Ok(None),
        Err(_) => Err(format!("{path} names no attribute of a {}", current.name())),
    }
}

fn definition_in_element(
    path: &AttrPath,
    parent: &'static Attribute,
) -> Option<&'static Attribute> {
    let (name, _) = path.in_element();
    // In a list of simple values, `value` is the element itself.
    let is_element = parent.data_type != DataType::Complex && name.eq_ignore_ascii_case("value");
    if is_element { Some(parent) } else { parent.sub_attribute(name) }
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
    match definition.data_type {
        DataType::Boolean if !same => refuse("a boolean can be compared with eq and ne only"),
        DataType::Boolean if to_boolean(value).is_none() => {
            refuse("the value must be true or false")
        }
        DataType::Binary if !same => refuse("a binary can be compared with eq and ne only"),
        DataType::Integer | DataType::Decimal if compares_substring(op) => {
            refuse("a number has no substrings")
        }
        DataType::Integer | DataType::Decimal if to_number(value).is_none() => {
            refuse("the value must be a number")
        }
        DataType::DateTime
            if !compares_substring(op)
                && to_text(value).and_then(|text| parse_instant(&text)).is_none() =>
        {
            refuse("the value must be a date and time, as \"2011-05-13T04:42:34Z\"")
        }
        DataType::String
        | DataType::Reference
        | DataType::Boolean
        | DataType::Binary
        | DataType::Integer
        | DataType::Decimal
        | DataType::DateTime => Ok(()),
        // A complex attribute compares by its `value`.
        DataType::Complex => match definition.sub_attribute("value") {
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
