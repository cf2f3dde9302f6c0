//! The format of traces: the requests of a connector in order, and checks of the answers.
//!
//! An unknown key is an error, so that no check of a trace is ignored.

use serde::Deserialize;
use serde_json::{Map, Value};

/// One scenario of one connector.
#[derive(Debug, Deserialize)]
pub(crate) struct Trace {
    /// The identity provider's client.
    pub(crate) connector: String,
    /// The scenario. `connector` and `scenario` make the name of the file.
    pub(crate) scenario: String,
    /// The headers of every step.
    pub(crate) defaults: Defaults,
    /// Variables; each may use those before it.
    #[serde(default)]
    pub(crate) vars: Map<String, Value>,
    /// The requests.
    pub(crate) steps: Vec<Step>,
    /// Paths to delete at the end, except paths with a variable that was not captured.
    #[serde(default)]
    pub(crate) cleanup: Vec<String>,
}

/// The parts of a request that are the same in every step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Defaults {
    /// Headers by name; `null` removes one.
    pub(crate) headers: Map<String, Value>,
}

/// One request and its checks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// A description of the step.
    pub(crate) name: String,
    /// The HTTP method.
    pub(crate) method: String,
    /// The path and query below the base URL.
    pub(crate) path: String,
    /// Headers in addition to the defaults.
    #[serde(default)]
    pub(crate) headers: Map<String, Value>,
    /// The `Authorization` header: `bearer`, `none`, `bad`, or its value.
    #[serde(default = "bearer")]
    pub(crate) auth: String,
    /// The body as JSON.
    pub(crate) body: Option<Value>,
    /// The body as text, instead of `body`; it may be invalid JSON.
    pub(crate) raw_body: Option<String>,
    /// Whether a GET keeps its `Content-Type`.
    #[serde(default)]
    pub(crate) content_type_on_get: bool,
    /// How many times the request is sent; `${n}` counts from 1.
    #[serde(default = "once")]
    pub(crate) repeat: usize,
    /// The checks.
    #[serde(default)]
    pub(crate) expect: Expect,
    /// Variables to set from the answer: names and paths.
    #[serde(default)]
    pub(crate) capture: Map<String, Value>,
}

/// The checks of one answer.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// The statuses that the connector accepts.
    pub(crate) status: Option<Vec<u16>>,
    /// Headers by name, and a text that each must contain, alone or as `{"contains": …}`.
    #[serde(default)]
    pub(crate) headers: Map<String, Value>,
    /// Checks of the JSON body, with their variables.
    #[serde(default)]
    pub(crate) json: Vec<Value>,
    /// Whether an empty body satisfies `json`.
    #[serde(default)]
    pub(crate) json_if_body: bool,
}

/// One check of the JSON body. All of its conditions must hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Check {
    /// The path of the value.
    pub(crate) path: String,
    /// Whether the connector fails if the check does.
    #[serde(default)]
    pub(crate) level: Level,
    /// The value exists, and is neither null nor empty.
    #[serde(default)]
    pub(crate) present: bool,
    /// The value does not exist.
    #[serde(default)]
    pub(crate) absent: bool,
    /// The value does not exist, or is null or empty.
    #[serde(default)]
    pub(crate) absent_or_empty: bool,
    /// The value is equal to this.
    pub(crate) equals: Option<Value>,
    /// The value is equal to this text in any letter case.
    pub(crate) iequals: Option<String>,
    /// The value is a text that this regular expression matches.
    pub(crate) matches: Option<String>,
    /// The value differs from this.
    pub(crate) not_equals: Option<Value>,
    /// The value is one of these.
    pub(crate) one_of: Option<Vec<Value>>,
    /// The number of items or characters.
    pub(crate) length: Option<usize>,
    /// The minimum number of items or characters.
    pub(crate) min_length: Option<usize>,
    /// The minimum of a number.
    pub(crate) min: Option<f64>,
    /// The value contains this item, key or text.
    pub(crate) contains: Option<Value>,
    /// The value does not contain this item, key or text.
    pub(crate) not_contains: Option<Value>,
    /// The value has exactly these items in any order.
    pub(crate) set_equals: Option<Vec<Value>>,
    /// The value has none of these items.
    pub(crate) disjoint_with: Option<Vec<Value>>,
    /// The JSON type of the value.
    #[serde(rename = "type")]
    pub(crate) kind: Option<Kind>,
}

/// How important a check is to the connector.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// The connector fails without it.
    #[default]
    Must,
    /// The RFC or the connector's documentation requires it, but the connector works without it.
    Should,
}

/// A JSON type.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// `"…"`
    String,
    /// `[…]`
    Array,
    /// `{…}`
    Object,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A number without a fraction.
    Integer,
}

fn bearer() -> String {
    "bearer".to_owned()
}

const fn once() -> usize {
    1
}
