//! Decides which user a verified assertion signs in. Pure: no I/O.
//!
//! The rules have the numbers of `docs/authority.md`:
//! - 7: a first match needs the user's own address, not only the asserted one, in a domain of the
//!   connection.
//! - 8: names and addresses are compared byte by byte, ASCII letter case aside.
//! - 10: of several asserted addresses, the first in a domain of the connection decides.
//! - 11: a stable identity is remembered by a link; an address is looked up anew each time.
//! - 13: a user with a link gets another one at the same issuer only if the directory says so.
//!
//! The sign-in and `explain` call the same [`decide`]; `super::matching` loads what it asks for.
//! A lookup that cannot change the outcome is not asked for.

use scim::fold::fold;
use types::domain::Domain;
use types::email_address::EmailAddress;
use types::ids::ResourceId;

/// The statements of an assertion that identify the person.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Asserted {
    /// Whether the identity is stable, so that a link remembers it. False for an address.
    pub is_stable: bool,
    /// Stable identifiers that the directory may have given us as `externalId`, the best first.
    pub external_ids: Vec<String>,
    /// A `NameID` that is not an address; it may be a `userName`.
    pub name: Option<String>,
    /// Asserted addresses: the `NameID`, then the e-mail attribute, then the principal name.
    pub addresses: Vec<EmailAddress>,
}

/// A user who may be the person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// SCIM `id`.
    pub id: ResourceId,
    /// SCIM `userName`.
    pub user_name: String,
    /// SCIM `externalId`.
    pub external_id: Option<String>,
    /// The value of the primary e-mail address.
    pub primary_address: Option<String>,
    /// SCIM `active`.
    pub active: bool,
    /// Whether a link of another stable identity at this issuer leads to this user.
    pub has_other_link: bool,
}

/// The users that the lookups of one sign-in found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Candidates {
    /// The user that a link leads to.
    pub linked: Option<Candidate>,
    /// The link is of another stable identity of the assertion than the best.
    pub is_linked_by_lesser: bool,
    /// Users with one of [`Asserted::external_ids`].
    pub by_external_id: Vec<Candidate>,
    /// Users whose folded `userName` equals that of a name or an address.
    pub by_user_name: Vec<Candidate>,
    /// Users with one of the addresses.
    pub by_address: Vec<Candidate>,
    /// Lookups that were not made yet; what they would find is missing above.
    pub not_looked_up: Vec<Lookup>,
}

/// A part of [`Candidates`] that is loaded at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lookup {
    /// [`Candidates::linked`].
    Links,
    /// [`Candidates::by_external_id`] and [`Candidates::by_user_name`].
    Names,
    /// [`Candidates::by_address`].
    Addresses,
}

/// The outcome for one assertion.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// This user signs in.
    SignIn {
        /// SCIM `id`.
        user: ResourceId,
        /// How the user was found.
        matched: Match,
        /// The change of the link of the identity.
        link: LinkChange,
    },
    /// Nobody matches and the address may become a new user (JIT).
    Create {
        /// The address that decides; `userName` of the new user.
        address: EmailAddress,
    },
    /// Nobody signs in.
    Refuse(Refusal),
}

/// How a user was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Match {
    /// By the link of an earlier sign-in.
    Link,
    /// By `externalId`.
    ExternalId,
    /// By `userName`.
    UserName,
    /// By the primary e-mail address.
    Address,
}

/// A change of the link of an identity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkChange {
    /// The link exists or the identity has none that counts: note its use.
    Note,
    /// Link the identity to the user.
    Add,
    /// Link the identity to the user in place of the user's former identity at this issuer.
    Move,
}

/// The reason why nobody signs in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// No asserted address is in a domain that the connection speaks for.
    AssertedDomain,
    /// The matched user has no name or address in a domain that the connection speaks for.
    UserDomain,
    /// No user matches and JIT is off.
    Unknown,
    /// Nobody matches, and a user whose name only looks the same keeps JIT from creating one.
    NameTaken,
    /// Several users have the address, or the identifier of the directory.
    Ambiguous,
    /// Another identity of this issuer is linked to the user.
    Linked,
    /// The user is deactivated.
    Deactivated,
}

/// The domains that the issuer may speak for, and whether it may create users.
#[derive(Clone, Copy, Debug)]
pub struct Authority<'a> {
    /// Verified domains of the connection; of a federation, those of the member alone.
    pub domains: &'a [Domain],
    /// JIT provisioning is on.
    pub may_create: bool,
}

impl Authority<'_> {
    /// Whether the connection speaks for the domain of `address`.
    pub fn covers(&self, address: &EmailAddress) -> bool {
        self.domains.contains(address.domain())
    }

    /// Whether the connection speaks for a user with this `userName` and primary address (rule 7).
    pub fn covers_user(&self, user_name: &str, primary_address: Option<&str>) -> bool {
        let mut texts = [Some(user_name), primary_address].into_iter().flatten();
        texts.any(|text| EmailAddress::parse(text).is_ok_and(|address| self.covers(&address)))
    }
}

impl Asserted {
    /// The addresses that may decide, the best first (rule 10).
    pub fn deciding<'a>(
        &'a self,
        authority: &'a Authority<'_>,
    ) -> impl Iterator<Item = &'a EmailAddress> {
        self.addresses.iter().filter(|address| authority.covers(address))
    }
}

