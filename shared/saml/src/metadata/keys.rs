//! Reads the signing keys of an identity provider from `KeyDescriptor` elements (SAML metadata
//! §2.4.1.1), in every form that providers export.

use jiff::Timestamp;
use roxmltree::Node;

use super::description::MetadataCertificate;
use super::error::{MAX_KEYS, MetadataError, MetadataWarning};
use crate::crypto::{Certificate, KeyError, ec_public_key, rsa_public_key};
use crate::names::{DSIG, DSIG11, METADATA};
use crate::xml::{bytes_of, children_named, decode_base64, text_of, truncate};

/// Reads every key for signing: `use="signing"`, or no or an empty `use`, which is both.
///
/// # Errors
///
/// [`MetadataError::NoSigningKey`], [`MetadataError::Key`] or [`MetadataError::KeyInfoNamespace`] when
/// there is no usable key, and [`MetadataError::TooManyKeys`].
pub(super) fn signing_keys(
    role: Node<'_, '_>,
    now: Timestamp,
    warnings: &mut Vec<MetadataWarning>,
) -> Result<Vec<MetadataCertificate>, MetadataError> {
    let mut usable: Vec<MetadataCertificate> = Vec::new();
    let mut errors = Vec::new();
    let descriptors = children_named(role, METADATA, "KeyDescriptor").filter(is_for_signing);
    let infos = descriptors.flat_map(|descriptor| children_named(descriptor, DSIG, "KeyInfo"));
    for read in infos.flat_map(read_key_info) {
        match read {
            Ok(key) if usable.iter().any(|known| known.certificate == key.certificate) => {}
            Ok(_) if usable.len() == MAX_KEYS => return Err(MetadataError::TooManyKeys),
            Ok(key) => usable.push(key),
            Err(error) => errors.push(error),
        }
    }
    if usable.is_empty() {
        return Err(match (errors.pop(), foreign_namespace(role)) {
            (Some(error), _) => MetadataError::Key(error),
            (None, Some(namespace)) => MetadataError::KeyInfoNamespace(namespace),
            (None, None) => MetadataError::NoSigningKey,
        });
    }
    let is_expired =
        |known: &&MetadataCertificate| known.certificate.not_after.is_some_and(|end| end < now);
    for known in usable.iter().filter(is_expired) {
        let fingerprint = known.certificate.key.fingerprint().to_owned();
        warnings.push(MetadataWarning::CertificateExpired(fingerprint));
    }
    warnings.extend(errors.into_iter().map(MetadataWarning::KeyIgnored));
    Ok(usable)
}

fn is_for_signing(descriptor: &Node<'_, '_>) -> bool {
    let purpose = descriptor.attribute("use").unwrap_or_default().trim();
    purpose.is_empty() || purpose.eq_ignore_ascii_case("signing")
}

/// The keys of one `KeyInfo`: its certificates or, if none can be used, its bare keys. What cannot
/// be used is reported beside them.
fn read_key_info(info: Node<'_, '_>) -> Vec<Result<MetadataCertificate, KeyError>> {
    let data = children_named(info, DSIG, "X509Data");
    let certificates: Vec<_> = data
        .flat_map(|data| children_named(data, DSIG, "X509Certificate"))
        .flat_map(certificates_of)
        .map(|der| {
            let certificate = Certificate::from_der(&der)?;
            Ok(MetadataCertificate { der, certificate })
        })
        .collect();
    if certificates.iter().any(Result::is_ok) {
        return certificates;
    }
    let values = children_named(info, DSIG, "KeyValue");
    let values = values.filter_map(|value| value.first_element_child()).map(read_key_value);
    let encoded = children_named(info, DSIG11, "DEREncodedKeyValue").map(read_encoded_key);
    certificates.into_iter().chain(values).chain(encoded).collect()
}

/// Reads a `DEREncodedKeyValue`, a `SubjectPublicKeyInfo` in base64 (XML Signature 1.1 §4.5.9).
fn read_encoded_key(value: Node<'_, '_>) -> Result<MetadataCertificate, KeyError> {
    let der = bytes_of(value).map_err(|_| KeyError::Unreadable)?;
    let certificate = Certificate::from_public_key(&der)?;
    Ok(MetadataCertificate { der, certificate })
}

