//! Resources: normalising is idempotent, for users and groups, in lenient and strict mode.

use serde_json::Value;

use scim::mode::Mode;
use scim::normalize::normalize;
use scim::schema::ResourceType;

/// Checks one input. Returns whether it parses.
pub(crate) fn check(input: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(input) else { return false };
    for resource_type in ResourceType::all() {
        for mode in [Mode::Lenient, Mode::Strict] {
            if let Ok(resource) = normalize(resource_type, body.clone(), mode) {
                let again = normalize(resource_type, Value::Object(resource.clone()), mode);
                assert_eq!(again.as_ref(), Ok(&resource), "{body} normalised twice, {mode:?}");
            }
        }
    }
    true
}
