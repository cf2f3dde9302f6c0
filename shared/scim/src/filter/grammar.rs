//! Parser of filters and PATCH paths (RFC 7644 §3.4.2.2 figure 1, §3.5.2 figure 7).
//!
//! Time is linear: every step consumes input or ends, with one keyword of lookahead. The limits on
//! depth and number of terms apply while parsing.
//!
//! Forms that are accepted beyond the RFC's grammar:
//! - `emails[type eq "work"].value eq "x"`: Entra ID, for every attribute mapped to a typed value.
//! - values without quotes (`externalId eq jyoung`): older Entra jobs and Microsoft's samples,
//!   PingFederate's `emails eq a@b.c`, Lucid's documentation.
//! - `True` and `False`: Entra ID.
//! - `"CORP\jdoe"`: a backslash that begins no escape, in a Windows account.
//! - `not(` without a blank: the form of the figure; the examples write `not (`.

use serde_json::Number;
use winnow::Parser;
use winnow::ascii::{Caseless, digit0, digit1, multispace0, multispace1};
use winnow::combinator::{alt, eof, not, opt};
use winnow::error::{EmptyError, ParserError};
use winnow::stream::{Stateful, Stream};
use winnow::token::{literal, one_of, take_while};

use super::{CompareOp, CompareValue, Filter, MAX_DEPTH, MAX_TERMS};
use crate::attr_path::{AttrPath, MAX_LENGTH, is_path_char};

/// Parses a complete text as a filter. An error names the position and the expected token.
pub(super) fn parse(text: &str) -> Result<Filter, String> {
    parse_all(text, "`and`, `or` or the end", any_of)
}

/// A PATCH path as `attrPath`, `valFilter` and `subAttr`.
pub(crate) type PathParts = (AttrPath, Option<Filter>, Option<String>);

/// Parses a complete text as a PATCH path: `attrPath / valuePath [subAttr]`.
pub(crate) fn parse_path(text: &str) -> Result<PathParts, String> {
    parse_all(text, "`[` or the end", |input| {
        let path = attr_path(input)?;
        if !take(input, '[') {
            return Ok((path, None, None));
        }
        let filter = value_filter(input)?;
        Ok((path, Some(filter), sub_attribute(input)?))
    })
}

type Input<'i> = Stateful<&'i str, Budget>;
type Parsed<T> = Result<T, Expected>;

/// Remaining limits of the filter that is being parsed.
#[derive(Clone, Copy, Debug)]
struct Budget {
    depth: usize,
    terms: usize,
    in_value_path: bool,
}

/// A syntax error: the expected token, and the number of bytes left unread.
#[derive(Debug)]
struct Expected {
    what: &'static str,
    left: usize,
}

impl ParserError<Input<'_>> for Expected {
    type Inner = Self;

    fn from_input(input: &Input<'_>) -> Self {
        expected(input, "something else")
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

fn expected(input: &Input<'_>, what: &'static str) -> Expected {
    Expected { what, left: input.input.len() }
}

fn parse_all<'i, T>(
    text: &'i str,
    rest: &'static str,
    parser: impl FnOnce(&mut Input<'i>) -> Parsed<T>,
) -> Result<T, String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("is longer than {MAX_LENGTH} bytes"));
    }
    let budget = Budget { depth: MAX_DEPTH, terms: MAX_TERMS, in_value_path: false };
    let mut input = Input { input: text, state: budget };
    let parsed = blanks(&mut input).and_then(|()| parser(&mut input)).and_then(|parsed| {
        blanks(&mut input)?;
        if input.input.is_empty() { Ok(parsed) } else { Err(expected(&input, rest)) }
    });
    parsed.map_err(|Expected { what, left }| {
        let offset = text.len().saturating_sub(left);
        // No excerpt: values are names and addresses of people, and errors are logged.
        match left {
            0 => format!("ends after {offset} bytes, expected {what}"),
            _ => format!("at byte {offset}, expected {what}"),
        }
    })
}

fn any_of(input: &mut Input<'_>) -> Parsed<Filter> {
    terms(input, "or", all_of, Filter::Or)
}

fn all_of(input: &mut Input<'_>) -> Parsed<Filter> {
    terms(input, "and", term, Filter::And)
}

/// One or more terms, separated by a keyword.
///
/// Not winnow's `separated`, which steps back over a keyword without a following term and would
/// report the position of the keyword instead of the missing term's.
fn terms<'i>(
    input: &mut Input<'i>,
    keyword: &'static str,
    term: fn(&mut Input<'i>) -> Parsed<Filter>,
    join: fn(Vec<Filter>) -> Filter,
) -> Parsed<Filter> {
    let first = term(input)?;
    if !take_keyword(input, keyword)? {
        return Ok(first);
    }
    let mut terms = vec![first, term(input)?];
    while take_keyword(input, keyword)? {
        terms.push(term(input)?);
    }
    Ok(join(terms))
}

