//! The key that assertions are signed with. On P-256, since making an RSA key would take longer than
//! all the rest of what needs one.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::secrets::self_signed;

/// A private key and the certificate that carries its public half.
pub struct KeyPair {
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
}

/// There is no key pair.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyPairError {
    /// None could be made.
    #[error("no key could be made: {0}")]
    Make(#[from] rcgen::Error),
    /// The text is not what [`KeyPair::make`] gave.
    #[error("not a private key on P-256 and its certificate, in PEM")]
    Read,
}

impl KeyPair {
    /// A new one, and the PEM that [`KeyPair::read`] reads. `name` is the certificate's common name.
    ///
    /// # Errors
    ///
    /// [`KeyPairError::Make`].
    pub fn make(name: &str, now: Timestamp) -> Result<(Vec<u8>, Self), KeyPairError> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let certificate = self_signed::certificate(&key, name, now)?;
        let pem = key.serialize_pem() + &certificate.pem();
        Ok((pem.into_bytes(), Self::new(key.serialized_der(), certificate.der().to_vec())?))
    }

    /// The pair in a PEM file.
    ///
    /// # Errors
    ///
    /// [`KeyPairError::Read`].
    pub fn read(pem: &[u8]) -> Result<Self, KeyPairError> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| KeyPairError::Read)?;
        let certificate = CertificateDer::from_pem_slice(pem).map_err(|_| KeyPairError::Read)?;
        Self::new(key.secret_pkcs8_der(), certificate.to_vec())
    }

    fn new(pkcs8: &[u8], certificate: Vec<u8>) -> Result<Self, KeyPairError> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8);
        Ok(Self { key: key.map_err(|_| KeyPairError::Read)?, certificate })
    }

    /// The certificate, in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// ECDSA with SHA-256; `r` and `s` side by side (RFC 6931 §2.3.6). None when there is no
    /// randomness.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = self.key.sign(&SystemRandom::new(), message).ok()?;
        Some(signature.as_ref().to_vec())
    }
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyPair(..)")
    }
}
