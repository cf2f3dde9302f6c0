//! Verifies one enveloped signature in a closed profile of XML-DSig.
//!
//! Invariants:
//! - *keys from metadata*: only the given keys are tried; `KeyInfo` is not an input.
//! - *`SignedInfo` from its signed bytes*: the signature is verified over the canonical
//!   `SignedInfo`, whose content is then read from a fresh parse of those bytes.
//! - *one reference, to the parent*: exactly one `Reference`, to `#ID` of the parent of the
//!   signature, with exactly the transforms enveloped-signature and at most one canonicalization.
//!   Without one, inclusive canonical XML applies (XML-DSig §4.4.3.2).
//! - A canonicalization with comments gives the same bytes as one without: a reference by `#ID` selects
//!   no comments (§4.4.3.3), and the gate refuses them in messages. One in the `SignedInfo` of a
//!   metadata document makes the signature fail.
//! - The result is the canonical text whose digest was signed, and nothing else.
//!
//! Deliberately absent: SHA-1 and MD5, HMAC, `Object` and `Manifest`, `XPath` and XSLT, external
//! references, algorithm parameters. No code here can fetch, transform or look up anything.

use roxmltree::Node;

use super::c14n::{C14nMode, canonicalize};
use super::crypto::{self, Digest, SignatureScheme, VerifyingKey};
use super::names::{
    DSIG, ENVELOPED, EXCLUSIVE_C14N, EXCLUSIVE_C14N_WITH_COMMENTS, INCLUSIVE_C14N,
    INCLUSIVE_C14N_WITH_COMMENTS,
};
use super::xml::{StrictDocument, XmlError, bytes_of, child_elements, has_name, truncate};

/// A signature that does not verify within the profile.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignatureError {
    /// An algorithm is outside the allow-list.
    #[error("the {} {received} is not accepted; choose {}", part.name(), part.accepted())]
    Algorithm {
        /// The part of the signature that names it.
        part: AlgorithmPart,
        /// The received algorithm.
        received: String,
    },
    /// The signature value verifies with no configured key.
    #[error("no configured key verifies the signature")]
    Key,
    /// The structure differs from that of the profile.
    #[error("{0}")]
    Structure(&'static str),
    /// The reference is not to the parent of the signature.
    #[error("the reference is \"{0}\", not the element that holds the signature")]
    Reference(String),
    /// The transforms, their order or their parameters are not those of the profile.
    #[error("the transform {0} is not accepted; choose {TRANSFORMS}")]
    Transform(String),
    /// The digest of the content differs from the signed one.
    #[error("the content was changed after it was signed")]
    Digest,
    /// The signed bytes do not pass the gate.
    #[error("{0}")]
    Xml(#[from] XmlError),
}

impl SignatureError {
    /// Returns the received value, for the record of a sign-in.
    pub fn received(&self) -> String {
        match self {
            Self::Algorithm { received, .. } | Self::Transform(received) => received.clone(),
            Self::Key => "a signature by another key".to_owned(),
            Self::Structure(_) => "a signature of another structure".to_owned(),
            Self::Reference(uri) => format!("a reference to \"{uri}\""),
            Self::Digest => "content with another digest".to_owned(),
            Self::Xml(error) => error.received(),
        }
    }
}

/// A part of a signature that names an algorithm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AlgorithmPart {
    /// `SignatureMethod`.
    Signature,
    /// `DigestMethod`.
    Digest,
    /// `CanonicalizationMethod`.
    Canonicalization,
}

impl AlgorithmPart {
    /// The part in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature algorithm",
            Self::Digest => "digest algorithm",
            Self::Canonicalization => "canonicalization",
        }
    }

    /// The accepted algorithms, in words.
    pub const fn accepted(self) -> &'static str {
        match self {
            Self::Signature => "RSA or ECDSA with SHA-256, 384 or 512",
            Self::Digest => "SHA-256, 384 or 512",
            Self::Canonicalization => "exclusive canonical XML, or canonical XML 1.0",
        }
    }
}

