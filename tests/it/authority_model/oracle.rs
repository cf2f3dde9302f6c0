//! The rules of `docs/authority.md` as plainly as possible, over the few names of the histories.
//!
//! It shares no code with the product: facts about sign-ins are kept, and what ends them is noted
//! when it happens, where the product compares generations. Numbers are those of the rules.

mod judge;

use std::collections::{BTreeMap, BTreeSet};

/// A domain, or the name of a connection.
pub(super) type Name = &'static str;

/// A tenant: 0 or 1.
pub(super) type Tenant = usize;

/// A user, by the order of creation.
pub(super) type UserIndex = usize;

/// An identity provider, by its place in [`PROVIDERS`].
pub(super) type Provider = usize;

/// Domains that tenants claim. Everybody can get an address in the last two (rule 4).
pub(super) const DOMAINS: [Name; 6] =
    ["acme.com", "acme.de", "contractors.com", "evil.example", "co.uk", "gmail.com"];

/// Names of connections.
pub(super) const NAMES: [Name; 3] = ["acme.com", "contractors.com", "evil.example"];

/// Entity ids.
pub(super) const PROVIDERS: [Name; 3] =
    ["https://idp.example/saml", "https://next.example/saml", "https://evil.example/saml"];

/// The scope of each provider as a member of the federation (rule 9); the third is no member.
pub(super) const SCOPES: [Name; 2] = ["acme.com", "acme.de"];

/// A length of time in seconds.
pub(super) type Seconds = i64;

/// A time, in milliseconds.
pub(super) type Time = i64;

/// Milliseconds of a second.
pub(super) const SECOND: Time = 1_000;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum By {
    Dns,
    Operator,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Claim {
    pub(super) verified: Option<By>,
    absent_since: Option<Time>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Trust {
    One(Provider),
    Federation,
}

#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) tenant: Tenant,
    pub(super) settings: Settings,
    pub(super) trust: Trust,
}

/// Settings of a connection.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) enabled: bool,
    pub(super) jit: bool,
    pub(super) allow_idp_initiated: bool,
    /// `domains`; none for the domain of its name (rule 6).
    pub(super) domains: Option<Vec<Name>>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::struct_field_names, reason = "the name of SCIM")]
pub(super) struct User {
    pub(super) tenant: Tenant,
    pub(super) user_name: String,
    pub(super) external_id: Option<Name>,
    pub(super) address: Option<String>,
    pub(super) active: bool,
    pub(super) is_deleted: bool,
    /// Created by a sign-in, and not written by SCIM since: sign-ins change the address.
    pub(super) is_of_sign_in: bool,
}

/// One authentication of a user.
#[derive(Clone, Debug)]
pub(super) struct SignIn {
    pub(super) tenant: Tenant,
    pub(super) user: UserIndex,
    pub(super) connection: Name,
    pub(super) provider: Provider,
    /// `SessionNotOnOrAfter`.
    pub(super) ends_at: Option<Time>,
    is_ended: bool,
}

