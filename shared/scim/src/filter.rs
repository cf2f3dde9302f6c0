//! Filter expressions: the syntax tree and its text form (RFC 7644 §3.4.2.2).
//!
//! [`crate::matcher`] evaluates a filter, [`crate::lookup_plan`] finds the lookups that it allows.
//! Invariant: `parse(print(filter)) == filter` for every filter that the grammar can express, which
//! is one whose `And` and `Or` have two or more terms and whose value paths do not nest.

mod grammar;

use std::fmt::{self, Write as _};

use serde_json::Number;

use crate::attr_path::AttrPath;
use crate::error::ScimError;

pub(crate) use grammar::parse_path;

/// A filter expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// `title pr`: the attribute has a non-empty value.
    Present(AttrPath),
    /// `userName eq "bjensen"`.
    Compare(AttrPath, CompareOp, CompareValue),
    /// `emails[type eq "work" and value co "@"]`: one element satisfies the inner filter.
    ///
    /// Entra's `emails[type eq "work"].value eq "x"`, which the grammar does not allow, is parsed
    /// as `emails[type eq "work" and value eq "x"]`.
    ValuePath(AttrPath, Box<Self>),
    /// `not (…)`.
    Not(Box<Self>),
    /// Two or more terms, of which every one must hold.
    And(Vec<Self>),
    /// Two or more terms, of which at least one must hold.
    Or(Vec<Self>),
}

/// The comparison operators of RFC 7644 §3.4.2.2 table 3, without `pr`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CompareOp {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Less than.
    Lt,
    /// Greater than or equal.
    Ge,
    /// Less than or equal.
    Le,
}

/// `compValue`: a JSON value that is neither a list nor an object.
#[derive(Clone, Debug, PartialEq)]
pub enum CompareValue {
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// A number.
    Number(Number),
    /// A string.
    String(String),
}

impl Filter {
    /// Parses a filter, in time linear in its length and with bounded depth.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidFilter`] if the text does not follow the grammar or exceeds a limit.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        grammar::parse(text).map_err(ScimError::InvalidFilter)
    }

    /// Returns the terms that must all hold. A filter other than an `and` is its only term.
    pub const fn terms(&self) -> &[Self] {
        match self {
            Self::And(terms) => terms.as_slice(),
            Self::Present(_)
            | Self::Compare(..)
            | Self::ValuePath(..)
            | Self::Not(_)
            | Self::Or(_) => std::slice::from_ref(self),
        }
    }

    const fn is_or(&self) -> bool {
        matches!(self, Self::Or(_))
    }

    const fn is_and_or(&self) -> bool {
        matches!(self, Self::And(_) | Self::Or(_))
    }
}

impl CompareOp {
    /// Returns the operator as written in a filter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Lt => "lt",
            Self::Ge => "ge",
            Self::Le => "le",
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present(path) => write!(f, "{path} pr"),
            Self::Compare(path, op, value) => write!(f, "{path} {} {value}", op.as_str()),
            Self::ValuePath(path, inner) => write!(f, "{path}[{inner}]"),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::And(terms) => write_terms(f, terms, " and ", Self::is_and_or),
            Self::Or(terms) => write_terms(f, terms, " or ", Self::is_or),
        }
    }
}

/// Writes terms, with parentheses around each that would bind differently without them.
fn write_terms(
    f: &mut fmt::Formatter<'_>,
    terms: &[Filter],
    separator: &str,
    in_parentheses: fn(&Filter) -> bool,
) -> fmt::Result {
    for (index, term) in terms.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        if in_parentheses(term) { write!(f, "({term})")? } else { write!(f, "{term}")? }
    }
    Ok(())
}

impl fmt::Display for CompareValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
            Self::Number(value) => write!(f, "{value}"),
            // As JSON, but for control characters, which the grammar does not have.
            Self::String(value) => {
                f.write_char('"')?;
                for c in value.chars() {
                    if matches!(c, '"' | '\\') {
                        f.write_char('\\')?;
                    }
                    f.write_char(c)?;
                }
                f.write_char('"')
            }
        }
    }
}

/// Maximum nesting of `(`, `not (` and `[` in a filter.
pub const MAX_DEPTH: usize = 32;

/// Maximum number of comparisons and presence tests in a filter.
pub const MAX_TERMS: usize = 100;

#[cfg(test)]
mod tests;
