//! The key that assertions are signed with. On P-256, since making an RSA key would take longer than
//! all the rest of what needs one.

use jiff::{SignedDuration, Timestamp};
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509NameBuilder};

/// A private key and the certificate that carries its public half.
pub struct KeyPair {
    key: EcKey<Private>,
    certificate: Vec<u8>,
}

impl KeyPair {
    /// A new one, and the PEM that [`KeyPair::read`] reads. `name` is the certificate's common name.
    ///
    /// # Errors
    ///
    /// OpenSSL's own.
    pub fn make(name: &str, now: Timestamp) -> Result<(Vec<u8>, Self), ErrorStack> {
        let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = PKey::from_ec_key(EcKey::generate(&curve)?)?;
        let certificate = certificate(&key, name, now)?;
        let pem = [key.private_key_to_pem_pkcs8()?, certificate.to_pem()?].concat();
        Ok((pem, Self { key: key.ec_key()?, certificate: certificate.to_der()? }))
    }

    /// The pair in a PEM file.
    ///
    /// # Errors
    ///
    /// When it is not what [`KeyPair::make`] gave.
    pub fn read(pem: &[u8]) -> Result<Self, ErrorStack> {
        let key = EcKey::private_key_from_pem(pem)?;
        Ok(Self { key, certificate: X509::from_pem(pem)?.to_der()? })
    }

    /// The certificate, in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// ECDSA with SHA-256; `r` and `s` side by side (RFC 6931 §2.3.6).
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let digest = hash(MessageDigest::sha256(), message)?;
        let signature = EcdsaSig::sign(&digest, &self.key)?;
        Ok([signature.r().to_vec_padded(32)?, signature.s().to_vec_padded(32)?].concat())
    }
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyPair(..)")
    }
}

/// Self-signed: in SAML it only carries the key.
fn certificate(key: &PKey<Private>, name: &str, now: Timestamp) -> Result<X509, ErrorStack> {
    let mut subject = X509NameBuilder::new()?;
    subject.append_entry_by_text("CN", name)?;
    let subject = subject.build();
    let mut serial = BigNum::new()?;
    serial.rand(SERIAL_BITS, MsbOption::MAYBE_ZERO, false)?;
    let end = now.saturating_add(LIFE).unwrap_or(now);
    let mut builder = X509::builder()?;
    builder.set_version(X509_V3)?;
    builder.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
    builder.set_subject_name(&subject)?;
    builder.set_issuer_name(&subject)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(Asn1Time::from_unix(now.as_second())?.as_ref())?;
    builder.set_not_after(Asn1Time::from_unix(end.as_second())?.as_ref())?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}

/// What X.509 counts as 2.
const X509_V3: i32 = 2;

/// RFC 5280 §4.1.2.2: at most 20 octets, unique to the issuer.
const SERIAL_BITS: i32 = 128;

/// Ten years.
const LIFE: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);
