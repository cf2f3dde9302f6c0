//! Users: the row, the keys it is found by, and the lookups. All lookups are strongly consistent
//! and touch at most two rows, so that a connector's filter right after its create finds the user.

use jiff::Timestamp;

use super::item::{Item, flag, optional_number, parsed, required_number, take_text};
use super::keys::{Collection, Key, SK, email_prefix, emails};
use super::page::Row;
use super::read::{Consistency, Range, Sort, sort_key};
use super::{Store, StoreError};
use scim::licence::Licence;
use types::ids::{ResourceId, TenantId};

/// A User as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredUser {
    /// `id`.
    pub id: ResourceId,
    /// Optimistic lock; `meta.version` is its wire form.
    pub version: u64,
    /// `meta.created`.
    pub created: Timestamp,
    /// `meta.lastModified`.
    pub last_modified: Timestamp,
    /// `active`, also in the document.
    pub active: bool,
    /// How often `active` has become false: what a sign-in before that gave counts no more, even
    /// after it has become true again.
    pub deactivations: u64,
    /// What the document says about the licence.
    pub licence: Licence,
    /// Occupies a seat.
    pub seated: bool,
    /// The resource as one JSON object without `id` and `meta`. The text is never empty and ends
    /// in `}`, so that an answer can be made by appending the two instead of by parsing.
    pub document: String,
}

/// What a user is found by. The caller derives it from the document, folded the way that the
/// attributes compare.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UserKeys {
    /// `userName`, folded by NFKC and lower case. Not empty.
    pub user_name: String,
    /// `externalId`, as it is; an empty one counts as none.
    pub external_id: Option<String>,
    /// Every `emails.value`, in lower case.
    pub emails: Vec<String>,
}

impl UserKeys {
    pub(super) fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref().filter(|value| !value.is_empty())
    }

    /// The addresses that have a row of their own, sorted. One that equals `userName` has none:
    /// the lookup reads that row too, and most users have no other address.
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

impl Row for StoredUser {
    const COLLECTION: Collection = Collection::Users;

    fn read(mut item: Item) -> Result<Self, StoreError> {
        let licence = [Licence::Full, Licence::ViewOnly];
        let named = take_text(&mut item, "lic")?;
        Ok(Self {
            id: parsed(&item, SK)?,
            version: required_number(&item, "v")?,
            created: parsed(&item, "ca")?,
            last_modified: parsed(&item, "lm")?,
            active: flag(&item, "act"),
            deactivations: optional_number(&item, "dn")?.unwrap_or_default(),
            licence: licence
                .into_iter()
                .find(|licence| licence.as_str() == named)
                .ok_or(StoreError::Corrupt("lic"))?,
            seated: flag(&item, "seat"),
            document: take_text(&mut item, "d")?,
        })
    }
}

impl Store {
    /// The user with this id.
    #[tracing::instrument(level = "debug", name = "store.user", skip_all, fields(tenant.id = %tenant))]
    pub async fn user(
        &self,
        tenant: TenantId,
        id: ResourceId,
    ) -> Result<Option<StoredUser>, StoreError> {
        self.get(&Key::user(tenant, id)).await?.map(StoredUser::read).transpose()
    }

    /// The user with this folded `userName`.
    #[tracing::instrument(level = "debug", name = "store.user_by_user_name", skip_all, fields(tenant.id = %tenant))]
    pub async fn user_by_user_name(
        &self,
        tenant: TenantId,
        folded: &str,
    ) -> Result<Option<StoredUser>, StoreError> {
        if folded.is_empty() {
            return Ok(None);
        }
        self.user_by(tenant, &Key::user_name(tenant, folded)).await
    }

    /// The users with exactly this `externalId`, in id order.
    #[tracing::instrument(level = "debug", name = "store.users_by_external_id", skip_all, fields(tenant.id = %tenant))]
    pub async fn users_by_external_id(
        &self,
        tenant: TenantId,
        external_id: &str,
    ) -> Result<Vec<StoredUser>, StoreError> {
        let ids = self.ids_by_external_id(tenant, Collection::Users, external_id).await?;
        self.users(tenant, ids).await
    }

    /// The users who may have this address, in lower case, in id order.
    ///
    /// A user whose folded `userName` is the text is among them whether or not it is an address
    /// of theirs; the caller applies its filter to the documents.
    #[tracing::instrument(level = "debug", name = "store.users_by_email", skip_all, fields(tenant.id = %tenant))]
    pub async fn users_by_email(
        &self,
        tenant: TenantId,
        lower: &str,
    ) -> Result<Vec<StoredUser>, StoreError> {
        if lower.is_empty() {
            return Ok(Vec::new());
        }
        let prefix = email_prefix(lower);
        let range = Range::all(emails(tenant), Consistency::Strong)
            .sorted(Sort::BeginsWith(prefix.clone()))
            .keys_only();
        let by_name = Key::user_name(tenant, lower);
        let (rows, name) = tokio::join!(self.query(&range, usize::MAX), self.get(&by_name));
        let mut ids = Vec::new();
        for row in rows? {
            // A longer address with a '#' in it can begin like this one.
            if let Some(id) = sort_key(&row)?.strip_prefix(&prefix).and_then(|id| id.parse().ok()) {
                ids.push(id);
            }
        }
        if let Some(row) = name? {
            ids.push(parsed(&row, "id")?);
        }
        self.users(tenant, ids).await
    }

    /// The users among `ids` that exist, in id order.
    pub async fn users(
        &self,
        tenant: TenantId,
        mut ids: Vec<ResourceId>,
    ) -> Result<Vec<StoredUser>, StoreError> {
        ids.sort_unstable();
        ids.dedup();
        if let [id] = ids.as_slice() {
            return Ok(self.user(tenant, *id).await?.into_iter().collect());
        }
        let keys: Vec<Key> = ids.into_iter().map(|id| Key::user(tenant, id)).collect();
        let rows = self.get_many(&keys, None).await?;
        let mut users = rows.into_iter().map(StoredUser::read).collect::<Result<Vec<_>, _>>()?;
        users.sort_unstable_by_key(|user| user.id);
        Ok(users)
    }

    async fn user_by(&self, tenant: TenantId, key: &Key) -> Result<Option<StoredUser>, StoreError> {
        match self.get(key).await? {
            Some(row) => self.user(tenant, parsed(&row, "id")?).await,
            None => Ok(None),
        }
    }
}
