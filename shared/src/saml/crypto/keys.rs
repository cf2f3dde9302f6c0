//! Keys, and the certificates that carry them.
//!
//! Invariant: a key too weak to trust, of a type that is not verified, or so large that to verify
//! with it would cost milliseconds, cannot be made.

use std::fmt;

use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private, Public};
use openssl::x509::X509;

use super::fingerprint;

/// Smallest RSA modulus that we trust, in bits (NIST SP 800-131A).
pub const MIN_RSA_BITS: u32 = 2048;
/// Largest RSA modulus that we verify with, in bits: what it costs grows with the square.
pub const MAX_RSA_BITS: u32 = 8192;
/// Smallest elliptic curve that we trust, in bits.
pub const MIN_EC_BITS: u32 = 256;

/// Why a key or certificate of an identity provider cannot be trusted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyFault {
    /// The bytes are not a certificate or key at all.
    #[error("not a readable certificate or key")]
    Unreadable,
    /// Neither RSA nor an elliptic curve that we verify.
    #[error("a key type that we do not verify; RSA, P-256 and P-384 are")]
    Type,
    /// Too short.
    #[error("{kind} {bits}: too weak; RSA needs 2048 bits and an elliptic curve 256")]
    Weak {
        /// `RSA` or `EC`.
        kind: &'static str,
        /// Size of the key in bits.
        bits: u32,
    },
    /// Longer than anybody needs.
    #[error("RSA {0}: larger than the 8192 bits that we verify with")]
    Large(u32),
    /// With 1 everybody can sign; a long one makes each verification as slow as a signature.
    #[error("an RSA exponent that is not an odd number of 2 to 64 bits")]
    Exponent,
}

/// A public key that signatures are verified with: RSA of 2048 bits or more, P-256 or P-384.
#[derive(Clone)]
pub struct VerifyingKey {
    key: PKey<Public>,
    fingerprint: String,
}

impl VerifyingKey {
    /// The key of a DER-encoded X.509 certificate. The certificate is only a carrier of the key:
    /// its dates, names and issuer decide nothing (SAML metadata interoperability profile §2.6.1).
    pub fn from_certificate(der: &[u8]) -> Result<Self, KeyFault> {
        let certificate = X509::from_der(der).map_err(|_| KeyFault::Unreadable)?;
        let key = certificate.public_key().map_err(|_| KeyFault::Unreadable)?;
        Self::checked(key, fingerprint(der))
    }

    /// A bare key, as a PEM or DER `SubjectPublicKeyInfo`.
    pub fn from_public_key(encoded: &[u8]) -> Result<Self, KeyFault> {
        let key = PKey::public_key_from_pem(encoded)
            .or_else(|_| PKey::public_key_from_der(encoded))
            .map_err(|_| KeyFault::Unreadable)?;
        let der = key.public_key_to_der().map_err(|_| KeyFault::Unreadable)?;
        Self::checked(key, fingerprint(&der))
    }

    fn checked(key: PKey<Public>, fingerprint: String) -> Result<Self, KeyFault> {
        let bits = key.bits();
        if key.id() == Id::RSA {
            if bits < MIN_RSA_BITS {
                return Err(KeyFault::Weak { kind: "RSA", bits });
            }
            if bits > MAX_RSA_BITS {
                return Err(KeyFault::Large(bits));
            }
            let rsa = key.rsa().map_err(|_| KeyFault::Unreadable)?;
            let usual = rsa.e().is_bit_set(0) && (2..=64).contains(&rsa.e().num_bits());
            return if usual { Ok(Self { key, fingerprint }) } else { Err(KeyFault::Exponent) };
        }
        let curve = key.ec_key().ok().and_then(|key| key.group().curve_name());
        match curve {
            Some(Nid::X9_62_PRIME256V1 | Nid::SECP384R1) => Ok(Self { key, fingerprint }),
            Some(_) if bits < MIN_EC_BITS => Err(KeyFault::Weak { kind: "EC", bits }),
            _ => Err(KeyFault::Type),
        }
    }

    /// `RSA 2048`, `EC 256`.
    pub fn description(&self) -> String {
        let kind = if self.is_rsa() { "RSA" } else { "EC" };
        format!("{kind} {}", self.key.bits())
    }

