//! Verifies one enveloped signature in a closed profile of XML-DSig.
//!
//! Invariants:
//! - *keys from metadata*: only the keys given are tried; `KeyInfo` is not an input.
//! - *`SignedInfo` from its signed bytes*: the signature is verified over the canonical
//!   `SignedInfo`, and everything in it is then read from a fresh parse of those bytes.
//! - *one reference, to the parent*: one `Reference`, `#ID` of the element that holds the
//!   signature, transforms exactly enveloped-signature and one canonicalization.
//! - the result is the canonical text whose digest was signed, and nothing else.
//!
//! Deliberately absent: SHA-1 and MD5, HMAC, `Object` and `Manifest`, `XPath` and XSLT, external
//! references, algorithm parameters. There is no code that could fetch, transform or look up.

use roxmltree::Node;

use super::c14n::{Mode, canonicalize};
use super::crypto::{self, Digest, SignatureScheme, VerifyingKey};
use super::names::{DSIG, ENVELOPED, EXCLUSIVE_C14N, INCLUSIVE_C14N};
use super::xml::{Strict, XmlError, base64, clipped, elements, is};

/// Why a signature does not prove anything.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignatureError {
    /// Signature, canonicalization or digest algorithm outside the allow-list.
    #[error("algorithm {0} is not accepted")]
    Algorithm(String),
    /// No configured key verifies the signature value.
    #[error("no configured key verifies the signature")]
    Key,
    /// The structure is not the one structure of the profile.
    #[error("{0}")]
    Structure(&'static str),
    /// The reference names another element than the one that holds the signature.
    #[error("the reference is \"{0}\", not the element that holds the signature")]
    Reference(String),
    /// Other transforms, another order or parameters that are not allowed.
    #[error("transform {0} is not accepted here")]
    Transform(String),
    /// The content is not what was signed.
    #[error("the content was changed after it was signed")]
    Digest,
    /// The bytes that were signed do not pass the gate.
    #[error("{0}")]
    Xml(#[from] XmlError),
}

/// The canonical text of an element whose digest was signed by one of the given keys.
///
/// It can only be had from [`verify_enveloped`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedText {
    text: String,
    id: String,
}

