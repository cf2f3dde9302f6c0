//! Formats JSON values as text for people: tables, fields and single values, without colours.
//!
//! Text of other parties is escaped here, so that it cannot control the terminal.

use std::fmt::Write as _;

use serde_json::Value;

/// A column of a table: its heading, and the text of an item's cell.
pub(crate) type Column = (&'static str, fn(&Value) -> String);

/// Formats items as rows below a heading. Each column is as wide as its widest cell.
pub(crate) fn table(items: &[Value], columns: &[Column]) -> String {
    let headings = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
    let cells = |item| columns.iter().map(|(_, cell)| cell(item)).collect();
    let rows: Vec<Vec<String>> = std::iter::once(headings).chain(items.iter().map(cells)).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<String>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<String>>().join("\n")
}

/// Formats names and values, one pair on each line, with the values aligned.
pub(crate) fn fields(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in rows {
        let indent = format!("\n{:width$}  ", "");
        let value = value.replace('\n', &indent);
        let _ = writeln!(text, "{}", format!("{name:<width$}  {value}").trim_end());
    }
    text.trim_end().to_owned()
}

/// Formats the value at a JSON pointer; [`NOTHING`] if there is none.
pub(crate) fn text_at(item: &Value, pointer: &str) -> String {
    to_text(item.pointer(pointer).unwrap_or(&Value::Null))
}

/// Formats one value; [`NOTHING`] for null and for an empty text or list.
pub(crate) fn to_text(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.is_empty() => NOTHING.to_owned(),
        Value::String(text) => escape_controls(text),
        Value::Array(values) if values.is_empty() => NOTHING.to_owned(),
        Value::Array(values) => values.iter().map(to_text).collect::<Vec<String>>().join(", "),
        Value::Object(_) => escape_controls(&value.to_string()),
    }
}

/// Formats the time at a JSON pointer, without fractions of a second: `2026-11-22T09:30:00Z`.
pub(crate) fn time_at(item: &Value, pointer: &str) -> String {
    let text = text_at(item, pointer);
    match (text.split_once('.'), text.ends_with('Z')) {
        (Some((seconds, _)), true) => format!("{seconds}Z"),
        (Some(_) | None, _) => text,
    }
}

/// Replaces control characters, and the characters that change the writing direction, by their
/// escaped form `\u{1b}`.
pub(crate) fn escape_controls(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        let changes_direction = matches!(
            letter,
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        );
        if letter.is_control() || changes_direction {
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(letter));
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

/// The text of an absent value.
pub(crate) const NOTHING: &str = "–";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let items = [
            json!({"name": "Zoë", "strict": true, "at": "2026-01-01T00:00:00.123Z"}),
            json!({"name": "Globex Corporation", "strict": false, "at": null}),
        ];
        let columns: [Column; 3] = [
            ("NAME", |item| text_at(item, "/name")),
            ("STRICT", |item| text_at(item, "/strict")),
            ("AT", |item| time_at(item, "/at")),
        ];
        let expected = "\
NAME                STRICT  AT
Zoë                 yes     2026-01-01T00:00:00Z
Globex Corporation  no      –";
        assert_eq!(table(&items, &columns), expected);
        assert_eq!(table(&[], &columns), "NAME  STRICT  AT");
    }

    #[test]
    fn a_value_of_several_lines_stays_in_its_column() {
        let rows = [("Domain", "acme.com".to_owned()), ("IdP", "one\ntwo".to_owned())];
        assert_eq!(fields(&rows), "Domain  acme.com\nIdP     one\n        two");
    }

    #[test]
    fn control_characters_in_values_are_escaped() {
        let item = json!({"name": "a\u{1b}[2J\r\u{9b}1mb\u{202e}c\nd"});
        assert_eq!(text_at(&item, "/name"), r"a\u{1b}[2J\u{d}\u{9b}1mb\u{202e}c\u{a}d");
    }
}
