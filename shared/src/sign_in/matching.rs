//! Finds the user of a verified assertion: loads what [`super::decision`] needs, and writes what it
//! decides.
//!
//! Users are looked for in the connection's tenant only. The sign-in and `explain` take the same
//! way; `explain` writes nothing. The lookups are in `lookups`.

mod lookups;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::asserted_user::{new_user, updated_user};
use super::decision::{
    Asserted, Authority, Candidate, Candidates, Decision, LinkChange, Lookup, Match, Refusal,
    decide,
};
use super::error::SignInError;
use crate::clock::random_uuid;
use crate::runtime::state::AppState;
use crate::secrets::SecretName;
use crate::store::{
    ConnectionAuthority, IdentityDigest, LinkKind, LinkOutcome, NewLink, StoreError, StoredUser,
    UserKeys, UserWrite,
};
use directory::event::{Actor, Origin, Source};
use saml::attributes::{AssertedGroups, asserted_groups};
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
    app: &'a AppState,
    /// The connection.
    connection: &'a Connection,
    /// The authority of the connection.
    authority: &'a ConnectionAuthority,
    /// The assertion.
    assertion: &'a Assertion,
    /// Time of the request.
    now: Timestamp,
    /// The groups that the assertion names.
    groups: AssertedGroups,
}

/// A user who signs in.
#[derive(Clone, Debug)]
pub(crate) struct MatchedUser {
    /// The user.
    pub(crate) user: StoredUser,
    /// The domains that the issuer may speak for at this moment.
    pub(crate) domains: Vec<Domain>,
    /// The kind of the link that found the user, if its use is not written yet.
    used_link: Option<LinkKind>,
}

