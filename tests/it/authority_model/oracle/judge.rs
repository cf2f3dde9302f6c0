//! Judges an assertion: rules 7 to 13 and 18.

use super::{
    Asserted, Connection, Name, NameId, Oracle, Provider, SECOND, SignIn, Tenant, User, UserIndex,
    Verdict, domain_of, folded,
};

impl Oracle {
    pub(in super::super) fn judge(
        &self,
        name: Name,
        provider: Provider,
        asserted: &Asserted,
    ) -> Verdict {
        let Some(connection) = self.connections.get(name) else { return Verdict::Refused("") };
        let tenant = connection.tenant;
        if asserted.ends_in.is_some_and(|seconds| seconds <= 0) {
            return Verdict::Refused("saml.session");
        }
        let identities = identities(asserted);
        let addresses = addresses(asserted);
        if identities.is_empty() && addresses.is_empty() {
            return Verdict::Refused("saml.subject");
        }
        let domains = self.domains(name, provider);
        let deciding: Vec<Name> = addresses
            .into_iter()
            .filter(|address| {
                domain_of(address).is_some_and(|domain| domains.contains(domain.as_str()))
            })
            .collect();
        let matched = match self.find(tenant, name, provider, &identities, &deciding) {
            Ok(matched) => matched,
            Err(code) => return Verdict::Refused(code),
        };
        let Some((user, is_linked)) = matched else {
            return self.judge_stranger(connection, &identities, &deciding);
        };
        if !self.covers(&domains, user) {
            return Verdict::Refused("user.domain");
        }
        let has_other = self.links.iter().any(|((of, at, by, source, value), linked)| {
            (*of, *at, *by, *linked) == (tenant, name, provider, user)
                && identities.first() != Some(&(*source, *value))
        });
        let is_named =
            identities.iter().any(|(_, value)| self.users[user].external_id == Some(value));
        if !is_linked && !identities.is_empty() && has_other && !is_named {
            return Verdict::Refused("user.linked");
        }
        if self.users[user].active {
            Verdict::SignsIn(user)
        } else {
            Verdict::Refused("user.state")
        }
    }

    fn judge_stranger(
        &self,
        connection: &Connection,
        identities: &[(&'static str, Name)],
        deciding: &[Name],
    ) -> Verdict {
        let Some(address) = deciding.first() else { return Verdict::Refused("user.domain") };
        let is_taken = self
            .users_of(connection.tenant)
            .any(|(_, user)| folded(&user.user_name) == folded(address));
        // Only several users have an identifier that found nobody.
        let several = self
            .users_of(connection.tenant)
            .any(|(_, user)| identities.iter().any(|(_, value)| user.external_id == Some(value)));
        match (connection.settings.jit, is_taken) {
            (true, false) => Verdict::Creates(address),
            (false, _) if several => Verdict::Refused("user.ambiguous"),
            (true, true) | (false, _) => Verdict::Refused("user.state"),
        }
    }

    /// The user that matches best, and whether by a link.
    fn find(
        &self,
        tenant: Tenant,
        name: Name,
        provider: Provider,
        identities: &[(&'static str, Name)],
        deciding: &[Name],
    ) -> Result<Option<(UserIndex, bool)>, &'static str> {
        for (source, value) in identities {
            let linked = self.links.get(&(tenant, name, provider, source, value));
            if let Some(user) = linked.filter(|user| !self.users[**user].is_deleted) {
                return Ok(Some((*user, true)));
            }
        }
        let only = |is_meant: &dyn Fn(&User) -> bool| {
            let found: Vec<UserIndex> = self
                .users_of(tenant)
                .filter(|(_, user)| is_meant(user))
                .map(|(index, _)| index)
                .collect();
            found
        };
        for (_, value) in identities {
            if let [user] = only(&|user| user.external_id == Some(value)).as_slice() {
                return Ok(Some((*user, false)));
            }
        }
        let named = identities.iter().find(|(source, _)| *source == "name_id");
        if let Some((_, id)) = named
            && !deciding.is_empty()
            && let [user] = only(&|user| user.user_name.eq_ignore_ascii_case(id)).as_slice()
        {
            return Ok(Some((*user, false)));
        }
        for address in deciding {
            if let [user] = only(&|user| user.user_name.eq_ignore_ascii_case(address)).as_slice() {
                return Ok(Some((*user, false)));
            }
            let is_primary = |user: &User| {
                user.address.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(address))
            };
            match only(&is_primary).as_slice() {
                [] => {}
                [user] => return Ok(Some((*user, false))),
                _ => return Err("user.ambiguous"),
            }
        }
        Ok(None)
    }

    /// Notes a sign-in: the link, and the session that it may give. Returns its index.
    pub(in super::super) fn sign_in(
        &mut self,
        name: Name,
        provider: Provider,
        asserted: &Asserted,
        user: UserIndex,
    ) -> usize {
        let tenant = self.users[user].tenant;
        if let Some((source, value)) = identities(asserted).first() {
            // One stable identity of a user at an issuer.
            self.links.retain(|(of, at, by, ..), linked| {
                (*of, *at, *by, *linked) != (tenant, name, provider, user)
            });
            self.links.insert((tenant, name, provider, source, value), user);
        }
        self.update_address(name, provider, asserted, user);
        self.sign_ins.push(SignIn {
            tenant,
            user,
            connection: name,
            provider,
            ends_at: asserted.ends_in.map(|seconds| (self.now / SECOND + seconds) * SECOND),
            is_ended: false,
        });
        self.sign_ins.len() - 1
    }
}

impl Oracle {
    /// The address of a user whom SCIM has not written follows the assertions of those who may speak
    /// for its domain, unless another user has it.
    fn update_address(
        &mut self,
        name: Name,
        provider: Provider,
        asserted: &Asserted,
        user: UserIndex,
    ) {
        let domains = self.domains(name, provider);
        let is_covered = |address: &Name| {
            domain_of(address).is_some_and(|domain| domains.contains(domain.as_str()))
        };
        let Some(address) = addresses(asserted).into_iter().find(is_covered) else { return };
        let is_held = |other: &User| {
            let texts = [Some(&other.user_name), other.address.as_ref()];
            texts.into_iter().flatten().any(|text| folded(text) == folded(address))
        };
        let tenant = self.users[user].tenant;
        let is_taken = self.users_of(tenant).any(|(index, other)| index != user && is_held(other));
        let is_known = self.users[user].address.as_deref().map(folded) == Some(folded(address));
        if self.users[user].is_of_sign_in && !is_taken && !is_known {
            self.users[user].address = Some(address.to_owned());
        }
    }
}

/// Stable identities, the best first (rule 11).
fn identities(asserted: &Asserted) -> Vec<(&'static str, Name)> {
    let name_id = match asserted.name_id {
        NameId::Persistent(value) => Some(("name_id", value)),
        // A text that is no address is a name (rule 8).
        NameId::Address(value) if domain_of(value).is_none() => Some(("name_id", value)),
        NameId::Address(_) | NameId::Transient => None,
    };
    asserted.subject_id.map(|value| ("subject_id", value)).into_iter().chain(name_id).collect()
}

/// Addresses, in the order in which they decide (rule 10).
fn addresses(asserted: &Asserted) -> Vec<Name> {
    let named = match asserted.name_id {
        NameId::Address(value) => Some(value),
        NameId::Persistent(_) | NameId::Transient => None,
    };
    let all = named.into_iter().chain(asserted.mail);
    all.filter(|address| domain_of(address).is_some()).collect()
}
