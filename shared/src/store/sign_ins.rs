//! Sign-ins: the pending ones, the assertions that were consumed, and the record of each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::item::{
    Item, json, number, optional_number, parsed, take_json, take_optional_text, take_text, text,
};
use super::keys::{Key, SK, TTL, sign_in_records};
use super::read::{Consistency, Range, SortKeys};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use oidc::grant::SignInAuthority;
use oidc::purpose::Purpose;
use saml::connection::Connection;
use types::domain::Domain;
use types::ids::{ResourceId, TenantId};

/// A sign-in that has started and not ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PendingSignIn {
    /// 160 random bits; also the `ID` of the authentication request, once it is sent.
    pub id: String,
    /// The tenant of the connection.
    pub tenant: TenantId,
    /// Name of the connection.
    pub domain: Domain,
    /// Why it was started, which decides where it ends.
    pub purpose: Purpose,
    /// The last step that it reached.
    pub stage: Stage,
    /// Digest of the value that the browser's cookie must hold; `None` before a browser is known.
    pub browser: Option<String>,
    /// The session that the browser had when it was sent to the identity provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionKey>,
    /// The time from which it is void.
    pub expires_at: Timestamp,
}

/// The key of a session's row.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SessionKey {
    /// The tenant of the user.
    pub tenant: TenantId,
    /// The digest of the cookie.
    pub digest: String,
}

/// A sign-in that has ended, kept for as long as it could have been answered: a browser may post the
/// form that ended it twice.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EndedSignIn {
    /// The id that it had while it was pending.
    pub id: String,
    /// The tenant of the connection.
    pub tenant: TenantId,
    /// Name of the connection.
    pub domain: Domain,
    /// Why it was started.
    pub purpose: Purpose,
    /// Digest of the value that the browser's cookie must hold.
    pub browser: Option<String>,
    /// Digest of the assertion that ended it; `None` if none did.
    pub assertion: Option<String>,
    /// The time from which it is void.
    pub expires_at: Timestamp,
}

impl PendingSignIn {
    /// Whether it was started at this connection, which no other tenant has by now.
    pub fn is_at(&self, connection: &Connection) -> bool {
        self.tenant == connection.tenant && self.domain == connection.domain
    }
}

impl EndedSignIn {
    /// Whether it was started at this connection, which no other tenant has by now.
    pub fn is_at(&self, connection: &Connection) -> bool {
        self.tenant == connection.tenant && self.domain == connection.domain
    }
}

/// Sign-ins that were found by their ids.
#[derive(Clone, Debug, Default)]
pub struct FoundSignIns {
    /// Those that have not ended.
    pub open: Vec<PendingSignIn>,
    /// Those that have.
    pub ended: Vec<EndedSignIn>,
}

/// The last step that a pending sign-in reached.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Stage {
    /// The link to test the connection was created and not opened yet.
    Invited,
    /// The person is choosing a member of a federation.
    Choosing,
    /// An authentication request was sent to the provider with this entity id.
    Asked(String),
    /// A response arrived; the person has to confirm the sign-in.
    Arrived {
        /// The user that the response was matched to.
        user: ResourceId,
        /// `AuthnInstant` (SAML core §2.7.2).
        authn_instant: Timestamp,
        /// `SessionNotOnOrAfter` (SAML core §2.7.2).
        session_not_on_or_after: Option<Timestamp>,
        /// Generation of the user.
        #[serde(default)]
        user_generation: u64,
        /// The authority behind the sign-in; none in a row of version 0.1.0.
        #[serde(default)]
        authority: Option<SignInAuthority>,
        /// Authentication context class; none in a row of an earlier version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authn_context: Option<String>,
        /// Digest of the assertion; none in a row of an older version.
        #[serde(default)]
        assertion: Option<String>,
    },
}

/// The record of one sign-in, kept for a week.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SignInRecord {
    /// Version 7 UUID: sorts by time.
    pub id: String,
    /// Time at which the sign-in ended.
    pub at: Timestamp,
    /// The reference that the person was shown and can pass on to an administrator.
    pub reference: String,
    /// Name of the connection.
    pub domain: Domain,
    /// Where it started: `app`, `start`, `test` or `provider`.
    pub began: String,
    /// Whether the person was signed in.
    pub succeeded: bool,
    /// Code of the first check that failed: `saml.audience`.
    pub code: Option<String>,
    /// The failure, in words for an administrator.
    pub message: Option<String>,
    /// The party that has to act.
    pub actor: Option<String>,
    /// The user who signed in.
    pub user: Option<ResourceId>,
    /// All checks, each with the expected and the received value.
    pub checks: Value,
    /// The claims of the response, if the connection keeps them.
    pub claims: Option<Value>,
}

impl SignInRecord {
    fn into_row(self, tenant: TenantId) -> Item {
        let mut row = Key::sign_in_record(tenant, &self.id).item();
        let ends = self.at.as_second() + RETENTION_SECONDS;
        row.extend([
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
                row.insert(name.to_owned(), text(value));
            }
        }
        row
    }

