//! Users and groups in the form of the directory API and of `data` in events.
//!
//! The form is derived from the stored SCIM resource. It differs from SCIM where an app's users
//! table does: names in snake case, one address, the manager as an id.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use scim::licence::Licence;
use scim::resource::{display_name, external_id, primary_email, user_name};
use scim::schema::{ENTERPRISE_USER, LICENCE_USER, LUCID_USER, LUCIDCHART_USER};
use types::ids::ResourceId;

/// A stored user, as far as the directory shows it.
#[derive(Clone, Copy, Debug)]
pub struct User<'a> {
    /// `id`.
    pub id: ResourceId,
    /// The normalised SCIM resource.
    pub resource: &'a Map<String, Value>,
    /// Whether the user may sign in.
    pub active: bool,
    /// The granted licence.
    pub licence: Licence,
    /// Time of creation.
    pub created: Timestamp,
    /// Time of the last change.
    pub last_modified: Timestamp,
    /// Rises by at least one with each change.
    pub version: u64,
}

/// A stored group, as far as the directory shows it.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// `id`.
    pub id: ResourceId,
    /// The normalised SCIM resource, without `members`.
    pub resource: &'a Map<String, Value>,
    /// Time of creation.
    pub created: Timestamp,
    /// Time of the last change.
    pub last_modified: Timestamp,
    /// Rises by at least one with each change of the group or of its members.
    pub version: u64,
}

