//! From a verified assertion to a user: the one it is linked to, the one that SCIM put here, or a
//! new one.
//!
//! Invariants:
//! - A user is looked for in the connection's tenant only.
//! - An identity that is linked leads to its user and to nobody else, whatever address it shows.
//! - A name or an address matches only at the first sign-in, only within the tenant's own
//!   domains, and never a user who is another identity of the same provider already.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::random_uuid;
use crate::runtime::state::AppState;
use crate::store::{Linked, StoreError, StoredUser, UserWrite};
use saml::attributes::{Profile, SubjectSource};
use saml::checks::{CheckId, Checks};
use saml::connection::Connection;
use saml::error::{SamlError, UserError};
use saml::response::Assertion;
use scim::fold::fold;
use scim::mode::Mode;
use scim::normalize::normalize;
use scim::schema::ResourceType;
use types::digest::digest_of_parts;
use types::domain::Domain;
use types::ids::ResourceId;

/// Why there is no user to sign in.
#[derive(Debug)]
pub(super) enum NoUser {
    /// A check failed.
    Refused(SamlError),
    /// The table did not answer.
    Store(StoreError),
}

impl From<SamlError> for NoUser {
    fn from(error: SamlError) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for NoUser {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// One verified person at one connection.
pub(super) struct Arrival<'a> {
    pub(super) app: &'a AppState,
    pub(super) connection: &'a Connection,
    pub(super) assertion: &'a Assertion,
    pub(super) now: Timestamp,
}

impl Arrival<'_> {
    /// The user who signs in; linked, and created if need be.
    pub(super) async fn user(&self, checks: &mut Checks) -> Result<StoredUser, NoUser> {
        let (tenant, identity) = (self.connection.tenant, self.identity());
        for _ in 0..ATTEMPTS {
            let linked = self.app.store.linked_user(tenant, &identity).await?;
            if let Some(id) = linked
                && let Some(user) = self.app.store.user(tenant, id).await?
            {
                checks.pass(CheckId::UserDomain, "", "known since an earlier sign-in");
                return admitted(user, checks).map_err(NoUser::from);
            }
            let user = match self.known(checks).await? {
                Some(user) => admitted(user, checks)?,
                None => match self.create(checks).await? {
                    Some(user) => user,
                    // Somebody has just taken the name: it may be the very same person.
                    None => continue,
                },
            };
            let domain = &self.connection.domain;
            match self
                .app
                .store
                .link_user(tenant, domain, &identity, user.resource.id, linked)
                .await?
            {
                Linked::Done => return Ok(user),
                Linked::UserTaken => return Err(SamlError::UserState(UserError::Linked).into()),
                Linked::IdentityTaken => {}
            }
        }
        Err(StoreError::Contention.into())
    }

    /// The user who would sign in; nothing is written.
    pub(super) async fn rehearse(&self, checks: &mut Checks) -> Result<(), NoUser> {
        let (tenant, identity) = (self.connection.tenant, self.identity());
        let linked = match self.app.store.linked_user(tenant, &identity).await? {
            Some(id) => self.app.store.user(tenant, id).await?,
            None => None,
        };
        let user = match linked {
            Some(user) => Some(user),
            None => self.known(checks).await?,
        };
        match user {
            Some(user) => admitted(user, checks).map(drop).map_err(NoUser::from),
            None if self.connection.settings.jit => {
                self.new_user()?;
                checks.pass(CheckId::UserState, "", "would be created");
                Ok(())
            }
            None => Err(SamlError::UserState(UserError::Unknown).into()),
        }
    }

    /// What the link is found by: connection, provider, claim and value, none of which can run
    /// into the next.
    fn identity(&self) -> String {
        let Assertion { issuer, subject, .. } = self.assertion;
        let domain = self.connection.domain.as_str();
        digest_of_parts(&[domain, issuer, subject.source.as_str(), &subject.value])
    }

