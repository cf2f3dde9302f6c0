//! Signs XML of ours: metadata and `AuthnRequest`s. One algorithm, RSA with SHA-256, and exclusive
//! canonicalization, which everybody verifies.

use super::c14n::{Mode, canonicalize};
use super::crypto::{self, CryptoError, Digest, SigningKey};
use super::names::{ASSERTION, DSIG, ENVELOPED, EXCLUSIVE_C14N, RSA_SHA256, SHA256};
use super::xml::{Strict, XmlError, base64_of, is};

/// Why something of ours could not be signed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignError {
    /// The text is not XML that passes our own gate.
    #[error("{0}")]
    Xml(#[from] XmlError),
    /// The root has no `ID` to refer to.
    #[error("the root has no ID")]
    NoId,
    /// The key does not sign.
    #[error("{0}")]
    Crypto(#[from] CryptoError),
}

/// Puts an enveloped signature into the root of `document`, behind its `Issuer` if it has one:
/// that is where the schemas of SAML want it.
pub fn sign_enveloped(
    document: &str,
    key: &SigningKey,
    certificate_der: &[u8],
) -> Result<String, SignError> {
    let (id, digest, place) = {
        let tree = Strict::parse(document.as_bytes())?;
        let root = tree.root();
        let id = root.attribute("ID").ok_or(SignError::NoId)?.to_owned();
        let content = canonicalize(root, Mode::Exclusive, &[], None);
        let first = root.first_child();
        let place = match first.filter(|child| is(*child, ASSERTION, "Issuer")) {
            Some(issuer) => issuer.range().end,
            None => first.map_or(root.range().end, |child| child.range().start),
        };
        (id, crypto::digest(Digest::Sha256, content.as_bytes()), place)
    };
    // Written in canonical form, so that the text below is the text that is signed.
    let info = format!(
        "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE_C14N}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"></ds:SignatureMethod><ds:Reference URI=\"#{id}\">\
         <ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
         <ds:Transform Algorithm=\"{EXCLUSIVE_C14N}\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod>\
         <ds:DigestValue>{}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        base64_of(&digest)
    );
    let canonical = format!("<ds:SignedInfo xmlns:ds=\"{DSIG}\">{info}");
    let value = base64_of(&crypto::sign(key, canonical.as_bytes())?);
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DSIG}\"><ds:SignedInfo>{info}<ds:SignatureValue>{value}</ds:SignatureValue>\
         <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
        base64_of(certificate_der)
    );
    let (before, after) = document.split_at_checked(place).ok_or(SignError::NoId)?;
    Ok(format!("{before}{signature}{after}"))
}
