//! Generates random well-formed documents with many features that canonicalization must handle:
//! namespaces declared, redeclared, undone and unused, attributes in any order, references and
//! white space.

use super::mutation::Random;

/// Returns a random document.
pub fn document(random: &mut Random) -> String {
    let mut text = String::new();
    element(random, &mut text, 0, &mut vec![("", ""), ("xml", "")]);
    text
}

/// Appends a random element. `scope` has the bound prefixes with their namespaces.
fn element(
    random: &mut Random,
    text: &mut String,
    depth: usize,
    scope: &mut Vec<(&'static str, &'static str)>,
) {
    let outer = scope.len();
    let mut declared: Vec<(&'static str, &'static str)> = Vec::new();
    for prefix in PREFIXES {
        if random.below(3) == 0 {
            // Only the default namespace can be undone.
            let uris = if prefix.is_empty() { URIS.len() } else { URIS.len() - 1 };
            declared.push((prefix, URIS.get(random.below(uris)).unwrap()));
        }
    }
    scope.extend(&declared);
    let bound: Vec<_> = PREFIXES
        .into_iter()
        .filter(|prefix| scope.iter().any(|(known, _)| known == prefix))
        .collect();
    let pick = |random: &mut Random| *bound.get(random.below(bound.len())).unwrap();
    let name = qualified(pick(random), NAMES.get(random.below(NAMES.len())).unwrap());
    text.push('<');
    text.push_str(&name);
    let mut attributes: Vec<String> = declared
        .iter()
        .map(|(prefix, uri)| {
            let separator = if prefix.is_empty() { "" } else { ":" };
            format!("xmlns{separator}{prefix}=\"{uri}\"")
        })
        .collect();
    for (i, local) in NAMES.iter().enumerate() {
        if random.below(3) == 0 {
            // A unique local name for each attribute, so that two prefixes cannot collide.
            let name = qualified(pick(random), &format!("{local}{i}"));
            attributes
                .push(format!("{name}='{}'", VALUES.get(random.below(VALUES.len())).unwrap()));
        }
    }
    if random.below(6) == 0 {
        attributes.push("xml:lang=\"en\"".to_owned());
    }
    while !attributes.is_empty() {
        let next = attributes.swap_remove(random.below(attributes.len()));
        text.push_str(SPACES.get(random.below(SPACES.len())).unwrap());
        text.push_str(&next);
    }
    let children = if depth < 5 { random.below(4) } else { 0 };
    if children == 0 && random.below(2) == 0 {
        text.push_str(" />");
    } else {
        text.push('>');
        for _ in 0..children {
            text.push_str(TEXTS.get(random.below(TEXTS.len())).unwrap());
            element(random, text, depth + 1, scope);
        }
        text.push_str(TEXTS.get(random.below(TEXTS.len())).unwrap());
        text.push_str("</");
        text.push_str(&name);
        text.push('>');
    }
    scope.truncate(outer);
}

fn qualified(prefix: &str, local: &str) -> String {
    if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
}

const PREFIXES: [&str; 4] = ["", "a", "b", "zz"];
const URIS: [&str; 4] = ["urn:1", "urn:2", "urn:&amp;3", ""];
const NAMES: [&str; 4] = ["x", "y", "X", "é"];
const VALUES: [&str; 6] =
    ["", "1", " a  b ", "&#9;&#10;&#13;", "&lt;&gt;&quot;&amp;\"", "é&#x1F600;"];
const TEXTS: [&str; 6] = ["", "t", "\n  ", "&lt;&gt;&amp;&quot;'\"", "&#13;\r\n", "é\t"];
const SPACES: [&str; 3] = [" ", "\n", "  \t"];
