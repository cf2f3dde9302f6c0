//! Makes RSA keys in self-signed certificates, which are only carriers of the keys (SAML metadata
//! interoperability profile §2.6.1).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};

use super::{State, StoredPair};

/// A fresh pair; none when OpenSSL fails.
pub(super) fn pair(state: State, now: Timestamp) -> Option<StoredPair> {
    let (private_key_pem, certificate) = key_and_certificate(now).ok()?;
    let private_key_pem = String::from_utf8(private_key_pem).ok()?;
    let certificate = BASE64_STANDARD.encode(certificate);
    Some(StoredPair { state, created_at: now, private_key_pem, certificate })
}

fn key_and_certificate(now: Timestamp) -> Result<(Vec<u8>, Vec<u8>), ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(RSA_BITS)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "Gatehouse service provider")?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(159, MsbOption::MAYBE_ZERO, false)?;
    let serial = serial.to_asn1_integer()?;
    let (start, end) = (now.as_second(), now.as_second() + LIFE_SECONDS);
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_serial_number(&serial)?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    certificate.set_pubkey(&key)?;
    let (start, end) = (Asn1Time::from_unix(start)?, Asn1Time::from_unix(end)?);
    certificate.set_not_before(&start)?;
    certificate.set_not_after(&end)?;
    certificate.sign(&key, MessageDigest::sha256())?;
    Ok((key.private_key_to_pem_pkcs8()?, certificate.build().to_der()?))
}

/// 128 bits of strength (NIST SP 800-57 part 1).
const RSA_BITS: u32 = 3072;

/// Ten years. Providers that look at the date would otherwise stop a connection at a moment that
/// nobody chose; when a key is replaced is the operator's decision.
const LIFE_SECONDS: i64 = 10 * 365 * 24 * 60 * 60;