/// Reads an `RSAKeyValue` or `ECKeyValue` (XML Signature §4.5.2).
fn read_key_value(value: Node<'_, '_>) -> Result<MetadataCertificate, KeyError> {
    let bytes = |namespace: &'static str, name: &'static str| {
        let child = children_named(value, namespace, name).next();
        child.and_then(|child| bytes_of(child).ok()).ok_or(KeyError::Unreadable)
    };
    let name = value.tag_name();
    let der = match (name.namespace(), name.name()) {
        (Some(DSIG), "RSAKeyValue") => {
            rsa_public_key(&bytes(DSIG, "Modulus")?, &bytes(DSIG, "Exponent")?)?
        }
        (Some(DSIG11), "ECKeyValue") => {
            let curve = children_named(value, DSIG11, "NamedCurve").next();
            let curve = curve.and_then(|curve| curve.attribute("URI")).unwrap_or_default();
            ec_public_key(
                curve.trim().trim_start_matches("urn:oid:"),
                &bytes(DSIG11, "PublicKey")?,
            )?
        }
        _ => return Err(KeyError::Type),
    };
    let certificate = Certificate::from_public_key(&der)?;
    Ok(MetadataCertificate { der, certificate })
}

/// The certificates in one `X509Certificate`, in DER: base64, PEM, base64 of a PEM file, or several
/// one after the other. An unreadable text gives one unreadable certificate.
fn certificates_of(element: Node<'_, '_>) -> Vec<Vec<u8>> {
    let text = text_of(element).unwrap_or_default();
    if text.contains(PEM_BEGIN) {
        return from_pem(&text);
    }
    match decode_base64(&text) {
        Some(bytes) if bytes.starts_with(PEM_BEGIN.as_bytes()) => {
            from_pem(&String::from_utf8_lossy(&bytes))
        }
        Some(bytes) => split_der(bytes),
        None => split_base64(&text),
    }
}

/// The sections of a PEM file, whatever they are called: some programs write `X509 CERTIFICATE`.
fn from_pem(text: &str) -> Vec<Vec<u8>> {
    let body = |section: &str| {
        let (_, body) = section.split_once(PEM_DASHES)?;
        decode_base64(body.split(PEM_DASHES).next()?)
    };
    let sections = text.split(PEM_BEGIN).skip(1).take(MAX_KEYS + 1);
    sections.map(|section| body(section).unwrap_or_default()).collect()
}

/// Splits base64 texts that were written one after the other, each with its padding.
fn split_base64(text: &str) -> Vec<Vec<u8>> {
    let parts = text.split_inclusive('=').filter(|part| part.trim() != "=").take(MAX_KEYS + 1);
    parts.map(|part| decode_base64(part.trim_end_matches('=')).unwrap_or_default()).collect()
}

/// Splits DER values that were written one after the other. Bytes after the last that are no
/// SEQUENCE are left out.
fn split_der(bytes: Vec<u8>) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((value, after)) = der_length(rest).and_then(|end| rest.split_at_checked(end))
        && found.len() <= MAX_KEYS
    {
        found.push(value.to_vec());
        rest = after;
    }
    if found.is_empty() { vec![bytes] } else { found }
}

/// The length of the SEQUENCE at the start, with its header, if it is in the long form of two bytes
/// that every certificate has.
fn der_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [SEQUENCE, 0x82, high, low, ..] => {
            Some(usize::from(u16::from_be_bytes([*high, *low])).saturating_add(4))
        }
        _ => None,
    }
}

/// The namespace of a certificate that is not in the one of XML Signature.
fn foreign_namespace(role: Node<'_, '_>) -> Option<String> {
    let descriptors = children_named(role, METADATA, "KeyDescriptor").filter(is_for_signing);
    let mut found = descriptors.flat_map(|descriptor| descriptor.descendants());
    let foreign = found.find(|node| {
        node.is_element()
            && matches!(node.tag_name().name(), "KeyInfo" | "X509Data" | "X509Certificate")
            && node.tag_name().namespace() != Some(DSIG)
    })?;
    Some(truncate(foreign.tag_name().namespace().unwrap_or("(none)"), 96))
}

const PEM_BEGIN: &str = "-----BEGIN ";
const PEM_DASHES: &str = "-----";
const SEQUENCE: u8 = 0x30;
