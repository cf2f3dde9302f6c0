//! Private keys of ours: kept as they are stored, and read at first use.
//!
//! To read one is to check all its numbers against each other, which costs AWS-LC more than the
//! verification of a response. Most processes never decrypt or sign, so they do not pay for it.
//!
//! Invariants:
//! - A key that cannot be read is an error of whoever uses it, each time, and never a panic.
//! - The bytes are wiped when they are dropped; `Debug` shows none of them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::rsa::{KeyPair, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::CryptoFault;
use super::rsa::{self, RsaPrivateKey};

/// Why a private key of ours is of no use. Says nothing of what stands in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PrivateKeyFault {
    /// Not a PEM file with a section `PRIVATE KEY`.
    #[error("it is not a private key in PEM (PKCS #8)")]
    Pem,
    /// No RSA key, or one whose numbers do not belong together.
    #[error("it is not an intact RSA key of 2048 to 8192 bits in PKCS #8")]
    Rsa,
}

impl From<PrivateKeyFault> for CryptoFault {
    fn from(_: PrivateKeyFault) -> Self {
        Self
    }
}

/// An RSA key in PKCS #8 (RFC 5208), and from its first use on what a library makes of it.
pub struct PrivateKey<K> {
    pkcs8: Zeroizing<Vec<u8>>,
    read: OnceLock<Result<K, PrivateKeyFault>>,
}

impl<K> PrivateKey<K> {
    /// A key that was stored.
    pub const fn stored(pkcs8: Zeroizing<Vec<u8>>) -> Self {
        Self { pkcs8, read: OnceLock::new() }
    }

    /// A key that was made a moment ago.
    pub fn made(pkcs8: Zeroizing<Vec<u8>>, key: K) -> Self {
        Self { pkcs8, read: OnceLock::from(Ok(key)) }
    }

    /// The first section `PRIVATE KEY` of a PEM file.
    pub fn from_pem(pem: &[u8]) -> Result<Self, PrivateKeyFault> {
        let mut key = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| PrivateKeyFault::Pem)?;
        let pkcs8 = Zeroizing::new(key.secret_pkcs8_der().to_vec());
        key.zeroize();
        Ok(Self::stored(pkcs8))
    }

    /// The bytes, to be stored.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// Modulus and public exponent, big-endian without zeros in front. For this the key is not
    /// checked.
    pub fn public_numbers(&self) -> Result<(&[u8], &[u8]), PrivateKeyFault> {
        rsa::public_numbers(&self.pkcs8).map_err(|_| PrivateKeyFault::Rsa)
    }

    /// The key, by `read` when it is asked for the first time.
    fn key(&self, read: impl FnOnce(&[u8]) -> Option<K>) -> Result<&K, PrivateKeyFault> {
        let key = self.read.get_or_init(|| read(&self.pkcs8).ok_or(PrivateKeyFault::Rsa));
        key.as_ref().map_err(|fault| *fault)
    }

    /// Whether it was asked for.
    #[cfg(test)]
    fn is_read(&self) -> bool {
        self.read.get().is_some()
    }
}

impl PrivateKey<KeyPair> {
    /// The pair that signs.
    pub fn pair(&self) -> Result<&KeyPair, PrivateKeyFault> {
        self.key(|pkcs8| KeyPair::from_pkcs8(pkcs8).ok())
    }
}

/// The RSA private key that assertions are encrypted for, of 2048 bits or more.
#[derive(Clone)]
pub struct DecryptionKey(Arc<PrivateKey<DecryptionForms>>);

struct DecryptionForms {
    oaep: OaepPrivateDecryptingKey,
    /// For what AWS-LC does not do with it.
    integers: RsaPrivateKey,
}

impl DecryptionKey {
    /// A key in PEM (`PRIVATE KEY`, PKCS #8).
    pub fn from_pem(pem: &[u8]) -> Result<Self, PrivateKeyFault> {
        PrivateKey::from_pem(pem).map(|key| Self(Arc::new(key)))
    }

    /// Whether it decrypts. Reads it now.
    pub fn check(&self) -> Result<(), PrivateKeyFault> {
        self.forms().map(|_| ())
    }

    pub(super) fn oaep(&self) -> Result<&OaepPrivateDecryptingKey, PrivateKeyFault> {
        self.forms().map(|forms| &forms.oaep)
    }

