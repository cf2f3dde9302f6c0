//! Text for people: aligned, without colours, without anything that a terminal would obey.

use std::fmt::Write as _;

use serde_json::Value;

/// A column: its heading, and what it shows of an item.
pub(crate) type Column = (&'static str, fn(&Value) -> String);

/// Items below each other, each column as wide as its widest cell.
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

/// Names and values below each other.
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

/// What is at a JSON pointer, as one cell; a dash when there is nothing.
pub(crate) fn at(item: &Value, pointer: &str) -> String {
    shown(item.pointer(pointer).unwrap_or(&Value::Null))
}

/// One value as text.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.is_empty() => NOTHING.to_owned(),
        Value::String(text) => clean(text),
        Value::Array(values) if values.is_empty() => NOTHING.to_owned(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<String>>().join(", "),
        Value::Object(_) => clean(&value.to_string()),
    }
}

/// A time to the second: `2026-11-22T09:30:00Z`.
pub(crate) fn time(item: &Value, pointer: &str) -> String {
    let text = at(item, pointer);
    match (text.split_once('.'), text.ends_with('Z')) {
        (Some((seconds, _)), true) => format!("{seconds}Z"),
        (Some(_) | None, _) => text,
    }
}

/// Text that others wrote, with everything that a terminal would obey made visible: control
/// characters, and those that turn the direction of writing around.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for letter in text.chars() {
        let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if letter.is_control() || turns {
            let _ = write!(cleaned, "\\u{{{:x}}}", u32::from(letter));
        } else {
            cleaned.push(letter);
        }
    }
    cleaned
}

const NOTHING: &str = "–";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let items = [
            json!({"name": "Zoë", "strict": true, "at": "2026-01-01T00:00:00.123Z"}),
            json!({"name": "Globex Corporation", "strict": false, "at": null}),
        ];
        let columns: [Column; 3] = [
            ("NAME", |item| at(item, "/name")),
            ("STRICT", |item| at(item, "/strict")),
            ("AT", |item| time(item, "/at")),
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
    fn nothing_that_others_wrote_reaches_the_terminal_as_a_command() {
        let item = json!({"name": "a\u{1b}[2J\r\u{9b}1mb\u{202e}c\nd"});
        assert_eq!(at(&item, "/name"), r"a\u{1b}[2J\u{d}\u{9b}1mb\u{202e}c\u{a}d");
    }
}
