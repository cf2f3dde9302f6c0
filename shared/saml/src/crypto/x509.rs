//! Splits an X.509 certificate into the parts that we use (RFC 5280 §4.1).
//!
//! Lenient: in SAML a certificate only carries a key, and providers publish certificates that no
//! certification authority would sign. Parts that are not used are not parsed and cannot fail.

use der::asn1::AnyRef;
use der::{Decode as _, Reader as _, SliceReader, Tag};

use super::der::sequence;
use super::error::KeyError;

/// The parts that are used, as encoded in the certificate.
pub(super) struct CertificateParts<'a> {
    pub(super) validity: AnyRef<'a>,
    pub(super) subject: AnyRef<'a>,
    /// `SubjectPublicKeyInfo` in DER.
    pub(super) public_key: &'a [u8],
}

impl<'a> CertificateParts<'a> {
    /// Reads a DER-encoded certificate.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unreadable`] when the structure is not that of a certificate.
    pub(super) fn from_der(certificate: &'a [u8]) -> Result<Self, KeyError> {
        Self::decode(certificate).map_err(|_| KeyError::Unreadable)
    }

    fn decode(certificate: &'a [u8]) -> der::Result<Self> {
        let signed = sequence(AnyRef::decode(&mut SliceReader::new(certificate)?)?)?.tlv_bytes()?;
        let mut to_be_signed = sequence(AnyRef::from_der(signed)?)?;
        let has_version = Tag::peek(&to_be_signed)?.is_context_specific();
        // Skips the version, if present, and the serial number, algorithm and issuer.
        for _ in 0..3 + u32::from(has_version) {
            to_be_signed.tlv_bytes()?;
        }
        let (validity, subject) = (to_be_signed.decode()?, to_be_signed.decode()?);
        Ok(Self { validity, subject, public_key: to_be_signed.tlv_bytes()? })
    }
}
