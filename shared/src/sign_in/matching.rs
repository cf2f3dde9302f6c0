//! Finds the user of a verified assertion: loads what [`super::decision`] needs, and writes what it
//! decides.
//!
//! Users are looked for in the connection's tenant only. The sign-in and `explain` take the same
//! way; `explain` writes nothing.

use futures_util::future::try_join_all;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::decision::{
    Asserted, Authority, Candidate, Candidates, Decision, LinkChange, Match, Refusal, decide,
};
use super::error::SignInError;
use super::new_user::new_user;
use crate::clock::random_uuid;
use crate::runtime::state::AppState;
use crate::secrets::SecretName;
use crate::store::{
    ConnectionAuthority, IdentityDigest, LinkOutcome, NewLink, StoreError, StoredUser, UserWrite,
};
use saml::checks::{CheckId, Checks};
use saml::connection::Connection;
use saml::error::{SamlError, UserError};
use saml::identity::{SubjectId, SubjectSource};
use saml::response::Assertion;
use scim::fold::fold;
use scim::resource;
use types::digest::{digest_of_parts, length_prefix};
use types::domain::Domain;
use types::email_address::EmailAddress;
use types::hex::hex;
use types::ids::ResourceId;

/// A verified assertion that is to be matched to a user.
pub(crate) struct Matching<'a> {
    /// The state of the process.
    pub(crate) app: &'a AppState,
    /// The connection.
    pub(crate) connection: &'a Connection,
    /// The authority of the connection.
    pub(crate) authority: &'a ConnectionAuthority,
    /// The assertion.
    pub(crate) assertion: &'a Assertion,
    /// Time of the request.
    pub(crate) now: Timestamp,
}

/// A user who signs in.
#[derive(Clone, Debug)]
pub(crate) struct MatchedUser {
    /// The user.
    pub(crate) user: StoredUser,
    /// The domains that the issuer may speak for at this moment.
    pub(crate) domains: Vec<Domain>,
}

/// The users and links that the lookups found.
struct Found {
    candidates: Candidates,
    users: Vec<StoredUser>,
    /// A user that the best identity is linked to and that no longer exists.
    gone: Option<ResourceId>,
    /// Digests of the stable identities, the best first.
    digests: Vec<IdentityDigest>,
    /// Users who have another identity at the issuer, with its digest.
    former: Vec<(ResourceId, String)>,
    /// The link is a row of version 0.1.0, to be replaced.
    is_legacy: bool,
}