    fn from_row(mut row: Item) -> Result<Self, StoreError> {
        let code = take_optional_text(&mut row, "code");
        let user = row.contains_key("user").then(|| parsed(&row, "user")).transpose()?;
        let claims = row.contains_key("claims").then(|| parsed(&row, "claims")).transpose()?;
        Ok(Self {
            at: parsed(&row, "at")?,
            domain: parsed(&row, "dom")?,
            checks: parsed(&row, "checks")?,
            reference: take_text(&mut row, "ref")?,
            began: take_text(&mut row, "began")?,
            succeeded: code.is_none(),
            code,
            message: take_optional_text(&mut row, "msg"),
            actor: take_optional_text(&mut row, "actor"),
            user,
            claims,
            id: take_text(&mut row, SK)?,
        })
    }
}

impl Store {
    /// Creates a pending sign-in.
    pub async fn create_pending_sign_in(&self, pending: &PendingSignIn) -> Result<(), StoreError> {
        let key = Key::pending_sign_in(&pending.id);
        let mut row = key.item();
        row.insert("d".to_owned(), json(&key, pending)?);
        row.insert(TTL.to_owned(), number(pending.expires_at.as_second()));
        match self.commit(&[((), Write::insert(row))]).await? {
            Commit::Done => Ok(()),
            Commit::Refused(_) => Err(StoreError::VersionMismatch),
        }
    }

    /// Reads the pending sign-ins among `ids`.
    pub async fn pending_sign_ins(
        &self,
        ids: &[&str],
        now: Timestamp,
    ) -> Result<Vec<PendingSignIn>, StoreError> {
        Ok(self.sign_ins(ids, now).await?.open)
    }

    /// Reads the sign-ins with these ids, pending or ended.
    pub async fn sign_ins(&self, ids: &[&str], now: Timestamp) -> Result<FoundSignIns, StoreError> {
        let mut keys: Vec<Key> = Vec::with_capacity(ids.len());
        for key in ids.iter().map(|id| Key::pending_sign_in(id)) {
            // DynamoDB refuses a batch with the same key twice.
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let rows = match keys.as_slice() {
            [] => return Ok(FoundSignIns::default()),
            [key] => self.get(key).await?.into_iter().collect(),
            _ => self.get_many(&keys, None).await?,
        };
        let mut found = FoundSignIns::default();
        for mut row in rows {
            // The row of a sign-in that has ended has another document, and none if an older version
            // ended it.
            if row.contains_key("d") {
                found.open.push(take_json(&mut row, "d")?);
            } else if row.contains_key("e") {
                found.ended.push(take_json(&mut row, "e")?);
            }
        }
        found.open.retain(|pending| now < pending.expires_at);
        found.ended.retain(|ended| now < ended.expires_at);
        Ok(found)
    }

    /// Consumes a pending sign-in, which `assertion` ends, if one does. Returns `true` to exactly one
    /// of concurrent calls.
    ///
    /// A row without the pending sign-in stays until it expires: a put whose answer was lost is
    /// recognised when it is repeated, and a delete is not.
    pub async fn consume_pending_sign_in(
        &self,
        pending: &PendingSignIn,
        assertion: Option<&str>,
    ) -> Result<bool, StoreError> {
        let ended = EndedSignIn {
            id: pending.id.clone(),
            tenant: pending.tenant,
            domain: pending.domain.clone(),
            purpose: pending.purpose.clone(),
            browser: pending.browser.clone(),
            assertion: assertion.map(str::to_owned),
            expires_at: pending.expires_at,
        };
        let key = Key::pending_sign_in(&pending.id);
        let mut row = key.item();
        row.insert("e".to_owned(), json(&key, &ended)?);
        row.insert(TTL.to_owned(), number(pending.expires_at.as_second()));
        let consumed = Write::put(row).when("attribute_exists(d)");
        Ok(matches!(self.commit(&[((), consumed)]).await?, Commit::Done))
    }

    /// Consumes an assertion. Returns `true` to exactly one of concurrent calls.
    pub async fn consume_assertion(
        &self,
        tenant: TenantId,
        digest: &str,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut row = Key::consumed_assertion(tenant, digest).item();
        // One day longer, since DynamoDB expires rows by its own clock.
        row.insert(TTL.to_owned(), number(until.as_second().saturating_add(DAY_SECONDS)));
        Ok(matches!(self.commit(&[((), Write::insert(row))]).await?, Commit::Done))
    }

    /// Adds the record of a sign-in.
    pub async fn record_sign_in(
        &self,
        tenant: TenantId,
        record: SignInRecord,
    ) -> Result<(), StoreError> {
        self.commit(&[((), Write::put(record.into_row(tenant)))]).await.map(drop)
    }

    /// Reads records of sign-ins older than `before`, the newest first; from the newest of all
    /// without it.
    pub async fn sign_in_records(
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
        for row in self.query(&range, limit).await? {
            // DynamoDB deletes expired rows within days, not at once.
            if optional_number(&row, TTL)?.is_none_or(|ttl: i64| ttl > now.as_second()) {
                records.push(SignInRecord::from_row(row)?);
            }
        }
        Ok(records)
    }
}

/// Returns a version 7 UUID of this time and randomness, for a record.
pub fn record_id(at: Timestamp, random: [u8; 10]) -> String {
    let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or_default();
    let id: Uuid = uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid();
    id.to_string()
}

/// A week.
const RETENTION_SECONDS: i64 = 7 * DAY_SECONDS;
const DAY_SECONDS: i64 = 24 * 60 * 60;
