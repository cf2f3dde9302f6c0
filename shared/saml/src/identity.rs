//! Reads from an assertion the identity of the person: stable identifiers, a name and addresses.
//!
//! An identifier is *stable* when the provider promises that it stays with the person. An address
//! is not: people are renamed, and addresses are given to others. Which user the person is decides
//! the sign-in; this module only reads and ranks.

use types::email_address::EmailAddress;

use super::assertion::{Attribute, NameId};
use super::attributes::{EMAIL, PRINCIPAL_NAME, all, first};
use super::error::SubjectError;
use super::names::{EMAIL_ADDRESS, TRANSIENT, UNSPECIFIED};

/// The identity of the person.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Identity {
    /// Stable identifiers, the best first.
    pub stable: Vec<SubjectId>,
    /// A `NameID` that is neither an address nor transient; it may be a `userName`.
    pub name: Option<String>,
    /// Addresses: the `NameID`, then those of the e-mail attribute, then the principal name.
    pub addresses: Vec<EmailAddress>,
}

/// One identifier of a person.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SubjectId {
    /// The claim that it comes from: the same text in another claim is another identity.
    pub source: SubjectSource,
    /// The directory that gave it, where one provider speaks for several: Entra's tenant id.
    pub qualifier: Option<String>,
    /// The identifier; compared byte for byte.
    pub value: String,
}

/// A claim that identifies a person, the best first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SubjectSource {
    /// The subject-id attribute (SAML subject identifier attributes §3).
    SubjectId,
    /// The pairwise-id attribute (§4).
    PairwiseId,
    /// Entra's object id, unique with the tenant id.
    ObjectId,
    /// A `NameID` that is not transient.
    NameId,
    /// The e-mail attribute.
    Email,
}

impl SubjectSource {
    /// The word on the wire and in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SubjectId => "subject_id",
            Self::PairwiseId => "pairwise_id",
            Self::ObjectId => "object_id",
            Self::NameId => "name_id",
            Self::Email => "email",
        }
    }
}

/// Reads what identifies the person.
///
/// # Errors
///
/// [`SubjectError`] when nothing does: no `NameID` and no stable attribute, or a transient
/// `NameID` and nothing else.
pub fn identify(
    name_id: Option<&NameId>,
    attributes: &[Attribute],
) -> Result<Identity, SubjectError> {
    if let Some(name_id) = name_id
        && (name_id.value.is_empty() || name_id.value.chars().count() > MAX_IDENTIFIER)
    {
        return Err(SubjectError::Length);
    }
    let is_transient = |id: &&NameId| id.format.as_deref() == Some(TRANSIENT);
    let lasting = name_id.filter(|id| !is_transient(id));
    let named = lasting.and_then(address_of);
    let opaque = lasting.filter(|_| named.is_none());
    let stable = stable(opaque, attributes);
    if stable.is_empty() && name_id.is_none() {
        // A name that people choose themselves must not decide alone.
        return Err(SubjectError::Missing);
    }
    let addresses = addresses(named, name_id.is_some_and(|id| is_transient(&id)), attributes)?;
    if stable.is_empty() && addresses.is_empty() {
        return Err(SubjectError::Transient);
    }
    Ok(Identity { stable, name: opaque.map(|id| id.value.clone()), addresses })
}

impl Identity {
    /// The identifier that decides; an address only when there is no stable one.
    pub fn best(&self) -> SubjectId {
        self.stable.first().cloned().unwrap_or_else(|| SubjectId {
            source: SubjectSource::Email,
            qualifier: None,
            value: self.addresses.first().map(ToString::to_string).unwrap_or_default(),
        })
    }
}

/// The address that a `NameID` is: one of format emailAddress, or of no particular format, that
/// parses as one. A persistent one that looks like an address stays opaque.
fn address_of(name_id: &NameId) -> Option<EmailAddress> {
    let may_be = matches!(name_id.format.as_deref(), None | Some(EMAIL_ADDRESS | UNSPECIFIED));
    may_be.then(|| EmailAddress::parse(&name_id.value).ok()).flatten()
}

