//! Compares `docs/operations.md` with the template.

use std::collections::BTreeSet;

use crate::template::{alarms, functions, resources, template};
use crate::tidy::text;

#[test]
fn every_alarm_is_in_the_operations_document() {
    let document = text("docs/operations.md".as_ref()).unwrap();
    let (_, section) = document.split_once("\n## Answer an alarm\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let named: BTreeSet<_> = rows
        .flat_map(|row| row.split('|').nth(1).unwrap_or_default().split(", ").map(str::trim))
        .map(|name| name.trim_matches('`').to_owned())
        .collect();
    let template = template();
    let kinds = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"];
    let listed = kinds.iter().flat_map(|kind| resources(&template, kind).into_keys()).collect();
    assert_eq!(named, listed);
    // The alarms that roll a deployment back, and those that are part of the one that pages.
    let deploying: BTreeSet<_> =
        functions(&template).values().flat_map(alarms::deploying).collect();
    let paging = alarms::paging(&template);
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cell = row.split('|').nth(1).unwrap_or_default();
        let marks = row.rsplit('|').nth(1).unwrap_or_default();
        for name in cell.split(", ").map(|name| name.trim().trim_matches('`')) {
            assert_eq!(marks.contains("`DEPLOYING`"), deploying.contains(name), "{name}");
            assert_eq!(marks.contains("`PAGES`"), paging.contains(name), "{name}");
        }
    }
}
