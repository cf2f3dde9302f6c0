//! The result of a command, as a JSON document for programs and as text for people.
//!
//! Builds the output and does not print it: printing is in the crate root, formatting in `render`.

use serde_json::{Value, json};

use crate::render::{Column, table};

/// The result of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    /// Printed to standard output with `--json`.
    pub(crate) document: Value,
    /// Printed to standard output without `--json`.
    pub(crate) text: String,
    /// A hint that is printed to standard error without `--json`.
    pub(crate) note: Option<String>,
    /// The command ran and found something wrong: exit code 1.
    pub(crate) failed: bool,
}

impl Output {
    /// A document and its text.
    pub(crate) fn new(document: Value, text: String) -> Self {
        Self { document, text, note: None, failed: false }
    }

    /// A list as a table, with a note if more items follow; `empty` is the text of an empty list.
    pub(crate) fn list(document: Value, columns: &[Column], empty: &str) -> Self {
        let items = document.get("items").and_then(Value::as_array);
        let text = match items {
            Some(items) if !items.is_empty() => table(items, columns),
            Some(_) | None => empty.to_owned(),
        };
        let has_more = document.get("next_cursor").is_some_and(Value::is_string);
        let note = has_more.then(|| "There is more: use --limit N or --all to see it.".to_owned());
        Self { document, text, note, failed: false }
    }

    /// The confirmation of an action that returns no document.
    pub(crate) fn done(text: String) -> Self {
        Self::new(json!({"done": true}), text)
    }

    /// The document as JSON; empty for a command that has printed its output already.
    pub(crate) fn to_json(&self) -> String {
        if self.document.is_null() { String::new() } else { format!("{:#}", self.document) }
    }
}