fn stable(opaque: Option<&NameId>, attributes: &[Attribute]) -> Vec<SubjectId> {
    let attribute = |names: &[&str]| {
        first(attributes, names).filter(|value| value.chars().count() <= MAX_IDENTIFIER)
    };
    let id = |source, qualifier| move |value| SubjectId { source, qualifier, value };
    [
        attribute(SUBJECT_ID).map(id(SubjectSource::SubjectId, None)),
        attribute(PAIRWISE_ID).map(id(SubjectSource::PairwiseId, None)),
        attribute(OBJECT_ID).map(id(SubjectSource::ObjectId, attribute(TENANT_ID))),
        opaque.map(|name_id| name_id.value.clone()).map(id(SubjectSource::NameId, None)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn addresses(
    named: Option<EmailAddress>,
    principal_name_first: bool,
    attributes: &[Attribute],
) -> Result<Vec<EmailAddress>, SubjectError> {
    let (mail, principal) = (all(attributes, EMAIL), all(attributes, PRINCIPAL_NAME));
    if mail.len().saturating_add(principal.len()) > MAX_ADDRESSES {
        return Err(SubjectError::TooManyAddresses);
    }
    let texts = match (principal_name_first, mail.is_empty()) {
        (true, _) => [principal, mail].concat(),
        (false, false) => mail,
        (false, true) => principal,
    };
    let mut addresses: Vec<EmailAddress> = named.into_iter().collect();
    for address in texts.iter().filter_map(|text| EmailAddress::parse(text).ok()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// Longest identifier, in characters.
const MAX_IDENTIFIER: usize = 1024;

/// Values of e-mail and name attributes that are looked at; more are a mistake or an attack.
const MAX_ADDRESSES: usize = 20;

const SUBJECT_ID: &[&str] = &["urn:oasis:names:tc:SAML:attribute:subject-id"];
const PAIRWISE_ID: &[&str] = &["urn:oasis:names:tc:SAML:attribute:pairwise-id"];
const OBJECT_ID: &[&str] = &["http://schemas.microsoft.com/identity/claims/objectidentifier"];
const TENANT_ID: &[&str] = &["http://schemas.microsoft.com/identity/claims/tenantid"];

#[cfg(test)]
mod tests {
    use super::*;

    fn name_id(value: &str, format: Option<&str>) -> NameId {
        let format = format.map(str::to_owned);
        NameId { value: value.to_owned(), format, sp_name_qualifier: None }
    }

    #[track_caller]
    fn check(id: Option<&NameId>, pairs: &[(&str, &str)], expect: &str) {
        let attribute = |&(name, value): &(&str, &str)| Attribute {
            name: name.to_owned(),
            name_format: None,
            values: value.split('|').map(str::to_owned).collect(),
        };
        let attributes: Vec<Attribute> = pairs.iter().map(attribute).collect();
        let shown = match identify(id, &attributes) {
            Err(error) => format!("{error:?}"),
            Ok(identity) => {
                let stable: Vec<String> = identity
                    .stable
                    .iter()
                    .map(|id| {
                        let of = id.qualifier.as_ref().map(|of| format!("{of}/"));
                        format!("{} {}{}", id.source.as_str(), of.unwrap_or_default(), id.value)
                    })
                    .collect();
                let addresses: Vec<&str> =
                    identity.addresses.iter().map(EmailAddress::as_str).collect();
                format!("[{}] [{}]", stable.join(", "), addresses.join(", "))
            }
        };
        assert_eq!(shown, expect);
    }

    const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    const SUBJECT: (&str, &str) = ("urn:oasis:names:tc:SAML:attribute:subject-id", "s@acme.com");
    const OBJECT: (&str, &str) =
        ("http://schemas.microsoft.com/identity/claims/objectidentifier", "o1");
    const TENANT: (&str, &str) = ("http://schemas.microsoft.com/identity/claims/tenantid", "t1");
    const MAIL: (&str, &str) = ("mail", "m@acme.com");
    const UPN: (&str, &str) = ("upn", "u@acme.com");

    #[test]
    fn stable_identifiers_are_ranked() {
        let opaque = || Some(name_id("p1", Some(PERSISTENT)));
        check(
            opaque().as_ref(),
            &[OBJECT, MAIL, TENANT, SUBJECT],
            "[subject_id s@acme.com, object_id t1/o1, name_id p1] [m@acme.com]",
        );
        check(opaque().as_ref(), &[MAIL], "[name_id p1] [m@acme.com]");
        check(None, &[SUBJECT], "[subject_id s@acme.com] []");
        check(None, &[OBJECT], "[object_id o1] []");
    }

    #[test]
    fn a_name_id_that_is_an_address_is_not_stable() {
        for format in [None, Some(EMAIL_ADDRESS), Some(UNSPECIFIED)] {
            check(Some(&name_id("a@acme.com", format)), &[], "[] [a@acme.com]");
        }
        check(Some(&name_id("a@acme.com", Some(PERSISTENT))), &[], "[name_id a@acme.com] []");
        for odd in ["ceo@victim.com@evil.com", "ada", "a@acme.com,b@acme.com"] {
            check(Some(&name_id(odd, Some(EMAIL_ADDRESS))), &[], &format!("[name_id {odd}] []"));
        }
    }

    #[test]
    fn addresses_come_from_the_name_id_then_mail_then_the_principal_name() {
        let id = || Some(name_id("ada@x.onmicrosoft.com", None));
        check(id().as_ref(), &[UPN, MAIL], "[] [ada@x.onmicrosoft.com, m@acme.com]");
        check(id().as_ref(), &[UPN], "[] [ada@x.onmicrosoft.com, u@acme.com]");
        check(id().as_ref(), &[("mail", "odd"), UPN], "[] [ada@x.onmicrosoft.com]");
        check(
            id().as_ref(),
            &[("mail", "ADA@x.onmicrosoft.com|b@acme.com")],
            "[] [ada@x.onmicrosoft.com, b@acme.com]",
        );
    }

    #[test]
    fn a_transient_name_id_identifies_nobody() {
        let id = || Some(name_id("a@acme.com", Some(TRANSIENT)));
        check(id().as_ref(), &[SUBJECT], "[subject_id s@acme.com] []");
        check(id().as_ref(), &[MAIL, UPN], "[] [u@acme.com, m@acme.com]");
        check(id().as_ref(), &[MAIL], "[] [m@acme.com]");
        check(id().as_ref(), &[], "Transient");
    }

    #[test]
    fn nobody_is_identified_without_a_name_id_or_a_stable_attribute() {
        check(None, &[MAIL, UPN], "Missing");
        check(Some(&name_id("", None)), &[SUBJECT], "Length");
        check(Some(&name_id(&"x".repeat(1025), None)), &[], "Length");
        let many: Vec<String> = (0..21).map(|n| format!("a{n}@acme.com")).collect();
        check(Some(&name_id("x", None)), &[("mail", &many.join("|"))], "TooManyAddresses");
    }
}