    /// SHA-256 over the certificate, or over a bare key: as administrators see it elsewhere.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn is_rsa(&self) -> bool {
        self.key.id() == Id::RSA
    }

    pub(super) fn key(&self) -> &PKey<Public> {
        &self.key
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({}, {})", self.description(), self.fingerprint)
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.key.public_eq(&other.key)
    }
}

impl Eq for VerifyingKey {}

/// What an X.509 certificate says around its key; for people to compare, not to decide by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// The key.
    pub key: VerifyingKey,
    /// The subject, `CN=idp.example, O=Acme`.
    pub subject: String,
    /// Valid from.
    pub not_before: Option<Timestamp>,
    /// Valid until.
    pub not_after: Option<Timestamp>,
}

impl Certificate {
    /// Reads a DER-encoded certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyFault> {
        let key = VerifyingKey::from_certificate(der)?;
        let certificate = X509::from_der(der).map_err(|_| KeyFault::Unreadable)?;
        let part = |entry: &openssl::x509::X509NameEntryRef| {
            let name = entry.object().nid().short_name().unwrap_or("?");
            let value = entry.data().to_string().unwrap_or_default();
            format!("{name}={value}")
        };
        let subject: Vec<String> = certificate.subject_name().entries().map(part).collect();
        Ok(Self {
            key,
            subject: subject.join(", "),
            not_before: instant(certificate.not_before()),
            not_after: instant(certificate.not_after()),
        })
    }
}

fn instant(time: &Asn1TimeRef) -> Option<Timestamp> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    Timestamp::from_second(i64::from(since.days) * 86_400 + i64::from(since.secs)).ok()
}

/// The RSA private key that assertions are encrypted for.
#[derive(Clone)]
pub struct DecryptionKey(PKey<Private>);

impl DecryptionKey {
    /// Reads an RSA private key in PEM.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyFault> {
        rsa_private_key(pem).map(Self)
    }

    pub(super) fn key(&self) -> &PKey<Private> {
        &self.0
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecryptionKey(..)")
    }
}

/// The RSA private key that we sign requests and metadata with.
#[derive(Clone)]
pub struct SigningKey(PKey<Private>);

impl SigningKey {
    /// Reads an RSA private key in PEM.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyFault> {
        rsa_private_key(pem).map(Self)
    }

    pub(super) fn key(&self) -> &PKey<Private> {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

fn rsa_private_key(pem: &[u8]) -> Result<PKey<Private>, KeyFault> {
    let key = PKey::private_key_from_pem(pem).map_err(|_| KeyFault::Unreadable)?;
    let bits = key.bits();
    match (key.id() == Id::RSA, bits >= MIN_RSA_BITS) {
        (true, true) => Ok(key),
        (true, false) => Err(KeyFault::Weak { kind: "RSA", bits }),
        (false, _) => Err(KeyFault::Type),
    }
}

#[cfg(test)]
mod tests {
    use openssl::bn::{BigNum, MsbOption};
    use openssl::rsa::Rsa;

    use super::*;

    #[track_caller]
    fn check(bits: i32, exponent: BigNum, expect: &str) {
        let mut modulus = BigNum::new().unwrap();
        modulus.rand(bits, MsbOption::ONE, true).unwrap();
        let key = Rsa::from_public_components(modulus, exponent).unwrap();
        let read = VerifyingKey::from_public_key(&key.public_key_to_der().unwrap());
        let said = read.map_or_else(|fault| fault.to_string(), |key| key.description());
        assert!(said.contains(expect), "{said}");
    }

    #[test]
    fn an_rsa_key_is_neither_weak_nor_slow() {
        let number = |number| BigNum::from_u32(number).unwrap();
        check(2048, number(65537), "RSA 2048");
        check(8192, number(3), "RSA 8192");
        check(2047, number(65537), "RSA 2047: too weak");
        check(8193, number(65537), "RSA 8193: larger");
        for exponent in [0, 1, 2, 65536] {
            check(2048, number(exponent), "an RSA exponent");
        }
        let mut long = BigNum::new().unwrap();
        long.rand(65, MsbOption::ONE, true).unwrap();
        check(2048, long, "an RSA exponent");
    }
}