impl SignedText {
    /// The text, for a fresh parse.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The `ID` that the signature refers to: that of the root of the text.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Verifies `signature`, which is a child of `element`, with any of `keys`.
pub fn verify_enveloped(
    element: Node<'_, '_>,
    signature: Node<'_, '_>,
    keys: &[VerifyingKey],
) -> Result<SignedText, SignatureError> {
    let (signed_info, value) = parts(signature)?;
    let form = Form::of(first(signed_info, "CanonicalizationMethod")?)?;
    let signed_text = form.apply(signed_info, None);

    // SignedInfo from its signed bytes: the document's own SignedInfo is not looked at again.
    let fresh = Strict::parse(signed_text.as_bytes())?;
    let signed = SignedInfo::read(fresh.root())?;
    if signed.form != form {
        return Err(SignatureError::Structure("canonicalization changes what it canonicalizes"));
    }
    let value = base64(value)?;
    if !keys.iter().any(|key| crypto::verify(key, signed.scheme, signed_text.as_bytes(), &value)) {
        return Err(SignatureError::Key);
    }

    // One reference, to the parent.
    let id = signed.reference.strip_prefix('#').filter(|id| !id.is_empty());
    let id = id.filter(|id| element.attribute("ID") == Some(id));
    let id = id.ok_or_else(|| SignatureError::Reference(clipped(&signed.reference, 96)))?;
    let text = signed.content_form.apply(element, Some(signature));
    if crypto::constant_time_eq(
        &crypto::digest(signed.digest, text.as_bytes()),
        &signed.digest_value,
    ) {
        Ok(SignedText { text, id: id.to_owned() })
    } else {
        Err(SignatureError::Digest)
    }
}

/// `SignedInfo` and `SignatureValue`; after them `KeyInfo` may stand, unread.
fn parts<'a, 'i>(signature: Node<'a, 'i>) -> Result<(Node<'a, 'i>, Node<'a, 'i>), SignatureError> {
    let mut children = elements(signature);
    let (info, value, rest) = (children.next(), children.next(), children.next());
    let known = rest.is_none_or(|rest| is(rest, DSIG, "KeyInfo")) && children.next().is_none();
    match (info, value) {
        (Some(info), Some(value))
            if known && is(info, DSIG, "SignedInfo") && is(value, DSIG, "SignatureValue") =>
        {
            Ok((info, value))
        }
        _ => Err(SignatureError::Structure(
            "a Signature holds SignedInfo, SignatureValue and perhaps KeyInfo",
        )),
    }
}

/// What `SignedInfo` says, read from the signed bytes.
struct SignedInfo {
    form: Form,
    scheme: SignatureScheme,
    reference: String,
    content_form: Form,
    digest: Digest,
    digest_value: Vec<u8>,
}

impl SignedInfo {
    fn read(root: Node<'_, '_>) -> Result<Self, SignatureError> {
        let [method, algorithm, reference] =
            exactly(root, ["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
        let [transforms, digest, digest_value] =
            exactly(reference, ["Transforms", "DigestMethod", "DigestValue"])?;
        let [enveloped, canonical] = exactly(transforms, ["Transform", "Transform"])?;
        if enveloped.attribute("Algorithm") != Some(ENVELOPED)
            || elements(enveloped).next().is_some()
        {
            return Err(SignatureError::Transform(algorithm_of(enveloped)));
        }
        Ok(Self {
            form: Form::of(method)?,
            scheme: signature_scheme(algorithm)?,
            reference: reference.attribute("URI").unwrap_or_default().to_owned(),
            content_form: Form::of(canonical)
                .map_err(|_| SignatureError::Transform(algorithm_of(canonical)))?,
            digest: digest_algorithm(digest)?,
            digest_value: base64(digest_value)?,
        })
    }
}

/// A canonical form with its parameters.
#[derive(Eq, PartialEq)]
struct Form {
    mode: Mode,
    prefixes: Vec<String>,
}

impl Form {
    fn of(method: Node<'_, '_>) -> Result<Self, SignatureError> {
        let mode = match method.attribute("Algorithm") {
            Some(EXCLUSIVE_C14N) => Mode::Exclusive,
            Some(INCLUSIVE_C14N) => Mode::Inclusive,
            _ => return Err(SignatureError::Algorithm(algorithm_of(method))),
        };
        let mut parameters = elements(method);
        let prefixes = match (parameters.next(), mode) {
            (None, _) => Vec::new(),
            (Some(list), Mode::Exclusive) if is(list, EXCLUSIVE_C14N, "InclusiveNamespaces") => {
                let list = list.attribute("PrefixList").unwrap_or_default();
                list.split_ascii_whitespace().map(str::to_owned).collect()
            }
            (Some(_), _) => return Err(PARAMETERS),
        };
        // Each listed prefix is looked for at each element: keep that product small.
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

/// The children are exactly these, in this order.
fn exactly<'a, 'i, const N: usize>(
    parent: Node<'a, 'i>,
    names: [&str; N],
) -> Result<[Node<'a, 'i>; N], SignatureError> {
    let children: Vec<_> = elements(parent).take(N + 1).collect();
    let children: [_; N] = children.try_into().map_err(|_| CHILDREN)?;
    let fits = children.iter().zip(names).all(|(child, name)| is(*child, DSIG, name));
    if fits { Ok(children) } else { Err(CHILDREN) }
}

fn first<'a, 'i>(parent: Node<'a, 'i>, name: &str) -> Result<Node<'a, 'i>, SignatureError> {
    parent.first_element_child().filter(|child| is(*child, DSIG, name)).ok_or(CHILDREN)
}

fn signature_scheme(method: Node<'_, '_>) -> Result<SignatureScheme, SignatureError> {
    let unknown = || SignatureError::Algorithm(algorithm_of(method));
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
    if elements(method).next().is_some() { Err(PARAMETERS) } else { Ok(scheme) }
}

fn digest_algorithm(method: Node<'_, '_>) -> Result<Digest, SignatureError> {
    match method.attribute("Algorithm") {
        Some("http://www.w3.org/2001/04/xmlenc#sha256") => Ok(Digest::Sha256),
        Some("http://www.w3.org/2001/04/xmldsig-more#sha384") => Ok(Digest::Sha384),
        Some("http://www.w3.org/2001/04/xmlenc#sha512") => Ok(Digest::Sha512),
        _ => Err(SignatureError::Algorithm(algorithm_of(method))),
    }
}

fn algorithm_of(method: Node<'_, '_>) -> String {
    method.attribute("Algorithm").map_or_else(|| "(none)".to_owned(), |uri| clipped(uri, 96))
}

const XMLDSIG_MORE_2001: &str = "http://www.w3.org/2001/04/xmldsig-more#";
const XMLDSIG_MORE_2007: &str = "http://www.w3.org/2007/05/xmldsig-more#";
const MAX_PREFIXES: usize = 32;
const CHILDREN: SignatureError =
    SignatureError::Structure("SignedInfo has other children than the one structure accepted");
const PARAMETERS: SignatureError =
    SignatureError::Structure("an algorithm has parameters that are not accepted");
