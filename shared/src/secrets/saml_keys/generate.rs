//! Generates RSA key pairs with self-signed certificates.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};

use super::KeyState;
use super::stored::StoredPair;
use crate::secrets::self_signed;

/// Generates a pair; `None` if there is no randomness.
pub(super) fn pair(state: KeyState, now: Timestamp) -> Option<StoredPair> {
    // 128 bits of security (NIST SP 800-57 part 1).
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072).ok()?;
    let certificate = self_signed::certificate(&key, "Gatehouse service provider", now).ok()?;
    Some(StoredPair {
        state,
        created_at: now,
        private_key_pem: key.serialize_pem().into(),
        certificate: BASE64_STANDARD.encode(certificate.der()),
    })
}