/// The statements of an assertion that identify the person.
#[derive(Clone, Debug)]
pub(super) struct Asserted {
    pub(super) name_id: NameId,
    pub(super) subject_id: Option<Name>,
    pub(super) mail: Option<Name>,
    /// `SessionNotOnOrAfter`, in seconds from now.
    pub(super) ends_in: Option<Seconds>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum NameId {
    /// Of format persistent.
    Persistent(Name),
    /// Of format emailAddress.
    Address(Name),
    /// Of format transient.
    Transient,
}

/// The user that an assertion signs in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    SignsIn(UserIndex),
    Creates(Name),
    Refused(&'static str),
}

/// Readiness, issuers and domains of a connection.
struct Power {
    is_ready: bool,
    /// The domains of each issuer.
    issuers: BTreeMap<Provider, BTreeSet<Name>>,
    /// Its verified domains.
    domains: BTreeSet<Name>,
}

impl Power {
    fn exceeds(&self, other: &Self) -> bool {
        let loses_issuer = self.issuers.iter().any(|(provider, domains)| {
            other.issuers.get(provider).is_none_or(|now| !domains.is_subset(now))
        });
        (self.is_ready && !other.is_ready)
            || loses_issuer
            || !self.domains.is_subset(&other.domains)
    }
}

/// A stable identity at an issuer of a connection (rules 11 and 12).
type Identity = (Tenant, Name, Provider, &'static str, Name);

#[derive(Clone, Debug, Default)]
pub(super) struct Oracle {
    pub(super) now: Time,
    pub(super) claims: BTreeMap<(Tenant, Name), Claim>,
    /// Claims whose TXT record is published.
    pub(super) records: BTreeSet<(Tenant, Name)>,
    pub(super) connections: BTreeMap<Name, Connection>,
    pub(super) users: Vec<User>,
    links: BTreeMap<Identity, UserIndex>,
    pub(super) sign_ins: Vec<SignIn>,
}

impl Trust {
    pub(super) fn providers(self) -> Vec<Provider> {
        match self {
            Self::One(provider) => vec![provider],
            Self::Federation => vec![0, 1],
        }
    }
}

// Domains: rules 1 to 5.
impl Oracle {
    pub(super) fn is_verified(&self, tenant: Tenant, domain: Name) -> bool {
        self.claims.get(&(tenant, domain)).is_some_and(|claim| claim.verified.is_some())
    }

    fn other_holder(&self, tenant: Tenant, domain: Name) -> Option<(Tenant, By)> {
        let other = 1 - tenant;
        Some((other, self.claims.get(&(other, domain))?.verified?))
    }

    pub(super) fn claim(&mut self, tenant: Tenant, domain: Name) {
        self.claims.entry((tenant, domain)).or_default();
    }

    /// The operator's word. Returns the status.
    pub(super) fn verify_by_word(&mut self, tenant: Tenant, domain: Name) -> u16 {
        if ["co.uk", "gmail.com"].contains(&domain) {
            return 400;
        }
        if self.other_holder(tenant, domain).is_some() {
            return 409;
        }
        let claim = Claim { verified: Some(By::Operator), absent_since: None };
        self.claims.insert((tenant, domain), claim);
        200
    }

    /// A check by DNS. Returns the status.
    pub(super) fn check(&mut self, tenant: Tenant, domain: Name) -> u16 {
        let (now, key) = (self.now, (tenant, domain));
        let other = self.other_holder(tenant, domain);
        let has_record = self.records.contains(&key);
        let Some(claim) = self.claims.get_mut(&key) else { return 404 };
        if has_record {
            if let Some((holder, by)) = other {
                if by == By::Dns && self.records.contains(&(holder, domain)) {
                    return 409;
                }
                self.change(|this| {
                    this.claims.insert((holder, domain), Claim::default());
                });
            }
            let claim = Claim { verified: Some(By::Dns), absent_since: None };
            self.claims.insert(key, claim);
            return 200;
        }
        if claim.verified == Some(By::Dns) {
            let since = *claim.absent_since.get_or_insert(now);
            if now - since >= 7 * DAY {
                self.change(|this| {
                    this.claims.insert(key, Claim::default());
                });
            }
        }
        200
    }

    pub(super) fn delete_claim(&mut self, tenant: Tenant, domain: Name) -> u16 {
        // A new claim has another value, so that the old record proves nothing.
        self.records.remove(&(tenant, domain));
        let mut status = 404;
        self.change(|this| {
            if this.claims.remove(&(tenant, domain)).is_some() {
                status = 204;
            }
        });
        status
    }
}

// Connections: rules 6, 9 and 16.
impl Oracle {
    /// The domains that an issuer may speak for: those of the connection that are verified, of a
    /// federation only the scope of the member.
    pub(super) fn domains(&self, name: Name, provider: Provider) -> BTreeSet<Name> {
        let Some(connection) = self.connections.get(name) else { return BTreeSet::new() };
        let listed = connection.settings.domains.clone().unwrap_or_else(|| vec![name]);
        let is_in_scope = |domain: &Name| match connection.trust {
            Trust::One(trusted) => trusted == provider,
            Trust::Federation => SCOPES.get(provider).is_some_and(|scope| scope == domain),
        };
        let verified = |domain: &Name| self.is_verified(connection.tenant, domain);
        listed.into_iter().filter(|domain| verified(domain) && is_in_scope(domain)).collect()
    }

    /// The domains of any issuer of the connection: what an app may name it by.
    fn listed_and_verified(&self, name: Name) -> BTreeSet<Name> {
        let Some(connection) = self.connections.get(name) else { return BTreeSet::new() };
        let listed = connection.settings.domains.clone().unwrap_or_else(|| vec![name]);
        let verified = |domain: &Name| self.is_verified(connection.tenant, domain);
        listed.into_iter().filter(verified).collect()
    }

    pub(super) fn is_ready(&self, name: Name) -> bool {
        self.connections.get(name).is_some_and(|connection| connection.settings.enabled)
    }

    /// The connections at which a person of the domain can sign in.
    pub(super) fn connections_of(&self, domain: Name) -> Vec<Name> {
        let speaks =
            |name: &&Name| self.is_ready(name) && self.listed_and_verified(name).contains(domain);
        self.connections.keys().filter(speaks).copied().collect()
    }

    /// Whether a sign-in is one of the organisation that the app names by a domain.
    pub(super) fn is_of(&self, sign_in: usize, domain: Name) -> bool {
        self.listed_and_verified(self.sign_ins[sign_in].connection).contains(domain)
    }

    /// Makes a change, and ends the sign-ins of each connection that loses by it: its readiness, a
    /// provider, or a domain.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.powers();
        change(self);
        let after = self.powers();
        for (name, power) in before {
            if after.get(name).is_none_or(|now| power.exceeds(now)) {
                self.end(|sign_in| sign_in.connection == name);
            }
        }
    }

    fn powers(&self) -> BTreeMap<Name, Power> {
        let names = self.connections.iter();
        names.map(|(name, connection)| (*name, self.power(name, connection))).collect()
    }

    fn power(&self, name: Name, connection: &Connection) -> Power {
        let providers = connection.trust.providers();
        let of = |provider: &Provider| (*provider, self.domains(name, *provider));
        Power {
            is_ready: self.is_ready(name),
            issuers: providers.iter().map(of).collect(),
            domains: self.listed_and_verified(name),
        }
    }

    /// Ends sign-ins for good.
    pub(super) fn end(&mut self, is_meant: impl Fn(&SignIn) -> bool) {
        self.sign_ins
            .iter_mut()
            .filter(|sign_in| is_meant(sign_in))
            .for_each(|sign_in| sign_in.is_ended = true);
    }

    /// Whether what follows from a sign-in still counts (rule 16).
    pub(super) fn counts(&self, sign_in: usize) -> bool {
        let SignIn { tenant, user, connection, provider, ends_at, is_ended } =
            &self.sign_ins[sign_in];
        let of_tenant = self.connections.get(connection).is_some_and(|c| c.tenant == *tenant);
        !is_ended
            && of_tenant
            && self.is_ready(connection)
            && ends_at.is_none_or(|end| self.now < end)
            && self.users[*user].active
            && !self.users[*user].is_deleted
            && self.covers(&self.domains(connection, *provider), *user)
    }

    /// Whether the user's own name or address is in one of the domains (rule 7).
    fn covers(&self, domains: &BTreeSet<Name>, user: UserIndex) -> bool {
        let User { user_name, address, .. } = &self.users[user];
        let texts = [Some(user_name), address.as_ref()].into_iter().flatten();
        texts.filter_map(|text| domain_of(text)).any(|domain| domains.contains(domain.as_str()))
    }
}

// Users: rules 14 and 16.
impl Oracle {
    pub(super) fn users_of(&self, tenant: Tenant) -> impl Iterator<Item = (UserIndex, &User)> {
        let users = self.users.iter().enumerate();
        users.filter(move |(_, user)| user.tenant == tenant && !user.is_deleted)
    }

