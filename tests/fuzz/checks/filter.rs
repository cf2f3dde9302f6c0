//! Filters: one that parses prints to a text that parses to the same filter, and can be evaluated.

use serde_json::json;

use scim::filter::Filter;
use scim::matcher::Matcher;
use scim::schema::ResourceType;
use scim::work::Meter;

/// Checks one input. Returns whether it parses.
pub(crate) fn check(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(filter) = Filter::parse(text) else { return false };
    let printed = filter.to_string();
    // Quotes and escapes may make the printed form longer than the parser allows.
    if printed.len() <= MAX_LENGTH {
        assert_eq!(
            Filter::parse(&printed).as_ref(),
            Ok(&filter),
            "{text} printed and parsed again"
        );
    }
    let resource = json!({
        "userName": "ada@acme.example",
        "active": true,
        "emails": [{"type": "work", "value": "ada@acme.example", "primary": true}],
    });
    if let Some(resource) = resource.as_object() {
        let holds = |filter: &Filter| {
            Matcher::new(filter).matches(ResourceType::user(), resource, &Meter::default())
        };
        assert_ne!(holds(&filter), holds(&Filter::Not(Box::new(filter.clone()))), "not ({text})");
    }
    true
}

/// Maximum length of a filter, in bytes.
const MAX_LENGTH: usize = 4096;