fn take_keyword(input: &mut Input<'_>, keyword: &'static str) -> Parsed<bool> {
    opt((multispace1, Caseless(keyword), not(one_of(is_path_char))).void())
        .parse_next(input)
        .map(|found| found.is_some())
}

fn term(input: &mut Input<'_>) -> Parsed<Filter> {
    blanks(input)?;
    if take(input, '(') {
        return group(input);
    }
    let start = input.checkpoint();
    if opt(Caseless("not")).parse_next(input)?.is_some() {
        blanks(input)?;
        if take(input, '(') {
            return group(input).map(|inner| Filter::Not(Box::new(inner)));
        }
        // An attribute whose name begins with "not".
        input.reset(&start);
    }
    let path = attr_path(input)?;
    if take(input, '[') { value_path(input, path) } else { predicate(input, path) }
}

/// The rest of a group, after `(`.
fn group(input: &mut Input<'_>) -> Parsed<Filter> {
    nested(input, ')', "`and`, `or` or `)`")
}

/// The rest of a value path in a filter, after `attrPath [`.
fn value_path(input: &mut Input<'_>, path: AttrPath) -> Parsed<Filter> {
    let mut inner = value_filter(input)?;
    if let Some(sub) = sub_attribute(input)? {
        let sub = predicate(input, AttrPath::Plain { name: sub, sub: None })?;
        inner = match inner {
            Filter::And(mut terms) => {
                terms.push(sub);
                Filter::And(terms)
            }
            Filter::Present(_)
            | Filter::Compare(..)
            | Filter::ValuePath(..)
            | Filter::Not(_)
            | Filter::Or(_) => Filter::And(vec![inner, sub]),
        };
    }
    Ok(Filter::ValuePath(path, Box::new(inner)))
}

/// The rest of a value filter, after `[`. The grammar allows no value path within it.
fn value_filter(input: &mut Input<'_>) -> Parsed<Filter> {
    if input.state.in_value_path {
        return Err(expected(input, "no `[` within another one"));
    }
    input.state.in_value_path = true;
    let filter = nested(input, ']', "`and`, `or` or `]`")?;
    input.state.in_value_path = false;
    Ok(filter)
}

fn nested(input: &mut Input<'_>, close: char, what: &'static str) -> Parsed<Filter> {
    input.state.depth = input
        .state
        .depth
        .checked_sub(1)
        .ok_or_else(|| expected(input, "at most 32 levels of parentheses and brackets"))?;
    let filter = any_of(input)?;
    if !take(input, close) {
        return Err(expected(input, what));
    }
    input.state.depth += 1;
    Ok(filter)
}

/// `.value` after `]`.
fn sub_attribute(input: &mut Input<'_>) -> Parsed<Option<String>> {
    if opt('.').parse_next(input)?.is_none() {
        return Ok(None);
    }
    let left = input.input.len();
    match attr_path(input)? {
        AttrPath::Plain { name, sub: None } => Ok(Some(name)),
        AttrPath::Plain { sub: Some(_), .. } | AttrPath::Qualified(_) => {
            Err(Expected { what: "the name of a sub-attribute", left })
        }
    }
}

/// ` pr`, or ` eq "value"`.
fn predicate(input: &mut Input<'_>, path: AttrPath) -> Parsed<Filter> {
    input.state.terms = input
        .state
        .terms
        .checked_sub(1)
        .ok_or_else(|| expected(input, "at most 100 comparisons in one filter"))?;
    let left = input.input.len();
    let operator = Expected { what: OPERATORS, left };
    let Some((_, word)) = opt((multispace1, take_while(1.., is_path_char))).parse_next(input)?
    else {
        return Err(operator);
    };
    if word.eq_ignore_ascii_case("pr") {
        return Ok(Filter::Present(path));
    }
    let op = compare_op(word).ok_or(operator)?;
    Ok(Filter::Compare(path, op, compare_value(input)?))
}

const OPERATORS: &str = "a blank and one of eq, ne, co, sw, ew, gt, ge, lt, le, pr";

fn compare_op(word: &str) -> Option<CompareOp> {
    const ALL: [CompareOp; 9] = [
        CompareOp::Eq,
        CompareOp::Ne,
        CompareOp::Co,
        CompareOp::Sw,
        CompareOp::Ew,
        CompareOp::Gt,
        CompareOp::Lt,
        CompareOp::Ge,
        CompareOp::Le,
    ];
    ALL.into_iter().find(|op| word.eq_ignore_ascii_case(op.as_str()))
}

fn compare_value(input: &mut Input<'_>) -> Parsed<CompareValue> {
    let missing = expected(input, "a blank and a value, as \"text\", 1, true, false or null");
    if opt(multispace1).parse_next(input)?.is_none() {
        return Err(missing);
    }
    if input.input.starts_with('"') {
        return json_string(input).map(CompareValue::String);
    }
    let missing = Expected { left: input.input.len(), ..missing };
    match opt(take_while(1.., is_bare_char)).parse_next(input)? {
        Some(bare) => bare_value(bare).ok_or(missing),
        None => Err(missing),
    }
}

