//! Fills the variables of a trace: `${name}`, and `${name|filter}` with the filters of [`filter`].

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use serde_json::{Map, Value};

/// The variables of one run.
#[derive(Debug, Default)]
pub(crate) struct Values(Map<String, Value>);

impl Values {
    /// Returns the variables that every trace may use.
    pub(crate) fn new() -> Self {
        let mut values = Self::default();
        values.set("rand", random_hex(10));
        values.set("domain", "example.com");
        values
    }

    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Fills every variable in a JSON value. A text of one variable and nothing else becomes the
    /// value of the variable, with its type.
    pub(crate) fn fill(&mut self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => match only_variable(text).and_then(|name| self.0.get(name)) {
                Some(value) => value.clone(),
                None => self.fill_text(text)?.into(),
            },
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let mut filled = Map::new();
                for (key, value) in members {
                    filled.insert(self.fill_text(key)?, self.fill(value)?);
                }
                Value::Object(filled)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }

    /// Fills every variable in a text.
    pub(crate) fn fill_text(&mut self, text: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (expression, after) =
                after.split_once('}').ok_or_else(|| format!("unclosed variable in {text}"))?;
            filled.push_str(before);
            filled.push_str(&self.expression(expression)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// Returns the text of `name|filter|filter`.
    fn expression(&mut self, expression: &str) -> Result<String, String> {
        let mut parts = expression.split('|');
        let name = parts.next().unwrap_or_default();
        if name.starts_with("uuid:") && !self.0.contains_key(name) {
            self.set(name, random_uuid());
        }
        let value = self.0.get(name).ok_or_else(|| format!("unknown variable ${{{name}}}"))?;
        let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        parts.try_fold(text, |text, name| filter(&text, name))
    }
}

/// Returns the name of a variable if the text is that variable without a filter and nothing else.
fn only_variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    (!name.contains(['|', '}', '$'])).then_some(name)
}

fn filter(text: &str, name: &str) -> Result<String, String> {
    match name {
        "url" => Ok(percent_encoded(text, "%20")),
        "plus" => Ok(percent_encoded(text, "+")),
        "upper" => Ok(text.to_uppercase()),
        "lower" => Ok(text.to_lowercase()),
        "json" => Ok(Value::from(text).to_string().trim_matches('"').to_owned()),
        unknown => Err(format!("unknown filter |{unknown}")),
    }
}

/// Percent-encodes every character that is not unreserved (RFC 3986 §2.3).
fn percent_encoded(text: &str, space: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push_str(space),
            other => encoded.extend(['%', hex_digit(other >> 4), hex_digit(other & 15)]),
        }
    }
    encoded
}

fn hex_digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or_default().to_ascii_uppercase()
}

/// Returns a random number, with which two runs against one server use different names.
fn random_hex(digits: usize) -> String {
    let number = u128::from(RandomState::new().build_hasher().finish()) << 64
        | u128::from(RandomState::new().build_hasher().finish());
    format!("{number:032x}").chars().take(digits).collect()
}

fn random_uuid() -> String {
    let mut bytes = [0; 16];
    for (byte, digit) in bytes.iter_mut().zip(random_hex(16).bytes()) {
        *byte = digit;
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values() -> Values {
        let mut values = Values::default();
        values.set("name", "Ada@x y");
        values.set("ids", json!(["1", "2"]));
        values
    }

    #[test]
    fn variables_are_filled_and_filtered() {
        for (text, filled) in [
            ("a ${name} b", "a Ada@x y b"),
            ("${name|url}", "Ada%40x%20y"),
            ("${name|plus}", "Ada%40x+y"),
            ("${name|upper}${name|lower}", "ADA@X Yada@x y"),
            ("${ids}!", r#"["1","2"]!"#),
        ] {
            assert_eq!(values().fill_text(text).unwrap(), filled, "{text}");
        }
    }

    #[test]
    fn a_variable_alone_keeps_its_type() {
        assert_eq!(
            values().fill(&json!({"${name}": "${ids}"})).unwrap(),
            json!({"Ada@x y": ["1", "2"]})
        );
    }

    #[test]
    fn an_unknown_variable_or_filter_is_an_error() {
        for text in ["${nobody}", "${name|rot13}", "${name"] {
            assert!(values().fill_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_uuid_stays_the_same_within_a_run() {
        let mut values = values();
        let once = values.fill_text("${uuid:a}").unwrap();
        assert_eq!(values.fill_text("${uuid:a}").unwrap(), once);
        assert_ne!(values.fill_text("${uuid:b}").unwrap(), once);
    }
}
