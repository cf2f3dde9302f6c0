//! The trace format: what a connector sends, in order, and what it must be able to rely on.
//!
//! An unknown key is an error, so that a check in a trace is never skipped in silence.

use serde::Deserialize;
use serde_json::{Map, Value};

/// One scenario of one connector.
#[derive(Debug, Deserialize)]
pub(crate) struct Trace {
    /// The identity provider's client.
    pub(crate) connector: String,
    /// What it does; with `connector`, the file's name.
    pub(crate) scenario: String,
    /// Headers of every step.
    pub(crate) defaults: Defaults,
    /// Variables, each of which may use the ones before it.
    #[serde(default)]
    pub(crate) vars: Map<String, Value>,
    /// The requests.
    pub(crate) steps: Vec<Step>,
    /// Paths to delete at the end; those with a variable that was never captured are left out.
    #[serde(default)]
    pub(crate) cleanup: Vec<String>,
}

/// What every step sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Defaults {
    /// Headers by name; `null` takes one away.
    pub(crate) headers: Map<String, Value>,
}

/// One request and its checks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// What the step does.
    pub(crate) name: String,
    /// The HTTP method.
    pub(crate) method: String,
    /// The path and query below the base URL.
    pub(crate) path: String,
    /// Headers beside the defaults.
    #[serde(default)]
    pub(crate) headers: Map<String, Value>,
    /// `bearer`, `none`, `bad`, or a whole header value.
    #[serde(default = "bearer")]
    pub(crate) auth: String,
    /// The JSON to send.
    pub(crate) body: Option<Value>,
    /// Text to send instead, JSON or not.
    pub(crate) raw_body: Option<String>,
    /// Whether a GET keeps its `Content-Type`.
    #[serde(default)]
    pub(crate) content_type_on_get: bool,
    /// How often to send it, with `${n}` counting from 1.
    #[serde(default = "once")]
    pub(crate) repeat: usize,
    /// The checks.
    #[serde(default)]
    pub(crate) expect: Expect,
    /// Variables to take from the answer, by path.
    #[serde(default)]
    pub(crate) capture: Map<String, Value>,
}

/// The checks of one answer.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// The statuses a connector can live with.
    pub(crate) status: Option<Vec<u16>>,
    /// Headers by name: a text that each must contain, alone or as `{"contains": …}`.
    #[serde(default)]
    pub(crate) headers: Map<String, Value>,
    /// Checks of the JSON body, before their variables are filled in.
    #[serde(default)]
    pub(crate) json: Vec<Value>,
    /// Whether an empty body satisfies `json`.
    #[serde(default)]
    pub(crate) json_if_body: bool,
}

/// One check of the JSON body. Several conditions in one check must all hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Check {
    /// Where to look.
    pub(crate) path: String,
    /// How strongly the connector asks.
    #[serde(default)]
    pub(crate) level: Level,
    /// There, and neither null nor empty.
    #[serde(default)]
    pub(crate) present: bool,
    /// Not there.
    #[serde(default)]
    pub(crate) absent: bool,
    /// Not there, null or empty.
    #[serde(default)]
    pub(crate) absent_or_empty: bool,
    /// This very value.
    pub(crate) equals: Option<Value>,
    /// This text in any letter case.
    pub(crate) iequals: Option<String>,
    /// Any value but this.
    pub(crate) not_equals: Option<Value>,
    /// One of these values.
    pub(crate) one_of: Option<Vec<Value>>,
    /// This many items or characters.
    pub(crate) length: Option<usize>,
    /// At least this many.
    pub(crate) min_length: Option<usize>,
    /// A number no smaller.
    pub(crate) min: Option<f64>,
    /// This item, key or text is in it.
    pub(crate) contains: Option<Value>,
    /// This item, key or text is not in it.
    pub(crate) not_contains: Option<Value>,
    /// These items in any order.
    pub(crate) set_equals: Option<Vec<Value>>,
    /// None of these items.
    pub(crate) disjoint_with: Option<Vec<Value>>,
    /// The JSON type.
    #[serde(rename = "type")]
    pub(crate) kind: Option<Kind>,
}

/// How strongly the connector's documentation asks for it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// It breaks without.
    #[default]
    Must,
    /// The RFC or the documentation says so.
    Should,
}

/// A JSON type; an integer is a number without a fraction.
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
    /// Any number.
    Number,
    /// A whole number.
    Integer,
}

fn bearer() -> String {
    "bearer".to_owned()
}

const fn once() -> usize {
    1
}
