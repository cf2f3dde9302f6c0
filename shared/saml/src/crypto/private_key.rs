//! Our private keys: kept as PKCS #8 bytes and parsed at first use.
//!
//! Parsing checks all numbers of a key against each other, which costs AWS-LC more than verifying a
//! response. Most processes never decrypt or sign and never pay for it.
//!
//! Invariants:
//! - An unusable key is an error at each use, never a panic.
//! - The bytes are wiped on drop, and `Debug` shows none of them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::rsa::{KeyPair, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::error::PrivateKeyError;
use super::rsa::{self, RsaPrivateKey};

/// An RSA key in PKCS #8 (RFC 5208); `K` is its parsed form, created at first use.
pub struct PrivateKey<K> {
    pkcs8: Zeroizing<Vec<u8>>,
    parsed: OnceLock<Result<K, PrivateKeyError>>,
}

impl<K> PrivateKey<K> {
    /// Wraps a stored key, which is not parsed yet.
    pub const fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Self {
        Self { pkcs8, parsed: OnceLock::new() }
    }

    /// Wraps a key whose parsed form the caller has.
    pub fn from_parsed(pkcs8: Zeroizing<Vec<u8>>, key: K) -> Self {
        Self { pkcs8, parsed: OnceLock::from(Ok(key)) }
    }

    /// Reads the first `PRIVATE KEY` section of a PEM file.
    ///
    /// # Errors
    ///
    /// [`PrivateKeyError::Pem`] when there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, PrivateKeyError> {
        let mut key = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| PrivateKeyError::Pem)?;
        let pkcs8 = Zeroizing::new(key.secret_pkcs8_der().to_vec());
        key.zeroize();
        Ok(Self::from_pkcs8(pkcs8))
    }

    /// The PKCS #8 bytes, for storage.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// Modulus and public exponent, big-endian without leading zeros. Does not parse or check the
    /// key.
    pub fn public_numbers(&self) -> Result<(&[u8], &[u8]), PrivateKeyError> {
        rsa::public_numbers(&self.pkcs8).map_err(|_| PrivateKeyError::Rsa)
    }

    /// The parsed key; `parse` runs at the first call.
    fn parsed(&self, parse: impl FnOnce(&[u8]) -> Option<K>) -> Result<&K, PrivateKeyError> {
        let key = self.parsed.get_or_init(|| parse(&self.pkcs8).ok_or(PrivateKeyError::Rsa));
        key.as_ref().map_err(|error| *error)
    }

    #[cfg(test)]
    fn is_parsed(&self) -> bool {
        self.parsed.get().is_some()
    }
}

impl PrivateKey<KeyPair> {
    /// The key pair, for signing.
    pub fn pair(&self) -> Result<&KeyPair, PrivateKeyError> {
        self.parsed(|pkcs8| KeyPair::from_pkcs8(pkcs8).ok())
    }
}

/// The RSA private key, of at least 2048 bits, that decrypts assertions.
#[derive(Clone)]
pub struct DecryptionKey(Arc<PrivateKey<DecryptionForms>>);

struct DecryptionForms {
    oaep: OaepPrivateDecryptingKey,
    /// For the digest pairs that AWS-LC does not support.
    integers: RsaPrivateKey,
}

impl DecryptionKey {
    /// Reads a key in PEM (`PRIVATE KEY`, PKCS #8).
    pub fn from_pem(pem: &[u8]) -> Result<Self, PrivateKeyError> {
        PrivateKey::from_pem(pem).map(|key| Self(Arc::new(key)))
    }

    /// Parses the key now and checks that it can decrypt.
    pub fn check(&self) -> Result<(), PrivateKeyError> {
        self.forms().map(|_| ())
    }

    pub(super) fn oaep(&self) -> Result<&OaepPrivateDecryptingKey, PrivateKeyError> {
        self.forms().map(|forms| &forms.oaep)
    }

    pub(super) fn integers(&self) -> Result<&RsaPrivateKey, PrivateKeyError> {
        self.forms().map(|forms| &forms.integers)
    }

