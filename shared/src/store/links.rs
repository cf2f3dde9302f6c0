//! Links: the user that an identity of a connection is.
//!
//! A link has up to two rows. The row of the user says when the link was used and is what an
//! operator sees; a stable identity also has a row of its own, found by a keyed digest, so that
//! neither row holds a name. A link counts for one connection and one issuer.
//!
//! Rows of version 0.1.0 have an unkeyed digest and name no issuer; they are read beside the new
//! ones and replaced at the next sign-in.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::item::{Item, corrupt, number, optional_text, parsed, take_optional_text, text};
use super::keys::{Key, TTL, link_rows, user_prefix};
use super::page::StoredResource as _;
use super::read::{Consistency, Range, SortKeys, sort_key};
use super::transaction::Commit;
use super::users::StoredUser;
use super::write::Write;
use super::{Store, StoreError};
use types::domain::Domain;
use types::hex::hex;
use types::ids::{ResourceId, TenantId};

/// The digests that the row of a stable identity is found by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdentityDigest {
    /// HMAC over connection, issuer, claim and value, in hexadecimal.
    pub keyed: String,
    /// The same as a plain SHA-256, as version 0.1.0 wrote it; none for an identity that it did
    /// not know.
    pub legacy: Option<String>,
}

/// The link of a stable identity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LinkedUser {
    /// The user, who may have been deleted.
    pub user: ResourceId,
    /// Index of the identity among those that were asked for.
    pub identity: usize,
    /// The row is of version 0.1.0.
    pub is_legacy: bool,
}

/// Whether the identity of a link is remembered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkKind {
    /// A stable identifier, which leads to the user at the next sign-in.
    Stable,
    /// An address, which is looked up anew; the link only says that it was used.
    Address,
}

/// A link as an operator sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// Name of the connection.
    pub connection: Domain,
    /// Entity id of the issuer; none in a row of version 0.1.0.
    pub issuer: Option<String>,
    /// Kind of the identity; none in a row of version 0.1.0.
    pub kind: Option<LinkKind>,
    /// Time of the first sign-in.
    pub first_used_at: Option<Timestamp>,
    /// Time of the last sign-in, to the hour.
    pub last_used_at: Option<Timestamp>,
    /// Sort key of the row.
    row: String,
    /// Digest of a stable identity.
    identity: Option<String>,
}

/// A stable identity to link to a user.
#[derive(Clone, Debug)]
pub struct NewLink<'a> {
    /// Name of the connection.
    pub connection: &'a Domain,
    /// Entity id of the issuer.
    pub issuer: &'a str,
    /// Digests of the identity.
    pub identity: &'a IdentityDigest,
    /// The user.
    pub user: ResourceId,
    /// A user that the identity was linked to and that no longer exists.
    pub gone: Option<ResourceId>,
    /// The digest of the identity that the user was before, to replace it.
    pub former: Option<&'a str>,
    /// The identity has a row of version 0.1.0, which this link replaces.
    pub is_legacy: bool,
    /// Time of the sign-in.
    pub now: Timestamp,
}

/// The result of linking.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkOutcome {
    /// The identity is linked to the user.
    Linked,
    /// The user is another identity of this issuer by now.
    UserTaken,
    /// The identity is linked to another user by now.
    IdentityTaken,
}

#[derive(Clone, Copy, Debug)]
enum LinkRow {
    Identity,
    User,
    Former,
}

impl LinkKind {
    /// The word on the wire and in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Address => "address",
        }
    }
}

impl Store {
    /// Reads the user that the best of these identities is linked to, by its keyed digest. The user
    /// may have been deleted. Nearly every sign-in after the first finds its user by this one row.
    pub async fn linked_user(
        &self,
        tenant: TenantId,
        best: &IdentityDigest,
    ) -> Result<Option<LinkedUser>, StoreError> {
        let row = self.get(&Key::link(tenant, &best.keyed)).await?;
        let row = row.filter(|row| !row.contains_key(TTL));
        row.map(|row| Ok(LinkedUser { user: parsed(&row, "id")?, identity: 0, is_legacy: false }))
            .transpose()
    }

    /// Reads the links that [`Self::linked_user`] leaves out, the best identity first: those of the
    /// other identities, and those of version 0.1.0.
    pub async fn other_linked_users(
        &self,
        tenant: TenantId,
        identities: &[IdentityDigest],
    ) -> Result<Vec<LinkedUser>, StoreError> {
        let mut wanted = Vec::new();
        for (nth, identity) in identities.iter().enumerate() {
            let keyed = Some(&identity.keyed).filter(|_| nth > 0).map(|digest| (digest, false));
            let legacy = identity.legacy.as_ref().map(|digest| (digest, true));
            let digests = keyed.into_iter().chain(legacy);
            wanted.extend(digests.map(|(digest, is_legacy)| (digest, nth, is_legacy)));
        }
        let keys: Vec<Key> = wanted.iter().map(|(digest, ..)| Key::link(tenant, digest)).collect();
        let rows = self.get_many(&keys, None).await?;
        let mut links = Vec::new();
        for (digest, identity, is_legacy) in wanted {
            let is_wanted = |row: &&Item| {
                !row.contains_key(TTL) && sort_key(row).is_ok_and(|key| key == digest)
            };
            if let Some(row) = rows.iter().find(is_wanted) {
                links.push(LinkedUser { user: parsed(row, "id")?, identity, is_legacy });
            }
        }
        Ok(links)
    }

