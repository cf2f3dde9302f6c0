//! A public key as certificates carry it: `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
//!
//! Invariant: a key too weak to trust, of a type that is not verified, or so large that to verify
//! with it would cost milliseconds, cannot be made.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode as _, Encode as _, Reader as _, Tag};

use super::certificate::sequence;
use super::keys::{KeyFault, MAX_RSA_BITS, MIN_RSA_BITS};

/// A public key of a type and size that we verify with.
#[derive(Clone, Eq, PartialEq)]
pub(super) enum PublicKey {
    /// RSA.
    Rsa {
        /// `RSAPublicKey` in DER (RFC 8017 §A.1.1), written anew: one key has one spelling.
        der: Vec<u8>,
        /// Size of the modulus.
        bits: u32,
    },
    /// A point on an elliptic curve.
    Ec {
        /// Which.
        curve: Curve,
        /// The point (SEC 1 §2.3.3).
        point: Vec<u8>,
    },
}

/// An elliptic curve that we verify on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
}

impl Curve {
    /// Size of the field in bits; of the order, too.
    pub(super) const fn bits(self) -> u32 {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
        }
    }
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo` in DER.
    pub(super) fn from_der(info: &[u8]) -> Result<Self, KeyFault> {
        let (algorithm, parameters, key) = parts(info).map_err(|_| KeyFault::Unreadable)?;
        let curve = parameters.and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
        match (algorithm, curve) {
            (RSA, _) => rsa(key),
            (EC, Some(P256)) => ec(Curve::P256, key),
            (EC, Some(P384)) => ec(Curve::P384, key),
            _ => Err(KeyFault::Type),
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

fn rsa(key: &[u8]) -> Result<PublicKey, KeyFault> {
    let key = modulus_and_exponent(key).map_err(|_| KeyFault::Unreadable)?;
    let (modulus, exponent) = (key.0.as_bytes(), key.1.as_bytes());
    let bits = bit_length(modulus);
    if bits < MIN_RSA_BITS {
        return Err(KeyFault::Weak { bits });
    }
    if bits > MAX_RSA_BITS {
        return Err(KeyFault::Large(bits));
    }
    let odd = exponent.last().is_some_and(|last| last % 2 == 1);
    if !odd || !(2..=MAX_EXPONENT_BITS).contains(&bit_length(exponent)) {
        return Err(KeyFault::Exponent);
    }
    let der = integers(key.0, key.1).map_err(|_| KeyFault::Unreadable)?;
    usable(&RSA_PKCS1_2048_8192_SHA256, &der)?;
    Ok(PublicKey::Rsa { der, bits })
}

fn modulus_and_exponent(key: &[u8]) -> der::Result<(UintRef<'_>, UintRef<'_>)> {
    let mut key = sequence(AnyRef::from_der(key)?)?;
    Ok((positive(key.decode()?)?, positive(key.decode()?)?))
}

/// An INTEGER that can only be meant to be positive: some programs leave out the zero before a
/// first bit that is set, or write more zeros.
fn positive(integer: AnyRef<'_>) -> der::Result<UintRef<'_>> {
    integer.header().tag().assert_eq(Tag::Integer)?;
    UintRef::new(integer.value())
}

/// A SEQUENCE of the two, in DER.
fn integers(first: UintRef<'_>, second: UintRef<'_>) -> der::Result<Vec<u8>> {
    let both = [first.to_der()?, second.to_der()?].concat();
    AnyRef::new(Tag::Sequence, &both)?.to_der()
}

fn bit_length(number: &[u8]) -> u32 {
    let mut bytes = number.iter().skip_while(|byte| **byte == 0);
    let first = bytes.next().map_or(0, |first| u8::BITS - first.leading_zeros());
    u32::try_from(bytes.count())
        .map_or(u32::MAX, |rest| rest.saturating_mul(8))
        .saturating_add(first)
}

fn ec(curve: Curve, point: &[u8]) -> Result<PublicKey, KeyFault> {
    // RFC 5480 §2.2. AWS-LC would take a whole `SubjectPublicKeyInfo` in its place.
    if !matches!(point, [COMPRESSED_EVEN | COMPRESSED_ODD | UNCOMPRESSED, ..]) {
        return Err(KeyFault::Unreadable);
    }
    match curve {
        Curve::P256 => usable(&ECDSA_P256_SHA256_ASN1, point)?,
        Curve::P384 => usable(&ECDSA_P384_SHA384_ASN1, point)?,
    }
    Ok(PublicKey::Ec { curve, point: point.to_vec() })
}

/// Whether AWS-LC takes it: a point has to be on its curve. Better said when the key is configured
/// than at every sign-in.
fn usable(algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> Result<(), KeyFault> {
    ParsedPublicKey::new(algorithm, key).map(|_| ()).map_err(|_| KeyFault::Unreadable)
}

/// `r` and `s`, side by side in XML Signature, as the `ECDSA-Sig-Value` of everybody else
/// (RFC 3279 §2.2.3). Each has exactly the length of the field, so that a value has one spelling.
pub(super) fn ecdsa_value(curve: Curve, signature: &[u8]) -> Option<Vec<u8>> {
    let half = usize::try_from(curve.bits() / u8::BITS).ok()?;
    let (r, s) = signature.split_at_checked(half).filter(|(_, s)| s.len() == half)?;
    integers(UintRef::new(r).ok()?, UintRef::new(s).ok()?).ok()
}

/// What AWS-LC takes. Nearly everybody has 65537, of 17.
const MAX_EXPONENT_BITS: u32 = 33;

/// How a point begins (SEC 1 §2.3.3).
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
