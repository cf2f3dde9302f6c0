//! Signs our own XML: metadata and `AuthnRequest`s. Uses RSA with SHA-256 and exclusive
//! canonicalization, which every identity provider supports.

use super::c14n::{C14nMode, canonicalize};
use super::crypto::{self, CryptoError, Digest, SigningKey};
use super::names::{ASSERTION, DSIG, ENVELOPED, EXCLUSIVE_C14N, RSA_SHA256, SHA256};
use super::xml::{StrictDocument, XmlError, encode_base64, has_name};

/// A document of ours that could not be signed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignError {
    /// The document does not pass our own gate.
    #[error("{0}")]
    Xml(#[from] XmlError),
    /// The root has no `ID` for the reference.
    #[error("the root has no ID")]
    NoId,
    /// The key cannot sign.
    #[error("{0}")]
    Crypto(#[from] CryptoError),
}

/// Inserts an enveloped signature into the root of `document`, after its `Issuer` if there is one,
/// as the SAML schemas require.
pub fn sign_enveloped(
    document: &str,
    key: &SigningKey,
    certificate_der: &[u8],
) -> Result<String, SignError> {
    let (id, digest, position) = {
        let tree = StrictDocument::parse(document.as_bytes())?;
        let root = tree.root();
        let id = root.attribute("ID").ok_or(SignError::NoId)?.to_owned();
        let content = canonicalize(root, C14nMode::Exclusive, &[], None);
        let first = root.first_child();
        let position = match first.filter(|child| has_name(*child, ASSERTION, "Issuer")) {
            Some(issuer) => issuer.range().end,
            None => first.map_or(root.range().end, |child| child.range().start),
        };
        (id, crypto::digest(Digest::Sha256, content.as_bytes()), position)
    };
    // Written in canonical form, so that this text is the signed text.
    let info = format!(
        "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE_C14N}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"></ds:SignatureMethod><ds:Reference URI=\"#{id}\">\
         <ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
         <ds:Transform Algorithm=\"{EXCLUSIVE_C14N}\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod>\
         <ds:DigestValue>{}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        encode_base64(&digest)
    );
    let canonical = format!("<ds:SignedInfo xmlns:ds=\"{DSIG}\">{info}");
    let value = encode_base64(&crypto::sign(key, canonical.as_bytes())?);
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DSIG}\"><ds:SignedInfo>{info}<ds:SignatureValue>{value}</ds:SignatureValue>\
         <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
        encode_base64(certificate_der)
    );
    let (before, after) = document.split_at_checked(position).ok_or(SignError::NoId)?;
    Ok(format!("{before}{signature}{after}"))
}