    /// Reads the users among `ids` that exist, each with the digest of the stable identity that it
    /// has at an issuer, in one call.
    pub async fn users_with_identity(
        &self,
        tenant: TenantId,
        ids: &[ResourceId],
        connection: &Domain,
        issuer: &str,
    ) -> Result<Vec<(StoredUser, Option<String>)>, StoreError> {
        let users = ids.iter().map(|id| Key::user(tenant, *id));
        let row_key = |id| user_row_key(tenant, id, connection, issuer, LinkKind::Stable);
        let keys: Vec<Key> = users.chain(ids.iter().copied().map(row_key)).collect();
        let link_rows = link_rows(tenant);
        let (links, users): (Vec<Item>, Vec<Item>) = self
            .get_many(&keys, None)
            .await?
            .into_iter()
            .partition(|row| Key::of(row).pk == link_rows);
        let mut found = Vec::new();
        for row in users {
            let user = StoredUser::from_row(row)?;
            let key = row_key(user.resource.id);
            let link = links.iter().find(|row| Key::of(row) == key);
            let identity = link.and_then(|row| optional_text(row, IDENTITY)).map(str::to_owned);
            found.push((user, identity));
        }
        found.sort_unstable_by_key(|(user, _)| user.resource.id);
        Ok(found)
    }

    /// Links a stable identity to a user.
    pub async fn link_user(
        &self,
        tenant: TenantId,
        link: &NewLink<'_>,
    ) -> Result<LinkOutcome, StoreError> {
        let keyed = &link.identity.keyed;
        let mut by_identity = Key::link(tenant, keyed).item();
        by_identity.insert("id".to_owned(), text(link.user.to_string()));
        by_identity.insert(LAST_USED.to_owned(), text(link.now.to_string()));
        let mut by_user =
            user_row(tenant, link.user, link.connection, link.issuer, LinkKind::Stable, link.now);
        by_user.insert(IDENTITY.to_owned(), text(keyed));
        let known = link.gone.unwrap_or(link.user);
        let mut writes = vec![
            (
                LinkRow::Identity,
                // A retired row names no user and may come back: its time to live ends with it.
                Write::replace(by_identity, &[TTL])
                    .when("attribute_not_exists(id) OR id = :known")
                    .bind(":known", text(known.to_string())),
            ),
            (
                LinkRow::User,
                Write::replace(by_user, &[TTL])
                    .when("attribute_not_exists(x) OR x = :x")
                    .bind(":x", text(link.former.unwrap_or(keyed))),
            ),
        ];
        if let Some(former) = link.former.filter(|former| former != keyed) {
            writes.push((LinkRow::Former, retired(&Key::link(tenant, former), link.now)));
        }
        if let Some(legacy) = link.identity.legacy.as_ref().filter(|_| link.is_legacy) {
            let by_user = format!("{}{}", user_prefix(link.user), link.connection);
            let by_user = Key::in_partition(&link_rows(tenant), &by_user);
            writes.push((LinkRow::Former, retired(&Key::link(tenant, legacy), link.now)));
            writes.push((LinkRow::Former, retired(&by_user, link.now)));
        }
        match self.commit(&writes).await? {
            Commit::Done => Ok(LinkOutcome::Linked),
            Commit::Refused(refusals) => {
                let user_taken = refusals.iter().any(|refusal| match refusal.label {
                    LinkRow::User => true,
                    LinkRow::Identity | LinkRow::Former => false,
                });
                Ok(if user_taken { LinkOutcome::UserTaken } else { LinkOutcome::IdentityTaken })
            }
        }
    }

    /// Notes the use of a link in the row of the user, at most once an hour.
    pub async fn note_link_use(
        &self,
        tenant: TenantId,
        user: ResourceId,
        connection: &Domain,
        issuer: &str,
        kind: LinkKind,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let an_hour_ago = now.saturating_sub(NOTED_EVERY).unwrap_or(now);
        let expression = format!(
            "SET {LAST_USED} = :now, {FIRST_USED} = if_not_exists({FIRST_USED}, :now), \
             {ISSUER} = :iss, {CONNECTION} = :c, {KIND} = :k"
        );
        let condition = match kind {
            // A link that was removed in between must not come back without its identity.
            LinkKind::Stable => format!("attribute_exists({IDENTITY}) AND {LAST_USED} <= :hour"),
            LinkKind::Address => {
                format!("attribute_not_exists({LAST_USED}) OR {LAST_USED} <= :hour")
            }
        };
        let write = Write::update(user_row_key(tenant, user, connection, issuer, kind), expression)
            .when(condition)
            .bind(":now", text(now.to_string()))
            .bind(":hour", text(an_hour_ago.to_string()))
            .bind(":iss", text(issuer))
            .bind(":c", text(connection.as_str()))
            .bind(":k", text(kind.as_str()));
        self.commit(&[((), write)]).await.map(drop)
    }