    /// Whether another user of the tenant has the name, in its folded form.
    pub(super) fn is_name_taken(&self, tenant: Tenant, name: &str, but: Option<UserIndex>) -> bool {
        self.users_of(tenant)
            .any(|(index, user)| Some(index) != but && folded(&user.user_name) == folded(name))
    }

    pub(super) fn replace_user(&mut self, index: UserIndex, user: User) {
        if self.users[index].active && !user.active {
            self.end(|sign_in| sign_in.user == index);
        }
        self.users[index] = user;
    }

    pub(super) fn delete_user(&mut self, index: UserIndex) {
        self.users[index].is_deleted = true;
        self.end(|sign_in| sign_in.user == index);
        self.links.retain(|_, user| *user != index);
    }

    /// Removes the links of a user at a connection. Whether there were any stable ones.
    pub(super) fn unlink(&mut self, user: UserIndex, name: Name) {
        self.links.retain(|(_, at, ..), linked| (*at, *linked) != (name, user));
    }
}

/// The domain of a text that is an address: one `@`, and nothing that ends an address elsewhere
/// (rule 8).
fn domain_of(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    let is_odd = |part: &str| part.is_empty() || part.contains(['@', ' ', ',', '<', '>', '\n']);
    (!is_odd(local) && !is_odd(domain)).then(|| domain.to_ascii_lowercase())
}

/// A name as it has to be unique.
fn folded(name: &str) -> String {
    name.replace(['\u{212a}', '\u{ff4b}'], "k").to_lowercase()
}

pub(super) const DAY: Time = 24 * 60 * 60 * SECOND;