    /// Both forms or an error, so that a key never works with some digests only.
    fn forms(&self) -> Result<&DecryptionForms, PrivateKeyError> {
        self.0.parsed(|pkcs8| {
            let key = PrivateDecryptingKey::from_pkcs8(pkcs8).ok()?;
            let oaep = OaepPrivateDecryptingKey::new(key).ok()?;
            Some(DecryptionForms { oaep, integers: RsaPrivateKey::from_pkcs8(pkcs8).ok()? })
        })
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecryptionKey(..)")
    }
}

/// The RSA private key, of at least 2048 bits, that signs requests and metadata.
#[derive(Clone)]
pub struct SigningKey(Arc<PrivateKey<KeyPair>>);

impl SigningKey {
    /// Reads a key in PEM (`PRIVATE KEY`, PKCS #8).
    pub fn from_pem(pem: &[u8]) -> Result<Self, PrivateKeyError> {
        PrivateKey::from_pem(pem).map(|key| Self(Arc::new(key)))
    }

    /// Parses the key now and checks that it can sign.
    pub fn check(&self) -> Result<(), PrivateKeyError> {
        self.pair().map(|_| ())
    }

    pub(super) fn pair(&self) -> Result<&KeyPair, PrivateKeyError> {
        self.0.pair()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use openssl::pkey::PKey;
    use openssl::rsa::Rsa;

    use super::*;
    use crate::crypto::{CryptoError, sign};

    fn pem() -> Vec<u8> {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        key.private_key_to_pem_pkcs8().unwrap()
    }

    /// A key of the right form with one number changed.
    fn damaged<K>() -> Arc<PrivateKey<K>> {
        let mut pkcs8 = PrivateKey::<K>::from_pem(&pem()).unwrap().pkcs8;
        *pkcs8.last_mut().unwrap() ^= 1;
        Arc::new(PrivateKey::from_pkcs8(pkcs8))
    }

    #[test]
    fn a_key_is_parsed_once_at_its_first_use() {
        let decryption = DecryptionKey::from_pem(&pem()).unwrap();
        assert!(!decryption.0.is_parsed());
        let first: *const _ = decryption.oaep().unwrap();
        assert!(decryption.0.is_parsed());
        assert!(std::ptr::eq(first, decryption.clone().oaep().unwrap()));

        let signing = SigningKey::from_pem(&pem()).unwrap();
        let (modulus, exponent) = signing.0.public_numbers().unwrap();
        assert_eq!((modulus.len(), exponent), (256, [1, 0, 1].as_slice()));
        assert!(!signing.0.is_parsed());
        sign(&signing, b"a").unwrap();
        assert!(signing.0.is_parsed());
    }

    #[test]
    fn an_inconsistent_key_is_an_error_at_each_use() {
        let key = DecryptionKey(damaged());
        for _ in 0..2 {
            assert_eq!(key.check(), Err(PrivateKeyError::Rsa));
            assert!(key.oaep().is_err() && key.integers().is_err());
        }
        let key = SigningKey(damaged());
        for _ in 0..2 {
            assert_eq!(key.check(), Err(PrivateKeyError::Rsa));
            assert_eq!(sign(&key, b"a"), Err(CryptoError));
        }
    }

    #[test]
    fn text_without_pem_is_refused_at_once_and_a_key_other_than_rsa_at_its_use() {
        for text in ["", "a key", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            let refused = SigningKey::from_pem(text.as_bytes()).map(|_| ());
            assert_eq!(refused, Err(PrivateKeyError::Pem), "{text}");
        }
        let short = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
        let key = DecryptionKey::from_pem(short.as_bytes()).unwrap();
        assert_eq!(key.0.public_numbers(), Err(PrivateKeyError::Rsa));
        assert_eq!(key.check(), Err(PrivateKeyError::Rsa));
    }

    #[test]
    fn key_bytes_are_wiped_on_drop() {
        let check = |_: &dyn zeroize::ZeroizeOnDrop| {};
        check(&PrivateKey::<KeyPair>::from_pem(&pem()).unwrap().pkcs8);
    }

    #[test]
    fn debug_does_not_show_a_key() {
        let shown = format!(
            "{:?} {:?}",
            DecryptionKey::from_pem(&pem()).unwrap(),
            SigningKey::from_pem(&pem()).unwrap()
        );
        assert_eq!(shown, "DecryptionKey(..) SigningKey(..)");
    }
}
