//! Authorization codes, grants, refresh tokens and sessions.
//!
//! Codes, refresh tokens and sessions are found by the digest of the secret that their holder has.
//! The row of a used code or refresh token stays as long as its grant, so that a second use is
//! recognised. DynamoDB deletes expired rows within days; until then the callers check the times.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::item::{Item, flag, json, number, parsed, take_json, text};
use super::keys::{Key, TTL};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use oidc::grant::{Code, Grant, Session};
use types::ids::{GrantId, TenantId};

/// A code or refresh token that was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OneTime<T> {
    /// The value that it stands for.
    pub value: T,
    /// Whether it has been used.
    pub used: bool,
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
        let mut writes =
            vec![((), mark_used(Key::code(tenant, digest))), ((), Write::insert(grant))];
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
    ) -> Result<Option<OneTime<GrantId>>, StoreError> {
        let Some(row) = self.get(&Key::refresh_token(tenant, digest)).await? else {
            return Ok(None);
        };
        Ok(Some(OneTime { used: flag(&row, USED), value: parsed(&row, GRANT)? }))
    }

    /// Uses a refresh token: another one replaces it (RFC 9700 §4.14.2).
    pub async fn rotate_refresh_token(
        &self,
        tenant: TenantId,
        digest: &str,
        next_digest: &str,
        grant_id: GrantId,
        expires_at: Timestamp,
    ) -> Result<Redemption, StoreError> {
        // Writes to the grant too, so that a concurrent revocation conflicts with the rotation.
        let still_granted = Write::update(Key::grant(tenant, grant_id), "SET lr = :lr")
            .when("attribute_exists(pk)")
            .bind(":lr", text(next_digest));
        self.redeem(&[
            ((), mark_used(Key::refresh_token(tenant, digest))),
            ((), still_granted),
            ((), refresh_token(tenant, next_digest, grant_id, expires_at)),
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

/// Marks a row as used, on the condition that it exists and was not used.
fn mark_used(key: Key) -> Write {
    Write::update(key, "SET used = :used")
        .when("attribute_exists(pk) AND attribute_not_exists(used)")
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