    pub(super) fn integers(&self) -> Result<&RsaPrivateKey, PrivateKeyFault> {
        self.forms().map(|forms| &forms.integers)
    }

    /// Both or none, so that a key that only some digests work with is no key.
    fn forms(&self) -> Result<&DecryptionForms, PrivateKeyFault> {
        self.0.key(|pkcs8| {
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

/// The RSA private key that we sign requests and metadata with, of 2048 bits or more.
#[derive(Clone)]
pub struct SigningKey(Arc<PrivateKey<KeyPair>>);

impl SigningKey {
    /// A key in PEM (`PRIVATE KEY`, PKCS #8).
    pub fn from_pem(pem: &[u8]) -> Result<Self, PrivateKeyFault> {
        PrivateKey::from_pem(pem).map(|key| Self(Arc::new(key)))
    }

    /// Whether it signs. Reads it now.
    pub fn check(&self) -> Result<(), PrivateKeyFault> {
        self.pair().map(|_| ())
    }

    pub(super) fn pair(&self) -> Result<&KeyPair, PrivateKeyFault> {
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
    use crate::crypto::sign;

    fn pem() -> Vec<u8> {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        key.private_key_to_pem_pkcs8().unwrap()
    }

    /// A key of the right form, one of whose numbers is another.
    fn damaged<K>() -> Arc<PrivateKey<K>> {
        let mut pkcs8 = PrivateKey::<K>::from_pem(&pem()).unwrap().pkcs8;
        *pkcs8.last_mut().unwrap() ^= 1;
        Arc::new(PrivateKey::stored(pkcs8))
    }

    #[test]
    fn a_key_is_read_at_its_first_use_and_once() {
        let decryption = DecryptionKey::from_pem(&pem()).unwrap();
        assert!(!decryption.0.is_read());
        let first: *const _ = decryption.oaep().unwrap();
        assert!(decryption.0.is_read());
        assert!(std::ptr::eq(first, decryption.clone().oaep().unwrap()));

        let signing = SigningKey::from_pem(&pem()).unwrap();
        let (modulus, exponent) = signing.0.public_numbers().unwrap();
        assert_eq!((modulus.len(), exponent), (256, [1, 0, 1].as_slice()));
        assert!(!signing.0.is_read());
        sign(&signing, b"a").unwrap();
        assert!(signing.0.is_read());
    }

    #[test]
    fn a_key_whose_numbers_do_not_belong_together_is_an_error_at_each_use() {
        let key = DecryptionKey(damaged());
        for _ in 0..2 {
            assert_eq!(key.check(), Err(PrivateKeyFault::Rsa));
            assert!(key.oaep().is_err() && key.integers().is_err());
        }
        let key = SigningKey(damaged());
        for _ in 0..2 {
            assert_eq!(key.check(), Err(PrivateKeyFault::Rsa));
            assert_eq!(sign(&key, b"a"), Err(CryptoFault));
        }
    }

    #[test]
    fn what_is_no_pem_is_refused_at_once_and_what_is_no_rsa_key_at_its_use() {
        for text in ["", "a key", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            let refused = SigningKey::from_pem(text.as_bytes()).map(|_| ());
            assert_eq!(refused, Err(PrivateKeyFault::Pem), "{text}");
        }
        let short = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
        let key = DecryptionKey::from_pem(short.as_bytes()).unwrap();
        assert_eq!(key.0.public_numbers(), Err(PrivateKeyFault::Rsa));
        assert_eq!(key.check(), Err(PrivateKeyFault::Rsa));
    }

    #[test]
    fn the_bytes_of_a_key_are_wiped_when_it_is_dropped() {
        let check = |_: &dyn zeroize::ZeroizeOnDrop| {};
        check(&PrivateKey::<KeyPair>::from_pem(&pem()).unwrap().pkcs8);
    }

    #[test]
    fn debug_shows_nothing_of_a_key() {
        let shown = format!(
            "{:?} {:?}",
            DecryptionKey::from_pem(&pem()).unwrap(),
            SigningKey::from_pem(&pem()).unwrap()
        );
        assert_eq!(shown, "DecryptionKey(..) SigningKey(..)");
    }
}
