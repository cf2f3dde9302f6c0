//! The way of one response: gate, shape, signature, header, decryption, signature, claims.
//!
//! Each method takes what the one before has established. What follows a signature sees the root
//! of a fresh parse of the signed text, and never the document again.

use jiff::Timestamp;
use roxmltree::Node;

use super::{Assertion, Expectations};
use crate::assertion::Claims;
use crate::checks::{CheckId, Checks, Outcome};
use crate::crypto::fingerprint;
use crate::decryption::{Decrypted, DecryptionError, decrypt_assertion};
use crate::error::SamlError;
use crate::names::{ASSERTION, DSIG, PROTOCOL, SUCCESS};
use crate::shape;
use crate::signature::{SignatureError, SignedText, verify_enveloped};
use crate::xml::{
    MAX_BYTES, Strict, XmlError, at_most_one, clipped, decode_base64, described, elements,
    exactly_one, is, text,
};

/// One verification under way.
pub(super) struct Run<'e> {
    pub(super) expect: &'e Expectations<'e>,
    pub(super) now: Timestamp,
    pub(super) checks: Checks,
    pub(super) failures: Vec<SamlError>,
}

/// An assertion, read and not yet judged.
struct Read {
    claims: Claims,
    /// Whether it has a signature of its own, which was verified.
    signed: bool,
    /// The text that the claims were read from.
    xml: String,
}

