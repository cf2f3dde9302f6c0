//! Every cryptographic operation that SAML needs, behind a handful of functions and four key
//! types, so that OpenSSL can be replaced by changing this module alone.
//!
//! Invariants: no SHA-1 signature, no HMAC, no RSA PKCS#1 v1.5 decryption can be named through
//! this interface; a key too weak to trust cannot be made.

mod keys;

use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::encrypt::Decrypter;
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer, Verifier};
use openssl::symm;

pub use keys::{
    Certificate, DecryptionKey, KeyFault, MAX_RSA_BITS, MIN_EC_BITS, MIN_RSA_BITS, SigningKey,
    VerifyingKey,
};

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
    /// ECDSA on P-256 or P-384; the value is `r` and `s` side by side (RFC 6931 §2.3.6).
    Ecdsa(Digest),
}

/// A digest inside RSA-OAEP. SHA-1 is sound there: OAEP does not need collision resistance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OaepDigest {
    /// SHA-1, the default of XML Encryption.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// How the content key of an encrypted assertion is wrapped: RSA-OAEP and nothing else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Oaep {
    /// The digest of the (empty) label.
    pub digest: OaepDigest,
    /// The digest inside the mask generation function MGF1.
    pub mask: OaepDigest,
}

/// How the assertion itself is encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ContentCipher {
    /// AES-128 in Galois/Counter Mode.
    Aes128Gcm,
    /// AES-256 in Galois/Counter Mode.
    Aes256Gcm,
    /// AES-128 in CBC mode: not authenticated, hence `Plaintext::padding_fits`.
    Aes128Cbc,
    /// AES-256 in CBC mode.
    Aes256Cbc,
}

/// A cryptographic operation did not work. Deliberately without a reason: which step of a
/// decryption failed is what a padding oracle would like to know.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the cryptographic operation failed")]
pub struct CryptoFault;

impl From<ErrorStack> for CryptoFault {
    fn from(_: ErrorStack) -> Self {
        Self
    }
}

/// The digest of `bytes`.
pub fn digest(algorithm: Digest, bytes: &[u8]) -> Result<Vec<u8>, CryptoFault> {
    Ok(hash(algorithm.openssl(), bytes)?.to_vec())
}

