//! Maps the attributes of an assertion to the identity and the profile of a person.
//!
//! Identity providers use several families of names for the same attribute: plain names (`email`,
//! `User.Email`), OIDs (`urn:oid:0.9.2342.19200300.100.1.3`), and claim URIs of AD FS and Entra.
//! Names are compared without case; `FriendlyName` is ignored. Unknown attributes stay in the
//! assertion and are ignored here (SAML implementation profile IIP-SP10, IIP-SP11).

use super::assertion::{Attribute, NameId};
use super::names::TRANSIENT;
use types::email_address::EmailAddress;

/// The attributes of a person, in SCIM terms.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Profile {
    /// A valid e-mail address, as received.
    pub email: Option<String>,
    /// `name.givenName`.
    pub given_name: Option<String>,
    /// `name.familyName`.
    pub family_name: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `title`.
    pub title: Option<String>,
    /// `department` of the enterprise extension.
    pub department: Option<String>,
    /// Names or ids of groups and roles.
    pub groups: Vec<String>,
}

/// Returns the profile of the person.
pub fn profile(name_id: Option<&NameId>, attributes: &[Attribute]) -> Profile {
    Profile {
        email: email(name_id, attributes),
        given_name: first(attributes, GIVEN_NAME),
        family_name: first(attributes, FAMILY_NAME),
        display_name: first(attributes, DISPLAY_NAME),
        title: first(attributes, TITLE),
        department: first(attributes, DEPARTMENT),
        groups: all(attributes, GROUPS),
    }
}

/// An attribute first, by falling quality of its name; then the `NameID`.
fn email(name_id: Option<&NameId>, attributes: &[Attribute]) -> Option<String> {
    let named = [EMAIL, PRINCIPAL_NAME].into_iter().flat_map(|names| all(attributes, names));
    let name_id = name_id.filter(|id| id.format.as_deref() != Some(TRANSIENT));
    named.chain(name_id.map(|id| id.value.clone())).find(|value| is_email(value))
}

/// Whether a text is an e-mail address.
fn is_email(text: &str) -> bool {
    EmailAddress::parse(text).is_ok()
}

/// The first value that is not blank, the names tried in order.
pub(crate) fn first(attributes: &[Attribute], names: &[&str]) -> Option<String> {
    all(attributes, names).into_iter().next()
}

/// Every value that is not blank; those of a better name first, none twice.
pub(crate) fn all(attributes: &[Attribute], names: &[&str]) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for name in names {
        for attribute in attributes.iter().filter(|a| a.name.trim().eq_ignore_ascii_case(name)) {
            for value in attribute.values.iter().map(|value| value.trim()) {
                if !value.is_empty() && known.insert(value) {
                    values.push(value.to_owned());
                }
            }
        }
    }
    values
}

