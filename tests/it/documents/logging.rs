//! The logging document describes every field of the summary line.

use crate::tidy::text;

#[test]
fn every_field_of_the_summary_line_is_documented_with_its_name() {
    let source = text("shared/src/runtime/request_log.rs".as_ref()).unwrap();
    let (_, fields) = source.split_once("event!(target: \"request\", $level,").unwrap();
    let (fields, _) = fields.split_once(", \"{method}").unwrap();
    let fields = fields.split(',').map(|field| field.split('=').next().unwrap());
    let fields: Vec<_> = fields.map(|name| name.trim().trim_start_matches('%')).collect();
    assert!(fields.len() > 10, "{fields:?}");
    let page = text("docs/logging.md".as_ref()).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let documented: Vec<_> = rows.map(|(name, _)| name).collect();
    for field in &fields {
        assert!(documented.contains(field), "{field}");
    }
}