/// Lower-case hexadecimal SHA-256 with colons, as administrators know it from their consoles.
pub fn fingerprint(der: &[u8]) -> String {
    let Ok(bytes) = digest(Digest::Sha256, der) else { return String::new() };
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

/// Whether `signature` over `message` was made by the owner of `key`. A key of another type than
/// the scheme asks for is an ordinary `false`: the next key may fit.
pub fn verify(
    key: &VerifyingKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let attempt = match (scheme, key.is_rsa()) {
        (SignatureScheme::RsaPkcs1(digest), true) => {
            verify_rsa(key, digest, None, message, signature)
        }
        (SignatureScheme::RsaPss(digest), true) => {
            verify_rsa(key, digest, Some(RsaPssSaltlen::DIGEST_LENGTH), message, signature)
        }
        (SignatureScheme::Ecdsa(digest), false) => verify_ecdsa(key, digest, message, signature),
        (SignatureScheme::RsaPkcs1(_) | SignatureScheme::RsaPss(_), false)
        | (SignatureScheme::Ecdsa(_), true) => Ok(false),
    };
    attempt.unwrap_or(false)
}

fn verify_rsa(
    key: &VerifyingKey,
    digest: Digest,
    pss: Option<RsaPssSaltlen>,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, ErrorStack> {
    let mut verifier = Verifier::new(digest.openssl(), key.key())?;
    if let Some(salt) = pss {
        verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
        verifier.set_rsa_mgf1_md(digest.openssl())?;
        verifier.set_rsa_pss_saltlen(salt)?;
    }
    verifier.verify_oneshot(signature, message)
}

fn verify_ecdsa(
    key: &VerifyingKey,
    digest: Digest,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, ErrorStack> {
    // `r` and `s` have exactly the length of the field, so a value has one spelling.
    let half = (key.key().bits() as usize).div_ceil(8);
    let Some((r, s)) = signature.split_at_checked(half).filter(|(_, s)| s.len() == half) else {
        return Ok(false);
    };
    let pair = EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?;
    Verifier::new(digest.openssl(), key.key())?.verify_oneshot(&pair.to_der()?, message)
}

/// Signs with RSASSA-PKCS1-v1_5 and SHA-256, which every identity provider verifies.
pub fn sign(key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, CryptoFault> {
    Ok(Signer::new(MessageDigest::sha256(), key.key())?.sign_oneshot_to_vec(message)?)
}

/// Unwraps a content key that was encrypted for `key`.
pub fn unwrap_key(key: &DecryptionKey, oaep: Oaep, wrapped: &[u8]) -> Result<Vec<u8>, CryptoFault> {
    let mut decrypter = Decrypter::new(key.key())?;
    decrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
    decrypter.set_rsa_oaep_md(oaep.digest.openssl())?;
    decrypter.set_rsa_mgf1_md(oaep.mask.openssl())?;
    let mut content_key = vec![0; decrypter.decrypt_len(wrapped)?];
    let length = decrypter.decrypt(wrapped, &mut content_key)?;
    content_key.truncate(length);
    Ok(content_key)
}

/// What came out of a content cipher.
pub struct Plaintext {
    /// The bytes; with the padding still on when it does not fit.
    pub bytes: Vec<u8>,
    /// False for a CBC padding that is wrong. Not an error here, so that the caller does the same
    /// work afterwards as for one that is right.
    pub padding_fits: bool,
}

/// Decrypts `iv || ciphertext (|| tag)`, the layout of XML Encryption §5.2.
pub fn decrypt(
    cipher: ContentCipher,
    content_key: &[u8],
    bytes: &[u8],
) -> Result<Plaintext, CryptoFault> {
    if content_key.len() != cipher.key_length() {
        return Err(CryptoFault);
    }
    match cipher {
        ContentCipher::Aes128Gcm | ContentCipher::Aes256Gcm => {
            let (nonce, rest) = bytes.split_at_checked(12).ok_or(CryptoFault)?;
            let split = rest.len().checked_sub(16).ok_or(CryptoFault)?;
            let (ciphertext, tag) = rest.split_at_checked(split).ok_or(CryptoFault)?;
            let bytes = symm::decrypt_aead(
                cipher.openssl(),
                content_key,
                Some(nonce),
                &[],
                ciphertext,
                tag,
            )?;
            Ok(Plaintext { bytes, padding_fits: true })
        }
        ContentCipher::Aes128Cbc | ContentCipher::Aes256Cbc => {
            decrypt_cbc(cipher, content_key, bytes)
        }
    }
}

fn decrypt_cbc(
    cipher: ContentCipher,
    content_key: &[u8],
    bytes: &[u8],
) -> Result<Plaintext, CryptoFault> {
    let (iv, ciphertext) = bytes.split_at_checked(CBC_BLOCK).ok_or(CryptoFault)?;
    if ciphertext.is_empty() || ciphertext.len() % CBC_BLOCK != 0 {
        return Err(CryptoFault);
    }
    let mut crypter =
        symm::Crypter::new(cipher.openssl(), symm::Mode::Decrypt, content_key, Some(iv))?;
    crypter.pad(false);
    let mut plain = vec![0; ciphertext.len() + CBC_BLOCK];
    let length = crypter.update(ciphertext, &mut plain)?;
    plain.truncate(length);
    // XML Encryption §5.2: the last byte counts the padding, the others are arbitrary.
    let padding = plain.last().map_or(0, |&last| usize::from(last));
    let padding_fits = (1..=CBC_BLOCK).contains(&padding);
    if padding_fits {
        plain.truncate(plain.len().saturating_sub(padding));
    }
    Ok(Plaintext { bytes: plain, padding_fits })
}

/// Compares two digests in constant time.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && openssl::memcmp::eq(left, right)
}

impl Digest {
    fn openssl(self) -> MessageDigest {
        match self {
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

impl OaepDigest {
    fn openssl(self) -> MessageDigest {
        match self {
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
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

    /// Whether a changed ciphertext is noticed by the cipher itself.
    pub const fn authenticates(self) -> bool {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm => true,
            Self::Aes128Cbc | Self::Aes256Cbc => false,
        }
    }

    fn openssl(self) -> symm::Cipher {
        match self {
            Self::Aes128Gcm => symm::Cipher::aes_128_gcm(),
            Self::Aes256Gcm => symm::Cipher::aes_256_gcm(),
            Self::Aes128Cbc => symm::Cipher::aes_128_cbc(),
            Self::Aes256Cbc => symm::Cipher::aes_256_cbc(),
        }
    }
}

const CBC_BLOCK: usize = 16;
