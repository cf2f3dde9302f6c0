//! Users: the row, the keys it is found by, and the reads.
//!
//! Every lookup is strongly consistent and touches at most two rows, so that a connector's filter
//! right after its create finds the user. The writes are in `user_writes`.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::item::{
    Item, corrupt, flag, number, optional_number, parsed, take_text, take_texts, text, texts,
};
use super::keys::{Key, email_prefix, emails};
use super::page::{Chunk, Page, StoredResource};
use super::read::Consistency;
use super::versioned::Versioned;
use super::{Store, StoreError};
use directory::event::Origin;
use directory::view::User;
use scim::licence::Licence;
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

/// A User as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredUser {
    /// Id, version, times and document.
    pub resource: Versioned,
    /// `active`, also in the document.
    pub active: bool,
    /// Rises when `active` becomes false and when the user's sessions are ended. A session of an
    /// earlier generation stays invalid, also after the user is active again.
    pub generation: u64,
    /// The licence that the document states.
    pub licence: Licence,
    /// Whether the user occupies a seat.
    pub seated: bool,
    /// The groups that the last assertion named, of a user who was created by a sign-in; `None` once
    /// SCIM has written the user, and then sign-ins change nothing.
    pub sign_in_groups: Option<Vec<String>>,
}

/// The values that a user is found by. The caller derives them from the document, folded the way
/// the attributes compare.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UserKeys {
    /// `userName`, folded by NFKC and lower case. Not empty.
    pub user_name: String,
    /// `externalId`, unchanged; an empty one counts as none.
    pub external_id: Option<String>,
    /// Every `emails.value`, in lower case.
    pub emails: Vec<String>,
}

/// The new state of a user.
#[derive(Clone, Debug)]
pub struct UserWrite {
    /// `meta.lastModified`; of a new user also `meta.created`.
    pub last_modified: Timestamp,
    /// The origin of the change, for its events.
    pub origin: Origin,
    /// `active`. An inactive user holds no seat, whatever `seat` says.
    pub active: bool,
    /// The values that the user is found by.
    pub keys: UserKeys,
    /// The licence that `document` states.
    pub licence: Licence,
    /// See [`Versioned::document`].
    pub document: String,
    /// Whether an active user takes a seat.
    pub seat: SeatRequest,
    /// See [`StoredUser::sign_in_groups`].
    pub sign_in_groups: Option<Vec<String>>,
}

/// Whether an active user takes a seat.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SeatRequest {
    /// Takes none, and gives back the one it has.
    None,
    /// Takes one, or the write fails with [`StoreError::NoSeat`].
    Required,
    /// Takes one if one is free.
    IfFree {
        /// The document to store as [`Licence::ViewOnly`] when none is free.
        view_only: String,
    },
    /// Follows the tenant's rule for joining users; a user who may have a seat takes one if one is
    /// free.
    OnJoin {
        /// The document to store as [`Licence::ViewOnly`] without a seat.
        view_only: String,
    },
}

/// The result of a write of a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserOutcome {
    /// The user as it is stored now.
    pub user: StoredUser,
    /// No seat was free, so the user was stored as view-only.
    pub seat_refused: bool,
}

impl StoredUser {
    /// The user as apps see it. `resource` is the parsed document.
    pub fn view<'a>(&self, resource: &'a Map<String, Value>) -> User<'a> {
        let Versioned { id, version, created, last_modified, document: _ } = self.resource;
        let (active, licence) = (self.active, self.licence);
        User { id, resource, active, licence, created, last_modified, version }
    }

    pub(super) fn to_row(&self, key: &Key) -> Item {
        let mut row = self.resource.to_row(key);
        row.extend([
            ("act".to_owned(), AttributeValue::Bool(self.active)),
            ("lic".to_owned(), text(self.licence.as_str())),
            ("seat".to_owned(), AttributeValue::Bool(self.seated)),
        ]);
        if self.generation > 0 {
            row.insert("dn".to_owned(), number(self.generation));
        }
        if let Some(groups) = &self.sign_in_groups {
            row.insert(SIGN_IN_GROUPS.to_owned(), texts(groups));
        }
        row
    }
}

impl StoredResource for StoredUser {
    const KIND: ResourceKind = ResourceKind::User;

    fn from_row(mut row: Item) -> Result<Self, StoreError> {
        let licence = take_text(&mut row, "lic")?;
        Ok(Self {
            resource: Versioned::take_from(&mut row)?,
            active: flag(&row, "act"),
            generation: optional_number(&row, "dn")?.unwrap_or_default(),
            licence: [Licence::Full, Licence::ViewOnly]
                .into_iter()
                .find(|known| known.as_str() == licence)
                .ok_or_else(|| corrupt(&row, "lic"))?,
            seated: flag(&row, "seat"),
            sign_in_groups: take_texts(&mut row, SIGN_IN_GROUPS)?,
        })
    }

