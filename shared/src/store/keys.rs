//! The keys of all rows. No other file knows `pk` and `sk`.
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
//! | tenant, seat rules | `t#T` | `T`, `SEATS` |
//! | connection | `t#T` | `IDP#name` |
//! | claim of a domain | `t#T` | `DOMAIN#domain` |
//! | authority of a connection | `t#T` | `AUTH#name` |
//! | link of an identity to a user | `t#L` | digest of the identity, `U#user#name#issuer#kind` |
//! | record of a sign-in | `t#S` | id, sorted by time |
//! | consumed assertion | `t#RA` | digest of its id |
//! | last use of a SCIM token | `t#TU` | id of the token |
//! | code, grant, refresh token, session | `t#O` | `C#digest`, `G#id`, `F#digest`, `S#digest` |
//! | grant of a user | `t#O` | `U#user#id` |
//! | activity | `t#A#month` | id, sorted by time |
//! | tenant of a connection's name | `DOM#name` | `T` |
//! | holder of a verified domain | `DOM#domain` | `V` |
//! | pending sign-in | `Q#request id` | `Q` |
//! | list of all tenants | `TENANTS` | `t` |
//! | the operator's name for a tenant | `TENANTS#X` | the name |
//! | apps | `CLIENTS` | `client_id` |
//! | webhooks | `WEBHOOKS` | id |
//! | last attempts of a webhook | `WEBHOOKS#id` | number of the attempt, modulo 100 |
//! | event that is not published yet | `OUT#lane` | `t#resource#version#index` |
//! | published event | `EV#position / 10,000` | position |
//! | head of the feed of events | `FEED` | `HEAD` |
//! | positions of a tenant's events | `t#EV` | first position of a batch |
//! | layout of the rows | `LAYOUT` | `LAYOUT` |
//! | position of the scheduled refresh | `REFRESH` | `REFRESH` |
//! | lease for a tenant's SCIM tokens | `LOCK#scim-tokens#t` | `LOCK` |
//! | lease for all webhooks, for the secrets of one | `LOCK#webhooks`, `LOCK#webhooks#id` | `LOCK` |
//! | no row, ever | `NOTHING` | `NOTHING` |
//!
//! `t` is the tenant's id, of fixed length, so that no value of one tenant can spell a key of
//! another.

mod row_kind;
mod webhooks;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use sha2::{Digest as _, Sha256};

pub(super) use self::row_kind::row_kind;
pub(super) use self::webhooks::{WEBHOOKS, webhook_attempts};
use oidc::client::ClientId;
use scim::schema::ResourceKind;
use types::domain::Domain;
use types::hex::hex;
use types::ids::{GrantId, ResourceId, TenantId};

/// One row, as the SDK represents it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Name of the partition key.
pub(super) const PK: &str = "pk";
/// Name of the sort key.
pub(super) const SK: &str = "sk";
/// Partition key of the index `byMember`.
pub(super) const MEMBER: &str = "m";
/// The only index: memberships by member.
pub(super) const BY_MEMBER: &str = "byMember";
/// Partition of the list of all tenants, sorted by creation.
pub(super) const TENANTS: &str = "TENANTS";
/// Partition of all apps, sorted by id.
pub(super) const CLIENTS: &str = "CLIENTS";
/// The attribute by which DynamoDB deletes expired rows.
pub(super) const TTL: &str = "ttl";

/// Beginning of the partitions of events that are not published yet; the lane follows.
pub(super) const OUTBOX_PREFIX: &str = "OUT#";

/// Beginning of the sort keys of connections; the name follows.
pub(super) const CONNECTION_PREFIX: &str = "IDP#";

/// Beginning of the sort keys of claimed domains; the domain follows.
pub(super) const CLAIM_PREFIX: &str = "DOMAIN#";

/// Beginning of the sort keys of authorities; the name of the connection follows.
pub(super) const AUTHORITY_PREFIX: &str = "AUTH#";