impl Run<'_> {
    /// The whole run. An error ends it; what is only noted does not.
    pub(super) fn response(&mut self, bytes: &[u8]) -> Result<Option<Assertion>, SamlError> {
        let outer = Strict::parse(bytes)?;
        self.checks.pass(
            CheckId::Form,
            format!("at most {MAX_BYTES} bytes"),
            bytes.len().to_string(),
        );
        let root = outer.root_of(PROTOCOL, "Response")?;
        shape::check(root)?;
        check_children(root)?;

        // From here on a signed response is read from its signed bytes.
        let (signed, unsigned_because) = match self.signature_of(root) {
            Ok(signed) => (signed, None),
            Err(error) => (None, Some(error)),
        };
        let fresh;
        let (root, response_signed) = match &signed {
            Some(text) => {
                fresh = Strict::parse(text.as_str().as_bytes())?;
                let root = signed_root(&fresh, text, PROTOCOL, "Response")?;
                check_children(root)?;
                (root, true)
            }
            None => (root, false),
        };
        let succeeded = self.header(root, response_signed)?;
        if let Some(error) = unsigned_because {
            return Err(error);
        }
        if !succeeded {
            return Ok(None);
        }
        let assertion = at_most_one(root, ASSERTION, "Assertion")?;
        let encrypted = at_most_one(root, ASSERTION, "EncryptedAssertion")?;
        match (assertion, encrypted) {
            (Some(_), Some(_)) => Err(XmlError::Repeated("Assertion").into()),
            (None, None) => Err(XmlError::Missing("Assertion").into()),
            (Some(assertion), None) => self.assertion(root, assertion, response_signed),
            (None, Some(encrypted)) => self.encrypted(root, encrypted, response_signed),
        }
    }

    /// Decrypts, and goes on as with an assertion that was never encrypted.
    fn encrypted(
        &mut self,
        response: Node<'_, '_>,
        encrypted: Node<'_, '_>,
        response_signed: bool,
    ) -> Result<Option<Assertion>, SamlError> {
        let decrypted = decrypt_assertion(encrypted, self.expect.decryption_keys)
            .map_err(SamlError::Decryption)?;
        let before = (self.checks.clone(), self.failures.len());
        let result = self.decrypted(response, &decrypted, response_signed);
        // No oracle: whose it is comes first, and until then nobody learns how far it got.
        if decrypted.intact && self.checks.outcome(CheckId::Decryption) == Outcome::Passed {
            return result;
        }
        self.checks = before.0;
        self.failures.truncate(before.1);
        Err(SamlError::Decryption(DecryptionError::Failed))
    }

    fn decrypted(
        &mut self,
        response: Node<'_, '_>,
        decrypted: &Decrypted,
        response_signed: bool,
    ) -> Result<Option<Assertion>, SamlError> {
        let plain = Strict::parse(&decrypted.bytes)?;
        let assertion = plain.root_of(ASSERTION, "Assertion")?;
        shape::check(assertion)?;
        let read = self.read(assertion, response_signed)?;
        if !read.signed && !self.is_for_us(&read.claims, decrypted.authenticated) {
            return Err(SamlError::Decryption(DecryptionError::Failed));
        }
        self.checks.pass(CheckId::Decryption, "", "decrypted");
        self.judge(read.claims, response.attribute("InResponseTo"), read.xml)
    }

    /// Whether a decrypted assertion without a signature of its own was written for this
    /// connection.
    ///
    /// The signature of the response around it does not say so: all tenants share one pair of
    /// keys, and whoever caught another tenant's ciphertext can have their own provider sign a
    /// response around it. What CBC gave out may have been changed as well, so both places that
    /// name us must: to turn a name in one place into another, the block before it is lost.
    fn is_for_us(&self, claims: &Claims, authenticated: bool) -> bool {
        let audiences = claims.conditions.iter().flat_map(|conditions| &conditions.audiences);
        let audience = audiences.flatten().any(|name| name == self.expect.sp_entity_id);
        let acs_url = Some(self.expect.acs_url);
        let recipient = claims.bearers.iter().any(|bearer| bearer.recipient.as_deref() == acs_url);
        let named = if authenticated { audience || recipient } else { audience && recipient };
        named && claims.issuer == self.expect.idp_entity_id
    }

    /// `assertion` stands in the response. When `response_signed`, it is covered by that signature.
    fn assertion(
        &mut self,
        response: Node<'_, '_>,
        assertion: Node<'_, '_>,
        response_signed: bool,
    ) -> Result<Option<Assertion>, SamlError> {
        let read = self.read(assertion, response_signed)?;
        self.judge(read.claims, response.attribute("InResponseTo"), read.xml)
    }

    /// The claims of `assertion`: from its own signed bytes when it is signed, otherwise as it
    /// stands, where the response's signature covers it or what it was decrypted from.
    fn read(&mut self, assertion: Node<'_, '_>, response_signed: bool) -> Result<Read, SamlError> {
        let signed = self.signature_of(assertion)?;
        let required = self.expect.signed;
        if !required.satisfied(response_signed, signed.is_some()) {
            return Err(SamlError::SignatureMissing { required: required.described() });
        }
        self.checks.pass(CheckId::SignaturePresent, required.described(), "signed");
        let fresh;
        let assertion = match &signed {
            Some(text) => {
                fresh = Strict::parse(text.as_str().as_bytes())?;
                signed_root(&fresh, text, ASSERTION, "Assertion")?
            }
            None => assertion,
        };
        let claims = Claims::read(assertion)?;
        let xml = assertion.document().input_text().get(assertion.range()).unwrap_or_default();
        Ok(Read { claims, signed: signed.is_some(), xml: xml.to_owned() })
    }

    /// The signed text of `element`, when it has a signature. Notes checks 8 to 10.
    fn signature_of(&mut self, element: Node<'_, '_>) -> Result<Option<SignedText>, SamlError> {
        let Some(signature) = at_most_one(element, DSIG, "Signature")? else { return Ok(None) };
        let algorithm = "RSA or ECDSA with SHA-256, 384 or 512";
        let fault = match verify_enveloped(element, signature, self.expect.idp_keys) {
            Ok(text) => {
                self.checks.pass(CheckId::SignatureAlgorithm, algorithm, "accepted");
                self.checks.pass(CheckId::SignatureKey, "a configured key", "verified");
                self.checks.pass(CheckId::SignatureReference, "the signed element", "covered");
                return Ok(Some(text));
            }
            Err(fault) => fault,
        };
        match fault {
            SignatureError::Algorithm(received) => Err(SamlError::SignatureAlgorithm { received }),
            SignatureError::Key => {
                self.checks.pass(CheckId::SignatureAlgorithm, algorithm, "accepted");
                let trusted = self.expect.idp_keys.iter();
                Err(SamlError::SignatureKey {
                    trusted: trusted.map(|key| key.fingerprint().to_owned()).collect(),
                    embedded: embedded_certificate(signature),
                })
            }
            SignatureError::Reference(_) | SignatureError::Digest => {
                self.checks.pass(CheckId::SignatureAlgorithm, algorithm, "accepted");
                self.checks.pass(CheckId::SignatureKey, "a configured key", "verified");
                Err(SamlError::SignatureReference(fault))
            }
            SignatureError::Structure(_)
            | SignatureError::Transform(_)
            | SignatureError::Xml(_) => Err(SamlError::SignatureReference(fault)),
        }
    }

    /// Checks the response's own attributes, status and issuer; tells whether it is a success.
    fn header(&mut self, response: Node<'_, '_>, signed: bool) -> Result<bool, SamlError> {
        self.checks.pass(CheckId::Xml, "", "");
        self.version(response.attribute("Version").unwrap_or_default());
        let issued = response.attribute("IssueInstant").unwrap_or_default();
        self.not_in_future("Response IssueInstant", issued);
        if let Some(issuer) = at_most_one(response, ASSERTION, "Issuer")? {
            self.issuer(text(issuer)?);
        }
        let expected = self.expect.acs_url;
        match response.attribute("Destination") {
            Some(destination) if destination == expected => {
                self.checks.pass(CheckId::Destination, expected, destination);
            }
            // Without a signature on it, a missing destination proves nothing either way.
            None if !signed => {
                self.checks.pass(CheckId::Destination, expected, "(none, response not signed)");
            }
            received => {
                let received = received.map(|received| clipped(received, 512));
                self.fail(SamlError::Destination { expected: expected.to_owned(), received });
            }
        }
        self.status(exactly_one(response, PROTOCOL, "Status")?)
    }

    fn status(&mut self, status: Node<'_, '_>) -> Result<bool, SamlError> {
        let top = exactly_one(status, PROTOCOL, "StatusCode")?;
        let code = top.attribute("Value").unwrap_or_default();
        if code == SUCCESS {
            self.checks.pass(CheckId::Status, SUCCESS, code);
            return Ok(true);
        }
        let sub_code = at_most_one(top, PROTOCOL, "StatusCode")?
            .and_then(|sub| sub.attribute("Value"))
            .map(|sub| clipped(sub, 128));
        let message = at_most_one(status, PROTOCOL, "StatusMessage")?.map(text).transpose()?;
        let message = message.map(|message| clipped(message.trim(), 512));
        self.fail(SamlError::Status { code: clipped(code, 128), sub_code, message });
        Ok(false)
    }

    pub(super) fn fail(&mut self, error: SamlError) {
        self.checks.fail(&error);
        self.failures.push(error);
    }
}

