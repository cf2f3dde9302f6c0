//! Reads and writes authorization codes, grants, refresh tokens and sessions in DynamoDB.
//!
//! Codes, refresh tokens and sessions are found by the digest of the secret that their holder has.
//! The row of a used code or refresh token stays as long as its grant, so that a second use is
//! recognised. DynamoDB deletes expired rows within days; until then the callers check the times.
//! Only the list of a user's grants omits the expired ones here.
//!
//! The values are in `oidc::grant`; `oidc_api`, `sign_in` and `operator_api` use them.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::item::{Item, flag, json, number, optional_text, parsed, take_json, text};
use super::keys::{Key, TTL, issued, user_prefix};
use super::read::{Consistency, Range, SortKeys, sort_key};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use oidc::grant::{Code, Grant, Session};
use types::ids::{GrantId, ResourceId, TenantId};

/// A code or refresh token that was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OneTime<T> {
    /// The value that it stands for.
    pub value: T,
    /// Whether it has been used.
    pub used: bool,
}

/// A refresh token as it was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredRefreshToken {
    /// Its grant.
    pub grant: GrantId,
    /// It was redeemed before.
    pub used: bool,
    /// Time of the first redemption, and the nonce that its successor was derived with.
    pub redemption: Option<(Timestamp, [u8; 32])>,
}

/// The refresh token that takes the place of another.
#[derive(Clone, Copy, Debug)]
pub struct NextRefreshToken<'a> {
    /// Its digest.
    pub digest: &'a str,
    /// The nonce that it was derived with.
    pub nonce: &'a [u8; 32],
    /// Time of the redemption.
    pub now: Timestamp,
}

/// A grant of a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GrantOfUser {
    /// The grant.
    pub grant: Grant,
    /// Time of the last refresh; none before the first.
    pub last_used_at: Option<Timestamp>,
}

/// The result of using a code or refresh token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Redemption {
    /// It is used now, and this call used it.
    Accepted,
    /// It was used before, or its grant is gone. Nothing was written.
    Refused,
}

impl Store {
    /// Creates a code.
    pub async fn create_code(
        &self,
        tenant: TenantId,
        digest: &str,
        code: &Code,
    ) -> Result<(), StoreError> {
        let row = document(&Key::code(tenant, digest), code, code.grant.expires_at)?;
        self.insert(row).await
    }

    /// Reads the code with this digest.
    pub async fn code(
        &self,
        tenant: TenantId,
        digest: &str,
    ) -> Result<Option<OneTime<Code>>, StoreError> {
        let Some(row) = self.get(&Key::code(tenant, digest)).await? else { return Ok(None) };
        Ok(Some(OneTime { used: flag(&row, USED), value: read(row)? }))
    }

    /// Uses a code: creates its grant and, with `refresh_digest`, the first refresh token.
    pub async fn redeem_code(
        &self,
        tenant: TenantId,
        digest: &str,
        code: &Code,
        refresh_digest: Option<&str>,
    ) -> Result<Redemption, StoreError> {
        let grant =
            document(&Key::grant(tenant, code.grant_id), &code.grant, code.grant.expires_at)?;
        let mut of_user =
            Key::grant_of_user(tenant, code.grant.authentication.user, code.grant_id).item();
        of_user.insert(TTL.to_owned(), number(code.grant.expires_at.as_second()));
        let mut writes = vec![
            ((), mark_used(Key::code(tenant, digest), "")),
            ((), Write::insert(grant)),
            ((), Write::put(of_user)),
        ];
        if let Some(refresh_digest) = refresh_digest {
            let expires_at = code.grant.expires_at;
            writes.push(((), refresh_token(tenant, refresh_digest, code.grant_id, expires_at)));
        }
        self.redeem(&writes).await
    }

    /// Reads the grant with this id; `None` once it is revoked.
    pub async fn grant(&self, tenant: TenantId, id: GrantId) -> Result<Option<Grant>, StoreError> {
        self.get(&Key::grant(tenant, id)).await?.map(read).transpose()
    }

    /// The grants of a user that are neither revoked nor expired, as far as their rows say.
    pub async fn grants_of_user(
        &self,
        tenant: TenantId,
        user: ResourceId,
        now: Timestamp,
    ) -> Result<Vec<GrantOfUser>, StoreError> {
        let range = Range::all(issued(tenant), Consistency::Strong)
            .with(SortKeys::BeginWith(user_prefix(user)));
        let mut keys = Vec::new();
        for row in self.query(&range, MOST_GRANTS).await? {
            let id = sort_key(&row)?.strip_prefix(&user_prefix(user));
            if let Some(id) = id.and_then(|id| id.parse().ok()) {
                keys.push(Key::grant(tenant, id));
            }
        }
        let mut grants = Vec::new();
        for row in self.get_many(&keys, None).await? {
            let last_used_at = optional_text(&row, "lu").and_then(|text| text.parse().ok());
            let grant: Grant = read(row)?;
            if now < grant.expires_at {
                grants.push(GrantOfUser { grant, last_used_at });
            }
        }
        grants.sort_by_key(|found| found.grant.expires_at);
        Ok(grants)
    }

