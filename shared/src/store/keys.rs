//! The only file that knows `pk` and `sk`.
//!
//! | rows | pk | sk |
//! |---|---|---|
//! | User | `t#U` | id |
//! | `userName` | `t#N` | folded `userName` |
//! | `externalId` of a User | `t#X` | `externalId#id` |
//! | `emails.value` | `t#E` | `lower(email)#id` |
//! | Group | `t#G` | id |
//! | `displayName` of a Group | `t#GN` | folded `displayName` |
//! | `externalId` of a Group | `t#GX` | `externalId#id` |
//! | membership | `t#GM#group` | member; `m` = `t#member` |
//! | counters of Users, Groups | `t#C`, `t#GC` | first hex digit |
//! | their leaves | `t#R`, `t#GR` | first two hex digits |
//! | tenant, seat pool | `t#T` | `T`, `SEATS` |
//! | connection | `t#T` | `IDP#domain` |
//! | link of an identity to a user | `t#L` | digest of the identity, `U#user#domain` |
//! | record of a sign-in | `t#S` | id, sorted by time |
//! | used assertion | `t#RA` | digest of its id |
//! | code, grant, refresh token, session | `t#O` | `C#digest`, `G#id`, `F#digest`, `S#digest` |
//! | activity | `t#A#month` | id, sorted by time |
//! | owner of a domain | `DOM#domain` | `T` |
//! | pending sign-in | `Q#request id` | `Q` |
//! | all tenants | `TENANTS` | `t` |
//! | operator's name for a tenant | `TENANTS#X` | the name |
//! | apps | `CLIENTS` | `client_id` |
//! | layout of the rows | `LAYOUT` | `LAYOUT` |
//! | how far the scheduled refresh has come | `REFRESH` | `REFRESH` |
//! | who changes a tenant's tokens | `LOCK#scim-tokens#t` | `LOCK` |
//! | nothing, ever | `NOTHING` | `NOTHING` |
//!
//! `t` is the tenant's id, of fixed length, so that no value of one tenant can spell a key of
//! another.

use sha2::{Digest as _, Sha256};

use super::item::{Item, text};
use oidc::client::ClientId;
use types::domain::Domain;
use types::hex::hex;
use types::ids::{GrantId, ResourceId, TenantId};

/// Name of the partition key.
pub(super) const PK: &str = "pk";
/// Name of the sort key.
pub(super) const SK: &str = "sk";
/// Partition key of the index `byMember`.
pub(super) const MEMBER: &str = "m";
/// The one index: memberships by member.
pub(super) const BY_MEMBER: &str = "byMember";
/// Partition of the list of all tenants, sorted by creation.
pub(super) const TENANTS: &str = "TENANTS";
/// Partition of all apps, sorted by id.
pub(super) const CLIENTS: &str = "CLIENTS";
/// The attribute by which DynamoDB drops expired rows.
pub(super) const TTL: &str = "ttl";

/// What the sort keys of connections begin with; the domain follows.
pub(super) const CONNECTION_PREFIX: &str = "IDP#";

/// A collection of SCIM resources, listed in id order and counted by id prefix.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Collection {
    /// RFC 7643 §4.1.
    Users,
    /// RFC 7643 §4.2.
    Groups,
}