/// The users and links that the lookups found.
struct Found {
    candidates: Candidates,
    /// Every candidate that was read, whichever lookup found it.
    loaded: Vec<Candidate>,
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

impl<'a> Matching<'a> {
    /// Prepares the matching of an assertion at this time.
    pub(crate) fn new(
        app: &'a AppState,
        connection: &'a Connection,
        authority: &'a ConnectionAuthority,
        assertion: &'a Assertion,
        now: Timestamp,
    ) -> Self {
        let name = connection.settings.group_attribute.as_deref();
        let groups = asserted_groups(&assertion.attributes, name);
        Self { app, connection, authority, assertion, now, groups }
    }

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
        self.record_omitted_groups(checks);
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
            let new_link = found.link_to_write(link);
            let used_link = new_link.is_none().then(|| found.kind());
            let is_linked = match new_link {
                Some(identity) if !dry_run => self.link(&found, &user, identity, link).await?,
                Some(_) | None => true,
            };
            if is_linked {
                return Ok(Some(MatchedUser { user, domains, used_link }));
            }
        }
        Err(StoreError::Contention.into())
    }

    /// The domains that the issuer of the assertion may speak for.
    fn domains(&self) -> Vec<Domain> {
        self.connection.domains_of_issuer(&self.assertion.issuer, &self.authority.domains)
    }

    /// Loads what the decision asks for until it is made.
    async fn decide(
        &self,
        domains: &[Domain],
        checks: &mut Checks,
    ) -> Result<(Found, Decision), SignInError> {
        let authority = Authority { domains, may_create: self.connection.settings.jit };
        let asserted = self.asserted();
        let mut found = Found::new(self.digests().await?);
        let decision = loop {
            match decide(&asserted, &authority, &found.candidates) {
                Err(lookup) => {
                    self.look_up(lookup, &asserted, &authority, &mut found).await?;
                }
                Ok(decision) => break decision,
            }
        };
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

    /// Creates the user through the same core as `POST /Users`. None when the name was taken in
    /// between.
    async fn create(
        &self,
        address: &EmailAddress,
        checks: &mut Checks,
    ) -> Result<Option<StoredUser>, SignInError> {
        let user = new_user(address, self.assertion)?;
        let write = UserWrite::of_sign_in(
            self.now,
            self.origin(Source::Jit),
            None,
            user,
            self.groups.names.clone(),
        );
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

    /// The origin of a change that this sign-in makes.
    fn origin(&self, source: Source) -> Origin {
        let name = self.connection.domain.to_string();
        Origin { source, actor: Actor::Connection { name } }
    }

    /// Writes the link. Returns `false` if another request has linked the identity or the user in
    /// between.
    async fn link(
        &self,
        found: &Found,
        user: &StoredUser,
        identity: &IdentityDigest,
        link: LinkChange,
    ) -> Result<bool, StoreError> {
        let (store, tenant, issuer) =
            (&self.app.store, self.connection.tenant, &self.assertion.issuer);
        let (connection, id) = (&self.connection.domain, user.resource.id);
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

    /// Notes that the link of a user was used. It decides nothing, so it need not be written before
    /// the sign-in goes on.
    pub(crate) async fn note_use(&self, matched: &MatchedUser) -> Result<(), SignInError> {
        let Some(kind) = matched.used_link else { return Ok(()) };
        let (store, tenant, now) = (&self.app.store, self.connection.tenant, self.now);
        let (name, issuer) = (&self.connection.domain, &self.assertion.issuer);
        let user = matched.user.resource.id;
        Ok(store.note_link_use(tenant, user, name, issuer, kind, now).await?)
    }

    /// Updates a user whom SCIM has not written: profile, address and groups become those that the
    /// assertion has. Another request that writes the user at the same time wins.
    pub(crate) async fn update_user(&self, matched: &MatchedUser) -> Result<(), SignInError> {
        let user = &matched.user;
        let Some(known_groups) = &user.sign_in_groups else { return Ok(()) };
        let before = document_of(user);
        let address = self.new_address(matched, &before).await?;
        let after = updated_user(&before, &self.assertion.profile, address);
        let groups = &self.groups.names;
        if after == before && groups == known_groups {
            return Ok(());
        }
        let write = UserWrite::of_sign_in(
            self.now,
            self.origin(Source::SignIn),
            Some((user, &before)),
            after,
            groups.clone(),
        );
        let (store, tenant) = (&self.app.store, self.connection.tenant);
        match store.replace_user(tenant, user, &UserKeys::of(&before), &write).await {
            Ok(_) | Err(StoreError::VersionMismatch | StoreError::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The asserted address, if the user does not have it as the primary one, the issuer may speak
    /// for its domain, and no other user has it.
    async fn new_address(
        &self,
        matched: &MatchedUser,
        before: &Map<String, Value>,
    ) -> Result<Option<&EmailAddress>, StoreError> {
        let mut asserted = self.assertion.identity.addresses.iter();
        let address = asserted.find(|address| matched.domains.contains(address.domain()));
        let Some(address) = address else { return Ok(None) };
        let folded = fold(address.as_str());
        if resource::primary_email(before).is_some_and(|known| fold(known) == folded) {
            return Ok(None);
        }
        let holders = self.app.store.users_by_email(self.connection.tenant, &folded).await?;
        let is_free = holders.iter().all(|holder| holder.resource.id == matched.user.resource.id);
        Ok(Some(address).filter(|_| is_free))
    }

    /// Warns in check 21 of groups that are not kept.
    fn record_omitted_groups(&self, checks: &mut Checks) {
        let AssertedGroups { names, omission } = &self.groups;
        if let Some(omission) = omission {
            let received = format!("{} groups kept", names.len());
            checks.warn(CheckId::Attributes, omission.advice(), received);
        }
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
    /// Nothing is found yet.
    fn new(digests: Vec<IdentityDigest>) -> Self {
        let not_looked_up = vec![Lookup::Links, Lookup::Names, Lookup::Addresses];
        Self {
            candidates: Candidates { not_looked_up, ..Candidates::default() },
            loaded: Vec::new(),
            users: Vec::new(),
            gone: None,
            digests,
            former: Vec::new(),
            is_legacy: false,
        }
    }

    /// The candidates with these ids, each once.
    fn candidates_of(&self, ids: &[ResourceId]) -> Vec<Candidate> {
        self.loaded.iter().filter(|user| ids.contains(&user.id)).cloned().collect()
    }

    /// The identity whose link a change writes; none when the link is only used.
    fn link_to_write(&self, link: LinkChange) -> Option<&IdentityDigest> {
        let is_written = match link {
            LinkChange::Add | LinkChange::Move => true,
            LinkChange::Note => self.is_legacy,
        };
        self.digests.first().filter(|_| is_written)
    }

    fn kind(&self) -> LinkKind {
        if self.digests.is_empty() { LinkKind::Address } else { LinkKind::Stable }
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

fn document_of(user: &StoredUser) -> Map<String, Value> {
    serde_json::from_str(&user.resource.document).unwrap_or_default()
}

fn candidate(user: &StoredUser, has_other_link: bool) -> Candidate {
    let document = document_of(user);
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
