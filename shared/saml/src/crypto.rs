//! Every cryptographic operation that SAML needs, behind a few functions and key types. AWS-LC can
//! be replaced by changing this module alone. Signing draws randomness from AWS-LC; there is no
//! other I/O.
//!
//! Invariants: the interface cannot express a SHA-1 signature, an HMAC or RSA PKCS#1 v1.5
//! decryption, and a key too weak to trust cannot be constructed.

mod certificate;
mod der;
mod error;
mod oaep;
mod private_key;
mod public_key;
mod rsa;
mod verifying_key;
mod x509;

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::digest as hash;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaVerificationAlgorithm, RsaParameters, UnparsedPublicKey};
use subtle::ConstantTimeEq as _;

pub use certificate::Certificate;
pub use error::{CryptoError, KeyError, PrivateKeyError};
pub use oaep::{Oaep, OaepDigest, unwrap_key};
pub use private_key::{DecryptionKey, PrivateKey, SigningKey};
use public_key::{Curve, PublicKey, ecdsa_value};
pub use public_key::{MAX_RSA_BITS, MIN_RSA_BITS, ec_public_key, rsa_public_key};
pub use verifying_key::VerifyingKey;

/// A message digest for signatures and references.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Digest {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// A signature algorithm of the closed profile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    RsaPkcs1(Digest),
    /// RSASSA-PSS with MGF1 of the same digest and a salt as long (RFC 8017 §8.1).
    RsaPss(Digest),
    /// ECDSA on P-256 or P-384; the value is `r || s` (RFC 6931 §2.3.6).
    Ecdsa(Digest),
}

/// The cipher that encrypts an assertion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ContentCipher {
    /// AES-128 in Galois/Counter Mode.
    Aes128Gcm,
    /// AES-256 in Galois/Counter Mode.
    Aes256Gcm,
    /// AES-128 in CBC mode: not authenticated, see [`Plaintext::padding_fits`].
    Aes128Cbc,
    /// AES-256 in CBC mode.
    Aes256Cbc,
}

/// Returns the digest of `bytes`.
pub fn digest(algorithm: Digest, bytes: &[u8]) -> Vec<u8> {
    hash::digest(algorithm.hash(), bytes).as_ref().to_vec()
}

/// Returns the SHA-256 of `der` in lower-case hexadecimal with colons, as consoles show it.
pub fn fingerprint(der: &[u8]) -> String {
    let digest = digest(Digest::Sha256, der);
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

/// Reports whether `signature` over `message` verifies with `key`. A key of another type than the
/// scheme needs gives `false`, not an error: the next key may fit.
pub fn verify(
    key: &VerifyingKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let verified = match (scheme, key.key()) {
        (SignatureScheme::RsaPkcs1(digest), PublicKey::Rsa { der, .. }) => {
            UnparsedPublicKey::new(rsa_pkcs1(digest), der).verify(message, signature)
        }
        (SignatureScheme::RsaPss(digest), PublicKey::Rsa { der, .. }) => {
            UnparsedPublicKey::new(rsa_pss(digest), der).verify(message, signature)
        }
        (SignatureScheme::Ecdsa(digest), PublicKey::Ec { curve, point }) => {
            let Some(signature) = ecdsa_value(*curve, signature) else { return false };
            UnparsedPublicKey::new(ecdsa(*curve, digest), point).verify(message, &signature)
        }
        (SignatureScheme::RsaPkcs1(_) | SignatureScheme::RsaPss(_), PublicKey::Ec { .. })
        | (SignatureScheme::Ecdsa(_), PublicKey::Rsa { .. }) => return false,
    };
    verified.is_ok()
}

fn rsa_pkcs1(digest: Digest) -> &'static RsaParameters {
    match digest {
        Digest::Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Digest::Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Digest::Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
    }
}

fn rsa_pss(digest: Digest) -> &'static RsaParameters {
    match digest {
        Digest::Sha256 => &signature::RSA_PSS_2048_8192_SHA256,
        Digest::Sha384 => &signature::RSA_PSS_2048_8192_SHA384,
        Digest::Sha512 => &signature::RSA_PSS_2048_8192_SHA512,
    }
}

