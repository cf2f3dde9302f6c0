//! Errors of cryptographic operations and of reading keys.

/// A failed cryptographic operation. Carries no reason: a padding oracle needs to know which step
/// of a decryption failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the cryptographic operation failed")]
pub struct CryptoError;

impl From<aws_lc_rs::error::Unspecified> for CryptoError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

impl From<PrivateKeyError> for CryptoError {
    fn from(_: PrivateKeyError) -> Self {
        Self
    }
}

/// The reason why a key or certificate of an identity provider cannot be trusted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are neither a certificate nor a key.
    #[error("not a readable certificate or key")]
    Unreadable,
    /// The key is neither RSA nor on a supported elliptic curve.
    #[error("unsupported key type; use RSA, P-256 or P-384")]
    Type,
    /// The RSA modulus is too short.
    #[error("RSA {bits}: too weak; at least 2048 bits are required")]
    Weak {
        /// Size of the modulus in bits.
        bits: u32,
    },
    /// The RSA modulus is longer than [`super::MAX_RSA_BITS`].
    #[error("RSA {0}: larger than the supported 8192 bits")]
    Large(u32),
    /// The RSA exponent is unusable: with 1 anybody can sign, and a long one makes a verification
    /// as slow as a signature.
    #[error("the RSA exponent must be an odd number of 2 to 33 bits")]
    Exponent,
}

/// The reason why one of our private keys cannot be used. Contains nothing of the key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PrivateKeyError {
    /// The text is not a PEM file with a `PRIVATE KEY` section.
    #[error("it is not a private key in PEM (PKCS #8)")]
    Pem,
    /// The key is not RSA, or its numbers are inconsistent.
    #[error("it is not an intact RSA key of 2048 to 8192 bits in PKCS #8")]
    Rsa,
}