impl Matching<'_> {
    /// Finds the user, or creates it if the connection allows that, and links the identity to it.
    /// Checks 22 to 24.
    ///
    /// With `dry_run` nothing is written. The result is `None` only then, and if the user would be
    /// created.
    pub(crate) async fn match_user(
        &self,
        dry_run: bool,
        checks: &mut Checks,
    ) -> Result<Option<MatchedUser>, SignInError> {
        let domains = self.domains();
        for _ in 0..ATTEMPTS {
            let (found, decision) = self.decide(&domains, checks).await?;
            let (user, link) = match decision {
                Decision::Refuse(refusal) => return Err(self.refused(&refusal).into()),
                Decision::Create { address } if dry_run => {
                    new_user(&address, self.assertion)?;
                    checks.pass(CheckId::UserState, "", "would be created");
                    return Ok(None);
                }
                Decision::Create { address } => match self.create(&address, checks).await? {
                    Some(user) => (user, LinkChange::Add),
                    // Another request has just taken the name: it may be the same person.
                    None => continue,
                },
                Decision::SignIn { user, link, .. } => match found.user(user) {
                    Some(user) => (user, link),
                    None => continue,
                },
            };
            let is_linked = dry_run || self.link(&found, &user, link).await?;
            if is_linked {
                return Ok(Some(MatchedUser { user, domains }));
            }
        }
        Err(StoreError::Contention.into())
    }

    /// The domains that the issuer of the assertion may speak for.
    fn domains(&self) -> Vec<Domain> {
        self.connection.domains_of_issuer(&self.assertion.issuer, &self.authority.domains)
    }

    async fn decide(
        &self,
        domains: &[Domain],
        checks: &mut Checks,
    ) -> Result<(Found, Decision), SignInError> {
        let authority = Authority { domains, may_create: self.connection.settings.jit };
        let asserted = self.asserted();
        let found = self.find(&asserted, &authority).await?;
        let decision = decide(&asserted, &authority, &found.candidates);
        let names: Vec<&str> = domains.iter().map(Domain::as_str).collect();
        if let Decision::SignIn { user, matched, .. } = &decision {
            let how = match matched {
                Match::Link => "known since an earlier sign-in",
                Match::ExternalId => "matched by externalId",
                Match::UserName => "matched by userName",
                Match::Address => "matched by the primary address",
            };
            checks.pass(CheckId::UserDomain, names.join(", "), how);
            checks.pass(CheckId::UserState, "active", "active");
            let licence = found.user(*user).map_or("", |user| user.licence.as_str());
            checks.pass(CheckId::UserLicence, "", licence);
        } else if let Decision::Create { .. } = &decision {
            checks.pass(CheckId::UserDomain, names.join(", "), "a domain of the connection");
        }
        Ok((found, decision))
    }

    fn asserted(&self) -> Asserted {
        let identity = &self.assertion.identity;
        let given_out = |id: &&SubjectId| id.source != SubjectSource::PairwiseId;
        let external_ids = identity.stable.iter().filter(given_out).map(|id| id.value.clone());
        Asserted {
            is_stable: !identity.stable.is_empty(),
            external_ids: external_ids.collect(),
            name: identity.name.clone(),
            addresses: identity.addresses.clone(),
        }
    }

    /// Loads the users who may be the person.
    async fn find(
        &self,
        asserted: &Asserted,
        authority: &Authority<'_>,
    ) -> Result<Found, SignInError> {
        let (store, tenant) = (&self.app.store, self.connection.tenant);
        let digests = self.digests().await?;
        let mut found = Found {
            candidates: Candidates::default(),
            users: Vec::new(),
            gone: None,
            digests,
            former: Vec::new(),
            is_legacy: false,
        };
        for (nth, digest) in found.digests.clone().iter().enumerate() {
            let Some(link) = store.linked_user(tenant, digest).await? else { continue };
            match store.user(tenant, link.user).await? {
                Some(user) => {
                    found.candidates.linked = Some(candidate(&user, false));
                    found.candidates.is_linked_by_lesser = nth > 0;
                    if nth > 0 && !link.is_legacy {
                        found.former.push((link.user, digest.keyed.clone()));
                    }
                    found.is_legacy = link.is_legacy;
                    found.users.push(user);
                    return Ok(found);
                }
                None if nth == 0 => found.gone = Some(link.user),
                None => {}
            }
        }
        self.look_up(asserted, authority, &mut found).await?;
        Ok(found)
    }

    async fn look_up(
        &self,
        asserted: &Asserted,
        authority: &Authority<'_>,
        found: &mut Found,
    ) -> Result<(), SignInError> {
        let (store, tenant) = (&self.app.store, self.connection.tenant);
        let deciding: Vec<String> =
            asserted.deciding(authority).take(MOST_DECIDING).map(|a| fold(a.as_str())).collect();
        let name = asserted.name.as_deref().filter(|_| !deciding.is_empty()).map(fold);
        let names: Vec<String> = name.into_iter().chain(deciding.iter().cloned()).collect();
        let (by_external_id, by_name, by_address) = tokio::try_join!(
            try_join_all(
                asserted.external_ids.iter().map(|id| store.users_by_external_id(tenant, id))
            ),
            try_join_all(names.iter().map(|name| store.user_by_user_name(tenant, name))),
            try_join_all(deciding.iter().map(|address| store.users_by_email(tenant, address))),
        )?;
        let users = by_external_id.into_iter().flatten();
        found.candidates.by_external_id = self.candidates(asserted, found, users).await?;
        let users = by_name.into_iter().flatten();
        found.candidates.by_user_name = self.candidates(asserted, found, users).await?;
        let users = by_address.into_iter().flatten();
        found.candidates.by_address = self.candidates(asserted, found, users).await?;
        Ok(())
    }

    /// The candidates of one lookup, each user once. What an earlier lookup has found is not read
    /// again.
    async fn candidates(
        &self,
        asserted: &Asserted,
        found: &mut Found,
        users: impl Iterator<Item = StoredUser>,
    ) -> Result<Vec<Candidate>, SignInError> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for user in users {
            let id = user.resource.id;
            if candidates.iter().any(|known| known.id == id) {
                continue;
            }
            let candidate = if let Some(known) = found.candidate(id) {
                known.clone()
            } else {
                let candidate = self.candidate(asserted, found, &user).await?;
                found.users.push(user);
                candidate
            };
            candidates.push(candidate);
        }
        Ok(candidates)
    }

    /// A candidate, with whether another stable identity of the issuer is linked to it.
    async fn candidate(
        &self,
        asserted: &Asserted,
        found: &mut Found,
        user: &StoredUser,
    ) -> Result<Candidate, SignInError> {
        if !asserted.is_stable {
            return Ok(candidate(user, false));
        }
        let (tenant, name) = (self.connection.tenant, &self.connection.domain);
        let (id, issuer) = (user.resource.id, &self.assertion.issuer);
        let linked = self.app.store.identity_of_user(tenant, id, name, issuer).await?;
        let best = found.digests.first().map(|digest| &digest.keyed);
        let other = linked.filter(|linked| Some(linked) != best);
        let has_other_link = other.is_some();
        found.former.extend(other.map(|other| (id, other)));
        Ok(candidate(user, has_other_link))
    }

    /// Creates the user through the same core as `POST /Users`. None when the name was taken in
    /// between.
    async fn create(
        &self,
        address: &EmailAddress,
        checks: &mut Checks,
    ) -> Result<Option<StoredUser>, SignInError> {
        let write = UserWrite::of(self.now, None, new_user(address, self.assertion)?);
        let id = ResourceId::new(random_uuid());
        match self.app.store.create_user(self.connection.tenant, id, &write).await {
            Ok(outcome) => {
                checks.pass(CheckId::UserState, "", "created at this sign-in");
                checks.pass(CheckId::UserLicence, "", outcome.user.licence.as_str());
                Ok(Some(outcome.user))
            }
            Err(StoreError::Conflict(_)) => Ok(None),
            Err(StoreError::NoSeat { seats }) => Err(SamlError::UserLicence { seats }.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the link, or notes its use. Returns `false` if another request has linked the
    /// identity or the user in between.
    async fn link(
        &self,
        found: &Found,
        user: &StoredUser,
        link: LinkChange,
    ) -> Result<bool, StoreError> {
        let (store, tenant, issuer) =
            (&self.app.store, self.connection.tenant, &self.assertion.issuer);
        let (connection, id) = (&self.connection.domain, user.resource.id);
        let identity = match (found.digests.first(), link) {
            (Some(identity), LinkChange::Add | LinkChange::Move) => identity,
            (Some(identity), LinkChange::Note) if found.is_legacy => identity,
            (digest, _) => {
                let digest = digest.map(|digest| digest.keyed.as_str());
                store.note_link_use(tenant, id, connection, issuer, digest, self.now).await?;
                return Ok(true);
            }
        };
        let new = NewLink {
            connection,
            issuer,
            identity,
            user: id,
            gone: found.gone,
            former: found.former(id),
            is_legacy: found.is_legacy,
            now: self.now,
        };
        let is_linked = store.link_user(tenant, &new).await? == LinkOutcome::Linked;
        if is_linked && link == LinkChange::Move {
            let detail = json!({"user": id, "connection": connection, "issuer": issuer});
            store.record_activity(tenant, self.now, ACTOR, "link.moved", detail).await?;
        }
        Ok(is_linked)
    }

    /// The digests that the stable identities are found by, the best first.
    async fn digests(&self) -> Result<Vec<IdentityDigest>, SignInError> {
        let Assertion { issuer, identity, .. } = self.assertion;
        if identity.stable.is_empty() {
            return Ok(Vec::new());
        }
        let secret = self.app.secrets.cached(SecretName::LinkKey, self.now).await;
        let secret = secret.map_err(SignInError::LinkKey)?.ok_or(SignInError::NoLinkKey)?;
        let key = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(secret.expose_secret())));
        let name = self.connection.domain.as_str();
        let digest = |id: &SubjectId| {
            let qualifier = id.qualifier.as_deref().unwrap_or_default();
            let parts = [name, issuer, id.source.as_str(), qualifier, &id.value];
            let legacy = match id.source {
                SubjectSource::NameId | SubjectSource::SubjectId | SubjectSource::PairwiseId => {
                    Some(digest_of_parts(&[name, issuer, id.source.as_str(), &id.value]))
                }
                SubjectSource::ObjectId | SubjectSource::Email => None,
            };
            Some(IdentityDigest { keyed: keyed_digest(&key, &parts)?, legacy })
        };
        Ok(identity.stable.iter().filter_map(digest).collect())
    }

    fn refused(&self, refusal: &Refusal) -> SamlError {
        match refusal {
            Refusal::AssertedDomain => {
                let addresses = &self.assertion.identity.addresses;
                let domain = addresses.first().map(|address| address.domain().to_string());
                SamlError::UserDomain { domain: domain.unwrap_or_default() }
            }
            Refusal::UserDomain => SamlError::UserState(UserError::OtherDomain),
            Refusal::Unknown => SamlError::UserState(UserError::Unknown),
            Refusal::NameTaken => SamlError::UserState(UserError::NameTaken),
            Refusal::Ambiguous => SamlError::UserState(UserError::Ambiguous),
            Refusal::Linked => SamlError::UserState(UserError::Linked),
            Refusal::Deactivated => SamlError::UserState(UserError::Deactivated),
        }
    }
}

