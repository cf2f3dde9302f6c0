//! The configuration document and the code name the same `GATEHOUSE_` variables.

use std::collections::BTreeSet;

use crate::tidy::{files, text};

const PREFIX: &str = "GATEHOUSE_";

/// The words of a text that begin with the prefix.
fn variables(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .filter(|word| word.starts_with(PREFIX) && word.len() > PREFIX.len())
        .map(str::to_owned)
}

#[test]
fn every_variable_of_the_code_is_documented_and_no_other() {
    let page = text("docs/configuration.md".as_ref()).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let documented: BTreeSet<_> = rows.flat_map(|(name, _)| variables(name)).collect();
    let mut named = BTreeSet::new();
    for place in ["shared", "functions", "tests"] {
        for file in files(place).iter().filter(|file| !file.starts_with("tests/it/documents")) {
            named.extend(text(file).iter().flat_map(|text| variables(text)));
        }
    }
    named.extend(variables(&text("template.yaml".as_ref()).unwrap()));
    assert_eq!(documented, named);
}
