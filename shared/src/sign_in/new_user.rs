//! The SCIM user that is created at a first sign-in (just-in-time provisioning). Pure.

use serde_json::{Map, Value, json};

use saml::attributes::Profile;
use saml::error::SamlError;
use saml::response::Assertion;
use scim::mode::Mode;
use scim::normalize::normalize;
use scim::schema::ResourceType;
use types::email_address::EmailAddress;

/// Makes the attributes of the new user, who is named by `address`.
///
/// # Errors
///
/// [`SamlError::Attributes`] if SCIM does not accept the address.
pub(super) fn new_user(
    address: &EmailAddress,
    assertion: &Assertion,
) -> Result<Map<String, Value>, SamlError> {
    let missing = || SamlError::Attributes {
        missing: "e-mail address",
        received: assertion.attributes.iter().map(|attribute| attribute.name.clone()).collect(),
    };
    let document = document(address.as_str(), &assertion.profile).ok_or_else(missing)?;
    // The error of `normalize` quotes the profile, so it is dropped. Only the address can be wrong.
    normalize(ResourceType::user(), document, Mode::Lenient).map_err(|_| missing())
}

/// The unchecked attributes.
fn document(email: &str, profile: &Profile) -> Option<Value> {
    let mut user = json!({
        "schemas": [USER, ENTERPRISE],
        "userName": email,
        "emails": [{"value": email, "type": "work", "primary": true}],
        "active": true,
    });
    let attributes = user.as_object_mut()?;
    let mut name = Map::new();
    for (attribute, value) in
        [("givenName", &profile.given_name), ("familyName", &profile.family_name)]
    {
        if let Some(value) = value {
            name.insert(attribute.to_owned(), Value::from(value.as_str()));
        }
    }
    if !name.is_empty() {
        attributes.insert("name".to_owned(), Value::Object(name));
    }
    for (attribute, value) in [("displayName", &profile.display_name), ("title", &profile.title)] {
        if let Some(value) = value {
            attributes.insert(attribute.to_owned(), Value::from(value.as_str()));
        }
    }
    if let Some(department) = &profile.department {
        attributes.insert(ENTERPRISE.to_owned(), json!({"department": department}));
    }
    Some(user)
}

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