    /// Revokes a grant: from now on none of its tokens is valid.
    pub async fn revoke_grant(&self, tenant: TenantId, id: GrantId) -> Result<(), StoreError> {
        let delete = Write::delete(Key::grant(tenant, id));
        self.commit(&[((), delete)]).await.map(drop)
    }

    /// Reads the grant of the refresh token with this digest.
    pub async fn refresh_token(
        &self,
        tenant: TenantId,
        digest: &str,
    ) -> Result<Option<StoredRefreshToken>, StoreError> {
        let Some(row) = self.get(&Key::refresh_token(tenant, digest)).await? else {
            return Ok(None);
        };
        let redeemed_at = optional_text(&row, REDEEMED_AT).and_then(|text| text.parse().ok());
        let nonce = optional_text(&row, NONCE).and_then(decode_nonce);
        Ok(Some(StoredRefreshToken {
            grant: parsed(&row, GRANT)?,
            used: flag(&row, USED),
            redemption: redeemed_at.zip(nonce),
        }))
    }

    /// Uses a refresh token: another one replaces it (RFC 9700 §4.14.2).
    pub async fn rotate_refresh_token(
        &self,
        tenant: TenantId,
        digest: &str,
        next: &NextRefreshToken<'_>,
        grant_id: GrantId,
        expires_at: Timestamp,
    ) -> Result<Redemption, StoreError> {
        // Writes to the grant too, so that a concurrent revocation conflicts with the rotation.
        let still_granted = Write::update(Key::grant(tenant, grant_id), "SET lr = :lr, lu = :lu")
            .when("attribute_exists(pk)")
            .bind(":lr", text(next.digest))
            .bind(":lu", text(next.now.to_string()));
        let more = format!(", {REDEEMED_AT} = :at, {NONCE} = :nonce");
        let redeemed = mark_used(Key::refresh_token(tenant, digest), &more)
            .bind(":at", text(next.now.to_string()))
            .bind(":nonce", text(BASE64_URL_SAFE_NO_PAD.encode(next.nonce)));
        self.redeem(&[
            ((), redeemed),
            ((), still_granted),
            ((), refresh_token(tenant, next.digest, grant_id, expires_at)),
        ])
        .await
    }

    /// Creates a session.
    pub async fn create_session(
        &self,
        tenant: TenantId,
        digest: &str,
        session: &Session,
    ) -> Result<(), StoreError> {
        let row = document(&Key::session(tenant, digest), session, session.expires_at)?;
        self.insert(row).await
    }

    /// Reads the session with this digest.
    pub async fn session(
        &self,
        tenant: TenantId,
        digest: &str,
    ) -> Result<Option<Session>, StoreError> {
        self.get(&Key::session(tenant, digest)).await?.map(read).transpose()
    }

    /// Deletes a session: from now on the browser has none.
    pub async fn delete_session(&self, tenant: TenantId, digest: &str) -> Result<(), StoreError> {
        let delete = Write::delete(Key::session(tenant, digest));
        self.commit(&[((), delete)]).await.map(drop)
    }

    async fn insert(&self, row: Item) -> Result<(), StoreError> {
        match self.commit(&[((), Write::insert(row))]).await? {
            Commit::Done => Ok(()),
            Commit::Refused(_) => Err(StoreError::VersionMismatch),
        }
    }

    async fn redeem(&self, writes: &[((), Write)]) -> Result<Redemption, StoreError> {
        match self.commit(writes).await? {
            Commit::Done => Ok(Redemption::Accepted),
            Commit::Refused(_) => Ok(Redemption::Refused),
        }
    }
}

/// Marks a row as used, on the condition that it exists and was not used. `more` continues the
/// assignments of the update.
fn mark_used(key: Key, more: &str) -> Write {
    Write::update(key, format!("SET {USED} = :used{more}"))
        .when(format!("attribute_exists(pk) AND attribute_not_exists({USED})"))
        .bind(":used", AttributeValue::Bool(true))
}

fn refresh_token(tenant: TenantId, digest: &str, grant: GrantId, expires_at: Timestamp) -> Write {
    let mut row = Key::refresh_token(tenant, digest).item();
    row.extend([
        (GRANT.to_owned(), text(grant.to_string())),
        (TTL.to_owned(), number(expires_at.as_second())),
    ]);
    Write::insert(row)
}

fn decode_nonce(text: &str) -> Option<[u8; 32]> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Returns a row that holds `value` as JSON.
fn document(key: &Key, value: &impl Serialize, expires_at: Timestamp) -> Result<Item, StoreError> {
    let mut row = key.item();
    row.extend([
        (DOCUMENT.to_owned(), json(key, value)?),
        (TTL.to_owned(), number(expires_at.as_second())),
    ]);
    Ok(row)
}

fn read<T: DeserializeOwned>(mut row: Item) -> Result<T, StoreError> {
    take_json(&mut row, DOCUMENT)
}

const DOCUMENT: &str = "d";
const USED: &str = "used";
const GRANT: &str = "g";
const REDEEMED_AT: &str = "ra";
const NONCE: &str = "nn";

/// Grants that are shown of one user.
const MOST_GRANTS: usize = 100;
