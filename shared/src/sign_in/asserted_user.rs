//! The SCIM attributes of a user by an assertion: of one that is created at the first sign-in
//! (just-in-time provisioning), and of one that a later sign-in updates. Pure.

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
    let mut user = Map::new();
    user.insert("schemas".to_owned(), json!([USER, ENTERPRISE]));
    user.insert("userName".to_owned(), json!(address.as_str()));
    user.insert("active".to_owned(), json!(true));
    write_profile(&mut user, &assertion.profile);
    write_address(&mut user, address);
    // The error of `normalize` quotes the profile, so it is dropped. Only the address can be wrong.
    normalize(ResourceType::user(), Value::Object(user), Mode::Lenient).map_err(|_| missing())
}

/// Returns the attributes of a user with what the assertion has; without `address`, the addresses
/// stay. An attribute that the assertion lacks stays: not every provider sends all at each sign-in.
pub(super) fn updated_user(
    before: &Map<String, Value>,
    profile: &Profile,
    address: Option<&EmailAddress>,
) -> Map<String, Value> {
    let mut user = before.clone();
    write_profile(&mut user, profile);
    if let Some(address) = address {
        write_address(&mut user, address);
    }
    let updated = normalize(ResourceType::user(), Value::Object(user), Mode::Lenient);
    // A value that SCIM refuses must not keep the person from signing in.
    updated.unwrap_or_else(|_| before.clone())
}

fn write_profile(user: &mut Map<String, Value>, profile: &Profile) {
    write_part(user, "name", "givenName", profile.given_name.as_deref());
    write_part(user, "name", "familyName", profile.family_name.as_deref());
    write(user, "displayName", profile.display_name.as_deref());
    write(user, "title", profile.title.as_deref());
    write_part(user, ENTERPRISE, "department", profile.department.as_deref());
}

/// Makes `address` the primary one, in place of the one that was.
fn write_address(user: &mut Map<String, Value>, address: &EmailAddress) {
    let email = json!({"value": address.as_str(), "type": "work", "primary": true});
    let emails = user.entry("emails").or_insert_with(|| json!([]));
    let Some(emails) = emails.as_array_mut() else { return };
    let is_primary = |email: &Value| email.get("primary").and_then(Value::as_bool) == Some(true);
    match emails.iter().position(is_primary).and_then(|index| emails.get_mut(index)) {
        Some(primary) => *primary = email,
        None => emails.insert(0, email),
    }
}

fn write(attributes: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        attributes.insert(name.to_owned(), Value::from(value));
    }
}

/// Writes a part of a complex attribute.
fn write_part(user: &mut Map<String, Value>, name: &str, part: &str, value: Option<&str>) {
    if value.is_none() {
        return;
    }
    let parts = user.entry(name).or_insert_with(|| json!({}));
    if let Some(parts) = parts.as_object_mut() {
        write(parts, part, value);
    }
}

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[cfg(test)]
mod tests {
    use super::*;

    fn user(attributes: &Value) -> Map<String, Value> {
        let document = json!({"schemas": [USER], "userName": "ada@acme.com", "active": true});
        let mut user = document.as_object().cloned().unwrap_or_default();
        user.extend(attributes.as_object().cloned().unwrap_or_default());
        user
    }

    #[track_caller]
    fn check(before: &Value, profile: &Profile, address: Option<&str>, expect: &Value) {
        let address = address.map(|text| EmailAddress::parse(text).unwrap());
        let updated = updated_user(&user(before), profile, address.as_ref());
        assert_eq!(Value::Object(updated), Value::Object(user(expect)));
    }

    fn profile(display_name: &str) -> Profile {
        Profile { display_name: Some(display_name.to_owned()), ..Profile::default() }
    }

    #[test]
    fn asserted_attributes_replace_those_of_the_user_and_absent_ones_stay() {
        let before = json!({"displayName": "Ada Byron", "title": "Countess",
            "name": {"givenName": "Ada", "familyName": "Byron"}});
        let renamed =
            Profile { family_name: Some("Lovelace".to_owned()), ..profile("Ada Lovelace") };
        check(
            &before,
            &renamed,
            None,
            &json!({"displayName": "Ada Lovelace", "title": "Countess",
            "name": {"givenName": "Ada", "familyName": "Lovelace"}}),
        );
        check(&before, &Profile::default(), None, &before);
    }

    #[test]
    fn a_department_is_written_to_the_enterprise_extension() {
        let moved = Profile { department: Some("R&D".to_owned()), ..Profile::default() };
        let mut expect = json!({"schemas": [USER, ENTERPRISE]});
        expect[ENTERPRISE] = json!({"department": "R&D"});
        check(&json!({"schemas": [USER, ENTERPRISE]}), &moved, None, &expect);
    }

    #[test]
    fn an_address_replaces_the_primary_one_alone() {
        let work = |value: &str| json!({"value": value, "type": "work", "primary": true});
        let home = json!({"value": "ada@home.example", "type": "home"});
        check(
            &json!({"emails": [home, work("ada@acme.com")]}),
            &Profile::default(),
            Some("ada@acme.org"),
            &json!({"emails": [home, work("ada@acme.org")]}),
        );
        let added = json!({"emails": [work("ada@acme.org")]});
        check(&json!({}), &Profile::default(), Some("ada@acme.org"), &added);
    }
}
