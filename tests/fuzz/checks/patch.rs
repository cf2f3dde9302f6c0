//! PATCH: an applied request yields a normalised resource.

use serde_json::{Value, json};

use scim::mode::Mode;
use scim::normalize::normalize;
use scim::patch::apply;
use scim::patch_request::PatchRequest;
use scim::schema::ResourceType;

/// Checks one input. Returns whether it parses.
pub(crate) fn check(input: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(input) else { return false };
    let Ok(request) = PatchRequest::parse(body.clone()) else { return false };
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ada@acme.example",
        "name": {"givenName": "Ada", "familyName": "Byron"},
        "active": true,
        "emails": [
            {"type": "work", "value": "ada@acme.example", "primary": true},
            {"type": "home", "value": "ada@home.example"},
        ],
        "roles": [{"value": "admin"}],
    });
    for mode in [Mode::Lenient, Mode::Strict] {
        let Ok(before) = normalize(ResourceType::user(), user.clone(), mode) else { return false };
        if let Ok(after) = apply(ResourceType::user(), &before, &request, mode) {
            let again = normalize(ResourceType::user(), Value::Object(after.clone()), mode);
            assert_eq!(
                again.as_ref(),
                Ok(&after),
                "{body} yields a resource that is not normalised, {mode:?}"
            );
        }
    }
    true
}
