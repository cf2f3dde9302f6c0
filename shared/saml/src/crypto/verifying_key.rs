//! Public keys that signatures are verified with, and their fingerprints.

use std::fmt;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

use super::error::KeyError;
use super::fingerprint;
use super::public_key::PublicKey;
use super::x509::CertificateParts;

/// A trusted public key: RSA of 2048 to 8192 bits, P-256 or P-384.
#[derive(Clone)]
pub struct VerifyingKey {
    key: Arc<PublicKey>,
    fingerprint: String,
}

impl VerifyingKey {
    /// Reads the key of a DER-encoded X.509 certificate. The certificate only carries the key: its
    /// dates, names and issuer are ignored (SAML metadata interoperability profile §2.6.1).
    pub fn from_certificate(der: &[u8]) -> Result<Self, KeyError> {
        Self::with_carrier(CertificateParts::from_der(der)?.public_key, der)
    }

    /// Reads a bare key, a `SubjectPublicKeyInfo` in DER.
    pub fn from_public_key(der: &[u8]) -> Result<Self, KeyError> {
        Self::with_carrier(der, der)
    }

    /// Reads a `SubjectPublicKeyInfo` and takes the fingerprint of `carrier`, the document that
    /// holds it.
    pub(super) fn with_carrier(info: &[u8], carrier: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { key: Arc::new(PublicKey::from_der(info)?), fingerprint: fingerprint(carrier) })
    }

    /// Reads the first certificate of a PEM file, or else its first public key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        // Editors on Windows start a file with a byte order mark.
        let pem = pem.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(pem);
        if let Ok(certificate) = CertificateDer::from_pem_slice(pem) {
            return Self::from_certificate(&certificate);
        }
        let key = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| KeyError::Unreadable)?;
        Self::from_public_key(&key)
    }

    /// Type and size, as `RSA 2048` or `EC 256`.
    pub fn description(&self) -> String {
        match self.key() {
            PublicKey::Rsa { bits, .. } => format!("RSA {bits}"),
            PublicKey::Ec { curve, .. } => format!("EC {}", curve.bits()),
        }
    }

    /// SHA-256 of the certificate, or of a bare key, as consoles of providers show it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn key(&self) -> &PublicKey {
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
        self.key == other.key
    }
}

impl Eq for VerifyingKey {}

#[cfg(test)]
mod tests {
    use openssl::bn::{BigNum, MsbOption};
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::rsa::Rsa;

    use super::*;

    #[track_caller]
    fn check(der: &[u8], expect: &str) {
        let read = VerifyingKey::from_public_key(der);
        let shown = read.map_or_else(|error| error.to_string(), |key| key.description());
        assert!(shown.contains(expect), "{shown}");
    }

    #[track_caller]
    fn check_rsa(bits: i32, exponent: BigNum, expect: &str) {
        let mut modulus = BigNum::new().unwrap();
        modulus.rand(bits, MsbOption::ONE, true).unwrap();
        let key = Rsa::from_public_components(modulus, exponent).unwrap();
        check(&key.public_key_to_der().unwrap(), expect);
    }

    #[test]
    fn weak_and_slow_rsa_keys_are_refused() {
        let number = |number| BigNum::from_u32(number).unwrap();
        check_rsa(2048, number(65537), "RSA 2048");
        check_rsa(8192, number(3), "RSA 8192");
        check_rsa(2047, number(65537), "RSA 2047: too weak");
        check_rsa(8193, number(65537), "RSA 8193: larger");
        for exponent in [0, 1, 2, 65536] {
            check_rsa(2048, number(exponent), "the RSA exponent");
        }
        for (bits, expect) in [(33, "RSA 2048"), (34, "the RSA exponent")] {
            let mut long = BigNum::new().unwrap();
            long.rand(bits, MsbOption::ONE, true).unwrap();
            check_rsa(2048, long, expect);
        }
    }

    #[test]
    fn a_key_is_equal_in_every_integer_encoding() {
        let integer = |value: &[u8]| {
            let length = u16::try_from(value.len()).unwrap().to_be_bytes();
            [&[2, 0x82, length[0], length[1]], value].concat()
        };
        let modulus = Rsa::generate(2048).unwrap().n().to_vec();
        let read = |zeros: usize, exponent: &[u8]| {
            let modulus = integer(&[&vec![0; zeros], modulus.as_slice()].concat());
            let integers = [&modulus, exponent].concat();
            let length = u16::try_from(integers.len()).unwrap();
            let sequence = |length: u16| [&[0x30, 0x82], length.to_be_bytes().as_slice()].concat();
            let key = [&sequence(length), integers.as_slice()].concat();
            let bits = (length + 5).to_be_bytes();
            let algorithm = b"\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05\0";
            let info = [algorithm, [3, 0x82, bits[0], bits[1], 0].as_slice(), &key].concat();
            let length = u16::try_from(info.len()).unwrap();
            VerifyingKey::from_public_key(&[&sequence(length), info.as_slice()].concat())
        };
        let usual = read(1, &[2, 3, 1, 0, 1]).unwrap();
        assert_eq!(usual.description(), "RSA 2048");
        for odd in
            [read(0, &[2, 3, 1, 0, 1]), read(3, &[2, 3, 1, 0, 1]), read(1, &[2, 4, 0, 1, 0, 1])]
        {
            assert_eq!(odd.as_ref(), Ok(&usual));
        }
        assert_ne!(read(1, &[2, 1, 3]), Ok(usual));
        assert_eq!(read(1, &[4, 3, 1, 0, 1]), Err(KeyError::Unreadable));
    }

    #[test]
    fn a_pem_file_may_have_text_around_it() {
        let key = Rsa::generate(2048).unwrap();
        let pem = String::from_utf8(key.public_key_to_pem().unwrap()).unwrap();
        let expected = VerifyingKey::from_public_key(&key.public_key_to_der().unwrap()).unwrap();
        for pem in [
            format!("\u{FEFF}{pem}"),
            format!("the key of 2026:\n\n{pem}\nbye"),
            pem.replace('\n', "\r\n"),
        ] {
            assert_eq!(VerifyingKey::from_pem(pem.as_bytes()).as_ref(), Ok(&expected), "{pem}");
        }
        let private = String::from_utf8(key.private_key_to_pem().unwrap()).unwrap();
        assert_eq!(VerifyingKey::from_pem(private.as_bytes()), Err(KeyError::Unreadable));
    }

    #[test]
    fn only_points_on_p256_and_p384_are_accepted() {
        let key = |curve| {
            let key = EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap();
            key.public_key_to_der().unwrap()
        };
        check(&key(Nid::X9_62_PRIME256V1), "EC 256");
        check(&key(Nid::SECP384R1), "EC 384");
        for curve in [Nid::SECP521R1, Nid::SECP224R1, Nid::SECP256K1] {
            check(&key(curve), "unsupported key type");
        }
        let mut off_the_curve = key(Nid::X9_62_PRIME256V1);
        *off_the_curve.last_mut().unwrap() ^= 1;
        check(&off_the_curve, "not a readable");
        // A whole key where the point belongs.
        let head =
            b"\x30\x13\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07";
        let inner = key(Nid::X9_62_PRIME256V1);
        let nested = [&[0x30, 0x73], head.as_slice(), &[3, 0x5C, 0], &inner].concat();
        check(&nested, "not a readable");
        assert_ne!(
            VerifyingKey::from_public_key(&key(Nid::X9_62_PRIME256V1)).unwrap(),
            VerifyingKey::from_public_key(&key(Nid::X9_62_PRIME256V1)).unwrap()
        );
    }
}
