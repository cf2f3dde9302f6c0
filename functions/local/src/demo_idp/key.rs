//! The key that assertions are signed with. On P-256, since making an RSA key would take longer than
//! the whole rest of a first start.

use std::io;
use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509NameBuilder};

use crate::private_file;

/// A private key and the certificate that carries its public half.
pub(crate) struct KeyPair {
    key: EcKey<Private>,
    certificate: Vec<u8>,
}

impl KeyPair {
    /// The one that `directory` holds, made when there is none.
    pub(crate) fn open(directory: Option<&Path>) -> Result<Self, KeyError> {
        let Some(directory) = directory else { return Ok(Self::make()?.1) };
        let file = directory.join(FILE);
        if let Some(pem) = private_file::read(&file)? {
            return Self::read(&pem).map_err(KeyError::Damaged);
        }
        let (pem, pair) = Self::make()?;
        private_file::replace(&file, &pem)?;
        Ok(pair)
    }

    /// The certificate, in DER.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// ECDSA with SHA-256; `r` and `s` side by side (RFC 6931 §2.3.6).
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let digest = hash(MessageDigest::sha256(), message)?;
        let signature = EcdsaSig::sign(&digest, &self.key)?;
        Ok([signature.r().to_vec_padded(32)?, signature.s().to_vec_padded(32)?].concat())
    }

    fn read(pem: &[u8]) -> Result<Self, ErrorStack> {
        let key = EcKey::private_key_from_pem(pem)?;
        Ok(Self { key, certificate: X509::from_pem(pem)?.to_der()? })
    }

    /// A new one, and its file.
    fn make() -> Result<(Vec<u8>, Self), ErrorStack> {
        let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = PKey::from_ec_key(EcKey::generate(&curve)?)?;
        let certificate = certificate(&key)?;
        let pem = [key.private_key_to_pem_pkcs8()?, certificate.to_pem()?].concat();
        Ok((pem, Self { key: key.ec_key()?, certificate: certificate.to_der()? }))
    }
}

/// Self-signed: in SAML it only carries the key.
fn certificate(key: &PKey<Private>) -> Result<X509, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "Gatehouse demo identity provider")?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(SERIAL_BITS, MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(X509_V3)?;
    builder.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
    builder.set_not_after(Asn1Time::days_from_now(DAYS)?.as_ref())?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The file cannot be read or written.
    #[error("{FILE}: {0}")]
    File(#[from] io::Error),
    /// The file is not what this program wrote.
    #[error("{FILE} is damaged ({0}); delete it to get a new key")]
    Damaged(ErrorStack),
    /// No key could be made.
    #[error(transparent)]
    Make(#[from] ErrorStack),
}

const FILE: &str = "demo-idp.pem";

/// What X.509 counts as 2.
const X509_V3: i32 = 2;

/// RFC 5280 §4.1.2.2: at most 20 octets, unique to the issuer.
const SERIAL_BITS: i32 = 128;

const DAYS: u32 = 3650;
