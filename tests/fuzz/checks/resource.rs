//! Resources: what normalises is normal, for users and groups, lenient and strict.

use serde_json::Value;

use scim::mode::Mode;
use scim::normalize::normalize;
use scim::schema::ResourceType;

/// Checks one input; returns whether it was read at all.
pub(crate) fn check(input: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(input) else { return false };
    for of in ResourceType::all() {
        for mode in [Mode::Lenient, Mode::Strict] {
            if let Ok(resource) = normalize(of, body.clone(), mode) {
                let again = normalize(of, Value::Object(resource.clone()), mode);
                assert_eq!(again.as_ref(), Ok(&resource), "{body} normalised twice, {mode:?}");
            }
        }
    }
    true
}
