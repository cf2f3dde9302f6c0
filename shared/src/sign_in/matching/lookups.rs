//! Loads the users and links that a decision asks for. What one lookup has read, no other reads
//! again.

use futures_util::future::try_join_all;

use super::{Found, Matching, candidate};
use crate::sign_in::decision::{Asserted, Authority, Lookup};
use crate::sign_in::error::SignInError;
use crate::store::LinkedUser;
use scim::fold::fold;
use types::email_address::EmailAddress;
use types::ids::ResourceId;

impl Matching<'_> {
    /// Loads a part of the users who may be the person.
    pub(super) async fn look_up(
        &self,
        lookup: Lookup,
        asserted: &Asserted,
        authority: &Authority<'_>,
        found: &mut Found,
    ) -> Result<(), SignInError> {
        match lookup {
            Lookup::Links => self.look_up_links(found).await?,
            Lookup::Names => self.look_up_names(asserted, authority, found).await?,
            Lookup::Addresses => self.look_up_addresses(asserted, authority, found).await?,
        }
        found.candidates.not_looked_up.retain(|other| *other != lookup);
        Ok(())
    }

    async fn look_up_links(&self, found: &mut Found) -> Result<(), SignInError> {
        let (store, tenant) = (&self.app.store, self.connection.tenant);
        let Some(best) = found.digests.first() else { return Ok(()) };
        if let Some(link) = store.linked_user(tenant, best).await?
            && self.follow(link, found).await?
        {
            return Ok(());
        }
        for link in store.other_linked_users(tenant, &found.digests).await? {
            if self.follow(link, found).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads the user of a link. Returns `false` if the user was deleted.
    async fn follow(&self, link: LinkedUser, found: &mut Found) -> Result<bool, SignInError> {
        let is_lesser = link.identity > 0;
        let Some(user) = self.app.store.user(self.connection.tenant, link.user).await? else {
            found.gone = found.gone.or(Some(link.user).filter(|_| !is_lesser));
            return Ok(false);
        };
        found.candidates.linked = Some(candidate(&user, false));
        found.candidates.is_linked_by_lesser = is_lesser;
        found.is_legacy = link.is_legacy;
        if let Some(digest) = found.digests.get(link.identity)
            && is_lesser
            && !link.is_legacy
        {
            found.former.push((link.user, digest.keyed.clone()));
        }
        found.users.push(user);
        Ok(true)
    }

    async fn look_up_names(
        &self,
        asserted: &Asserted,
        authority: &Authority<'_>,
        found: &mut Found,
    ) -> Result<(), SignInError> {
        let (store, tenant) = (&self.app.store, self.connection.tenant);
        let deciding: Vec<&EmailAddress> = deciding(asserted, authority).collect();
        let name = asserted.name.clone().filter(|_| !deciding.is_empty());
        let names = name.into_iter().chain(deciding.into_iter().flat_map(EmailAddress::spellings));
        let names = folded(names);
        let external_ids = asserted.external_ids.iter();
        let (by_external_id, by_name) = tokio::try_join!(
            try_join_all(external_ids.map(|id| store.ids_of_external_id(tenant, id))),
            store.ids_of_user_names(tenant, &names),
        )?;
        let by_external_id = by_external_id.concat();
        let all = [by_external_id.as_slice(), by_name.as_slice()].concat();
        self.load(asserted, &all, found).await?;
        found.candidates.by_external_id = found.candidates_of(&by_external_id);
        found.candidates.by_user_name = found.candidates_of(&by_name);
        Ok(())
    }

    async fn look_up_addresses(
        &self,
        asserted: &Asserted,
        authority: &Authority<'_>,
        found: &mut Found,
    ) -> Result<(), SignInError> {
        let (store, tenant) = (&self.app.store, self.connection.tenant);
        let addresses = folded(deciding(asserted, authority).flat_map(EmailAddress::spellings));
        let ids = addresses.iter().map(|address| store.ids_of_email(tenant, address));
        let mut ids = try_join_all(ids).await?.concat();
        // An address that is the folded `userName` has no row of its own.
        ids.extend(found.candidates.by_user_name.iter().map(|user| user.id));
        self.load(asserted, &ids, found).await?;
        found.candidates.by_address = found.candidates_of(&ids);
        Ok(())
    }

    /// Reads the users with these ids, each with whether another stable identity of the issuer is
    /// linked to it. A user that an earlier lookup has read is not read again.
    async fn load(
        &self,
        asserted: &Asserted,
        ids: &[ResourceId],
        found: &mut Found,
    ) -> Result<(), SignInError> {
        let (store, tenant) = (&self.app.store, self.connection.tenant);
        let mut ids: Vec<ResourceId> = ids
            .iter()
            .copied()
            .filter(|id| !found.loaded.iter().any(|user| user.id == *id))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(());
        }
        let users = if asserted.is_stable {
            let (name, issuer) = (&self.connection.domain, &self.assertion.issuer);
            store.users_with_identity(tenant, &ids, name, issuer).await?
        } else {
            // An address has no link that counts.
            let users = store.users(tenant, ids).await?;
            users.into_iter().map(|user| (user, None)).collect()
        };
        let best = found.digests.first().map(|digest| digest.keyed.clone());
        for (user, linked) in users {
            let other = linked.filter(|linked| Some(linked) != best.as_ref());
            found.loaded.push(candidate(&user, other.is_some()));
            found.former.extend(other.map(|other| (user.resource.id, other)));
            found.users.push(user);
        }
        Ok(())
    }
}

/// The asserted addresses that are looked up, the best first.
fn deciding<'a>(
    asserted: &'a Asserted,
    authority: &'a Authority<'_>,
) -> impl Iterator<Item = &'a EmailAddress> {
    asserted.deciding(authority).take(MOST_DECIDING)
}

/// Names as the keys of users have them, each once.
fn folded(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut folded: Vec<String> = Vec::new();
    for name in names.map(|name| fold(&name)) {
        if !folded.contains(&name) {
            folded.push(name);
        }
    }
    folded
}

/// Addresses that are looked up; more in the connection's domains are a mistake.
const MOST_DECIDING: usize = 5;
