//! Seals and opens the cursors of a paged list (RFC 9865): opaque, bound to one query of one
//! tenant, valid for an hour.
//!
//! A cursor is base64url of `expiry ‖ position ‖ tag`. The tag is an HMAC over the first two and
//! over tenant, resource type and query. The next request repeats these three, so the cursor does
//! not contain them, and a cursor of another tenant or query is as invalid as a forged one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::discovery::CURSOR_TIMEOUT_SECONDS;
use crate::error::ScimError;
use types::digest::length_prefix;
use types::ids::TenantId;

/// The tenant and query that a cursor is bound to.
#[derive(Clone, Copy, Debug)]
pub struct CursorScope<'a> {
    /// Tenant.
    pub tenant: TenantId,
    /// Name of the resource type.
    pub resource_type: &'a str,
    /// Digest of the query, see [`ListQuery::digest`](crate::query::ListQuery::digest).
    pub query: [u8; 32],
}

/// The key that authenticates cursors.
#[derive(Clone)]
pub struct CursorKey(Hmac<Sha256>);

impl CursorKey {
    /// Makes a key of 32 random bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        // HMAC pads a short key with zeros (RFC 2104 §2).
        let mut block = Zeroizing::new([0; 64]);
        for (slot, byte) in block.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        Self(Hmac::new((&*block).into()))
    }

    /// Makes the cursor of the page that follows `position`, the last id of a page.
    pub fn seal(&self, scope: CursorScope<'_>, position: &str, now: Timestamp) -> String {
        let expiry = now.as_second().saturating_add(CURSOR_TIMEOUT_SECONDS.into());
        let mut bytes = expiry.to_be_bytes().to_vec();
        bytes.extend_from_slice(position.as_bytes());
        let tag = self.mac(scope, &bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the position of a cursor.
    ///
    /// # Errors
    ///
    /// [`ScimError::InvalidCursor`] if the cursor is malformed, forged or of another scope,
    /// [`ScimError::ExpiredCursor`] if its hour is over.
    pub fn open(
        &self,
        scope: CursorScope<'_>,
        cursor: &str,
        now: Timestamp,
    ) -> Result<String, ScimError> {
        if cursor.len() > MAX_LENGTH {
            return Err(ScimError::InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| ScimError::InvalidCursor)?;
        let (content, tag) = bytes.split_last_chunk::<32>().ok_or(ScimError::InvalidCursor)?;
        self.mac(scope, content).verify_slice(tag).map_err(|_| ScimError::InvalidCursor)?;
        let (expiry, position) = content.split_first_chunk().ok_or(ScimError::InvalidCursor)?;
        if i64::from_be_bytes(*expiry) <= now.as_second() {
            return Err(ScimError::ExpiredCursor);
        }
        String::from_utf8(position.to_vec()).map_err(|_| ScimError::InvalidCursor)
    }

    /// Authenticates scope and content. Every part but the last has a fixed length or a length
    /// prefix, so that no two different inputs yield the same bytes.
    fn mac(&self, scope: CursorScope<'_>, content: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(b"gatehouse scim cursor 1\0");
        mac.update(scope.tenant.to_string().as_bytes());
        mac.update(&length_prefix(scope.resource_type));
        mac.update(scope.resource_type.as_bytes());
        mac.update(&scope.query);
        mac.update(content);
        mac
    }
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

/// Maximum length of a cursor, in bytes; those made by `seal` are shorter.
const MAX_LENGTH: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> CursorKey {
        CursorKey::new(&[7; 32])
    }

    fn scope() -> CursorScope<'static> {
        let tenant = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        CursorScope { tenant, resource_type: "User", query: [1; 32] }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn noon() -> Timestamp {
        at("2026-01-01T12:00:00Z")
    }

    #[test]
    fn the_hmac_state_is_wiped_on_drop() {
        fn check<T: zeroize::ZeroizeOnDrop>() {}
        check::<sha2::block_api::Sha256VarCore>();
    }

    #[test]
    fn a_cursor_opens_for_an_hour() {
        let cursor = key().seal(scope(), "2819c223-7f76-453a-919d-413861904646", noon());
        let open = |now: &str| key().open(scope(), &cursor, at(now));
        let position = Ok("2819c223-7f76-453a-919d-413861904646".to_owned());
        assert_eq!(open("2026-01-01T12:00:00Z"), position);
        assert_eq!(open("2026-01-01T12:59:59Z"), position);
        assert_eq!(open("2026-01-01T13:00:00Z"), Err(ScimError::ExpiredCursor));
        assert!(cursor.len() < 110, "{cursor}");
    }

    #[test]
    fn a_cursor_of_another_query_tenant_type_or_key_is_invalid() {
        let cursor = key().seal(scope(), "x", noon());
        let other = "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap();
        for scope in [
            CursorScope { tenant: other, ..scope() },
            CursorScope { resource_type: "Group", ..scope() },
            CursorScope { query: [2; 32], ..scope() },
        ] {
            assert_eq!(key().open(scope, &cursor, noon()), Err(ScimError::InvalidCursor));
        }
        let other = CursorKey::new(&[8; 32]);
        assert_eq!(other.open(scope(), &cursor, noon()), Err(ScimError::InvalidCursor));
    }

    #[test]
    fn a_cursor_with_a_changed_byte_is_invalid() {
        let cursor = key().seal(scope(), "x", noon());
        for index in 0..cursor.len() {
            let mut bytes = cursor.clone().into_bytes();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(key().open(scope(), &changed, noon()), Err(ScimError::InvalidCursor));
        }
        for text in ["", "A", "é", &"A".repeat(5000), &cursor[..20], &format!("{cursor}A")] {
            assert_eq!(key().open(scope(), text, noon()), Err(ScimError::InvalidCursor), "{text}");
        }
    }
}