impl Found {
    /// The candidate with this id that an earlier lookup has found.
    fn candidate(&self, id: ResourceId) -> Option<&Candidate> {
        let Candidates { by_external_id, by_user_name, by_address, .. } = &self.candidates;
        [by_external_id, by_user_name, by_address].into_iter().flatten().find(|user| user.id == id)
    }

    /// The digest of the other identity that this user has at the issuer.
    fn former(&self, user: ResourceId) -> Option<&str> {
        let known = self.former.iter().find(|(id, _)| *id == user);
        known.map(|(_, digest)| digest.as_str())
    }

    fn user(&self, id: ResourceId) -> Option<StoredUser> {
        self.users.iter().find(|user| user.resource.id == id).cloned()
    }
}

/// HMAC-SHA-256 over parts that cannot run into each other, in hexadecimal.
fn keyed_digest(key: &[u8; 32], parts: &[&str]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(&length_prefix(part));
        mac.update(part.as_bytes());
    }
    Some(hex(&mac.finalize().into_bytes()))
}

fn candidate(user: &StoredUser, has_other_link: bool) -> Candidate {
    let document: Map<String, Value> =
        serde_json::from_str(&user.resource.document).unwrap_or_default();
    Candidate {
        id: user.resource.id,
        user_name: resource::user_name(&document).unwrap_or_default().to_owned(),
        external_id: resource::external_id(&document).map(str::to_owned),
        primary_address: resource::primary_email(&document).map(str::to_owned),
        active: user.active,
        has_other_link,
    }
}

/// The actor of activities that a sign-in causes.
const ACTOR: &str = "identity_provider";

/// Looks again this often when others write the same user at the same time.
const ATTEMPTS: u32 = 4;

/// Addresses that are looked up; more in the connection's domains are a mistake.
const MOST_DECIDING: usize = 5;
