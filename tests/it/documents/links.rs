//! Links between documents lead to headings that exist, the architecture document names only files
//! that exist, and images exist, are small and are shown.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::tidy::{files, text, workspace};

/// The text without its fenced blocks.
fn prose(page: &str) -> String {
    let mut is_open = false;
    let lines = page.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_open ^= is_fence;
        !is_open && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The anchors of the headings, as GitHub makes them: lower case, spaces as hyphens, letters,
/// digits, hyphens and underscores kept, and a number on what is repeated.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let prose = prose(page);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    for heading in headings.filter_map(|line| line.split_once(' ').map(|(_, heading)| heading)) {
        let anchor: String = heading
            .trim()
            .to_lowercase()
            .chars()
            .map(|c| if c == ' ' { '-' } else { c })
            .filter(|c| c.is_alphanumeric() || "-_".contains(*c))
            .collect();
        let repeated = (1..).map(|n| format!("{anchor}-{n}"));
        let free = std::iter::once(anchor.clone()).chain(repeated).find(|a| !found.contains(a));
        found.extend(free);
    }
    found
}

/// The target of every link, across line ends.
fn targets(page: &str) -> Vec<String> {
    let prose = prose(page);
    let after = prose.match_indices("](").map(|(at, _)| &prose[at + 2..]);
    after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// Code spans outside of links.
fn unlinked_code(page: &str) -> Vec<String> {
    let prose = prose(page);
    let mut rest = prose.as_str();
    let mut outside = String::new();
    while let Some((before, link)) = rest.split_once('[') {
        outside.push_str(before);
        rest = link.split_once("](").and_then(|(_, url)| url.split_once(')')).map_or("", |l| l.1);
    }
    outside.push_str(rest);
    outside.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_anchor_is_a_heading() {
    let mut count = 0;
    for document in super::documents() {
        let page = text(document.as_ref()).unwrap();
        let folder = workspace().join(&document).parent().unwrap().to_owned();
        for target in targets(&page).iter().filter(|target| !target.contains(':')) {
            let Some((file, anchor)) = target.split_once('#') else { continue };
            let other = if file.is_empty() {
                page.clone()
            } else {
                fs::read_to_string(folder.join(file)).unwrap()
            };
            assert!(anchors(&other).contains(anchor), "{document}: {target}");
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}

/// A link is checked against the tree; a name in plain code is not, and would outlive its file.
#[test]
fn a_source_file_in_the_architecture_document_is_a_link() {
    let page = text("docs/architecture.md".as_ref()).unwrap();
    for code in unlinked_code(&page) {
        let is_file = [".rs", ".py", ".mjs", ".ld"].iter().any(|end| code.ends_with(end));
        assert!(!is_file, "link `{code}`");
    }
}

/// Images are HTML, which has one for light and one for dark.
#[test]
fn every_image_is_small_and_shown() {
    let mut shown = BTreeSet::new();
    for document in super::documents() {
        let page = text(document.as_ref()).unwrap();
        let folder = Path::new(&document).parent().unwrap();
        for attribute in [" src=\"", " srcset=\""] {
            let values = page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
            shown.extend(values.map(|value| folder.join(value)));
        }
    }
    let images: BTreeSet<_> = files("docs/images").into_iter().collect();
    assert_eq!(shown, images);
    for image in images {
        let size = fs::metadata(workspace().join(&image)).unwrap().len();
        assert!(size < 60_000, "{} has {size} bytes", image.display());
    }
}

#[test]
fn headings_become_anchors_as_on_github() {
    let page =
        "# A `code` heading\n## Roll back\n```sh\n# no heading\n```\n## Roll back\n### 503, why?";
    let expected = ["503-why", "a-code-heading", "roll-back", "roll-back-1"];
    assert_eq!(anchors(page), expected.map(str::to_owned).into());
    assert_eq!(targets("a [b](c.md#d) and\n[e\nf](#g)"), ["c.md#d", "#g"]);
    assert_eq!(unlinked_code("`a` [`b.rs`](b.rs) `c`"), ["a", "c"]);
}