/// The key of one row.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    pub(super) fn resource(tenant: TenantId, collection: Collection, id: ResourceId) -> Self {
        Self::new(resources(tenant, collection), id.to_string())
    }

    pub(super) fn user(tenant: TenantId, id: ResourceId) -> Self {
        Self::resource(tenant, Collection::Users, id)
    }

    pub(super) fn user_name(tenant: TenantId, folded: &str) -> Self {
        Self::new(format!("{tenant}#N"), bounded(folded))
    }

    pub(super) fn email(tenant: TenantId, lower: &str, id: ResourceId) -> Self {
        Self::new(emails(tenant), format!("{}{id}", email_prefix(lower)))
    }

    pub(super) fn display_name(tenant: TenantId, folded: &str) -> Self {
        Self::new(format!("{tenant}#GN"), bounded(folded))
    }

    pub(super) fn external_id(
        tenant: TenantId,
        collection: Collection,
        external_id: &str,
        id: ResourceId,
    ) -> Self {
        let prefix = external_id_prefix(external_id);
        Self::new(external_ids(tenant, collection), format!("{prefix}{id}"))
    }

    pub(super) fn member(tenant: TenantId, group: ResourceId, member: ResourceId) -> Self {
        Self::new(members(tenant, group), member.to_string())
    }

    pub(super) fn counter(tenant: TenantId, collection: Collection, shard: char) -> Self {
        Self::new(counters(tenant, collection), shard)
    }

    pub(super) fn leaves(tenant: TenantId, collection: Collection, prefix: &str) -> Self {
        let kind = match collection {
            Collection::Users => "R",
            Collection::Groups => "GR",
        };
        Self::new(format!("{tenant}#{kind}"), prefix)
    }

    /// The tenant itself.
    pub(super) fn tenant(tenant: TenantId) -> Self {
        Self::new(tenant_rows(tenant), "T")
    }

    /// The tenant in the list of all tenants.
    pub(super) fn registered(tenant: TenantId) -> Self {
        Self::new(TENANTS.to_owned(), tenant.to_string())
    }

    /// The operator's own name for a tenant.
    pub(super) fn tenant_external_id(external_id: &str) -> Self {
        Self::new("TENANTS#X".to_owned(), bounded(external_id))
    }

    pub(super) fn connection(tenant: TenantId, domain: &Domain) -> Self {
        Self::new(tenant_rows(tenant), format!("{CONNECTION_PREFIX}{domain}"))
    }

    /// Whose a domain is.
    pub(super) fn domain(domain: &Domain) -> Self {
        Self::new(format!("DOM#{domain}"), "T")
    }

    /// A sign-in that was begun. Its id has 160 random bits and is the whole key: the browser
    /// comes back with it before anybody knows the tenant.
    pub(super) fn pending_sign_in(request_id: &str) -> Self {
        Self::new(format!("Q#{}", bounded(request_id)), "Q")
    }

    /// An assertion that was used, by the digest of its id.
    pub(super) fn used_assertion(tenant: TenantId, digest: &str) -> Self {
        Self::new(format!("{tenant}#RA"), digest)
    }

    pub(super) fn sign_in(tenant: TenantId, id: &str) -> Self {
        Self::new(sign_in_records(tenant), id)
    }

    /// Which user an identity of a connection is, by the digest of both.
    pub(super) fn link(tenant: TenantId, digest: &str) -> Self {
        Self::new(format!("{tenant}#L"), digest)
    }

    /// Which identity of a connection a user is.
    pub(super) fn linked_user(tenant: TenantId, user: ResourceId, domain: &Domain) -> Self {
        Self::new(format!("{tenant}#L"), format!("U#{user}#{domain}"))
    }

    /// Who may change the secret of the tenant's tokens.
    pub(super) fn scim_tokens_lock(tenant: TenantId) -> Self {
        Self::new(format!("LOCK#scim-tokens#{tenant}"), "LOCK")
    }

    /// Of a row that never exists.
    pub(super) fn nothing() -> Self {
        Self::new("NOTHING".to_owned(), "NOTHING")
    }

    /// How far the scheduled round over all connections has come.
    pub(super) fn refresh_position() -> Self {
        Self::new("REFRESH".to_owned(), "REFRESH")
    }

    /// Which layout the rows have.
    pub(super) fn layout() -> Self {
        Self::new("LAYOUT".to_owned(), "LAYOUT")
    }

    pub(super) fn activity(tenant: TenantId, month: &str, id: &str) -> Self {
        Self::new(activity(tenant, month), id)
    }

    pub(super) fn client(id: &ClientId) -> Self {
        Self::new(CLIENTS.to_owned(), id.as_str())
    }

    pub(super) fn code(tenant: TenantId, digest: &str) -> Self {
        Self::new(sign_ins(tenant), format!("C#{digest}"))
    }

    pub(super) fn grant(tenant: TenantId, id: GrantId) -> Self {
        Self::new(sign_ins(tenant), format!("G#{id}"))
    }

    pub(super) fn refresh_token(tenant: TenantId, digest: &str) -> Self {
        Self::new(sign_ins(tenant), format!("F#{digest}"))
    }

    pub(super) fn session(tenant: TenantId, digest: &str) -> Self {
        Self::new(sign_ins(tenant), format!("S#{digest}"))
    }

    /// A row of a partition that was listed.
    pub(super) fn in_partition(pk: &str, sk: &str) -> Self {
        Self::new(pk.to_owned(), sk)
    }

    pub(super) fn seats(tenant: TenantId) -> Self {
        Self::new(tenant_rows(tenant), "SEATS")
    }

    /// The key as an item, to get, update or delete by, or to put more attributes on.
    pub(super) fn item(&self) -> Item {
        Item::from([(PK.to_owned(), text(&self.pk)), (SK.to_owned(), text(&self.sk))])
    }
}