/// The root of a fresh parse of signed text: what it must be, with the `ID` that was signed, and of
/// the closed shape. The first parse is trusted for none of it.
fn signed_root<'a, 'i>(
    fresh: &'a Strict<'i>,
    signed: &SignedText,
    namespace: &str,
    name: &'static str,
) -> Result<Node<'a, 'i>, XmlError> {
    let root = fresh.root_of(namespace, name)?;
    shape::check(root)?;
    if root.attribute("ID") == Some(signed.id()) {
        Ok(root)
    } else {
        Err(XmlError::Misplaced("another ID than the signed one".to_owned()))
    }
}

/// The closed list of what a response holds.
fn check_children(response: Node<'_, '_>) -> Result<(), XmlError> {
    const KNOWN: [(&str, &str); 5] = [
        (ASSERTION, "Issuer"),
        (DSIG, "Signature"),
        (PROTOCOL, "Status"),
        (ASSERTION, "Assertion"),
        (ASSERTION, "EncryptedAssertion"),
    ];
    for child in elements(response) {
        if !KNOWN.iter().any(|(namespace, name)| is(child, namespace, name)) {
            return Err(XmlError::Misplaced(described(child)));
        }
    }
    let mut texts = response.children().filter(Node::is_text);
    if texts.any(|text| !text.text().unwrap_or_default().trim().is_empty()) {
        return Err(XmlError::Misplaced("text in the response".to_owned()));
    }
    Ok(())
}

/// The fingerprint of the certificate in `KeyInfo`, for an administrator to compare. It is made
/// after every trusted key has failed, from bytes that are hashed and not read.
fn embedded_certificate(signature: Node<'_, '_>) -> Option<String> {
    let certificate = signature.descendants().find(|node| is(*node, DSIG, "X509Certificate"))?;
    Some(fingerprint(&decode_base64(&text(certificate).ok()?)?))
}
