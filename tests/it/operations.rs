//! What `docs/operations.md` says is what the template has.

use std::collections::BTreeSet;

use crate::template::{functions, resources, template};
use crate::tidy::text;

#[test]
fn every_alarm_has_its_entry_in_the_operations_document() {
    let document = text("docs/operations.md".as_ref()).unwrap();
    let (_, section) = document.split_once("\n## Alarms\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let named: BTreeSet<_> = rows
        .flat_map(|row| row.split('|').nth(1).unwrap_or_default().split(", ").map(str::trim))
        .map(|name| name.trim_matches('`').to_owned())
        .collect();
    let alarms = resources(&template(), "AWS::CloudWatch::Alarm").into_keys().collect();
    assert_eq!(named, alarms);
    // Which of them roll a deployment back.
    let template = template();
    let mut deploying = BTreeSet::new();
    for function in functions(&template).into_values() {
        let alarms = function["Properties"]["DeploymentPreference"]["Alarms"].as_array();
        let alarms = alarms.into_iter().flatten().map(ToString::to_string);
        deploying.extend(alarms.map(|alarm| alarm.trim_matches('"').to_owned()));
    }
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cell = row.split('|').nth(1).unwrap_or_default();
        let is_marked = row.contains("`DEPLOYING`");
        for name in cell.split(", ").map(|name| name.trim().trim_matches('`')) {
            let does = deploying.iter().any(|alarm| alarm.contains(name));
            assert_eq!(is_marked, does, "{name}: {deploying:?}");
        }
    }
}
