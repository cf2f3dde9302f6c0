//! Evaluates filters on resources (RFC 7644 §3.4.2.2).
//!
//! Attribute names compare without letter case, strings as `caseExact` of their schema says. A
//! multi-valued attribute satisfies a comparison if one of its values does. A complex attribute
//! compares by its `value`, as in `manager eq "…"` and `members eq "…"`, which Entra ID sends, and
//! `emails eq "…"`, which PingFederate sends.
//!
//! Decisions where the RFC is silent: an attribute without a value is `ne` to everything but null,
//! and `eq null` is equivalent to `not (… pr)` (RFC 7643 §2.5: null and unassigned are one state).
//!
//! [`check()`] rejects a filter before any resource is read; `compare` compares one value.

mod check;
mod compare;

use serde_json::{Map, Value};

use crate::attr_path::AttrPath;
use crate::filter::{CompareOp, CompareValue, Filter};
use crate::json::member;
use crate::schema::{Attribute, ResourceType};
use crate::target::{Schemas, Target};

pub use check::check;
pub(crate) use compare::{compare_numbers, is_present, parse_instant};

/// Returns whether the resource satisfies the filter.
pub fn matches(
    filter: &Filter,
    resource_type: &ResourceType,
    resource: &Map<String, Value>,
) -> bool {
    Scope::Resource(resource_type, resource).satisfies(filter)
}

/// Returns whether one element of an attribute satisfies the filter of a value path, such as
/// `emails[type eq "work"]` in PATCH.
pub fn matches_element(
    filter: &Filter,
    attribute: Option<&'static Attribute>,
    element: &Value,
) -> bool {
    Scope::Element(attribute, element).satisfies(filter)
}

/// The object in which the attribute names of a filter are looked up.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Resource(&'a ResourceType, &'a Map<String, Value>),
    /// Within `[…]`: an element and the definition of its attribute.
    Element(Option<&'static Attribute>, &'a Value),
}

/// The value at an attribute path.
struct Operand<'a> {
    value: Option<&'a Value>,
    /// The sub-attribute to compare of each value.
    sub: Option<&'a str>,
    definition: Option<&'static Attribute>,
}

impl<'a> Scope<'a> {
    fn satisfies(self, filter: &'a Filter) -> bool {
        match filter {
            Filter::Present(path) => self.find(path).any(is_present),
            Filter::Compare(path, op, expected) => self.find(path).holds(*op, expected),
            Filter::ValuePath(path, inner) => {
                let operand = self.find(path);
                let definition = operand.definition;
                operand.any(|element| Scope::Element(definition, element).satisfies(inner))
            }
            Filter::Not(inner) => !self.satisfies(inner),
            Filter::And(terms) => terms.iter().all(|term| self.satisfies(term)),
            Filter::Or(terms) => terms.iter().any(|term| self.satisfies(term)),
        }
    }

    fn find(self, path: &'a AttrPath) -> Operand<'a> {
        match self {
            Self::Resource(resource_type, resource) => {
                find_in_resource(path, resource_type, resource)
            }
            Self::Element(parent, element) => find_in_element(path, parent, element),
        }
    }
}

fn find_in_resource<'a>(
    path: &'a AttrPath,
    resource_type: &ResourceType,
    resource: &'a Map<String, Value>,
) -> Operand<'a> {
    let schemas = Schemas::of_resource(resource_type, resource);
    let Ok(target) = Target::resolve(path, schemas) else {
        // A search of several types names an attribute of another one (RFC 7644 §3.4.2.1).
        return Operand { value: None, sub: None, definition: None };
    };
    let definition = target.definition();
    let extension = target.extension.as_deref().map(|urn| member(resource, urn));
    let value = match (extension, target.name) {
        (Some(extension), Some(name)) => {
            extension.and_then(Value::as_object).and_then(|values| member(values, name))
        }
        (Some(extension), None) => extension,
        (None, Some(name)) => {
            member(resource, target.attribute.map_or(name, |attribute| &attribute.name))
        }
        // A present value of the core schema is enough, and `id` is always present.
        (None, None) => resource.get("id"),
    };
    Operand { value, sub: target.sub, definition }
}

fn find_in_element<'a>(
    path: &'a AttrPath,
    parent: Option<&'static Attribute>,
    element: &'a Value,
) -> Operand<'a> {
    let (name, sub) = path.in_element();
    match element {
        Value::Object(values) => Operand {
            value: member(values, name),
            sub,
            definition: parent.and_then(|parent| parent.sub_attribute(name)),
        },
        // In a list of simple values, `value` is the element itself (RFC 7643 §2.4).
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            let value = name.eq_ignore_ascii_case("value").then_some(element);
            Operand { value, sub, definition: parent }
        }
    }
}

impl Operand<'_> {
    /// Returns whether one of the values, or its sub-attribute, passes the test.
    fn any(&self, mut test: impl FnMut(&Value) -> bool) -> bool {
        self.value.is_some_and(|value| any(value, self.sub, &mut test))
    }

    fn holds(&self, op: CompareOp, expected: &CompareValue) -> bool {
        let present = || self.any(is_present);
        match (op, expected) {
            (CompareOp::Eq, CompareValue::Null) => !present(),
            (CompareOp::Ne, CompareValue::Null) => present(),
            (CompareOp::Ne, _) if !present() => true,
            _ => self.any(|stored| compare::holds(stored, op, expected, self.definition)),
        }
    }
}

fn any(value: &Value, sub: Option<&str>, test: &mut impl FnMut(&Value) -> bool) -> bool {
    match (value, sub) {
        (Value::Array(values), _) => values.iter().any(|value| any(value, sub, test)),
        (Value::Object(values), Some(sub)) => {
            member(values, sub).is_some_and(|value| any(value, None, test))
        }
        (plain, Some(sub)) => sub.eq_ignore_ascii_case("value") && test(plain),
        (value, None) => test(value),
    }
}

#[cfg(test)]
mod tests;