    /// The user whom SCIM put here: by `externalId`, which the directory itself gave out, or by
    /// `userName`.
    async fn known(&self, checks: &mut Checks) -> Result<Option<StoredUser>, NoUser> {
        let (store, tenant) = (&self.app.store, self.connection.tenant);
        let Assertion { subject, profile, .. } = self.assertion;
        let stable = match subject.source {
            SubjectSource::NameId | SubjectSource::SubjectId | SubjectSource::PairwiseId => true,
            SubjectSource::PrincipalName | SubjectSource::Email => false,
        };
        if stable {
            let mut users = store.users_by_external_id(tenant, &subject.value).await?;
            // Several users with one externalId name nobody.
            if let (Some(user), true) = (users.pop(), users.is_empty()) {
                checks.pass(CheckId::UserDomain, "", "matched by externalId");
                return Ok(Some(user));
            }
        }
        self.check_domain(checks).await?;
        let named = if subject.source == SubjectSource::PairwiseId { "" } else { &subject.value };
        let email = profile.email.as_deref().unwrap_or_default();
        for name in [named, email] {
            if let Some(user) = store.user_by_user_name(tenant, &fold(name)).await? {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    /// Check 22: every address that may match, or become a user, is in a domain of the tenant.
    async fn check_domain(&self, checks: &mut Checks) -> Result<(), NoUser> {
        let Assertion { subject, profile, .. } = self.assertion;
        let connections = self.app.store.connections(self.connection.tenant).await?;
        let own: Vec<&Domain> =
            connections.iter().map(|stored| &stored.connection.domain).collect();
        let name = Some(subject.value.as_str()).filter(|value| value.contains('@'));
        for address in profile.email.as_deref().into_iter().chain(name) {
            let domain = Domain::of_email(address);
            if !domain.as_ref().is_some_and(|domain| own.contains(&domain)) {
                let text = address.rsplit_once('@').map_or("", |(_, domain)| domain);
                let domain = saml::xml::clipped(text, 253);
                return Err(SamlError::UserDomain { domain }.into());
            }
        }
        let own: Vec<&str> = own.iter().map(|domain| domain.as_str()).collect();
        checks.pass(CheckId::UserDomain, own.join(", "), "a domain of the organisation");
        Ok(())
    }

    /// Creates the user through the same core as `POST /Users`. None when the name was taken in
    /// between.
    async fn create(&self, checks: &mut Checks) -> Result<Option<StoredUser>, NoUser> {
        if !self.connection.settings.jit {
            return Err(SamlError::UserState(UserError::Unknown).into());
        }
        let document = self.new_user()?;
        let write = UserWrite::of(self.now, None, document);
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

    fn new_user(&self) -> Result<Map<String, Value>, SamlError> {
        let missing = || SamlError::Attributes {
            missing: "e-mail address",
            received: self.assertion.attributes.iter().map(|known| known.name.clone()).collect(),
        };
        let document = document(&self.assertion.profile).ok_or_else(missing)?;
        // The error would quote the profile; what is missing is an address that SCIM takes.
        normalize(ResourceType::user(), document, Mode::Lenient).map_err(|_| missing())
    }
}

/// Checks 23 and 24 for a user who exists. Seats are counted when users are written, so whoever
/// is active signs in, with the licence that they have.
fn admitted(user: StoredUser, checks: &mut Checks) -> Result<StoredUser, SamlError> {
    if !user.active {
        return Err(SamlError::UserState(UserError::Deactivated));
    }
    checks.pass(CheckId::UserState, "active", "active");
    checks.pass(CheckId::UserLicence, "", user.licence.as_str());
    Ok(user)
}

/// The SCIM user that a profile makes; none without an address to name it by.
fn document(profile: &Profile) -> Option<Value> {
    let email = profile.email.as_deref()?;
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

/// Looks again this often when others write the same user at the same time.
const ATTEMPTS: u32 = 4;