fn ecdsa(curve: Curve, digest: Digest) -> &'static EcdsaVerificationAlgorithm {
    match (curve, digest) {
        (Curve::P256, Digest::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
        (Curve::P256, Digest::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
        (Curve::P256, Digest::Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
        (Curve::P384, Digest::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
        (Curve::P384, Digest::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
        (Curve::P384, Digest::Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
    }
}

/// Signs with RSASSA-PKCS1-v1_5 and SHA-256, which every identity provider supports.
pub fn sign(key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let pair = key.pair()?;
    let mut value = vec![0; pair.public_modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut value)?;
    Ok(value)
}

/// The output of [`decrypt`].
pub struct Plaintext {
    /// The plaintext; a wrong padding is not removed.
    pub bytes: Vec<u8>,
    /// Whether the CBC padding is valid; `true` with GCM. Not an error, so that the caller does the
    /// same work for a wrong padding as for a right one.
    pub padding_fits: bool,
}

/// Decrypts `iv || ciphertext (|| tag)`, the layout of XML Encryption §5.2.
///
/// # Errors
///
/// [`CryptoError`] when the key length is wrong, the input is too short, or GCM refuses the tag.
pub fn decrypt(
    cipher: ContentCipher,
    content_key: &[u8],
    bytes: &[u8],
) -> Result<Plaintext, CryptoError> {
    if content_key.len() != cipher.key_length() {
        return Err(CryptoError);
    }
    match cipher {
        ContentCipher::Aes128Gcm => decrypt_gcm(&aead::AES_128_GCM, content_key, bytes),
        ContentCipher::Aes256Gcm => decrypt_gcm(&aead::AES_256_GCM, content_key, bytes),
        ContentCipher::Aes128Cbc => decrypt_cbc(&cipher::AES_128, content_key, bytes),
        ContentCipher::Aes256Cbc => decrypt_cbc(&cipher::AES_256, content_key, bytes),
    }
}

fn decrypt_gcm(
    algorithm: &'static aead::Algorithm,
    content_key: &[u8],
    bytes: &[u8],
) -> Result<Plaintext, CryptoError> {
    let (nonce, sealed) = bytes.split_at_checked(aead::NONCE_LEN).ok_or(CryptoError)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce)?;
    let key = LessSafeKey::new(UnboundKey::new(algorithm, content_key)?);
    let mut bytes = sealed.to_vec();
    let length = key.open_in_place(nonce, Aad::empty(), &mut bytes)?.len();
    bytes.truncate(length);
    Ok(Plaintext { bytes, padding_fits: true })
}

fn decrypt_cbc(
    algorithm: &'static cipher::Algorithm,
    content_key: &[u8],
    bytes: &[u8],
) -> Result<Plaintext, CryptoError> {
    let (iv, ciphertext) =
        bytes.split_first_chunk::<{ cipher::AES_CBC_IV_LEN }>().ok_or(CryptoError)?;
    if ciphertext.is_empty() {
        return Err(CryptoError);
    }
    let key = DecryptingKey::cbc(UnboundCipherKey::new(algorithm, content_key)?)?;
    let mut bytes = ciphertext.to_vec();
    key.decrypt(&mut bytes, DecryptionContext::Iv128(FixedLength::from(iv)))?;
    // XML Encryption §5.2: the last byte is the padding length, the others are arbitrary.
    let padding = bytes.last().map_or(0, |&last| usize::from(last));
    let padding_fits = (1..=cipher::AES_CBC_IV_LEN).contains(&padding);
    if padding_fits {
        bytes.truncate(bytes.len().saturating_sub(padding));
    }
    Ok(Plaintext { bytes, padding_fits })
}

/// Compares two digests in constant time.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

impl Digest {
    fn hash(self) -> &'static hash::Algorithm {
        match self {
            Self::Sha256 => &hash::SHA256,
            Self::Sha384 => &hash::SHA384,
            Self::Sha512 => &hash::SHA512,
        }
    }
}

impl ContentCipher {
    /// Length of the content key, in bytes.
    pub const fn key_length(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Cbc => 16,
            Self::Aes256Gcm | Self::Aes256Cbc => 32,
        }
    }

    /// Whether the cipher itself detects a changed ciphertext.
    pub const fn is_authenticated(self) -> bool {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm => true,
            Self::Aes128Cbc | Self::Aes256Cbc => false,
        }
    }
}
