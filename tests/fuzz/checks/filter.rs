//! Filters: whatever is read can be printed and read again, and evaluated.

use serde_json::json;

use scim::filter::Filter;
use scim::matcher::matches;
use scim::schema::ResourceType;

/// Checks one input; returns whether it was read at all.
pub(crate) fn check(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(filter) = Filter::parse(text) else { return false };
    let printed = filter.to_string();
    // Quotes and escapes may make the printed form longer than what is read.
    if printed.len() <= MAX_LENGTH {
        assert_eq!(Filter::parse(&printed).as_ref(), Ok(&filter), "{text} printed and read again");
    }
    let resource = json!({
        "userName": "ada@acme.example",
        "active": true,
        "emails": [{"type": "work", "value": "ada@acme.example", "primary": true}],
    });
    if let Some(resource) = resource.as_object() {
        let holds = matches(&filter, ResourceType::user(), resource);
        assert_ne!(
            holds,
            matches(&Filter::Not(Box::new(filter)), ResourceType::user(), resource),
            "not ({text})"
        );
    }
    true
}

/// The longest text that the grammar reads.
const MAX_LENGTH: usize = 4096;
