//! The key pair that signs assertions. On P-256, because generating an RSA key would take longer
//! than all other work of its users together.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::secrets::self_signed;

/// A private key and the certificate with its public key.
pub struct KeyPair {
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
}

/// A key pair could not be generated or read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyPairError {
    /// Generation failed.
    #[error("no key could be generated: {0}")]
    Generate(#[from] rcgen::Error),
    /// The text is not the PEM that [`KeyPair::generate`] returns.
    #[error("not a private key on P-256 and its certificate, in PEM")]
    Malformed,
}

impl KeyPair {
    /// Generates a pair and returns it with its PEM. `name` is the common name of the certificate.
    ///
    /// # Errors
    ///
    /// [`KeyPairError::Generate`].
    pub fn generate(name: &str, now: Timestamp) -> Result<(Vec<u8>, Self), KeyPairError> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let certificate = self_signed::certificate(&key, name, now)?;
        let pem = key.serialize_pem() + &certificate.pem();
        Ok((pem.into_bytes(), Self::new(key.serialized_der(), certificate.der().to_vec())?))
    }

    /// Reads the PEM that [`KeyPair::generate`] returns.
    ///
    /// # Errors
    ///
    /// [`KeyPairError::Malformed`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyPairError> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| KeyPairError::Malformed)?;
        let certificate =
            CertificateDer::from_pem_slice(pem).map_err(|_| KeyPairError::Malformed)?;
        Self::new(key.secret_pkcs8_der(), certificate.to_vec())
    }

    fn new(pkcs8: &[u8], certificate: Vec<u8>) -> Result<Self, KeyPairError> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8);
        Ok(Self { key: key.map_err(|_| KeyPairError::Malformed)?, certificate })
    }

    /// The certificate, in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Signs with ECDSA and SHA-256; the value is `r || s` (RFC 6931 §2.3.6). `None` if no
    /// randomness is available.
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