    /// The links of a user.
    pub async fn links(&self, tenant: TenantId, user: ResourceId) -> Result<Vec<Link>, StoreError> {
        let range = Range::all(link_rows(tenant), Consistency::Strong)
            .with(SortKeys::BeginWith(user_prefix(user)));
        let rows = self.query(&range, MOST_LINKS).await?.into_iter();
        rows.filter(|row| !row.contains_key(TTL)).map(|row| Link::from_row(user, row)).collect()
    }

    /// Removes the links of a user at one connection, or all of them. Returns whether there were
    /// any.
    pub async fn unlink_user(
        &self,
        tenant: TenantId,
        user: ResourceId,
        connection: Option<&Domain>,
    ) -> Result<bool, StoreError> {
        let mut links = self.links(tenant, user).await?;
        links.retain(|link| connection.is_none_or(|connection| link.connection == *connection));
        for link in &links {
            let mut writes =
                vec![((), Write::delete(Key::in_partition(&link_rows(tenant), &link.row)))];
            if let Some(identity) = &link.identity {
                let own = Write::delete(Key::link(tenant, identity))
                    .when("attribute_not_exists(pk) OR id = :user")
                    .bind(":user", text(user.to_string()));
                writes.push(((), own));
            }
            self.commit(&writes).await?;
        }
        Ok(!links.is_empty())
    }
}

impl Link {
    fn from_row(user: ResourceId, mut row: Item) -> Result<Self, StoreError> {
        let time = |row: &Item, name| optional_text(row, name).and_then(|text| text.parse().ok());
        let (first_used_at, last_used_at) = (time(&row, FIRST_USED), time(&row, LAST_USED));
        let kind = match take_optional_text(&mut row, KIND).as_deref() {
            Some("stable") => Some(LinkKind::Stable),
            Some("address") => Some(LinkKind::Address),
            Some(_) | None => None,
        };
        let sort_key = sort_key(&row)?.to_owned();
        // A row of version 0.1.0 names the connection in its key alone.
        let named = take_optional_text(&mut row, CONNECTION);
        let in_key = || sort_key.strip_prefix(&user_prefix(user)).map(str::to_owned);
        let connection = named.or_else(in_key).and_then(|name| name.parse().ok());
        Ok(Self {
            connection: connection.ok_or_else(|| corrupt(&row, CONNECTION))?,
            issuer: take_optional_text(&mut row, ISSUER),
            kind,
            first_used_at,
            last_used_at,
            identity: take_optional_text(&mut row, IDENTITY),
            row: sort_key,
        })
    }
}

/// Makes a row lead to nobody, until DynamoDB drops it. A sign-in may write rows and not delete
/// them.
fn retired(key: &Key, now: Timestamp) -> Write {
    let mut row = key.item();
    row.insert(TTL.to_owned(), number(now.as_second()));
    Write::replace(row, &["id", IDENTITY])
}

fn user_row(
    tenant: TenantId,
    user: ResourceId,
    connection: &Domain,
    issuer: &str,
    kind: LinkKind,
    now: Timestamp,
) -> Item {
    let mut row = user_row_key(tenant, user, connection, issuer, kind).item();
    row.extend([
        (CONNECTION.to_owned(), text(connection.as_str())),
        (ISSUER.to_owned(), text(issuer)),
        (KIND.to_owned(), text(kind.as_str())),
        (FIRST_USED.to_owned(), text(now.to_string())),
        (LAST_USED.to_owned(), text(now.to_string())),
    ]);
    row
}

/// The row of a user's link. The issuer is a URL of any length, so the key has its digest.
fn user_row_key(
    tenant: TenantId,
    user: ResourceId,
    connection: &Domain,
    issuer: &str,
    kind: LinkKind,
) -> Key {
    let issuer = hex(&Sha256::digest(issuer));
    let (issuer, _) = issuer.split_at_checked(32).unwrap_or((&issuer, ""));
    let prefix = user_prefix(user);
    Key::in_partition(
        &link_rows(tenant),
        &format!("{prefix}{connection}#{issuer}#{}", kind.as_str()),
    )
}

const IDENTITY: &str = "x";
const CONNECTION: &str = "c";
const ISSUER: &str = "iss";
const KIND: &str = "k";
const FIRST_USED: &str = "fu";
const LAST_USED: &str = "lu";

/// Uses within this time of the last are not written.
const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// More than a user has: one list is one call.
const MOST_LINKS: usize = 1_000;
