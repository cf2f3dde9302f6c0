//! Sign-ins: those that were begun, what was used up, and the record of each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::item::{Item, number, optional_number, parsed, take_optional_text, take_text, text};
use super::keys::{Key, SK, TTL, sign_in_records};
use super::read::{Consistency, Range, SortKeys};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use oidc::purpose::Purpose;
use types::domain::Domain;
use types::ids::{ResourceId, TenantId};

/// A sign-in that was begun and is not over.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PendingSignIn {
    /// 160 random bits; the `ID` of our request, once it is sent.
    pub id: String,
    /// At whose identity provider.
    pub tenant: TenantId,
    /// By which connection.
    pub domain: Domain,
    /// Why.
    pub purpose: Purpose,
    /// How far it came.
    pub stage: Stage,
    /// Digest of what the browser's cookie must hold; none as long as no browser is known.
    pub browser: Option<String>,
    /// From when on it is over.
    pub expires_at: Timestamp,
}

/// How far a sign-in came.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Stage {
    /// A link to try the connection, not opened yet.
    Invited,
    /// The person picks a member of a federation.
    Choosing,
    /// A request went to the provider with this entity id.
    Asked(String),
    /// The provider vouched without being asked; the person has to agree.
    Arrived {
        /// Who it is.
        user: ResourceId,
        /// SAML core §2.7.2.
        authn_instant: Timestamp,
        /// SAML core §2.7.2.
        session_not_on_or_after: Option<Timestamp>,
    },
}

/// How one sign-in went. Kept for a week.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SignInRecord {
    /// Sorts by time.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What the person was told to pass on.
    pub reference: String,
    /// By which connection.
    pub domain: Domain,
    /// `app`, `start`, `test` or `provider`.
    pub began: String,
    /// Nobody was refused.
    pub succeeded: bool,
    /// The first check that failed, `saml.audience`.
    pub code: Option<String>,
    /// What failed, in the administrator's words.
    pub message: Option<String>,
    /// Who has to act.
    pub actor: Option<String>,
    /// Who signed in.
    pub user: Option<ResourceId>,
    /// All 25 checks, each with what was expected and received.
    pub checks: Value,
    /// What the provider said, if the connection keeps it.
    pub claims: Option<Value>,
}

impl SignInRecord {
    fn row(self, tenant: TenantId) -> Item {
        let mut item = Key::sign_in(tenant, &self.id).item();
        let ends = self.at.as_second() + RETENTION_SECONDS;
        item.extend([
            ("at".to_owned(), text(self.at.to_string())),
            ("ref".to_owned(), text(self.reference)),
            ("dom".to_owned(), text(self.domain.as_str())),
            ("began".to_owned(), text(self.began)),
            ("checks".to_owned(), text(self.checks.to_string())),
            (TTL.to_owned(), number(ends)),
        ]);
        let optional = [
            ("code", self.code),
            ("msg", self.message),
            ("actor", self.actor),
            ("user", self.user.map(|user| user.to_string())),
            ("claims", self.claims.map(|claims| claims.to_string())),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                item.insert(name.to_owned(), text(value));
            }
        }
        item
    }

    fn read(mut item: Item) -> Result<Self, StoreError> {
        let code = take_optional_text(&mut item, "code");
        let user = item.contains_key("user").then(|| parsed(&item, "user")).transpose()?;
        let claims = item.contains_key("claims").then(|| parsed(&item, "claims")).transpose()?;
        Ok(Self {
            at: parsed(&item, "at")?,
            domain: parsed(&item, "dom")?,
            checks: parsed(&item, "checks")?,
            id: take_text(&mut item, SK)?,
            reference: take_text(&mut item, "ref")?,
            began: take_text(&mut item, "began")?,
            succeeded: code.is_none(),
            code,
            message: take_optional_text(&mut item, "msg"),
            actor: take_optional_text(&mut item, "actor"),
            user,
            claims,
        })
    }
}

