//! The subject and dates of an X.509 certificate, for administrators to compare.
//!
//! Nothing in here decides whether a key is trusted: see [`super::verifying_key`].

use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{Reader as _, Tag};
use jiff::Timestamp;

use super::der::{sequence, set};
use super::error::KeyError;
use super::verifying_key::VerifyingKey;
use super::x509::CertificateParts;

/// An X.509 certificate: its key, and the subject and dates for display. Also a bare key, which has
/// neither.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// The public key.
    pub key: VerifyingKey,
    /// The subject, as `CN=idp.example, O=Acme`.
    pub subject: String,
    /// Start of the validity period; `None` if unreadable.
    pub not_before: Option<Timestamp>,
    /// End of the validity period; `None` if unreadable.
    pub not_after: Option<Timestamp>,
}

impl Certificate {
    /// Reads a DER-encoded certificate. An unreadable subject or date is left out.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let parts = CertificateParts::from_der(der)?;
        let key = VerifyingKey::with_carrier(parts.public_key, der)?;
        let (not_before, not_after) = validity(parts.validity);
        let subject = subject(parts.subject).unwrap_or_default();
        Ok(Self { key, subject, not_before, not_after })
    }

    /// Reads a bare key, a `SubjectPublicKeyInfo` in DER.
    pub fn from_public_key(der: &[u8]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_public_key(der)?;
        Ok(Self { key, subject: String::new(), not_before: None, not_after: None })
    }

    /// Reads a certificate or a bare key.
    pub fn from_certificate_or_key(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_der(der).or_else(|error| Self::from_public_key(der).map_err(|_| error))
    }
}

fn validity(validity: AnyRef<'_>) -> (Option<Timestamp>, Option<Timestamp>) {
    let Ok(mut dates) = sequence(validity) else { return (None, None) };
    let mut next = || dates.decode().ok().and_then(instant);
    (next(), next())
}

fn instant(time: AnyRef<'_>) -> Option<Timestamp> {
    let short = time.decode_as().map(|time: UtcTime| time.to_unix_duration());
    let long = || time.decode_as().map(|time: GeneralizedTime| time.to_unix_duration());
    let since = short.or_else(|_| long()).ok()?;
    Timestamp::from_second(i64::try_from(since.as_secs()).ok()?).ok()
}

/// Returns every readable attribute of a name, in order (RFC 5280 §4.1.2.4).
fn subject(name: AnyRef<'_>) -> der::Result<String> {
    let mut attributes = Vec::new();
    let mut rdns = sequence(name)?;
    while !rdns.is_finished() {
        let mut rdn = set(rdns.decode()?)?;
        while !rdn.is_finished() {
            attributes.extend(attribute(rdn.decode()?));
        }
    }
    Ok(attributes.join(", "))
}

fn attribute(attribute: AnyRef<'_>) -> der::Result<String> {
    let mut attribute = sequence(attribute)?;
    let (kind, value) = (attribute.decode()?, attribute.decode()?);
    Ok(format!("{}={}", attribute_name(kind), text(value)))
}

/// Returns the short name that consoles show (RFC 4514 §3), or else the OID.
fn attribute_name(kind: ObjectIdentifier) -> String {
    let known = NAMES.iter().find(|(id, _)| *id == kind);
    known.map_or_else(|| kind.to_string(), |(_, name)| (*name).to_owned())
}

/// Decodes a string value: UTF-8 or a subset of it, UTF-16 in a `BMPString`, Latin 1 in an old
/// `TeletexString`.
fn text(value: AnyRef<'_>) -> String {
    let bytes = value.value();
    if value.header().tag() == Tag::BmpString {
        let units = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
        return char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
    }
    let latin_1 = |_| bytes.iter().map(|&byte| char::from(byte)).collect();
    std::str::from_utf8(bytes).map_or_else(latin_1, str::to_owned)
}

