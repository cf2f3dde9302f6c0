//! Signs as identity providers do, and in ways that must be refused.

use openssl::hash::{MessageDigest, hash};
use openssl::pkey::PKey;
use openssl::sign::{RsaPssSaltlen, Signer};
use roxmltree::{Document, Node};
use saml::c14n::{C14nMode, canonicalize};

use super::encryption::base64;
use super::keys::{KEYS, KeyPair, Keys};

const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";

/// The [`Signing::content_form`] of a reference without a canonicalization: inclusive canonical XML
/// applies.
pub const NO_TRANSFORM: &str = "";

/// How a signature is made.
#[derive(Clone, Debug)]
pub struct Signing {
    /// The key.
    pub key: fn(&Keys) -> &KeyPair,
    /// Signature algorithm URI.
    pub algorithm: &'static str,
    /// Digest algorithm URI.
    pub digest: &'static str,
    /// Canonicalization of `SignedInfo`.
    pub info_form: &'static str,
    /// Canonicalization of the content.
    pub content_form: &'static str,
    /// `PrefixList` of the content's canonicalization.
    pub prefixes: &'static str,
    /// Prefix of signature elements, with its colon.
    pub prefix: &'static str,
    /// Content of `KeyInfo`; without it there is no `KeyInfo`.
    pub key_info: Option<String>,
    /// Replacements in `SignedInfo` before signing.
    pub edits: Vec<(String, String)>,
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            key: |keys| &keys.idp,
            algorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            digest: "http://www.w3.org/2001/04/xmlenc#sha256",
            info_form: EXCLUSIVE,
            content_form: EXCLUSIVE,
            prefixes: "",
            prefix: "ds:",
            key_info: None,
            edits: Vec::new(),
        }
    }
}

impl Signing {
    /// Returns the default with another key and algorithm.
    pub fn by(key: fn(&Keys) -> &KeyPair, algorithm: &'static str) -> Self {
        Self { key, algorithm, ..Self::default() }
    }

    /// Returns the default with one replacement in `SignedInfo` before signing.
    pub fn edited(from: &str, to: &str) -> Self {
        Self { edits: vec![(from.to_owned(), to.to_owned())], ..Self::default() }
    }
}

/// Inserts an enveloped signature into the element with this `ID`, after its `Issuer`.
pub fn sign(document: &str, id: &str, signing: &Signing) -> String {
    let (digest, place) = {
        let tree = parse(document);
        let element = by_id(&tree, id);
        let prefixes: Vec<&str> = signing.prefixes.split_ascii_whitespace().collect();
        let content = canonicalize(element, mode(signing.content_form), &prefixes, None);
        let digest = hash(digest_algorithm(signing.digest), content.as_bytes()).unwrap();
        let issuer = element.children().find(|child| child.tag_name().name() == "Issuer");
        let first =
            || element.first_child().map_or(element.range().end, |child| child.range().start);
        (base64(&digest), issuer.map_or_else(first, |issuer| issuer.range().end))
    };
    let with = |value: &str| {
        let (before, after) = document.split_at(place);
        format!("{before}{}{after}", signature(id, &digest, value, signing))
    };
    let unfinished = with("?");
    let tree = parse(&unfinished);
    let signature =
        by_id(&tree, id).children().find(|child| child.has_tag_name((DSIG, "Signature")));
    let info = signature.unwrap().first_element_child().unwrap();
    let message = canonicalize(info, mode(signing.info_form), &[], None);
    with(&base64(&signature_value(message.as_bytes(), signing)))
}

fn signature(id: &str, digest: &str, value: &str, signing: &Signing) -> String {
    let list = if signing.prefixes.is_empty() {
        String::new()
    } else {
        format!(
            "<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{}\"/>",
            signing.prefixes
        )
    };
    let canonical = if signing.content_form == NO_TRANSFORM {
        String::new()
    } else {
        format!("<D:Transform Algorithm=\"{}\">{list}</D:Transform>", signing.content_form)
    };
    let mut info = format!(
        "<D:SignedInfo><D:CanonicalizationMethod Algorithm=\"{}\"/><D:SignatureMethod Algorithm=\"{}\"/>\
         <D:Reference URI=\"#{id}\"><D:Transforms><D:Transform Algorithm=\"{DSIG}enveloped-signature\"/>\
         {canonical}</D:Transforms><D:DigestMethod Algorithm=\"{}\"/>\
         <D:DigestValue>{digest}</D:DigestValue></D:Reference></D:SignedInfo>",
        signing.info_form, signing.algorithm, signing.digest,
    );
    for (from, to) in &signing.edits {
        assert!(info.contains(from.as_str()), "nothing to edit: {from}");
        info = info.replace(from.as_str(), to);
    }
    let key_info = signing.key_info.as_ref();
    let key_info =
        key_info.map_or_else(String::new, |inside| format!("<D:KeyInfo>{inside}</D:KeyInfo>"));
    let declared = match signing.prefix.strip_suffix(':') {
        Some(prefix) => format!("xmlns:{prefix}"),
        None => "xmlns".to_owned(),
    };
    format!(
        "<D:Signature {declared}=\"{DSIG}\">{info}<D:SignatureValue>{value}</D:SignatureValue>{key_info}</D:Signature>"
    )
    .replace("<D:", &format!("<{}", signing.prefix))
    .replace("</D:", &format!("</{}", signing.prefix))
}

