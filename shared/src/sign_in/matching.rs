//! Matches a verified assertion to a user: the linked one, one that SCIM created, or a new one.
//!
//! Invariants:
//! - Only users of the connection's tenant are looked at.
//! - A linked identity leads to its user and to no other, whatever address the assertion shows.
//! - A name or an address matches only at the first sign-in, only within the tenant's own
//!   domains, and never a user who has another identity at the same provider.

use jiff::Timestamp;

use super::error::SignInError;
use super::new_user::new_user;
use crate::clock::random_uuid;
use crate::runtime::state::AppState;
use crate::store::{Linked, StoreError, StoredUser, UserWrite};
use saml::attributes::SubjectSource;
use saml::checks::{CheckId, Checks};
use saml::connection::Connection;
use saml::error::{SamlError, UserError};
use saml::response::Assertion;
use scim::fold::fold;
use types::digest::digest_of_parts;
use types::domain::Domain;
use types::ids::ResourceId;

/// A verified assertion that is to be matched to a user.
pub(crate) struct Matching<'a> {
    /// The state of the process.
    pub(crate) app: &'a AppState,
    /// The connection at which the assertion was verified.
    pub(crate) connection: &'a Connection,
    /// The assertion.
    pub(crate) assertion: &'a Assertion,
    /// The time of the sign-in.
    pub(crate) now: Timestamp,
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
    ) -> Result<Option<StoredUser>, SignInError> {
        let (store, tenant) = (&self.app.store, self.connection.tenant);
        let identity = self.identity();
        for _ in 0..ATTEMPTS {
            let linked = store.linked_user(tenant, &identity).await?;
            if let Some(id) = linked
                && let Some(user) = store.user(tenant, id).await?
            {
                checks.pass(CheckId::UserDomain, "", "known since an earlier sign-in");
                return Ok(Some(check_active(user, checks)?));
            }
            let user = match self.find_unlinked(checks).await? {
                Some(user) => check_active(user, checks)?,
                None if dry_run => return self.check_creation(checks).map(|()| None),
                None => match self.create(checks).await? {
                    Some(user) => user,
                    // Another request has just taken the name: it may be the same person.
                    None => continue,
                },
            };
            if dry_run {
                return Ok(Some(user));
            }
            let (domain, id) = (&self.connection.domain, user.resource.id);
            match store.link_user(tenant, domain, &identity, id, linked).await? {
                Linked::Done => return Ok(Some(user)),
                Linked::UserTaken => return Err(SamlError::UserState(UserError::Linked).into()),
                Linked::IdentityTaken => {}
            }
        }
        Err(StoreError::Contention.into())
    }

    /// The key of the link: connection, provider, claim and value.
    fn identity(&self) -> String {
        let Assertion { issuer, subject, .. } = self.assertion;
        let domain = self.connection.domain.as_str();
        digest_of_parts(&[domain, issuer, subject.source.as_str(), &subject.value])
    }

    /// Finds the user that SCIM created: by `externalId`, which the directory itself gave out, or
    /// by `userName`.
    async fn find_unlinked(&self, checks: &mut Checks) -> Result<Option<StoredUser>, SignInError> {
        let (store, tenant) = (&self.app.store, self.connection.tenant);
        let Assertion { subject, profile, .. } = self.assertion;
        let is_stable = match subject.source {
            SubjectSource::NameId | SubjectSource::SubjectId | SubjectSource::PairwiseId => true,
            SubjectSource::PrincipalName | SubjectSource::Email => false,
        };
        if is_stable {
            let mut users = store.users_by_external_id(tenant, &subject.value).await?;
            // Several users with one externalId identify nobody.
            if let (Some(user), true) = (users.pop(), users.is_empty()) {
                checks.pass(CheckId::UserDomain, "", "matched by externalId");
                return Ok(Some(user));
            }
        }
        self.check_domain(checks).await?;
        let name = if subject.source == SubjectSource::PairwiseId { "" } else { &subject.value };
        let email = profile.email.as_deref().unwrap_or_default();
        for name in [name, email] {
            if let Some(user) = store.user_by_user_name(tenant, &fold(name)).await? {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    /// Check 22: every address that may match, or become a user, is in a domain of the tenant.
    async fn check_domain(&self, checks: &mut Checks) -> Result<(), SignInError> {
        let Assertion { subject, profile, .. } = self.assertion;
        let connections = self.app.store.connections(self.connection.tenant).await?;
        let own: Vec<&Domain> =
            connections.iter().map(|stored| &stored.connection.domain).collect();
        let name = Some(subject.value.as_str()).filter(|value| value.contains('@'));
        for address in profile.email.as_deref().into_iter().chain(name) {
            let domain = Domain::of_email(address);
            if !domain.as_ref().is_some_and(|domain| own.contains(&domain)) {
                let text = address.rsplit_once('@').map_or("", |(_, domain)| domain);
                let domain = saml::xml::truncate(text, 253);
                return Err(SamlError::UserDomain { domain }.into());
            }
        }
        let own: Vec<&str> = own.iter().map(|domain| domain.as_str()).collect();
        checks.pass(CheckId::UserDomain, own.join(", "), "a domain of the organisation");
        Ok(())
    }

    /// Creates the user as `POST /Users` does. `None` if another request took the name in between.
    async fn create(&self, checks: &mut Checks) -> Result<Option<StoredUser>, SignInError> {
        self.check_jit()?;
        let write = UserWrite::of(self.now, None, new_user(self.assertion)?);
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

    /// Check 23 for a user that would be created.
    fn check_creation(&self, checks: &mut Checks) -> Result<(), SignInError> {
        self.check_jit()?;
        new_user(self.assertion)?;
        checks.pass(CheckId::UserState, "", "would be created");
        Ok(())
    }

    fn check_jit(&self) -> Result<(), SamlError> {
        if self.connection.settings.jit {
            return Ok(());
        }
        Err(SamlError::UserState(UserError::Unknown))
    }
}

/// Checks 23 and 24 for a user that exists. Seats are counted when users are written, so an active
/// user signs in with the licence that it has.
fn check_active(user: StoredUser, checks: &mut Checks) -> Result<StoredUser, SamlError> {
    if !user.active {
        return Err(SamlError::UserState(UserError::Deactivated));
    }
    checks.pass(CheckId::UserState, "active", "active");
    checks.pass(CheckId::UserLicence, "", user.licence.as_str());
    Ok(user)
}

/// Attempts while other requests write the same user or link.
const ATTEMPTS: u32 = 4;
