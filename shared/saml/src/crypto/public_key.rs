//! Reads public keys as certificates hold them: `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
//!
//! Invariant: a [`PublicKey`] has a supported type, is strong enough to trust, and is small enough
//! that a verification does not take milliseconds.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode as _, Encode as _, Reader as _, Tag};

use super::der::sequence;
use super::error::KeyError;

/// Smallest RSA modulus that is trusted, in bits (NIST SP 800-131A).
pub const MIN_RSA_BITS: u32 = 2048;
/// Largest RSA modulus that is accepted, in bits: the cost grows with the square.
pub const MAX_RSA_BITS: u32 = 8192;

/// A public key of an accepted type and size.
#[derive(Clone, Eq, PartialEq)]
pub(super) enum PublicKey {
    /// RSA.
    Rsa {
        /// `RSAPublicKey` in DER (RFC 8017 §A.1.1), encoded anew: equal keys have equal bytes.
        der: Vec<u8>,
        /// Size of the modulus in bits.
        bits: u32,
    },
    /// A point on an elliptic curve.
    Ec {
        /// The curve.
        curve: Curve,
        /// The point (SEC 1 §2.3.3).
        point: Vec<u8>,
    },
}

/// A supported elliptic curve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
}

impl Curve {
    /// Size of the field, and of the order, in bits.
    pub(super) const fn bits(self) -> u32 {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
        }
    }
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo` in DER.
    pub(super) fn from_der(info: &[u8]) -> Result<Self, KeyError> {
        let (algorithm, parameters, key) = parts(info).map_err(|_| KeyError::Unreadable)?;
        let curve = parameters.and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
        match (algorithm, curve) {
            (RSA, _) => rsa(key),
            (EC, Some(P256)) => ec(Curve::P256, key),
            (EC, Some(P384)) => ec(Curve::P384, key),
            _ => Err(KeyError::Type),
        }
    }
}

type Parts<'a> = (ObjectIdentifier, Option<AnyRef<'a>>, &'a [u8]);

fn parts(info: &[u8]) -> der::Result<Parts<'_>> {
    let mut info = sequence(AnyRef::from_der(info)?)?;
    let mut algorithm = sequence(info.decode()?)?;
    let key: BitStringRef<'_> = info.decode()?;
    Ok((algorithm.decode()?, algorithm.decode().ok(), key.as_bytes().unwrap_or_default()))
}

fn rsa(key: &[u8]) -> Result<PublicKey, KeyError> {
    let key = modulus_and_exponent(key).map_err(|_| KeyError::Unreadable)?;
    let (modulus, exponent) = (key.0.as_bytes(), key.1.as_bytes());
    let bits = bit_length(modulus);
    if bits < MIN_RSA_BITS {
        return Err(KeyError::Weak { bits });
    }
    if bits > MAX_RSA_BITS {
        return Err(KeyError::Large(bits));
    }
    let odd = exponent.last().is_some_and(|last| last % 2 == 1);
    if !odd || !(2..=MAX_EXPONENT_BITS).contains(&bit_length(exponent)) {
        return Err(KeyError::Exponent);
    }
    let der = integers(key.0, key.1).map_err(|_| KeyError::Unreadable)?;
    check_usable(&RSA_PKCS1_2048_8192_SHA256, &der)?;
    Ok(PublicKey::Rsa { der, bits })
}

fn modulus_and_exponent(key: &[u8]) -> der::Result<(UintRef<'_>, UintRef<'_>)> {
    let mut key = sequence(AnyRef::from_der(key)?)?;
    Ok((positive(key.decode()?)?, positive(key.decode()?)?))
}

/// Reads an INTEGER as a positive number: some programs omit the zero byte before a leading one
/// bit, or write additional zeros.
fn positive(integer: AnyRef<'_>) -> der::Result<UintRef<'_>> {
    integer.header().tag().assert_eq(Tag::Integer)?;
    UintRef::new(integer.value())
}

/// Encodes two INTEGERs as a SEQUENCE in DER.
fn integers(first: UintRef<'_>, second: UintRef<'_>) -> der::Result<Vec<u8>> {
    let both = [first.to_der()?, second.to_der()?].concat();
    AnyRef::new(Tag::Sequence, &both)?.to_der()
}

/// Encodes an RSA key of XML Signature (§4.5.2.2) as a `SubjectPublicKeyInfo` in DER. Both numbers are
/// big-endian. Whether the key is trusted is decided when it is read.
///
/// # Errors
///
/// [`KeyError::Unreadable`] for a number that is empty or too long.
pub fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Result<Vec<u8>, KeyError> {
    let encode = || {
        let key = integers(UintRef::new(modulus)?, UintRef::new(exponent)?)?;
        let algorithm = [RSA.to_der()?, AnyRef::NULL.to_der()?].concat();
        key_info(&algorithm, &key)
    };
    encode().map_err(|_| KeyError::Unreadable)
}

/// Encodes an elliptic curve key of XML Signature (§4.5.2.3) as a `SubjectPublicKeyInfo` in DER.
/// `curve` is its OID; `point` as in SEC 1 §2.3.3.
///
/// # Errors
///
/// [`KeyError::Type`] if `curve` is no OID, [`KeyError::Unreadable`] for a point that is too long.
pub fn ec_public_key(curve: &str, point: &[u8]) -> Result<Vec<u8>, KeyError> {
    let curve: ObjectIdentifier = curve.parse().map_err(|_| KeyError::Type)?;
    let encode = || key_info(&[EC.to_der()?, curve.to_der()?].concat(), point);
    encode().map_err(|_: der::Error| KeyError::Unreadable)
}

fn key_info(algorithm: &[u8], key: &[u8]) -> der::Result<Vec<u8>> {
    let algorithm = AnyRef::new(Tag::Sequence, algorithm)?.to_der()?;
    let both = [algorithm, BitStringRef::from_bytes(key)?.to_der()?].concat();
    AnyRef::new(Tag::Sequence, &both)?.to_der()
}

fn bit_length(number: &[u8]) -> u32 {
    let mut bytes = number.iter().skip_while(|byte| **byte == 0);
    let first = bytes.next().map_or(0, |first| u8::BITS - first.leading_zeros());
    u32::try_from(bytes.count())
        .map_or(u32::MAX, |rest| rest.saturating_mul(8))
        .saturating_add(first)
}

fn ec(curve: Curve, point: &[u8]) -> Result<PublicKey, KeyError> {
    // RFC 5480 §2.2. AWS-LC would also accept a whole `SubjectPublicKeyInfo` here.
    if !matches!(point, [COMPRESSED_EVEN | COMPRESSED_ODD | UNCOMPRESSED, ..]) {
        return Err(KeyError::Unreadable);
    }
    match curve {
        Curve::P256 => check_usable(&ECDSA_P256_SHA256_ASN1, point)?,
        Curve::P384 => check_usable(&ECDSA_P384_SHA384_ASN1, point)?,
    }
    Ok(PublicKey::Ec { curve, point: point.to_vec() })
}

/// Checks that AWS-LC accepts the key; a point must be on its curve. Checked here so that a bad key
/// fails when it is configured, not at every sign-in.
fn check_usable(algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> Result<(), KeyError> {
    ParsedPublicKey::new(algorithm, key).map(|_| ()).map_err(|_| KeyError::Unreadable)
}

/// Converts the `r || s` of XML Signature to an `ECDSA-Sig-Value` (RFC 3279 §2.2.3). Both must have
/// exactly the length of the field, so that a signature has one encoding.
pub(super) fn ecdsa_value(curve: Curve, signature: &[u8]) -> Option<Vec<u8>> {
    let half = usize::try_from(curve.bits() / u8::BITS).ok()?;
    let (r, s) = signature.split_at_checked(half).filter(|(_, s)| s.len() == half)?;
    integers(UintRef::new(r).ok()?, UintRef::new(s).ok()?).ok()
}

/// Largest RSA exponent that AWS-LC accepts. The usual 65537 has 17 bits.
const MAX_EXPONENT_BITS: u32 = 33;

/// First byte of an encoded point (SEC 1 §2.3.3).
const COMPRESSED_EVEN: u8 = 2;
const COMPRESSED_ODD: u8 = 3;
const UNCOMPRESSED: u8 = 4;

/// `rsaEncryption` (RFC 8017 §A.1).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `id-ecPublicKey` (RFC 5480 §2.1.1).
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `secp256r1` (RFC 5480 §2.1.1.1).
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// `secp384r1`.
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