impl Candidates {
    /// Fails unless a lookup was made.
    fn after(&self, lookup: Lookup) -> Result<&Self, Stop> {
        if self.not_looked_up.contains(&lookup) { Err(Stop::LookUp(lookup)) } else { Ok(self) }
    }
}

/// The reason why the search for the user ends without one.
enum Stop {
    Refuse(Refusal),
    LookUp(Lookup),
}

/// Decides who signs in.
///
/// # Errors
///
/// The lookup that the outcome depends on and that was not made yet.
pub fn decide(
    asserted: &Asserted,
    authority: &Authority<'_>,
    found: &Candidates,
) -> Result<Decision, Lookup> {
    match find(asserted, authority, found) {
        Ok(Some((user, matched))) => Ok(admit(asserted, authority, found, user, matched)),
        Ok(None) => Ok(create_or_refuse(asserted, authority, found)),
        Err(Stop::Refuse(refusal)) => Ok(Decision::Refuse(refusal)),
        Err(Stop::LookUp(lookup)) => Err(lookup),
    }
}

/// The user who matches best.
fn find<'c>(
    asserted: &Asserted,
    authority: &Authority<'_>,
    found: &'c Candidates,
) -> Result<Option<(&'c Candidate, Match)>, Stop> {
    if asserted.is_stable
        && let Some(user) = &found.after(Lookup::Links)?.linked
    {
        return Ok(Some((user, Match::Link)));
    }
    let mut deciding = asserted.deciding(authority).peekable();
    if !asserted.external_ids.is_empty() || deciding.peek().is_some() {
        found.after(Lookup::Names)?;
    }
    for id in &asserted.external_ids {
        let mut users = found.by_external_id.iter().filter(|user| has_external_id(user, id));
        // Several users with one externalId identify nobody.
        if let (Some(user), None) = (users.next(), users.next()) {
            return Ok(Some((user, Match::ExternalId)));
        }
    }
    // A name by itself says nothing about a domain (rule 7).
    if let (Some(name), Some(_)) = (&asserted.name, deciding.peek())
        && let Some(user) =
            found.by_user_name.iter().find(|user| user.user_name.eq_ignore_ascii_case(name))
    {
        return Ok(Some((user, Match::UserName)));
    }
    for address in deciding {
        if let Some(user) = found.by_user_name.iter().find(|user| address.matches(&user.user_name))
        {
            return Ok(Some((user, Match::UserName)));
        }
        let is_primary = |user: &&Candidate| {
            user.primary_address.as_deref().is_some_and(|primary| address.matches(primary))
        };
        let mut users = found.after(Lookup::Addresses)?.by_address.iter().filter(is_primary);
        match (users.next(), users.next()) {
            (Some(user), None) => return Ok(Some((user, Match::Address))),
            (Some(_), Some(_)) => return Err(Stop::Refuse(Refusal::Ambiguous)),
            (None, _) => {}
        }
    }
    Ok(None)
}

/// Checks the user who was found.
fn admit(
    asserted: &Asserted,
    authority: &Authority<'_>,
    found: &Candidates,
    user: &Candidate,
    matched: Match,
) -> Decision {
    if !authority.covers_user(&user.user_name, user.primary_address.as_deref()) {
        return Decision::Refuse(Refusal::UserDomain);
    }
    let is_named_by_directory = asserted.external_ids.iter().any(|id| has_external_id(user, id));
    let link = match matched {
        // The assertion proves both identities at once.
        Match::Link if found.is_linked_by_lesser => LinkChange::Move,
        Match::Link => LinkChange::Note,
        Match::ExternalId | Match::UserName | Match::Address => {
            match (asserted.is_stable, user.has_other_link, is_named_by_directory) {
                (false, _, _) => LinkChange::Note,
                (true, false, _) => LinkChange::Add,
                (true, true, true) => LinkChange::Move,
                (true, true, false) => return Decision::Refuse(Refusal::Linked),
            }
        }
    };
    if user.active {
        Decision::SignIn { user: user.id, matched, link }
    } else {
        Decision::Refuse(Refusal::Deactivated)
    }
}

fn create_or_refuse(
    asserted: &Asserted,
    authority: &Authority<'_>,
    found: &Candidates,
) -> Decision {
    let Some(address) = asserted.deciding(authority).next() else {
        return Decision::Refuse(Refusal::AssertedDomain);
    };
    // A name is unique in its folded form, which does not match.
    let folded = fold(address.as_str());
    let is_taken = found.by_user_name.iter().any(|user| fold(&user.user_name) == folded);
    let has_identifier =
        |user: &Candidate| asserted.external_ids.iter().any(|id| has_external_id(user, id));
    match (authority.may_create, is_taken) {
        // Several users have it, and one of them may be the person: they have an account.
        (false, _) if found.by_external_id.iter().any(has_identifier) => {
            Decision::Refuse(Refusal::Ambiguous)
        }
        (false, _) => Decision::Refuse(Refusal::Unknown),
        (true, true) => Decision::Refuse(Refusal::NameTaken),
        (true, false) => Decision::Create { address: address.clone() },
    }
}

fn has_external_id(user: &Candidate, id: &str) -> bool {
    user.external_id.as_deref() == Some(id)
}

#[cfg(test)]
mod tests;
