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
mod folds;

use serde_json::{Map, Value};

use self::compare::Comparison;
use self::folds::Folds;
use crate::attr_path::AttrPath;
use crate::filter::{CompareOp, CompareValue, Filter};
use crate::json::member;
use crate::schema::{Attribute, ResourceType};
use crate::target::{Schemas, Target};
use crate::work::Meter;

pub use check::check;
pub(crate) use compare::{compare_numbers, parse_instant};
pub(crate) use folds::fold_cost;

/// A filter that is prepared to be evaluated on many resources: the values that it compares with
/// are folded and parsed once.
#[derive(Debug)]
pub struct Matcher<'f> {
    term: Term<'f>,
}

/// A prepared [`Filter`].
#[derive(Debug)]
enum Term<'f> {
    Present(&'f AttrPath),
    Compare(&'f AttrPath, Comparison<'f>),
    ValuePath(&'f AttrPath, Box<Self>),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

impl<'f> Matcher<'f> {
    /// Prepares a filter.
    pub fn new(filter: &'f Filter) -> Self {
        Self { term: Term::new(filter) }
    }

    /// Returns whether the resource satisfies the filter. The comparisons are charged to the meter,
    /// which the caller checks before the next resource: the work on one is bounded by its size.
    pub fn matches(
        &self,
        resource_type: &ResourceType,
        resource: &Map<String, Value>,
        meter: &Meter,
    ) -> bool {
        let scope = Scope::Resource(resource_type, resource);
        Evaluation::new(meter).satisfies(&self.term, scope)
    }

    /// Returns whether one element of an attribute satisfies the filter of a value path, such as
    /// `emails[type eq "work"]` in PATCH. Charged as [`Matcher::matches`].
    pub fn matches_element(
        &self,
        attribute: Option<&'static Attribute>,
        element: &Value,
        meter: &Meter,
    ) -> bool {
        Evaluation::new(meter).satisfies(&self.term, Scope::Element(attribute, element))
    }
}

/// Returns whether one element satisfies a filter: [`Matcher::matches_element`] for a few elements,
/// whose number the caller limits.
pub fn matches_element(
    filter: &Filter,
    attribute: Option<&'static Attribute>,
    element: &Value,
) -> bool {
    Matcher::new(filter).matches_element(attribute, element, &Meter::new(u64::MAX))
}

impl<'f> Term<'f> {
    fn new(filter: &'f Filter) -> Self {
        let all = |terms: &'f [Filter]| terms.iter().map(Self::new).collect();
        match filter {
            Filter::Present(path) => Self::Present(path),
            Filter::Compare(path, op, value) => Self::Compare(path, Comparison::new(*op, value)),
            Filter::ValuePath(path, inner) => Self::ValuePath(path, Box::new(Self::new(inner))),
            Filter::Not(inner) => Self::Not(Box::new(Self::new(inner))),
            Filter::And(terms) => Self::And(all(terms)),
            Filter::Or(terms) => Self::Or(all(terms)),
        }
    }
}

/// The object in which the attribute names of a filter are looked up.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Resource(&'a ResourceType, &'a Map<String, Value>),
    /// Within `[…]`: an element and the definition of its attribute.
    Element(Option<&'static Attribute>, &'a Value),
}

/// The value at an attribute path.
#[derive(Clone, Copy)]
struct Operand<'a> {
    value: Option<&'a Value>,
    /// The sub-attribute to compare of each value.
    sub: Option<&'a str>,
    definition: Option<&'static Attribute>,
}

/// The evaluation of a filter on one resource.
struct Evaluation<'m> {
    meter: &'m Meter,
    folds: Folds<'m>,
}

impl<'m> Evaluation<'m> {
    fn new(meter: &'m Meter) -> Self {
        Self { meter, folds: Folds::new(meter) }
    }

    fn satisfies(&mut self, term: &Term<'_>, scope: Scope<'_>) -> bool {
        match term {
            Term::Present(path) => {
                let operand = self.find(path, scope);
                self.is_any_present(operand)
            }
            Term::Compare(path, comparison) => {
                let operand = self.find(path, scope);
                self.holds(comparison, operand)
            }
            Term::ValuePath(path, inner) => {
                let operand = self.find(path, scope);
                self.any(operand, &mut |this, element| {
                    this.satisfies(inner, Scope::Element(operand.definition, element))
                })
            }
            Term::Not(inner) => !self.satisfies(inner, scope),
            Term::And(terms) => terms.iter().all(|term| self.satisfies(term, scope)),
            Term::Or(terms) => terms.iter().any(|term| self.satisfies(term, scope)),
        }
    }

    fn find<'a>(&self, path: &'a AttrPath, scope: Scope<'a>) -> Operand<'a> {
        // A name that is not found is compared with all names.
        let names = match scope {
            Scope::Resource(_, resource) => resource.len(),
            Scope::Element(_, element) => element.as_object().map_or(0, Map::len),
        };
        self.meter.charge(TERM + names * NAME);
        match scope {
            Scope::Resource(resource_type, resource) => {
                find_in_resource(path, resource_type, resource)
            }
            Scope::Element(parent, element) => find_in_element(path, parent, element),
        }
    }

    fn holds(&mut self, comparison: &Comparison<'_>, operand: Operand<'_>) -> bool {
        let is_null = *comparison.expected == CompareValue::Null;
        if is_null || comparison.op == CompareOp::Ne {
            let is_present = self.is_any_present(operand);
            if comparison.op == CompareOp::Eq {
                return !is_present;
            }
            if comparison.op == CompareOp::Ne && (is_null || !is_present) {
                return is_null == is_present;
            }
        }
        self.any(operand, &mut |this, stored| {
            comparison.holds(stored, operand.definition, &mut this.folds)
        })
    }

    /// Returns whether one of the values, or its sub-attribute, passes the test.
    fn any(
        &mut self,
        operand: Operand<'_>,
        test: &mut impl FnMut(&mut Self, &Value) -> bool,
    ) -> bool {
        operand.value.is_some_and(|value| self.any_in(value, operand.sub, test))
    }

    fn any_in(
        &mut self,
        value: &Value,
        sub: Option<&str>,
        test: &mut impl FnMut(&mut Self, &Value) -> bool,
    ) -> bool {
        self.meter.charge(VALUE);
        match (value, sub) {
            (Value::Array(values), _) => values.iter().any(|value| self.any_in(value, sub, test)),
            (Value::Object(values), Some(sub)) => {
                self.meter.charge(values.len() * NAME);
                member(values, sub).is_some_and(|value| self.any_in(value, None, test))
            }
            (plain, Some(sub)) => sub.eq_ignore_ascii_case("value") && test(self, plain),
            (value, None) => test(self, value),
        }
    }

    fn is_any_present(&mut self, operand: Operand<'_>) -> bool {
        self.any(operand, &mut |this, value| this.is_present(value))
    }

    /// Returns whether a value is present: not null and not empty, and with a present element or
    /// sub-attribute if it has any (RFC 7644 §3.4.2.2, `pr`).
    fn is_present(&self, value: &Value) -> bool {
        self.meter.charge(VALUE);
        match value {
            Value::Null => false,
            Value::Bool(_) | Value::Number(_) => true,
            Value::String(text) => !text.is_empty(),
            Value::Array(values) => values.iter().any(|value| self.is_present(value)),
            Value::Object(values) => values.values().any(|value| self.is_present(value)),
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

/// Units of [`Meter`] to resolve one attribute path, to compare one name with another, and to look
/// at one value.
const TERM: usize = 200;
const NAME: usize = 5;
const VALUE: usize = 20;

#[cfg(test)]
mod tests;