const NAMES: [(ObjectIdentifier, &str); 10] = [
    (ObjectIdentifier::new_unwrap("2.5.4.3"), "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.5"), "serialNumber"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"), "UID"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"), "DC"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1"), "emailAddress"),
];

#[cfg(test)]
mod tests {
    use openssl::asn1::{Asn1Time, Asn1Type};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::rsa::Rsa;
    use openssl::x509::{X509, X509Name};

    use super::*;

    fn certificate(version: i32, until: &str) -> Vec<u8> {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut name = X509Name::builder().unwrap();
        let mut add =
            |nid, value, kind| name.append_entry_by_nid_with_type(nid, value, kind).unwrap();
        add(Nid::COUNTRYNAME, "DE", Asn1Type::PRINTABLESTRING);
        add(Nid::ORGANIZATIONNAME, "\0A\0c\0m\0e", Asn1Type::BMPSTRING);
        add(Nid::COMMONNAME, "idp.example", Asn1Type::UTF8STRING);
        add(Nid::PKCS9_EMAILADDRESS, "it@idp.example", Asn1Type::IA5STRING);
        add(Nid::DESCRIPTION, "by hand", Asn1Type::UTF8STRING);
        let name = name.build();
        let mut certificate = X509::builder().unwrap();
        certificate.set_version(version).unwrap();
        certificate.set_subject_name(&name).unwrap();
        certificate.set_pubkey(&key).unwrap();
        certificate.set_not_before(&Asn1Time::from_str("20250101000000Z").unwrap()).unwrap();
        certificate.set_not_after(&Asn1Time::from_str(until).unwrap()).unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        certificate.build().to_der().unwrap()
    }

    #[test]
    fn subject_and_dates_are_read() {
        // Dates before 2050 are UTCTime, later ones GeneralizedTime. Version 1 is not encoded.
        for (version, until, expect) in [
            (2, "20491231235959Z", "2049-12-31T23:59:59Z"),
            (0, "20500101000000Z", "2050-01-01T00:00:00Z"),
        ] {
            let read = Certificate::from_der(&certificate(version, until)).unwrap();
            let expected =
                "C=DE, O=Acme, CN=idp.example, emailAddress=it@idp.example, 2.5.4.13=by hand";
            assert_eq!(read.subject, expected);
            assert_eq!(read.not_before.unwrap().to_string(), "2025-01-01T00:00:00Z");
            assert_eq!(read.not_after.unwrap().to_string(), expect);
            assert_eq!(read.key.description(), "RSA 2048");
        }
    }

    #[test]
    fn an_unreadable_subject_attribute_is_left_out() {
        let mut der = certificate(2, "20491231235959Z");
        let bmp = der.windows(10).position(|part| part == b"\x1E\x08\0A\0c\0m\0e").unwrap();
        // The tag of a UniversalString, which is not decoded.
        der[bmp] = 0x1C;
        let expected = "C=DE, CN=idp.example, emailAddress=it@idp.example, 2.5.4.13=by hand";
        assert_eq!(Certificate::from_der(&der).unwrap().subject, expected);
    }

    #[test]
    fn a_truncated_certificate_is_refused() {
        let der = certificate(2, "20491231235959Z");
        for length in 0..der.len() {
            assert_eq!(Certificate::from_der(&der[..length]), Err(KeyError::Unreadable));
        }
        assert_eq!(
            Certificate::from_der(b"-----BEGIN CERTIFICATE-----"),
            Err(KeyError::Unreadable)
        );
    }

    #[test]
    fn an_unreadable_date_and_trailing_bytes_are_tolerated() {
        let mut der = certificate(2, "20491231235959Z");
        der.extend(b"\n");
        let date = der.windows(13).position(|part| part == b"250101000000Z").unwrap();
        der[date..date + 13].copy_from_slice(b"251301000000Z");
        let read = Certificate::from_der(&der).unwrap();
        assert_eq!(read.not_before, None);
        assert!(read.not_after.is_some());
    }
}
