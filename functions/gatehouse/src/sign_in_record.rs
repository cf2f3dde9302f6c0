//! Reads and formats the record of a sign-in, as `/v1/tenants/{tenant}/sign-ins` returns it.
//!
//! Pure: the caller has requested the record. `commands::sign_ins`, `commands::explain` and
//! `doctor` use it. The result of `explain` has the same `checks`.

use serde_json::{Value, json};

use crate::render::{Column, fields, table, text_at, time_at};

/// Whether the sign-in failed.
pub(crate) fn has_failed(record: &Value) -> bool {
    record.get("succeeded").and_then(Value::as_bool) == Some(false)
}

/// "signed in", or the code of the failure.
pub(crate) fn result(record: &Value) -> String {
    if has_failed(record) { text_at(record, "/code") } else { "signed in".to_owned() }
}

/// Formats the whole record.
pub(crate) fn describe(record: &Value) -> String {
    let mut rows = vec![
        ("Reference", text_at(record, "/reference")),
        ("When", time_at(record, "/at")),
        ("Connection", text_at(record, "/domain")),
        ("Started by", text_at(record, "/began")),
        ("Result", result(record)),
    ];
    if has_failed(record) {
        rows.extend([
            ("Reason", text_at(record, "/message")),
            ("Action by", text_at(record, "/actor")),
        ]);
    } else {
        rows.push(("User", text_at(record, "/user")));
    }
    format!("{}\n\n{}", fields(&rows), checks(record))
}

/// Formats the checks; those that failed or warned with the expected and the received value.
pub(crate) fn checks(record: &Value) -> String {
    let mut rows = Vec::new();
    for check in record.get("checks").and_then(Value::as_array).into_iter().flatten() {
        rows.push(check.clone());
        let outcome = check.get("outcome").and_then(Value::as_str);
        if matches!(outcome, Some("failed" | "warning")) {
            for name in ["expected", "received"] {
                let value = text_at(check, &format!("/{name}"));
                rows.push(json!({"title": format!("  {name}: {value}")}));
            }
        }
    }
    table(&rows, &CHECKS)
}

/// Formats a cell that is empty in the rows below a check.
fn text_of_check(row: &Value, pointer: &str) -> String {
    if row.get("id").is_some() { text_at(row, pointer) } else { String::new() }
}

const CHECKS: [Column; 3] = [
    ("OUTCOME", |row| text_of_check(row, "/outcome").replace('_', " ")),
    ("CHECK", |row| text_of_check(row, "/id")),
    ("", |row| text_at(row, "/title")),
];