/// Sort key of the holder of a domain.
pub(super) const HOLDER: &str = "V";

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

    pub(super) fn resource(tenant: TenantId, kind: ResourceKind, id: ResourceId) -> Self {
        Self::new(resources(tenant, kind), id.to_string())
    }

    pub(super) fn user(tenant: TenantId, id: ResourceId) -> Self {
        Self::resource(tenant, ResourceKind::User, id)
    }

    pub(super) fn group(tenant: TenantId, id: ResourceId) -> Self {
        Self::resource(tenant, ResourceKind::Group, id)
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
        kind: ResourceKind,
        external_id: &str,
        id: ResourceId,
    ) -> Self {
        let prefix = external_id_prefix(external_id);
        Self::new(external_ids(tenant, kind), format!("{prefix}{id}"))
    }

    pub(super) fn member(tenant: TenantId, group: ResourceId, member: ResourceId) -> Self {
        Self::new(members(tenant, group), member.to_string())
    }

    pub(super) fn counter(tenant: TenantId, kind: ResourceKind, shard: char) -> Self {
        Self::new(counters(tenant, kind), shard)
    }

    pub(super) fn leaves(tenant: TenantId, kind: ResourceKind, prefix: &str) -> Self {
        let partition = match kind {
            ResourceKind::User => "R",
            ResourceKind::Group => "GR",
        };
        Self::new(format!("{tenant}#{partition}"), prefix)
    }

    /// The tenant itself.
    pub(super) fn tenant(tenant: TenantId) -> Self {
        Self::new(tenant_rows(tenant), "T")
    }

    /// The tenant in the list of all tenants.
    pub(super) fn listed_tenant(tenant: TenantId) -> Self {
        Self::new(TENANTS.to_owned(), tenant.to_string())
    }

    /// The operator's own name for a tenant.
    pub(super) fn tenant_external_id(external_id: &str) -> Self {
        Self::new("TENANTS#X".to_owned(), bounded(external_id))
    }

    pub(super) fn seats(tenant: TenantId) -> Self {
        Self::new(tenant_rows(tenant), "SEATS")
    }

    pub(super) fn connection(tenant: TenantId, name: &Domain) -> Self {
        Self::new(tenant_rows(tenant), format!("{CONNECTION_PREFIX}{name}"))
    }

    /// The owner of a domain.
    pub(super) fn domain(domain: &Domain) -> Self {
        Self::new(domain_rows(domain), "T")
    }

    /// The tenant that holds a domain verified.
    pub(super) fn holder(domain: &Domain) -> Self {
        Self::new(domain_rows(domain), HOLDER)
    }

    /// The claim of a tenant on a domain.
    pub(super) fn claim(tenant: TenantId, domain: &Domain) -> Self {
        Self::new(tenant_rows(tenant), format!("{CLAIM_PREFIX}{domain}"))
    }

    /// The authority of a connection.
    pub(super) fn authority(tenant: TenantId, connection: &Domain) -> Self {
        Self::new(tenant_rows(tenant), format!("{AUTHORITY_PREFIX}{connection}"))
    }

    /// A pending sign-in. Its id has 160 random bits and is the whole key: when the browser comes
    /// back with it, the tenant is not known yet.
    pub(super) fn pending_sign_in(request_id: &str) -> Self {
        Self::new(format!("Q#{}", bounded(request_id)), "Q")
    }

    /// A consumed assertion, by the digest of its id.
    pub(super) fn consumed_assertion(tenant: TenantId, digest: &str) -> Self {
        Self::new(format!("{tenant}#RA"), digest)
    }

    pub(super) fn sign_in_record(tenant: TenantId, id: &str) -> Self {
        Self::new(sign_in_records(tenant), id)
    }

    /// The user that an identity is linked to, by the digest of the identity.
    pub(super) fn link(tenant: TenantId, digest: &str) -> Self {
        Self::new(link_rows(tenant), digest)
    }

    /// The lease for the secret with the tenant's SCIM tokens.
    pub(super) fn scim_tokens_lease(tenant: TenantId) -> Self {
        Self::new(format!("LOCK#scim-tokens#{tenant}"), "LOCK")
    }

    /// The last use of a SCIM token.
    pub(super) fn token_use(tenant: TenantId, token: &str) -> Self {
        Self::new(token_uses(tenant), token)
    }

    /// A row that never exists.
    pub(super) fn nothing() -> Self {
        Self::new("NOTHING".to_owned(), "NOTHING")
    }

    /// The position of the scheduled refresh of all connections.
    pub(super) fn refresh_position() -> Self {
        Self::new("REFRESH".to_owned(), "REFRESH")
    }

    /// The layout of the rows.
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
        Self::new(issued(tenant), format!("C#{digest}"))
    }

    pub(super) fn grant(tenant: TenantId, id: GrantId) -> Self {
        Self::new(issued(tenant), format!("G#{id}"))
    }

    /// A grant in the list of one user.
    pub(super) fn grant_of_user(tenant: TenantId, user: ResourceId, grant: GrantId) -> Self {
        Self::new(issued(tenant), format!("{}{grant}", user_prefix(user)))
    }

    pub(super) fn refresh_token(tenant: TenantId, digest: &str) -> Self {
        Self::new(issued(tenant), format!("F#{digest}"))
    }

    pub(super) fn session(tenant: TenantId, digest: &str) -> Self {
        Self::new(issued(tenant), format!("S#{digest}"))
    }

    /// An event that is not published yet. Within a lane the keys sort by resource and version.
    pub(super) fn outbox(
        tenant: TenantId,
        resource: ResourceId,
        version: u64,
        index: usize,
    ) -> Self {
        let sk = format!("{tenant}#{resource}#{version:020}#{index:03}");
        Self::new(outbox(lane_of(tenant)), sk)
    }

    /// A published event.
    pub(super) fn event(position: u64) -> Self {
        Self::new(events(position), event_sort_key(position))
    }

    /// The head of the feed of events.
    pub(super) fn feed_head() -> Self {
        Self::new("FEED".to_owned(), "HEAD")
    }

    /// The positions of a tenant's events in one batch, by the first of the batch.
    pub(super) fn events_of_tenant(tenant: TenantId, first: u64) -> Self {
        Self::new(events_of_tenant(tenant), event_sort_key(first))
    }

    /// A row of a partition that was listed.
    pub(super) fn in_partition(pk: &str, sk: &str) -> Self {
        Self::new(pk.to_owned(), sk)
    }

    /// The key as an item: to get, update or delete by, or to add attributes to.
    pub(super) fn item(&self) -> Item {
        [(PK, &self.pk), (SK, &self.sk)]
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.clone())))
            .into()
    }

    /// The key of a row; an attribute that the row was read without is empty.
    pub(super) fn of(row: &Item) -> Self {
        let part = |name| row.get(name).and_then(|value| value.as_s().ok()).cloned();
        Self { pk: part(PK).unwrap_or_default(), sk: part(SK).unwrap_or_default() }
    }
}

