//! Finds values by the path expressions of traces: `$.a.b`, `[0]`, `[*]`, `['urn:…']` and
//! `[?type=='work']`.

use serde_json::Value;

/// The result of a path.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// No value.
    Nothing,
    /// One value; of a path with `[*]` or `[?…]`, an array that may be empty.
    Value(Value),
}

/// Finds the value at a path.
pub(crate) fn find(document: &Value, path: &str) -> Result<Found, String> {
    let mut rest = path.strip_prefix('$').ok_or_else(|| format!("{path} does not start with $"))?;
    let mut current = vec![document];
    let mut many = false;
    while !rest.is_empty() {
        let (token, after) = token(rest).ok_or_else(|| format!("{path}: cannot read {rest}"))?;
        many |= matches!(token, Token::All | Token::Where(..));
        current = current.into_iter().flat_map(|value| step(value, &token)).collect();
        rest = after;
    }
    if many {
        return Ok(Found::Value(current.into_iter().cloned().collect()));
    }
    Ok(current.first().map_or(Found::Nothing, |value| Found::Value((*value).clone())))
}

enum Token<'a> {
    Key(&'a str),
    Index(usize),
    All,
    Where(&'a str, &'a str),
}

/// Splits off the first token.
fn token(text: &str) -> Option<(Token<'_>, &str)> {
    if let Some(rest) = text.strip_prefix('.') {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (key, rest) = rest.split_at_checked(end)?;
        return (!key.is_empty()).then_some((Token::Key(key), rest));
    }
    let inside = text.strip_prefix('[')?;
    if let Some(quoted) = inside.strip_prefix('\'') {
        let (key, rest) = quoted.split_once("']")?;
        return Some((Token::Key(key), rest));
    }
    if let Some(condition) = inside.strip_prefix('?') {
        let (key, quoted) = condition.split_once("=='")?;
        let (wanted, rest) = quoted.split_once("']")?;
        return Some((Token::Where(key, wanted), rest));
    }
    let (index, rest) = inside.split_once(']')?;
    let token = if index == "*" { Token::All } else { Token::Index(index.parse().ok()?) };
    Some((token, rest))
}

fn step<'a>(value: &'a Value, token: &Token<'_>) -> Vec<&'a Value> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    match token {
        Token::Key(key) => {
            value.as_object().and_then(|members| members.get(*key)).into_iter().collect()
        }
        Token::Index(index) => items.get(*index).into_iter().collect(),
        Token::All => items.iter().collect(),
        Token::Where(key, wanted) => {
            items.iter().filter(|item| matches(item.get(key), wanted)).collect()
        }
    }
}

fn matches(value: Option<&Value>, wanted: &str) -> bool {
    match value {
        Some(Value::String(text)) => text.eq_ignore_ascii_case(wanted),
        Some(other) => other.to_string().eq_ignore_ascii_case(wanted),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<Value>) {
        let document = json!({
            "a": {"b": [1, {"type": "Work", "value": "x"}, {"primary": true, "value": "y"}]},
            "urn:x:2.0:User": {"c": "d"},
        });
        let expected = expected.map_or(Found::Nothing, Found::Value);
        assert_eq!(find(&document, path).unwrap(), expected, "{path}");
    }

    #[test]
    fn paths_find_values() {
        check("$.a.b[0]", Some(json!(1)));
        check("$.a.b[9]", None);
        check("$.a.no.such", None);
        check("$.a.b[*].value", Some(json!(["x", "y"])));
        check("$.a.b[?type=='work'].value", Some(json!(["x"])));
        check("$.a.b[?primary=='true'].value", Some(json!(["y"])));
        check("$.a.b[?type=='home'].value", Some(json!([])));
        check("$['urn:x:2.0:User'].c", Some(json!("d")));
    }

    #[test]
    fn an_unreadable_path_is_an_error() {
        for path in ["a", "$a", "$.a[", "$.a[x]", "$..a"] {
            assert!(find(&json!({}), path).is_err(), "{path}");
        }
    }
}