/// Parses a value without quotes: a JSON literal or, as a tolerance, a string.
///
/// Rejects `and` and `or`, which indicate a missing value, and a text that begins with another kind
/// of quote, which would silently match nothing.
fn bare_value(bare: &str) -> Option<CompareValue> {
    if bare.eq_ignore_ascii_case("true") || bare.eq_ignore_ascii_case("false") {
        return Some(CompareValue::Bool(bare.len() == "true".len()));
    }
    if bare == "null" {
        return Some(CompareValue::Null);
    }
    if bare.eq_ignore_ascii_case("and")
        || bare.eq_ignore_ascii_case("or")
        || bare.starts_with(['\'', '\u{2018}', '\u{201c}'])
    {
        return None;
    }
    Some(number(bare).map_or_else(|| CompareValue::String(bare.to_owned()), CompareValue::Number))
}

/// Parses a JSON number that prints as written.
///
/// `1.50`, `007` and numbers beyond 64 bits can be identifiers without quotes. They stay text,
/// which is not rounded and still compares with numbers.
fn number(text: &str) -> Option<Number> {
    if !is_json_number(text) {
        return None;
    }
    let number = if text.contains(['.', 'e', 'E']) {
        // Not serde_json, whose last digit may be off by one.
        Number::from_f64(text.parse().ok()?)?
    } else {
        let signed = text.parse::<i64>().map(Number::from);
        signed.or_else(|_| text.parse::<u64>().map(Number::from)).ok()?
    };
    (number.to_string() == text).then_some(number)
}

/// `[ "-" ] int [ frac ] [ exp ]` of RFC 8259 §6.
fn is_json_number(mut text: &str) -> bool {
    let integer = alt((literal("0").void(), (one_of('1'..='9'), digit0).void()));
    let fraction = opt(('.', digit1));
    let exponent = opt((one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1));
    (opt('-'), integer, fraction, exponent, eof::<_, EmptyError>).parse_next(&mut text).is_ok()
}

/// A JSON string, with its quotes.
///
/// Tolerance: a backslash that begins no escape of JSON, or the escape of a control character, is a
/// backslash, as in `"CORP\bsmith"`.
fn json_string(input: &mut Input<'_>) -> Parsed<String> {
    let unclosed = expected(input, "a JSON string with its closing quote");
    let mut rest = input.input.strip_prefix('"').unwrap_or_default();
    let mut text = String::new();
    while let Some(end) = rest.find(|c| matches!(c, '"' | '\\' | '\0'..' ')) {
        let (plain, after) = rest.split_at_checked(end).unwrap_or_default();
        if !after.starts_with(['"', '\\']) {
            // JSON requires a control character to be escaped.
            return Err(unclosed);
        }
        text.push_str(plain);
        if let Some(after) = after.strip_prefix('"') {
            input.input = after;
            return Ok(text);
        }
        let (character, length) = escape(after).unwrap_or(('\\', 1));
        text.push(character);
        rest = after.get(length..).unwrap_or_default();
    }
    Err(unclosed)
}

/// Reads the escape at the beginning of a text: the character and the length of the escape. `None`
/// if it is no escape of JSON, or that of a control character.
fn escape(text: &str) -> Option<(char, usize)> {
    match text.get(1..2)? {
        quoted @ ("\"" | "\\" | "/") => Some((quoted.chars().next()?, 2)),
        "u" => {
            let first = unicode_escape(text)?;
            let is_printable = |character: &char| *character >= ' ';
            if let Some(character) = char::from_u32(first) {
                return Some(character).filter(is_printable).map(|character| (character, 6));
            }
            // A character beyond 16 bits has two escapes (RFC 8259 §7).
            let second = unicode_escape(text.get(6..)?)?;
            let pair = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
            let character = char::decode_utf16(pair).next()?.ok()?;
            Some((character, 12))
        }
        _ => None,
    }
}

/// Reads `\u00e9`.
fn unicode_escape(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex { u32::from_str_radix(digits, 16).ok() } else { None }
}

fn attr_path(input: &mut Input<'_>) -> Parsed<AttrPath> {
    let missing = expected(input, "an attribute name");
    opt(take_while(1.., is_path_char))
        .parse_next(input)?
        .and_then(AttrPath::from_token)
        .ok_or(missing)
}

/// Consumes the next character that is not blank if it is `wanted`, and returns whether it was.
fn take(input: &mut Input<'_>, wanted: char) -> bool {
    opt((multispace0::<_, Expected>, wanted)).parse_next(input).is_ok_and(|found| found.is_some())
}

fn blanks(input: &mut Input<'_>) -> Parsed<()> {
    multispace0.void().parse_next(input)
}

/// A control character needs an escape, and so quotes.
const fn is_bare_char(c: char) -> bool {
    !matches!(c, '\0'..=' ' | '(' | ')' | '[' | ']' | '"')
}