/// Partition of a collection's resources, sorted by id.
pub(super) fn resources(tenant: TenantId, kind: ResourceKind) -> String {
    match kind {
        ResourceKind::User => format!("{tenant}#U"),
        ResourceKind::Group => format!("{tenant}#G"),
    }
}

/// Partition of a collection's sixteen counters.
pub(super) fn counters(tenant: TenantId, kind: ResourceKind) -> String {
    match kind {
        ResourceKind::User => format!("{tenant}#C"),
        ResourceKind::Group => format!("{tenant}#GC"),
    }
}

/// Partition of the lookup by e-mail address.
pub(super) fn emails(tenant: TenantId) -> String {
    format!("{tenant}#E")
}

/// Beginning of the sort keys of one e-mail address; a resource id follows.
pub(super) fn email_prefix(lower: &str) -> String {
    format!("{}#", bounded(lower))
}

/// Partition of the lookup by `externalId`, which need not be unique: it is the client's own
/// (RFC 7643 §3.1), and Microsoft's collection of requests gives one to several users.
pub(super) fn external_ids(tenant: TenantId, kind: ResourceKind) -> String {
    match kind {
        ResourceKind::User => format!("{tenant}#X"),
        ResourceKind::Group => format!("{tenant}#GX"),
    }
}

/// Beginning of the sort keys of one `externalId`; a resource id follows.
pub(super) fn external_id_prefix(external_id: &str) -> String {
    format!("{}#", bounded(external_id))
}