fn signature_value(message: &[u8], signing: &Signing) -> Vec<u8> {
    let key = &(signing.key)(&KEYS).key;
    let name = signing.algorithm.rsplit(['#', '/']).next().unwrap();
    let (kind, digest) = match name {
        "rsa-sha1" => ("pkcs1", MessageDigest::sha1()),
        "rsa-md5" => ("pkcs1", MessageDigest::md5()),
        "rsa-sha256" => ("pkcs1", MessageDigest::sha256()),
        "rsa-sha384" => ("pkcs1", MessageDigest::sha384()),
        "rsa-sha512" => ("pkcs1", MessageDigest::sha512()),
        "sha256-rsa-MGF1" => ("pss", MessageDigest::sha256()),
        "sha384-rsa-MGF1" => ("pss", MessageDigest::sha384()),
        "sha512-rsa-MGF1" => ("pss", MessageDigest::sha512()),
        "ecdsa-sha1" => ("ecdsa", MessageDigest::sha1()),
        "ecdsa-sha256" => ("ecdsa", MessageDigest::sha256()),
        "ecdsa-sha384" => ("ecdsa", MessageDigest::sha384()),
        "ecdsa-sha512" => ("ecdsa", MessageDigest::sha512()),
        "hmac-sha256" | "hmac-sha1" => ("hmac", MessageDigest::sha256()),
        _ => ("none", MessageDigest::sha256()),
    };
    match kind {
        "hmac" => {
            // The classic key confusion: the public key as the HMAC secret.
            let secret = (signing.key)(&KEYS).public_pem();
            let secret = PKey::hmac(&secret).unwrap();
            Signer::new(digest, &secret).unwrap().sign_oneshot_to_vec(message).unwrap()
        }
        "pss" => {
            let mut signer = Signer::new(digest, key).unwrap();
            signer.set_rsa_padding(openssl::rsa::Padding::PKCS1_PSS).unwrap();
            signer.set_rsa_mgf1_md(digest).unwrap();
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
            signer.sign_oneshot_to_vec(message).unwrap()
        }
        "ecdsa" => {
            let der = Signer::new(digest, key).unwrap().sign_oneshot_to_vec(message).unwrap();
            let pair = openssl::ecdsa::EcdsaSig::from_der(&der).unwrap();
            let half = i32::try_from(key.bits().div_ceil(8)).unwrap();
            let mut value = pair.r().to_vec_padded(half).unwrap();
            value.extend(pair.s().to_vec_padded(half).unwrap());
            value
        }
        _ => Signer::new(digest, key).unwrap().sign_oneshot_to_vec(message).unwrap(),
    }
}

fn digest_algorithm(uri: &str) -> MessageDigest {
    match uri.rsplit('#').next().unwrap() {
        "sha1" => MessageDigest::sha1(),
        "md5" => MessageDigest::md5(),
        "sha384" => MessageDigest::sha384(),
        "sha512" => MessageDigest::sha512(),
        _ => MessageDigest::sha256(),
    }
}

fn mode(uri: &str) -> C14nMode {
    if uri.starts_with(INCLUSIVE) || uri == NO_TRANSFORM {
        C14nMode::Inclusive
    } else {
        C14nMode::Exclusive
    }
}

fn parse(document: &str) -> Document<'_> {
    Document::parse(document).unwrap_or_else(|error| panic!("{error}: {document}"))
}

fn by_id<'a, 'i>(tree: &'a Document<'i>, id: &str) -> Node<'a, 'i> {
    tree.descendants()
        .find(|node| node.attribute("ID") == Some(id))
        .expect("an element with the ID")
}