/// The accepted transforms, in words.
pub const TRANSFORMS: &str = "enveloped-signature, then exclusive canonical XML";

/// The canonical text of an element whose digest a trusted key signed.
///
/// Only [`verify_enveloped`] constructs it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedText {
    text: String,
    id: String,
}

impl SignedText {
    /// The text, to be parsed anew.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The `ID` that the signature refers to, which the root of the text must have.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Verifies `signature`, a child of `element`, with any of `keys`.
///
/// # Errors
///
/// The first deviation from the profile, in the order: algorithms and structure of `SignedInfo`,
/// key, reference, digest.
pub fn verify_enveloped(
    element: Node<'_, '_>,
    signature: Node<'_, '_>,
    keys: &[VerifyingKey],
) -> Result<SignedText, SignatureError> {
    let (signed_info, value) = split_signature(signature)?;
    let canonicalization =
        Canonicalization::read(first_child(signed_info, "CanonicalizationMethod")?)?;
    let signed_text = canonicalization.apply(signed_info, None);

    // *SignedInfo from its signed bytes*: the SignedInfo of the document is not used again.
    let fresh = StrictDocument::parse(signed_text.as_bytes())?;
    let signed = SignedInfo::read(fresh.root())?;
    if signed.canonicalization != canonicalization {
        return Err(SignatureError::Structure("canonicalization changes what it canonicalizes"));
    }
    let value = bytes_of(value)?;
    if !keys.iter().any(|key| crypto::verify(key, signed.scheme, signed_text.as_bytes(), &value)) {
        return Err(SignatureError::Key);
    }

    // *One reference, to the parent*.
    let id = signed.reference.strip_prefix('#').filter(|id| !id.is_empty());
    let id = id.filter(|id| element.attribute("ID") == Some(id));
    let id = id.ok_or_else(|| SignatureError::Reference(truncate(&signed.reference, 96)))?;
    let text = signed.content_canonicalization.apply(element, Some(signature));
    if crypto::constant_time_eq(
        &crypto::digest(signed.digest, text.as_bytes()),
        &signed.digest_value,
    ) {
        Ok(SignedText { text, id: id.to_owned() })
    } else {
        Err(SignatureError::Digest)
    }
}

/// Reports whether the signed bytes may contain namespaces that are declared around the element:
/// canonical XML takes them over, exclusive canonical XML does not.
pub fn depends_on_place(signature: Node<'_, '_>) -> bool {
    let is_exclusive = |node: &Node<'_, '_>| {
        let algorithm = node.attribute("Algorithm").unwrap_or_default();
        ["CanonicalizationMethod", "Transform"].iter().any(|name| has_name(*node, DSIG, name))
            && [EXCLUSIVE_C14N, EXCLUSIVE_C14N_WITH_COMMENTS].contains(&algorithm)
    };
    // One is that of `SignedInfo`, the other that of the content. Without a transform for it,
    // canonical XML applies (XML-DSig §4.4.3.2).
    signature.descendants().filter(is_exclusive).count() < 2
}

/// Returns `SignedInfo` and `SignatureValue`. A `KeyInfo` may follow and is ignored (*keys from
/// metadata*).
fn split_signature<'a, 'i>(
    signature: Node<'a, 'i>,
) -> Result<(Node<'a, 'i>, Node<'a, 'i>), SignatureError> {
    let mut children = child_elements(signature);
    let (info, value, rest) = (children.next(), children.next(), children.next());
    let is_known =
        rest.is_none_or(|rest| has_name(rest, DSIG, "KeyInfo")) && children.next().is_none();
    match (info, value) {
        (Some(info), Some(value))
            if is_known
                && has_name(info, DSIG, "SignedInfo")
                && has_name(value, DSIG, "SignatureValue") =>
        {
            Ok((info, value))
        }
        _ => Err(SignatureError::Structure(
            "a Signature must contain SignedInfo, SignatureValue and optionally KeyInfo",
        )),
    }
}

/// The content of `SignedInfo`, read from the signed bytes.
struct SignedInfo {
    canonicalization: Canonicalization,
    scheme: SignatureScheme,
    reference: String,
    content_canonicalization: Canonicalization,
    digest: Digest,
    digest_value: Vec<u8>,
}

impl SignedInfo {
    fn read(root: Node<'_, '_>) -> Result<Self, SignatureError> {
        let [method, algorithm, reference] =
            exact_children(root, ["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
        let [transforms, digest, digest_value] =
            exact_children(reference, ["Transforms", "DigestMethod", "DigestValue"])?;
        let (enveloped, canonical) = split_transforms(transforms)?;
        if enveloped.attribute("Algorithm") != Some(ENVELOPED)
            || child_elements(enveloped).next().is_some()
        {
            return Err(SignatureError::Transform(algorithm_of(enveloped)));
        }
        Ok(Self {
            canonicalization: Canonicalization::read(method)?,
            scheme: signature_scheme(algorithm)?,
            reference: reference.attribute("URI").unwrap_or_default().to_owned(),
            content_canonicalization: match canonical {
                Some(canonical) => Canonicalization::read(canonical)
                    .map_err(|_| SignatureError::Transform(algorithm_of(canonical)))?,
                None => Canonicalization { mode: C14nMode::Inclusive, prefixes: Vec::new() },
            },
            digest: digest_algorithm(digest)?,
            digest_value: bytes_of(digest_value)?,
        })
    }
}

/// A canonicalization method with its parameters.
#[derive(Eq, PartialEq)]
struct Canonicalization {
    mode: C14nMode,
    prefixes: Vec<String>,
}

impl Canonicalization {
    fn read(method: Node<'_, '_>) -> Result<Self, SignatureError> {
        let mode = match method.attribute("Algorithm") {
            Some(EXCLUSIVE_C14N | EXCLUSIVE_C14N_WITH_COMMENTS) => C14nMode::Exclusive,
            Some(INCLUSIVE_C14N | INCLUSIVE_C14N_WITH_COMMENTS) => C14nMode::Inclusive,
            _ => return Err(unknown(AlgorithmPart::Canonicalization, method)),
        };
        let mut parameters = child_elements(method);
        let prefixes = match (parameters.next(), mode) {
            (None, _) => Vec::new(),
            (Some(list), C14nMode::Exclusive)
                if has_name(list, EXCLUSIVE_C14N, "InclusiveNamespaces") =>
            {
                let list = list.attribute("PrefixList").unwrap_or_default();
                list.split_ascii_whitespace().map(str::to_owned).collect()
            }
            (Some(_), _) => return Err(PARAMETERS),
        };
        // Each prefix is looked up at each element; the limit bounds that product.
        if parameters.next().is_some() || prefixes.len() > MAX_PREFIXES {
            return Err(PARAMETERS);
        }
        Ok(Self { mode, prefixes })
    }

    fn apply(&self, apex: Node<'_, '_>, without: Option<Node<'_, '_>>) -> String {
        let prefixes: Vec<&str> = self.prefixes.iter().map(String::as_str).collect();
        canonicalize(apex, self.mode, &prefixes, without)
    }
}

/// Returns the transforms: enveloped-signature, and a canonicalization if there is one.
fn split_transforms<'a, 'i>(
    transforms: Node<'a, 'i>,
) -> Result<(Node<'a, 'i>, Option<Node<'a, 'i>>), SignatureError> {
    let children: Vec<_> = child_elements(transforms).take(3).collect();
    if !children.iter().all(|child| has_name(*child, DSIG, "Transform")) {
        return Err(CHILDREN);
    }
    match children.as_slice() {
        [enveloped] => Ok((*enveloped, None)),
        [enveloped, canonical] => Ok((*enveloped, Some(*canonical))),
        _ => Err(CHILDREN),
    }
}

/// Returns the children, which must be exactly these, in this order.
fn exact_children<'a, 'i, const N: usize>(
    parent: Node<'a, 'i>,
    names: [&str; N],
) -> Result<[Node<'a, 'i>; N], SignatureError> {
    let children: Vec<_> = child_elements(parent).take(N + 1).collect();
    let children: [_; N] = children.try_into().map_err(|_| CHILDREN)?;
    let is_exact = children.iter().zip(names).all(|(child, name)| has_name(*child, DSIG, name));
    if is_exact { Ok(children) } else { Err(CHILDREN) }
}

fn first_child<'a, 'i>(parent: Node<'a, 'i>, name: &str) -> Result<Node<'a, 'i>, SignatureError> {
    parent.first_element_child().filter(|child| has_name(*child, DSIG, name)).ok_or(CHILDREN)
}

fn signature_scheme(method: Node<'_, '_>) -> Result<SignatureScheme, SignatureError> {
    let unknown = || unknown(AlgorithmPart::Signature, method);
    let algorithm = method.attribute("Algorithm").unwrap_or_default();
    let scheme = if let Some(name) = algorithm.strip_prefix(XMLDSIG_MORE_2001) {
        match name {
            "rsa-sha256" => SignatureScheme::RsaPkcs1(Digest::Sha256),
            "rsa-sha384" => SignatureScheme::RsaPkcs1(Digest::Sha384),
            "rsa-sha512" => SignatureScheme::RsaPkcs1(Digest::Sha512),
            "ecdsa-sha256" => SignatureScheme::Ecdsa(Digest::Sha256),
            "ecdsa-sha384" => SignatureScheme::Ecdsa(Digest::Sha384),
            "ecdsa-sha512" => SignatureScheme::Ecdsa(Digest::Sha512),
            _ => return Err(unknown()),
        }
    } else {
        match algorithm.strip_prefix(XMLDSIG_MORE_2007) {
            Some("sha256-rsa-MGF1") => SignatureScheme::RsaPss(Digest::Sha256),
            Some("sha384-rsa-MGF1") => SignatureScheme::RsaPss(Digest::Sha384),
            Some("sha512-rsa-MGF1") => SignatureScheme::RsaPss(Digest::Sha512),
            _ => return Err(unknown()),
        }
    };
    if child_elements(method).next().is_some() { Err(PARAMETERS) } else { Ok(scheme) }
}

fn digest_algorithm(method: Node<'_, '_>) -> Result<Digest, SignatureError> {
    match method.attribute("Algorithm") {
        Some("http://www.w3.org/2001/04/xmlenc#sha256") => Ok(Digest::Sha256),
        Some("http://www.w3.org/2001/04/xmldsig-more#sha384") => Ok(Digest::Sha384),
        Some("http://www.w3.org/2001/04/xmlenc#sha512") => Ok(Digest::Sha512),
        _ => Err(unknown(AlgorithmPart::Digest, method)),
    }
}

fn unknown(part: AlgorithmPart, method: Node<'_, '_>) -> SignatureError {
    SignatureError::Algorithm { part, received: algorithm_of(method) }
}

fn algorithm_of(method: Node<'_, '_>) -> String {
    method.attribute("Algorithm").map_or_else(|| "(none)".to_owned(), |uri| truncate(uri, 96))
}

const XMLDSIG_MORE_2001: &str = "http://www.w3.org/2001/04/xmldsig-more#";
const XMLDSIG_MORE_2007: &str = "http://www.w3.org/2007/05/xmldsig-more#";
const MAX_PREFIXES: usize = 32;
const CHILDREN: SignatureError =
    SignatureError::Structure("SignedInfo does not have exactly the accepted children");
const PARAMETERS: SignatureError =
    SignatureError::Structure("an algorithm has parameters that are not accepted");