impl Store {
    /// Remembers a sign-in that was begun.
    pub async fn begin_sign_in(&self, pending: &PendingSignIn) -> Result<(), StoreError> {
        let document =
            serde_json::to_string(pending).map_err(|_| StoreError::Corrupt("pending"))?;
        let mut row = Key::pending_sign_in(&pending.id).item();
        row.insert("d".to_owned(), text(document));
        row.insert(TTL.to_owned(), number(pending.expires_at.as_second()));
        match self.commit(&[((), Write::insert(row))]).await? {
            Commit::Done => Ok(()),
            Commit::Refused(_) => Err(StoreError::VersionMismatch),
        }
    }

    /// The sign-ins among `ids` that are not over.
    pub async fn pending_sign_ins(
        &self,
        ids: &[&str],
        now: Timestamp,
    ) -> Result<Vec<PendingSignIn>, StoreError> {
        let mut keys: Vec<Key> = Vec::with_capacity(ids.len());
        for key in ids.iter().map(|id| Key::pending_sign_in(id)) {
            // DynamoDB refuses a batch that names a row twice.
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let rows = match keys.as_slice() {
            [] => return Ok(Vec::new()),
            [key] => self.get(key).await?.into_iter().collect(),
            _ => self.get_many(&keys, None).await?,
        };
        // A sign-in that has ended has no document any more.
        let documents = rows.into_iter().filter_map(|mut row| take_optional_text(&mut row, "d"));
        let pending = documents.map(|document| {
            serde_json::from_str(&document).map_err(|_| StoreError::Corrupt("pending"))
        });
        let mut pending = pending.collect::<Result<Vec<PendingSignIn>, _>>()?;
        pending.retain(|pending| now < pending.expires_at);
        Ok(pending)
    }

    /// Ends a pending sign-in. `true` for exactly one of those who try.
    ///
    /// What is left is a row without the sign-in: a put is known again when its answer was lost,
    /// and a delete would not be.
    pub async fn end_sign_in(&self, pending: &PendingSignIn) -> Result<bool, StoreError> {
        let mut row = Key::pending_sign_in(&pending.id).item();
        row.insert(TTL.to_owned(), number(pending.expires_at.as_second()));
        let ended = Write::put(row).when("attribute_exists(d)");
        Ok(matches!(self.commit(&[((), ended)]).await?, Commit::Done))
    }

    /// Uses up an assertion. `true` for exactly one of those who try.
    pub async fn use_assertion(
        &self,
        tenant: TenantId,
        digest: &str,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut row = Key::used_assertion(tenant, digest).item();
        // A day more: DynamoDB's clock is not ours, and the row costs nothing.
        row.insert(TTL.to_owned(), number(until.as_second().saturating_add(DAY_SECONDS)));
        Ok(matches!(self.commit(&[((), Write::insert(row))]).await?, Commit::Done))
    }

    /// Adds a record.
    pub async fn record_sign_in(
        &self,
        tenant: TenantId,
        record: SignInRecord,
    ) -> Result<(), StoreError> {
        self.commit(&[((), Write::put(record.row(tenant)))]).await.map(drop)
    }

    /// Records older than `before`, the newest first; from the newest of all without it.
    pub async fn sign_ins(
        &self,
        tenant: TenantId,
        before: Option<String>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<SignInRecord>, StoreError> {
        let mut range = Range::all(sign_in_records(tenant), Consistency::Strong);
        range.newest_first = true;
        range.sort_keys = before.map(SortKeys::Before);
        let mut records = Vec::new();
        for item in self.query(&range, limit).await? {
            // DynamoDB drops what has expired within days, not at once.
            if optional_number(&item, TTL)?.is_none_or(|ttl: i64| ttl > now.as_second()) {
                records.push(SignInRecord::read(item)?);
            }
        }
        Ok(records)
    }
}

/// The id of a record that is made at this time: a version 7 UUID with this randomness.
pub fn record_id(at: Timestamp, random: [u8; 10]) -> String {
    let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or_default();
    let id: Uuid = uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid();
    id.to_string()
}

/// A week.
const RETENTION_SECONDS: i64 = 7 * DAY_SECONDS;
const DAY_SECONDS: i64 = 24 * 60 * 60;
