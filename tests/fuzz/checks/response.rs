//! Checks of SAML responses: nothing panics, and only signed content is accepted.
//!
//! The seeds were signed with a key that no longer exists; its certificate is in the metadata seed
//! `entity`. A response accepted under this key must therefore have the claims of one of the seeds.
//! To reach the code behind the signature, each input is also signed here, with a key of this
//! process.

#![expect(clippy::expect_used, reason = "without its seeds a target checks nothing")]

use std::sync::LazyLock;

use jiff::Timestamp;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sha::sha256;

use saml::c14n::{C14nMode, canonicalize};
use saml::crypto::{DecryptionKey, VerifyingKey};
use saml::metadata::{ReadOptions, read_idp_metadata};
use saml::names::PROTOCOL;
use saml::response::{Assertion, Expectations, SignedPart, decode_form_field, verify};
use saml::time::ClockSkew;
use saml::xml::{StrictDocument, encode_base64};

/// Checks one input. Returns whether it is a document, plain or in base64.
pub(crate) fn check(input: &[u8]) -> bool {
    let field = std::str::from_utf8(input).ok().and_then(|field| decode_form_field(field).ok());
    for document in [Some(input), field.as_deref()].into_iter().flatten() {
        if let Some(assertion) = WORLD.accepted(document) {
            let text = String::from_utf8_lossy(document);
            assert!(WORLD.signed.contains(&assertion), "accepted without a signature: {text}");
        }
    }
    if let Some(response) = WORLD.sign(input) {
        response.check();
    }
    StrictDocument::parse(input).is_ok()
        || field.is_some_and(|field| StrictDocument::parse(&field).is_ok())
}

/// The keys of one connection, and its signed assertions.
struct World {
    keys: Vec<VerifyingKey>,
    own_key: EcKey<Private>,
    decryption_keys: Vec<DecryptionKey>,
    /// The only assertions signed with the key that no longer exists.
    signed: Vec<Assertion>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let world =
        World::new().expect("keys are generated, and the seed with the certificate is read");
    let signed = SIGNED.iter().map(|seed| world.accepted(seed).expect("the seed is accepted"));
    let signed = signed.collect();
    let own = world.sign(UNSIGNED).expect("the seed can be signed");
    assert!(own.accepted().is_some(), "a response signed here is accepted");
    World { signed, ..world }
});

impl World {
    fn new() -> Option<Self> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).ok()?;
        let own_key = EcKey::generate(&group).ok()?;
        let own_public = VerifyingKey::from_public_key(&own_key.public_key_to_der().ok()?).ok()?;
        let options = ReadOptions {
            our_entity_id: SP,
            pinned_key: None,
            allow_loopback_http: false,
            now: now(),
        };
        let provider = read_idp_metadata(ENTITY, &options).ok()?.providers.pop()?;
        let certificates = provider.certificates.into_iter();
        let keys = certificates.map(|known| known.certificate.key).chain([own_public]).collect();
        let decryption = PKey::from_rsa(Rsa::generate(2048).ok()?).ok()?.private_key_to_pem_pkcs8();
        let decryption_keys = vec![DecryptionKey::from_pem(&decryption.ok()?).ok()?];
        Some(Self { keys, own_key, decryption_keys, signed: Vec::new() })
    }

    fn accepted(&self, response: &[u8]) -> Option<Assertion> {
        let expect = Expectations {
            idp_entity_id: IDP,
            idp_keys: &self.keys,
            sp_entity_id: SP,
            acs_url: ACS,
            decryption_keys: &self.decryption_keys,
            domains: &[],
            open_requests: &[REQUEST],
            allow_idp_initiated: true,
            clock_skew: ClockSkew::default(),
            signed: SignedPart::Either,
            authn_contexts: &[],
            require_email: false,
        };
        verify(response, &expect, now()).result.ok()
    }

    /// Signs the whole response with our key, if the input is one.
    fn sign(&self, input: &[u8]) -> Option<Signed<'_>> {
        let document = StrictDocument::parse(input).ok()?;
        let root = document.root_of(PROTOCOL, "Response").ok()?;
        let is_plain = |id: &&str| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let id = root.attribute("ID").filter(is_plain)?;
        let covered = canonicalize(root, C14nMode::Exclusive, &[], None);
        // Written in canonical form, so that these are the bytes to sign.
        let info = format!(
            "<ds:SignedInfo xmlns:ds=\"{DSIG}\">\
             <ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{ECDSA}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{DSIG}enveloped-signature\"></ds:Transform>\
             <ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod>\
             <ds:DigestValue>{}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
            encode_base64(&sha256(covered.as_bytes())),
        );
        let pair = EcdsaSig::sign(&sha256(info.as_bytes()), &self.own_key).ok()?;
        let value = [pair.r().to_vec_padded(32).ok()?, pair.s().to_vec_padded(32).ok()?].concat();
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{DSIG}\">{info}<ds:SignatureValue>{}</ds:SignatureValue></ds:Signature>",
            encode_base64(&value),
        );
        let text = root.document().input_text();
        let (before, end) = text.split_at_checked(text.rfind("</")?)?;
        let response = format!("{before}{signature}{end}");
        Some(Signed { world: self, response, covered })
    }
}

/// A response signed by [`World::sign`].
struct Signed<'a> {
    world: &'a World,
    response: String,
    /// The text whose digest was signed.
    covered: String,
}

impl Signed<'_> {
    fn accepted(&self) -> Option<Assertion> {
        self.world.accepted(self.response.as_bytes())
    }

    fn check(&self) {
        let Some(assertion) = self.accepted() else { return };
        let Self { response, covered, .. } = self;
        assert_eq!(assertion.issuer, IDP, "{response}");
        for ours in [SP, ACS] {
            assert!(covered.contains(ours), "accepted without {ours}: {response}");
        }
        // The claims of an assertion with a signature of its own come from the text that it covers.
        let own = covered.contains("SignatureValue");
        assert!(own || covered.contains(&assertion.xml), "read from other text: {response}");
        assert!(
            !own || self.world.signed.contains(&assertion),
            "accepted without a signature: {response}"
        );
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap_or_default()
}

const IDP: &str = "https://idp.example/saml";
const SP: &str = "https://sp.example/saml/metadata/acme.com";
const ACS: &str = "https://sp.example/saml/sso/acme.com";
const REQUEST: &str = "_5f0c3e7d1b2a49688776655443322110ffeeddcc";
/// 2026-11-21T12:00:00Z.
const NOW: i64 = 1_795_262_400;

const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ECDSA: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

const ENTITY: &[u8] = include_bytes!("../seeds/metadata/entity");
const UNSIGNED: &[u8] = include_bytes!("../seeds/response/unsigned");
const SIGNED: [&[u8]; 4] = [
    include_bytes!("../seeds/response/assertion"),
    include_bytes!("../seeds/response/both"),
    include_bytes!("../seeds/response/entra"),
    include_bytes!("../seeds/response/inclusive"),
];