/// Partition of a collection's resources, sorted by id.
pub(super) fn resources(tenant: TenantId, collection: Collection) -> String {
    match collection {
        Collection::Users => format!("{tenant}#U"),
        Collection::Groups => format!("{tenant}#G"),
    }
}

/// Partition of a collection's sixteen counters.
pub(super) fn counters(tenant: TenantId, collection: Collection) -> String {
    match collection {
        Collection::Users => format!("{tenant}#C"),
        Collection::Groups => format!("{tenant}#GC"),
    }
}

/// Partition of the e-mail lookup.
pub(super) fn emails(tenant: TenantId) -> String {
    format!("{tenant}#E")
}

/// What the sort keys of one e-mail address begin with; a resource id follows.
pub(super) fn email_prefix(lower: &str) -> String {
    format!("{}#", bounded(lower))
}

/// Partition of one month's activity, sorted by time.
pub(super) fn activity(tenant: TenantId, month: &str) -> String {
    format!("{tenant}#A#{month}")
}

/// Partition of what people's sign-ins gave to apps and browsers.
fn sign_ins(tenant: TenantId) -> String {
    format!("{tenant}#O")
}

/// Every partition of a tenant's users, groups and sign-ins, but for members. Groups come last: their rows
/// are what finds the members.
pub(super) fn of_tenant(tenant: TenantId) -> [String; 15] {
    ["O", "L", "S", "RA", "U", "N", "X", "E", "C", "R", "GN", "GX", "GC", "GR", "G"]
        .map(|kind| format!("{tenant}#{kind}"))
}

/// What can be brought back of a tenant, but for members and activity: not what sign-ins gave,
/// which may have been revoked since.
pub(super) fn restorable(tenant: TenantId) -> impl Iterator<Item = String> {
    let given = sign_ins(tenant);
    let lasting = of_tenant(tenant).into_iter().filter(move |partition| *partition != given);
    lasting.chain([tenant_rows(tenant)])
}

/// Partition of the lookup by `externalId`, which need not be unique: it is the client's own
/// (RFC 7643 §3.1), and Microsoft's collection of requests gives one to several users.
pub(super) fn external_ids(tenant: TenantId, collection: Collection) -> String {
    match collection {
        Collection::Users => format!("{tenant}#X"),
        Collection::Groups => format!("{tenant}#GX"),
    }
}

/// What the sort keys of one `externalId` begin with; a resource id follows.
pub(super) fn external_id_prefix(external_id: &str) -> String {
    format!("{}#", bounded(external_id))
}

/// Partition of one group's members.
pub(super) fn members(tenant: TenantId, group: ResourceId) -> String {
    format!("{tenant}#GM#{group}")
}

/// The group whose members' partition this is.
pub(super) fn group_of_members(tenant: TenantId, pk: &str) -> Option<ResourceId> {
    pk.strip_prefix(&format!("{tenant}#GM#"))?.parse().ok()
}

/// Partition of one member's memberships, in the index.
pub(super) fn member_of(tenant: TenantId, member: ResourceId) -> String {
    format!("{tenant}#{member}")
}

/// Partition of the records of sign-ins, sorted by time.
pub(super) fn sign_in_records(tenant: TenantId) -> String {
    format!("{tenant}#S")
}

/// Partition of what belongs to the tenant itself.
pub(super) fn tenant_rows(tenant: TenantId) -> String {
    format!("{tenant}#T")
}

/// A value as part of a sort key, which DynamoDB limits to 1,024 bytes.
///
/// A longer value keeps its beginning and ends in its digest. The two forms cannot meet: one has
/// at most `LONGEST_VALUE` bytes, the other always more.
fn bounded(value: &str) -> String {
    if value.len() <= LONGEST_VALUE {
        return value.to_owned();
    }
    let beginning = value.get(..value.floor_char_boundary(LONGEST_VALUE)).unwrap_or_default();
    format!("{beginning}#{}", hex(&Sha256::digest(value)))
}

/// Bytes of a value that a sort key can hold beside a digest and an id.
const LONGEST_VALUE: usize = 900;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_fits_whatever_the_length_of_its_value() {
        let id: ResourceId = "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap();
        let tenant: TenantId = "01890000-0000-7000-8000-000000000001".parse().unwrap();
        let mut seen = std::collections::HashSet::new();
        for length in [1, 899, 900, 901, 902, 5_000, 300_000] {
            for value in
                ["a".repeat(length), "é".repeat(length), format!("{}b", "a".repeat(length))]
            {
                let key = Key::email(tenant, &value, id);
                assert!(key.sk.len() <= 1_024, "{length}");
                assert!(seen.insert((key.sk, value)), "{length}");
            }
        }
    }
}