    fn versioned(&self) -> &Versioned {
        &self.resource
    }
}

impl UserKeys {
    pub(super) fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref().filter(|value| !value.is_empty())
    }

    /// Returns the addresses that have a row of their own, sorted. One that equals `userName` has
    /// none: the lookup reads that row too, and most users have no other address.
    pub(super) fn email_rows(&self) -> Vec<&str> {
        let mut rows: Vec<&str> = self
            .emails
            .iter()
            .map(String::as_str)
            .filter(|email| !email.is_empty() && *email != self.user_name)
            .collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }
}

impl Store {
    /// Reads the user with this id.
    pub async fn user(
        &self,
        tenant: TenantId,
        id: ResourceId,
    ) -> Result<Option<StoredUser>, StoreError> {
        self.resource(tenant, id).await
    }

    /// Reads the users among `ids` that exist, in id order.
    pub async fn users(
        &self,
        tenant: TenantId,
        ids: Vec<ResourceId>,
    ) -> Result<Vec<StoredUser>, StoreError> {
        self.resources(tenant, ids).await
    }

    /// Reads the users who may have this e-mail address, which is in lower case, in id order.
    ///
    /// A user whose folded `userName` is the text is among them whether or not it is one of their
    /// addresses; the caller applies its filter to the documents.
    pub async fn users_by_email(
        &self,
        tenant: TenantId,
        lower: &str,
    ) -> Result<Vec<StoredUser>, StoreError> {
        let ids = self.ids_of_email_or_user_name(tenant, lower).await?;
        self.users(tenant, ids).await
    }

    /// Reads the ids of the users of [`Store::users_by_email`], in no particular order.
    pub async fn ids_of_email_or_user_name(
        &self,
        tenant: TenantId,
        lower: &str,
    ) -> Result<Vec<ResourceId>, StoreError> {
        if lower.is_empty() {
            return Ok(Vec::new());
        }
        let by_name = Key::user_name(tenant, lower);
        let (by_email, by_name) =
            tokio::join!(self.ids_of_email(tenant, lower), self.id_named_by(&by_name));
        let mut ids = by_email?;
        ids.extend(by_name?);
        Ok(ids)
    }

    /// Reads the ids of the users with these folded `userName`s, which differ, in one call.
    pub async fn ids_of_user_names(
        &self,
        tenant: TenantId,
        folded: &[String],
    ) -> Result<Vec<ResourceId>, StoreError> {
        let names = folded.iter().filter(|name| !name.is_empty());
        let keys: Vec<Key> = names.map(|name| Key::user_name(tenant, name)).collect();
        let rows = match keys.as_slice() {
            [key] => self.get(key).await?.into_iter().collect(),
            keys => self.get_many(keys, None).await?,
        };
        rows.iter().map(|row| parsed(row, "id")).collect()
    }

    /// Reads the ids of the users with exactly this `externalId`.
    pub async fn ids_of_external_id(
        &self,
        tenant: TenantId,
        external_id: &str,
    ) -> Result<Vec<ResourceId>, StoreError> {
        self.ids_by_external_id(tenant, ResourceKind::User, external_id).await
    }

    /// Reads the ids of the users with this e-mail address, which is in lower case, except that of
    /// a user whose folded `userName` it is.
    pub async fn ids_of_email(
        &self,
        tenant: TenantId,
        lower: &str,
    ) -> Result<Vec<ResourceId>, StoreError> {
        self.ids_in_sort_keys(emails(tenant), email_prefix(lower)).await
    }

    /// Reads users from `start_index`, which counts from 1; zero counts as 1.
    pub async fn users_page(
        &self,
        tenant: TenantId,
        start_index: u64,
        count: usize,
    ) -> Result<Page<StoredUser>, StoreError> {
        self.page(tenant, start_index, count).await
    }

    /// Reads users whose id follows `last`; from the first without it.
    pub async fn users_after(
        &self,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> Result<Vec<StoredUser>, StoreError> {
        self.resources_after(tenant, last, count).await
    }

    /// As [`Store::users_after`], but no more than one call returns.
    pub async fn users_chunk(
        &self,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> Result<Chunk<StoredUser>, StoreError> {
        self.resource_chunk(tenant, last, count, Consistency::Eventual).await
    }

    /// As [`Store::users_chunk`], strongly consistent: sees every write that was acknowledged before.
    pub async fn users_snapshot(
        &self,
        tenant: TenantId,
        last: Option<ResourceId>,
        count: usize,
    ) -> Result<Chunk<StoredUser>, StoreError> {
        self.resource_chunk(tenant, last, count, Consistency::Strong).await
    }

    /// Counts the users, active or not.
    pub async fn users_total(&self, tenant: TenantId) -> Result<u64, StoreError> {
        self.total(tenant, ResourceKind::User).await
    }
}

/// Attribute of [`StoredUser::sign_in_groups`].
pub(super) const SIGN_IN_GROUPS: &str = "ag";
