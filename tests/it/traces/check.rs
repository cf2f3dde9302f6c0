//! Judges a JSON body by the checks of a trace.

use serde_json::{Value, json};

use super::format::{Check, Kind};
use super::path::{Found, find};

impl Check {
    /// Returns why the document fails this check, or `None` if it does not.
    pub(crate) fn failure(&self, document: &Value) -> Result<Option<String>, String> {
        let found = find(document, &self.path)?;
        Ok(self.unmet_condition(&found).map(|wanted| {
            let got = match &found {
                Found::Nothing => "nothing".to_owned(),
                Found::Value(value) => value.to_string().chars().take(160).collect(),
            };
            format!("{}: want {wanted}, got {got}", self.path)
        }))
    }

    fn unmet_condition(&self, found: &Found) -> Option<String> {
        let value = match found {
            Found::Nothing if self.absent || self.absent_or_empty => return None,
            Found::Nothing => return Some("a value".to_owned()),
            Found::Value(value) => value,
        };
        if self.absent {
            let no_match = self.path.contains('[') && value == &Value::Array(Vec::new());
            return (!no_match).then(|| "nothing".to_owned());
        }
        if self.absent_or_empty {
            return (!is_empty(value)).then(|| "nothing, null or empty".to_owned());
        }
        self.conditions(value).into_iter().find(|(holds, _)| !holds).map(|(_, wanted)| wanted)
    }

    /// Returns every condition on an existing value: whether it holds, and its description.
    fn conditions(&self, value: &Value) -> Vec<(bool, String)> {
        let mut all = Vec::new();
        let mut add =
            |holds: Option<bool>, wanted: String| all.extend(holds.map(|holds| (holds, wanted)));
        add(self.present.then(|| !is_empty(value)), "a value that is not empty".to_owned());
        add(self.equals.as_ref().map(|wanted| value == wanted), show("", self.equals.as_ref()));
        add(
            self.iequals.as_ref().map(|wanted| text(value).eq_ignore_ascii_case(wanted)),
            format!("{:?} in any case", self.iequals),
        );
        add(
            self.not_equals.as_ref().map(|other| value != other),
            show("another value than ", self.not_equals.as_ref()),
        );
        add(
            self.one_of.as_ref().map(|options| options.contains(value)),
            format!("one of {:?}", self.one_of),
        );
        add(
            self.matches.as_ref().map(|pattern| {
                jsonschema::is_valid(&json!({"type": "string", "pattern": pattern}), value)
            }),
            format!("a text like {:?}", self.matches),
        );
        add(
            self.length.map(|length| len(value) == Some(length)),
            format!("length {:?}", self.length),
        );
        add(
            self.min_length.map(|min| len(value) >= Some(min)),
            format!("length {:?} or more", self.min_length),
        );
        add(
            self.min.map(|min| value.as_f64().is_some_and(|n| n >= min)),
            format!("at least {:?}", self.min),
        );
        add(
            self.contains.as_ref().map(|part| contains(value, part)),
            show("a value with ", self.contains.as_ref()),
        );
        add(
            self.not_contains.as_ref().map(|part| !contains(value, part)),
            show("a value without ", self.not_contains.as_ref()),
        );
        add(
            self.set_equals.as_ref().map(|set| same_set(value, set)),
            format!("the set {:?}", self.set_equals),
        );
        add(
            self.disjoint_with
                .as_ref()
                .map(|others| others.iter().all(|other| !contains(value, other))),
            format!("none of {:?}", self.disjoint_with),
        );
        add(self.kind.map(|kind| is_a(value, kind)), format!("a value of type {:?}", self.kind));
        all
    }
}

fn show(before: &str, value: Option<&Value>) -> String {
    format!("{before}{}", value.unwrap_or(&Value::Null))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || len(value) == Some(0)
}

fn len(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(members) => Some(members.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::Array(items), part) => items.contains(part),
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Object(members), Value::String(key)) => members.contains_key(key),
        _ => false,
    }
}

fn same_set(value: &Value, set: &[Value]) -> bool {
    let sorted = |items: &[Value]| {
        let mut texts: Vec<String> = items.iter().map(Value::to_string).collect();
        texts.sort();
        texts
    };
    value.as_array().is_some_and(|items| sorted(items) == sorted(set))
}

fn is_a(value: &Value, kind: Kind) -> bool {
    match kind {
        Kind::String => value.is_string(),
        Kind::Array => value.is_array(),
        Kind::Object => value.is_object(),
        Kind::Boolean => value.is_boolean(),
        Kind::Number => value.is_number(),
        Kind::Integer => value.is_i64() || value.is_u64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(check: &Value, holds: bool) {
        let document =
            json!({"a": "Ada", "n": 3, "t": true, "none": null, "list": ["x", "y"], "o": {"k": 1}});
        let parsed: Check = serde_json::from_value(check.clone()).unwrap();
        assert_eq!(parsed.failure(&document).unwrap().is_none(), holds, "{check}");
    }

    #[test]
    fn checks_hold_or_fail() {
        check(&json!({"path": "$.a", "equals": "Ada", "present": true, "type": "string"}), true);
        check(&json!({"path": "$.a", "equals": "ada"}), false);
        check(&json!({"path": "$.a", "iequals": "ada", "not_equals": "x"}), true);
        check(&json!({"path": "$.t", "equals": "true"}), false);
        check(&json!({"path": "$.none", "present": true}), false);
        check(&json!({"path": "$.none", "absent": true}), false);
        check(&json!({"path": "$.none", "absent_or_empty": true}), true);
        check(&json!({"path": "$.gone", "absent": true}), true);
        check(&json!({"path": "$.gone", "equals": "x"}), false);
        check(&json!({"path": "$.n", "min": 3, "type": "integer", "one_of": [1, 3]}), true);
        check(&json!({"path": "$.t", "type": "number"}), false);
        check(&json!({"path": "$.n", "min": 4}), false);
        check(
            &json!({"path": "$.list", "length": 2, "min_length": 1, "set_equals": ["y", "x"]}),
            true,
        );
        check(
            &json!({"path": "$.list", "contains": "x", "not_contains": "z", "disjoint_with": ["z"]}),
            true,
        );
        check(&json!({"path": "$.list", "disjoint_with": ["z", "x"]}), false);
        check(&json!({"path": "$.list[?type=='work']", "absent": true}), true);
        check(&json!({"path": "$.a", "matches": "^A.a$"}), true);
        check(&json!({"path": "$.n", "matches": "3"}), false);
        check(&json!({"path": "$.o", "contains": "k"}), true);
    }

    #[test]
    fn an_unknown_condition_is_an_error() {
        assert!(serde_json::from_value::<Check>(json!({"path": "$.a", "equal": "x"})).is_err());
    }
}