/// Partition of one group's members.
pub(super) fn members(tenant: TenantId, group: ResourceId) -> String {
    format!("{tenant}#GM#{group}")
}

/// The group whose members are in this partition.
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

/// Partition of one month's activity, sorted by time.
pub(super) fn activity(tenant: TenantId, month: &str) -> String {
    format!("{tenant}#A#{month}")
}

/// Partition of the links of a tenant's users.
pub(super) fn link_rows(tenant: TenantId) -> String {
    format!("{tenant}#L")
}

/// Beginning of the sort keys of one user's links, and of one user's grants.
pub(super) fn user_prefix(user: ResourceId) -> String {
    format!("U#{user}#")
}

/// Partition of the rows of a domain name: the connection of that name, and the holder.
pub(super) fn domain_rows(domain: &Domain) -> String {
    format!("DOM#{domain}")
}

/// Partition of the tenant's own row, its seat rules, connections and domains.
pub(super) fn tenant_rows(tenant: TenantId) -> String {
    format!("{tenant}#T")
}

/// Partition of the codes, grants, refresh tokens and sessions that were issued to people.
pub(super) fn issued(tenant: TenantId) -> String {
    format!("{tenant}#O")
}

/// Partition of the events of a lane that are not published yet.
pub(super) fn outbox(lane: char) -> String {
    format!("{OUTBOX_PREFIX}{lane}")
}

/// The lane of a tenant's events: the last digit of its id, which is random.
pub(super) fn lane_of(tenant: TenantId) -> char {
    tenant.to_string().pop().unwrap_or('0')
}

/// Partition of the published event at a position.
pub(super) fn events(position: u64) -> String {
    format!("EV#{}", position / EVENTS_PER_PARTITION)
}

/// Sort key of the published event at a position.
pub(super) fn event_sort_key(position: u64) -> String {
    format!("{position:020}")
}

/// Partition of the positions of a tenant's events, in order.
pub(super) fn events_of_tenant(tenant: TenantId) -> String {
    format!("{tenant}#EV")
}

/// Number of published events of one partition.
pub(super) const EVENTS_PER_PARTITION: u64 = 10_000;

/// Partition of the last uses of a tenant's SCIM tokens.
pub(super) fn token_uses(tenant: TenantId) -> String {
    format!("{tenant}#TU")
}

/// The partitions that are deleted with a tenant, except members. Groups come last: the members are
/// found by their rows.
pub(super) fn of_tenant(tenant: TenantId) -> [String; 17] {
    ["O", "EV", "L", "S", "RA", "TU", "U", "N", "X", "E", "C", "R", "GN", "GX", "GC", "GR", "G"]
        .map(|kind| format!("{tenant}#{kind}"))
}

/// The partitions that a restore of a tenant copies, except members and activity. What was issued
/// to people is left out, since it may have been revoked since, and so are the uses of tokens and the
/// positions of events, since neither tokens nor the feed are restored.
pub(super) fn restorable(tenant: TenantId) -> impl Iterator<Item = String> {
    let left_out = [issued(tenant), token_uses(tenant), events_of_tenant(tenant)];
    let lasting = of_tenant(tenant).into_iter().filter(move |one| !left_out.contains(one));
    lasting.chain([tenant_rows(tenant)])
}

/// A value as part of a sort key, which DynamoDB limits to 1,024 bytes.
///
/// A longer value keeps its beginning and ends in its digest. The two forms cannot be equal: one
/// has at most [`LONGEST_VALUE`] bytes, the other always more.
fn bounded(value: &str) -> String {
    if value.len() <= LONGEST_VALUE {
        return value.to_owned();
    }
    let beginning = value.get(..value.floor_char_boundary(LONGEST_VALUE)).unwrap_or_default();
    format!("{beginning}#{}", hex(&Sha256::digest(value)))
}

/// Bytes of a value that fit in a sort key beside a digest and an id.
const LONGEST_VALUE: usize = 900;

#[cfg(test)]
mod tests;