pub(crate) const EMAIL: &[&str] = &[
    "email",
    "mail",
    "emailaddress",
    "email_address",
    "e-mail",
    "user.email",
    "user.mail",
    "user.emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "urn:oid:1.2.840.113549.1.9.1",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "http://schemas.xmlsoap.org/claims/emailaddress",
];
pub(crate) const PRINCIPAL_NAME: &[&str] = &[
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
    "eduPersonPrincipalName",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "user.userprincipalname",
    "userprincipalname",
    "upn",
];
const GIVEN_NAME: &[&str] = &[
    "givenname",
    "given_name",
    "firstname",
    "first_name",
    "user.firstname",
    "user.givenname",
    "urn:oid:2.5.4.42",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
];
const FAMILY_NAME: &[&str] = &[
    "sn",
    "surname",
    "familyname",
    "family_name",
    "lastname",
    "last_name",
    "user.lastname",
    "user.surname",
    "urn:oid:2.5.4.4",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
];
const DISPLAY_NAME: &[&str] = &[
    "displayname",
    "display_name",
    "user.displayname",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "http://schemas.xmlsoap.org/claims/commonname",
    "cn",
    "urn:oid:2.5.4.3",
    "name",
];
const TITLE: &[&str] = &[
    "title",
    "jobtitle",
    "user.title",
    "user.jobtitle",
    "urn:oid:2.5.4.12",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/title",
];
const DEPARTMENT: &[&str] = &[
    "department",
    "user.department",
    "urn:oid:2.16.840.1.113730.3.1.2",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/department",
];
const GROUPS: &[&str] = &[
    "groups",
    "group",
    "memberof",
    "user.groups",
    "user.memberof",
    "roles",
    "role",
    "user.roles",
    "user.role",
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
    "http://schemas.xmlsoap.org/claims/group",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::EMAIL_ADDRESS;

    fn name_id(value: &str, format: Option<&str>) -> NameId {
        NameId { value: value.to_owned(), format: format.map(str::to_owned) }
    }

    fn attributes(pairs: &[(&str, &str)]) -> Vec<Attribute> {
        let attribute = |&(name, value): &(&str, &str)| Attribute {
            name: name.to_owned(),
            name_format: None,
            values: value.split('|').map(str::to_owned).collect(),
        };
        pairs.iter().map(attribute).collect()
    }

    #[track_caller]
    fn check(pairs: &[(&str, &str)], expect: &str) {
        let p = profile(None, &attributes(pairs));
        let of = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let groups = p.groups.join("|");
        let shown = [of(p.email), of(p.given_name), of(p.family_name), of(p.display_name), groups];
        assert_eq!(shown.join(" "), expect);
    }

    #[test]
    fn every_family_of_names_is_mapped_without_case() {
        let expect = "ada@acme.com Ada Lovelace Ada-L g1|g2";
        check(
            &[
                ("email", "ada@acme.com"),
                ("firstName", "Ada"),
                ("LASTNAME", "Lovelace"),
                ("displayName", "Ada-L"),
                ("groups", "g1|g2"),
            ],
            expect,
        );
        check(
            &[
                ("User.Email", "ada@acme.com"),
                ("User.FirstName", "Ada"),
                ("user.LastName", "Lovelace"),
                ("User.DisplayName", "Ada-L"),
                ("memberOf", "g1|g2"),
            ],
            expect,
        );
        check(
            &[
                ("urn:oid:0.9.2342.19200300.100.1.3", "ada@acme.com"),
                ("urn:oid:2.5.4.42", "Ada"),
                ("urn:oid:2.5.4.4", "Lovelace"),
                ("urn:oid:2.16.840.1.113730.3.1.241", "Ada-L"),
                ("urn:oid:1.3.6.1.4.1.5923.1.5.1.1", "g1|g2"),
            ],
            expect,
        );
        check(
            &[
                (
                    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/EmailAddress",
                    "ada@acme.com",
                ),
                ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "Ada"),
                ("HTTP://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "Lovelace"),
                ("http://schemas.microsoft.com/identity/claims/displayname", "Ada-L"),
                ("http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", "g1|g2|g1"),
            ],
            expect,
        );
    }

    #[test]
    fn repeated_attributes_are_merged_and_blank_values_are_ignored() {
        check(&[("Role", "a"), ("Role", "b"), ("Role", " |a")], "- - - - a|b");
        check(&[("mail", " "), ("email", "not an address"), ("mail", "a@b.c")], "a@b.c - - - ");
    }

    #[test]
    fn the_address_falls_back_to_principal_name_and_name_id() {
        let of = |id: &NameId, pairs: &[(&str, &str)]| {
            profile(Some(id), &attributes(pairs)).email.unwrap_or_default()
        };
        let id = name_id("id@acme.com", Some(EMAIL_ADDRESS));
        assert_eq!(of(&id, &[("mail", "m@acme.com"), ("upn", "u@acme.com")]), "m@acme.com");
        assert_eq!(of(&id, &[("upn", "u@acme.com")]), "u@acme.com");
        assert_eq!(of(&id, &[]), "id@acme.com");
        assert_eq!(of(&name_id("id@acme.com", None), &[]), "id@acme.com");
        assert_eq!(of(&name_id("_9@idp.example", Some(TRANSIENT)), &[]), "");
    }
}