impl User<'_> {
    /// Renders the user. Attributes without a value are `null`, so that an app can write each one
    /// to its column. `attributes` has the SCIM attributes that have no member of their own.
    ///
    /// ```json
    /// {"id": "7c0e…", "user_name": "ada@acme.com", "external_id": "00u1", "active": true,
    ///  "email": "ada@acme.com", "name": {"formatted": null, "given_name": "Ada", …},
    ///  "display_name": "Ada Lovelace", "title": null, "department": "Engines",
    ///  "manager_id": null, "locale": null, "timezone": null, "license": "full",
    ///  "attributes": {"userType": "Employee"},
    ///  "created_at": "2026-11-30T12:00:00Z", "updated_at": "2026-11-30T12:00:00Z", "version": 1}
    /// ```
    pub fn to_json(self) -> Map<String, Value> {
        let core = |name: &str| text(self.resource.get(name));
        let enterprise = self.resource.get(ENTERPRISE_USER);
        let enterprise = |name: &str| enterprise.and_then(|extension| extension.get(name));
        [
            ("id", json!(self.id)),
            ("user_name", json!(user_name(self.resource))),
            ("external_id", json!(external_id(self.resource))),
            ("active", json!(self.active)),
            ("email", json!(self.email())),
            ("name", self.name()),
            ("display_name", json!(display_name(self.resource))),
            ("title", core("title")),
            ("department", text(enterprise("department"))),
            ("manager_id", text(enterprise("manager").and_then(|manager| manager.get("value")))),
            ("locale", core("locale")),
            ("timezone", core("timezone")),
            ("license", json!(self.licence.as_str())),
            ("attributes", Value::Object(self.other_attributes())),
            ("created_at", json!(self.created)),
            ("updated_at", json!(self.last_modified)),
            ("version", json!(self.version)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// Returns the primary address, or a `userName` that is one.
    pub fn email(&self) -> Option<&str> {
        let user_name = || user_name(self.resource).filter(|name| name.contains('@'));
        primary_email(self.resource).filter(|email| !email.is_empty()).or_else(user_name)
    }

    fn name(self) -> Value {
        let name = self.resource.get("name");
        let part = |part: &str| text(name.and_then(|name| name.get(part)));
        json!({
            "formatted": part("formatted"),
            "given_name": part("givenName"),
            "family_name": part("familyName"),
            "middle_name": part("middleName"),
            "honorific_prefix": part("honorificPrefix"),
            "honorific_suffix": part("honorificSuffix"),
        })
    }

    fn other_attributes(self) -> Map<String, Value> {
        let mut others = Map::new();
        for (name, value) in self.resource {
            match name.as_str() {
                "schemas" | "userName" | "externalId" | "active" | "name" | "displayName"
                | "title" | "locale" | "timezone" | LICENCE_USER | LUCIDCHART_USER | LUCID_USER => {
                }
                // One address is `email`.
                "emails" if value.as_array().is_some_and(|emails| emails.len() < 2) => {}
                ENTERPRISE_USER => {
                    let rest = without(value, &["department", "manager"]);
                    if !rest.is_empty() {
                        others.insert(name.clone(), Value::Object(rest));
                    }
                }
                _ => {
                    others.insert(name.clone(), value.clone());
                }
            }
        }
        others
    }
}

impl Group<'_> {
    /// Renders the group, without its members.
    ///
    /// ```json
    /// {"id": "9f1b…", "display_name": "Engineers", "external_id": null,
    ///  "created_at": "2026-11-30T12:00:00Z", "updated_at": "2026-11-30T12:00:00Z", "version": 3}
    /// ```
    pub fn to_json(self) -> Map<String, Value> {
        [
            ("id", json!(self.id)),
            ("display_name", json!(display_name(self.resource))),
            ("external_id", json!(external_id(self.resource))),
            ("created_at", json!(self.created)),
            ("updated_at", json!(self.last_modified)),
            ("version", json!(self.version)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}

/// The value if it is a text that is not empty, else `null`.
fn text(value: Option<&Value>) -> Value {
    let text = value.and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map_or(Value::Null, Value::from)
}

fn without(value: &Value, names: &[&str]) -> Map<String, Value> {
    let members = value.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| !names.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(resource: Value) -> Map<String, Value> {
        let Value::Object(resource) = resource else { panic!("not an object") };
        User {
            id: "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap(),
            resource: &resource,
            active: true,
            licence: Licence::Full,
            created: Timestamp::UNIX_EPOCH,
            last_modified: Timestamp::UNIX_EPOCH,
            version: 3,
        }
        .to_json()
    }

    #[test]
    fn attributes_of_scim_become_columns_and_the_rest_is_kept() {
        let user = user(json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "ada@acme.com",
            "name": {"givenName": "Ada"},
            "emails": [{"value": "ada@acme.com", "primary": true}],
            "userType": "Employee",
            ENTERPRISE_USER: {"department": "Engines", "manager": {"value": "42"}, "costCenter": "7"},
            LICENCE_USER: {"license": "full"},
        }));
        assert_eq!(user["email"], "ada@acme.com");
        assert_eq!(user["name"]["given_name"], "Ada");
        assert_eq!(user["name"]["family_name"], Value::Null);
        assert_eq!(user["department"], "Engines");
        assert_eq!(user["manager_id"], "42");
        let rest = json!({"userType": "Employee", ENTERPRISE_USER: {"costCenter": "7"}});
        assert_eq!(user["attributes"], rest);
    }

    #[test]
    fn the_address_is_the_primary_one_or_else_the_user_name() {
        for (resource, expect) in [
            (
                json!({"userName": "a", "emails": [{"value": "b"}, {"value": "c", "primary": true}]}),
                json!("c"),
            ),
            (json!({"userName": "a@acme.com"}), json!("a@acme.com")),
            (json!({"userName": "a@acme.com", "emails": [{"value": ""}]}), json!("a@acme.com")),
            (json!({"userName": "a"}), Value::Null),
        ] {
            assert_eq!(user(resource.clone())["email"], expect, "{resource}");
        }
    }

    #[test]
    fn several_addresses_stay_visible() {
        let emails = json!([{"value": "a@acme.com"}, {"value": "b@acme.com"}]);
        let user = user(json!({"userName": "a", "emails": emails}));
        assert_eq!(user["attributes"]["emails"], emails);
    }
}
