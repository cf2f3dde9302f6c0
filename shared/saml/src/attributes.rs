//! Maps the attributes of an assertion to the identity and the profile of a person.
//!
//! Identity providers use several families of names for the same attribute: plain names (`email`,
//! `User.Email`), OIDs (`urn:oid:0.9.2342.19200300.100.1.3`), URNs of SAML 1.1
//! (`urn:mace:dir:attribute-def:mail`), and claim URIs of AD FS and Entra. Names are compared without
//! case; `FriendlyName` is ignored. Unknown attributes stay in the
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
}

/// The groups and roles that an assertion names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AssertedGroups {
    /// Names or ids, none twice: at most [`MAX_GROUPS`] of [`MAX_GROUP_CHARS`] characters, together
    /// at most [`MAX_GROUP_BYTES`].
    pub names: Vec<String>,
    /// Why there may be more.
    pub omission: Option<GroupOmission>,
}

/// The reason why [`AssertedGroups::names`] are not all groups of the person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GroupOmission {
    /// More or longer names than are kept.
    Limit,
    /// Entra sends a link instead of more than 150 groups.
    Link,
}

impl GroupOmission {
    /// The advice for the administrator.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Limit => {
                "at most 1000 groups of 256 characters, together 64 KiB; the others are ignored"
            }
            Self::Link => {
                "groups, not a link to them: let Entra send only the groups assigned to the app"
            }
        }
    }
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
    }
}

/// Returns the groups: the values of the attribute `name`, or of those that usually hold groups.
pub fn asserted_groups(attributes: &[Attribute], name: Option<&str>) -> AssertedGroups {
    let all = match name {
        Some(name) => all(attributes, &[name]),
        None => all(attributes, GROUPS),
    };
    let count = all.len();
    let mut bytes = 0_usize;
    let mut fits = |group: &String| {
        bytes = bytes.saturating_add(group.len());
        group.chars().count() <= MAX_GROUP_CHARS && bytes <= MAX_GROUP_BYTES
    };
    let names: Vec<String> = all.into_iter().filter(&mut fits).take(MAX_GROUPS).collect();
    let is_cut = names.len() < count;
    let has_link = attributes.iter().any(|a| is_named(a, GROUPS_LINK));
    let omission = match (is_cut, has_link) {
        (true, _) => Some(GroupOmission::Limit),
        (false, true) => Some(GroupOmission::Link),
        (false, false) => None,
    };
    AssertedGroups { names, omission }
}

/// Most groups of one person.
pub const MAX_GROUPS: usize = 1_000;

/// Most characters of the name of a group.
pub const MAX_GROUP_CHARS: usize = 256;

/// Most bytes of all groups of one person: what a row can hold beside the user.
pub const MAX_GROUP_BYTES: usize = 64 * 1024;

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
        for attribute in attributes.iter().filter(|attribute| is_named(attribute, name)) {
            for value in attribute.values.iter().map(|value| value.trim()) {
                if !value.is_empty() && known.insert(value) {
                    values.push(value.to_owned());
                }
            }
        }
    }
    values
}

/// Whether an attribute has this name, or its URN of SAML 1.1.
fn is_named(attribute: &Attribute, name: &str) -> bool {
    let received = attribute.name.trim();
    let is_urn = || {
        let parts = received.split_at_checked(MACE.len());
        parts.is_some_and(|(prefix, rest)| {
            prefix.eq_ignore_ascii_case(MACE) && rest.eq_ignore_ascii_case(name)
        })
    };
    received.eq_ignore_ascii_case(name)
        || (received.len() == MACE.len().saturating_add(name.len()) && is_urn())
}

/// The start of the names of the MACE directory attribute profile, as SAML 1.1 used them.
const MACE: &str = "urn:mace:dir:attribute-def:";

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
    "ismemberof",
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
    "edupersonaffiliation",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.1",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
    "http://schemas.xmlsoap.org/claims/group",
];

/// Entra's link to the groups of a person who has too many.
const GROUPS_LINK: &str = "http://schemas.microsoft.com/claims/groups.link";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::EMAIL_ADDRESS;

    fn name_id(value: &str, format: Option<&str>) -> NameId {
        let format = format.map(str::to_owned);
        NameId { value: value.to_owned(), format, sp_name_qualifier: None }
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
        let groups = asserted_groups(&attributes(pairs), None).names.join("|");
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
    fn names_of_saml_1_are_those_after_their_prefix() {
        check(
            &[
                ("urn:mace:dir:attribute-def:mail", "ada@acme.com"),
                ("urn:mace:dir:attribute-def:givenName", "Ada"),
                ("URN:MACE:dir:attribute-def:sn", "Lovelace"),
                ("urn:mace:dir:attribute-def:displayName", "Ada-L"),
                ("urn:mace:dir:attribute-def:eduPersonAffiliation", "staff"),
                ("urn:mace:dir:attribute-def:isMemberOf", "g1"),
            ],
            "ada@acme.com Ada Lovelace Ada-L g1|staff",
        );
        check(&[("urn:mace:dir:attribute-def:eduPersonPrincipalName", "a@b.c")], "a@b.c - - - ");
        check(&[("urn:mace:dir:other:mail", "ada@acme.com")], "- - - - ");
    }

    #[test]
    fn a_chosen_attribute_alone_holds_the_groups() {
        let received = attributes(&[("groups", "g1"), ("urn:acme:teams", "t1|t2")]);
        assert_eq!(asserted_groups(&received, Some("URN:acme:teams")).names, ["t1", "t2"]);
        assert_eq!(asserted_groups(&received, None).names, ["g1"]);
        assert!(asserted_groups(&received, Some("absent")).names.is_empty());
    }

    #[test]
    fn groups_over_the_limits_and_a_link_of_entra_are_told() {
        let of = |pairs: &[(&str, &str)]| asserted_groups(&attributes(pairs), None);
        let many: Vec<String> = (0..=MAX_GROUPS).map(|number| format!("g{number}")).collect();
        let cut = of(&[("groups", &many.join("|"))]);
        assert_eq!((cut.names.len(), cut.omission), (MAX_GROUPS, Some(GroupOmission::Limit)));
        let (longest, longer) = ("é".repeat(MAX_GROUP_CHARS), "é".repeat(MAX_GROUP_CHARS + 1));
        assert_eq!(of(&[("groups", &longest)]).names, [longest]);
        assert_eq!(of(&[("groups", &longer)]).omission, Some(GroupOmission::Limit));
        let link = of(&[("http://schemas.microsoft.com/claims/groups.link", "https://graph")]);
        assert_eq!((link.names.len(), link.omission), (0, Some(GroupOmission::Link)));
        assert_eq!(of(&[("groups", "g1")]).omission, None);
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
