//! The steps of a verification, in order: gate, shape, signature of the response, header,
//! decryption, signature of the assertion, reading of the claims. [`super::claim_checks`] has the
//! checks of the claims.
//!
//! Each method takes what the previous step established. After a signature, only the root of a
//! fresh parse of the signed text is used, never the document again.

use jiff::Timestamp;
use roxmltree::Node;

use super::{Assertion, Expectations, SignedPart};
use crate::assertion::Claims;
use crate::checks::{CheckId, Checks};
use crate::crypto::fingerprint;
use crate::error::SamlError;
use crate::names::{ASSERTION, DSIG, PROTOCOL, STATUS, STATUS_CODES, SUCCESS};
use crate::shape;
use crate::signature::{SignatureError, SignedText, verify_enveloped};
use crate::xml::{
    MAX_BYTES, StrictDocument, XmlError, child_elements, children_named, collapsed_attribute,
    collapsed_text_of, decode_base64, has_name, optional_child, qualified_name, required_child,
    text_of, truncate,
};

/// A verification in progress.
pub(super) struct Verification<'e> {
    pub(super) expect: &'e Expectations<'e>,
    pub(super) now: Timestamp,
    pub(super) checks: Checks,
    pub(super) failures: Vec<SamlError>,
}

/// The claims of an assertion whose signature is verified; not checked yet.
pub(super) struct SignedClaims {
    pub(super) claims: Claims,
    /// Whether the assertion has a signature of its own.
    pub(super) is_signed: bool,
    /// The XML that the claims were read from.
    pub(super) xml: String,
}

/// A response with an encrypted assertion.
pub(super) struct EncryptedAssertion<'a, 'i> {
    /// The response; if it is signed, as in its signed text.
    pub(super) response: Node<'a, 'i>,
    /// Its `EncryptedAssertion`.
    pub(super) encrypted: Node<'a, 'i>,
    /// Whether the signature of the response covers it.
    pub(super) response_signed: bool,
}

impl Verification<'_> {
    /// Verifies a response. An error ends the verification; other failures are only recorded, and
    /// then there is no assertion.
    pub(super) fn verify_response(&mut self, bytes: &[u8]) -> Result<Option<Assertion>, SamlError> {
        // *Bounded*, *one reading*, *closed shape*: before any cryptography.
        let outer = StrictDocument::parse(bytes)?;
        self.checks.pass(
            CheckId::Form,
            format!("at most {MAX_BYTES} bytes"),
            bytes.len().to_string(),
        );
        let root = outer.root_of(PROTOCOL, "Response")?;
        shape::check(root)?;
        check_children(root)?;
        self.record_signatures(root);

        // Namespaces that the response's canonical text has dropped belong to the signed bytes of the
        // assertion, if that is canonicalised inclusively: its signature is verified here, in the place
        // where it was made.
        let place = children_named(root, ASSERTION, "Assertion").next();
        let received = children_named(root, ASSERTION, "EncryptedAssertion").next();

        // *Claims from signed bytes*: a signed response is read from its signed text only.
        let (signed, signature_error) = match self.verify_signature(root) {
            Ok(signed) => (signed, None),
            Err(error) => (None, Some(error)),
        };
        let fresh;
        let (root, response_signed) = match &signed {
            Some(text) => {
                fresh = StrictDocument::parse(text.as_str().as_bytes())?;
                let root = signed_root(&fresh, text, PROTOCOL, "Response")?;
                check_children(root)?;
                (root, true)
            }
            None => (root, false),
        };
        let has_signature = response_signed || signature_error.is_some();
        let is_success = self.check_header(root, response_signed, has_signature)?;
        if let Some(error) = signature_error {
            return Err(error);
        }
        if !is_success {
            return Ok(None);
        }
        let assertion = optional_child(root, ASSERTION, "Assertion")?;
        let encrypted = optional_child(root, ASSERTION, "EncryptedAssertion")?;
        match (assertion, encrypted) {
            (Some(_), Some(_)) => Err(XmlError::Repeated("Assertion").into()),
            (None, None) => Err(XmlError::Missing("Assertion").into()),
            (Some(assertion), None) => {
                let place = place.unwrap_or(assertion);
                self.verify_assertion(root, assertion, place, response_signed)
            }
            (None, Some(encrypted)) => {
                let received = received.unwrap_or(encrypted);
                let outer = EncryptedAssertion { response: root, encrypted, response_signed };
                self.verify_encrypted(&outer, received)
            }
        }
    }

    /// Verifies `assertion`, a child of the response. With `response_signed`, the signature of the
    /// response covers it. `place`: the same element in the document as it was received.
    fn verify_assertion(
        &mut self,
        response: Node<'_, '_>,
        assertion: Node<'_, '_>,
        place: Node<'_, '_>,
        response_signed: bool,
    ) -> Result<Option<Assertion>, SamlError> {
        let read = self.read_claims(assertion, place, response_signed)?;
        self.check_claims(read.claims, request_of(response).as_deref(), read.xml)
    }

    /// Reads the claims of `assertion` (*claims from signed bytes*): from its own signed text if it
    /// is signed, otherwise as it stands, since the signature of the response covers it or its
    /// ciphertext. The own signature is verified at `place`. Records check 7.
    pub(super) fn read_claims(
        &mut self,
        assertion: Node<'_, '_>,
        place: Node<'_, '_>,
        response_signed: bool,
    ) -> Result<SignedClaims, SamlError> {
        let signed = self.verify_signature(place)?;
        let has_signature = optional_child(assertion, DSIG, "Signature")?.is_some();
        let is_same = assertion.attribute("ID") == place.attribute("ID");
        if has_signature != signed.is_some() || !is_same {
            // Two readings of one document differ: nothing of it is believed.
            return Err(
                XmlError::Misplaced("another assertion than the signed one".to_owned()).into()
            );
        }
        let required = self.expect.signed;
        if !required.is_satisfied(response_signed, signed.is_some()) {
            let signed = SignedPart::describe_signed(response_signed, signed.is_some());
            return Err(SamlError::SignatureMissing { required: required.description(), signed });
        }
        self.checks.pass(CheckId::SignaturePresent, required.description(), "signed");
        let fresh;
        let assertion = match &signed {
            Some(text) => {
                fresh = StrictDocument::parse(text.as_str().as_bytes())?;
                signed_root(&fresh, text, ASSERTION, "Assertion")?
            }
            None => assertion,
        };
        let claims = Claims::read(assertion)?;
        let xml = assertion.document().input_text().get(assertion.range()).unwrap_or_default();
        Ok(SignedClaims { claims, is_signed: signed.is_some(), xml: xml.to_owned() })
    }

    /// Records check 7 where the required signatures are there, whether or not they verify: a
    /// signature with a refused algorithm is not a missing one.
    fn record_signatures(&mut self, response: Node<'_, '_>) {
        let has_signature = |node| children_named(node, DSIG, "Signature").next().is_some();
        let assertion = children_named(response, ASSERTION, "Assertion").any(has_signature);
        let required = self.expect.signed;
        if required.is_satisfied(has_signature(response), assertion) {
            self.checks.pass(CheckId::SignaturePresent, required.description(), "signed");
        }
    }

    /// Verifies the signature of `element` and returns the signed text, or `None` if there is no
    /// signature. Records checks 8 to 10.
    fn verify_signature(&mut self, element: Node<'_, '_>) -> Result<Option<SignedText>, SamlError> {
        let Some(signature) = optional_child(element, DSIG, "Signature")? else { return Ok(None) };
        let algorithm = CheckId::SignatureAlgorithm.info().expected;
        let error = match verify_enveloped(element, signature, self.expect.idp_keys) {
            Ok(text) => {
                self.checks.pass(CheckId::SignatureAlgorithm, algorithm, "accepted");
                self.checks.pass(CheckId::SignatureKey, "a configured key", "verified");
                self.checks.pass(CheckId::SignatureReference, "the signed element", "covered");
                return Ok(Some(text));
            }
            Err(error) => error,
        };
        match error {
            SignatureError::Algorithm { part, received } => {
                Err(SamlError::SignatureAlgorithm { part, received })
            }
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
                Err(SamlError::SignatureReference(error))
            }
            SignatureError::Structure(_)
            | SignatureError::Transform(_)
            | SignatureError::Xml(_) => Err(SamlError::SignatureReference(error)),
        }
    }

    /// Checks the response's own attributes, issuer and status, and reports whether it is a
    /// success. Records checks 2 to 4, 6, 12 and 14. `signed`: whether its signature verifies.
    fn check_header(
        &mut self,
        response: Node<'_, '_>,
        signed: bool,
        has_signature: bool,
    ) -> Result<bool, SamlError> {
        self.checks.pass(CheckId::Xml, "", "");
        self.check_version(response.attribute("Version").unwrap_or_default());
        let issued = response.attribute("IssueInstant").unwrap_or_default();
        self.check_not_in_future("Response IssueInstant", issued);
        if let Some(issuer) = optional_child(response, ASSERTION, "Issuer")? {
            self.check_issuer(collapsed_text_of(issuer)?);
        }
        let expected = self.expect.acs_url;
        match collapsed_attribute(response, "Destination") {
            Some(destination) if destination == expected => {
                self.checks.pass(CheckId::Destination, expected, destination);
            }
            // Without a signature, a missing destination proves nothing.
            None if !has_signature => {
                self.checks.pass(CheckId::Destination, expected, "(none, response not signed)");
            }
            received => {
                let received = received.map(|received| truncate(&received, 512));
                self.fail(SamlError::Destination { expected: expected.to_owned(), received });
            }
        }
        self.check_status(required_child(response, PROTOCOL, "Status")?, signed)
    }

    /// Records check 3 and reports whether the status is Success.
    ///
    /// Anybody can write an unsigned status: of it, only codes that SAML defines are kept, and no
    /// message.
    fn check_status(&mut self, status: Node<'_, '_>, signed: bool) -> Result<bool, SamlError> {
        let kept = |code: &str| {
            if signed || is_status_code(code) {
                truncate(code, 128)
            } else {
                OTHER_STATUS.to_owned()
            }
        };
        let top = required_child(status, PROTOCOL, "StatusCode")?;
        let code = collapsed_attribute(top, "Value").unwrap_or_default();
        if code == SUCCESS {
            self.checks.pass(CheckId::Status, CheckId::Status.info().expected, code);
            return Ok(true);
        }
        let sub_code = optional_child(top, PROTOCOL, "StatusCode")?
            .and_then(|sub| collapsed_attribute(sub, "Value"))
            .map(|code| kept(&code));
        let message =
            optional_child(status, PROTOCOL, "StatusMessage")?.map(text_of).transpose()?;
        let message = message.filter(|_| signed).map(|message| truncate(message.trim(), 512));
        self.fail(SamlError::Status { code: kept(&code), sub_code, message });
        Ok(false)
    }

    /// Records a failure; the verification goes on.
    pub(super) fn fail(&mut self, error: SamlError) {
        self.checks.fail(&error);
        self.failures.push(error);
    }
}

/// The request that a response says it answers.
pub(super) fn request_of(response: Node<'_, '_>) -> Option<String> {
    collapsed_attribute(response, "InResponseTo")
}

/// Whether SAML defines this status code (SAML core §3.2.2.2).
fn is_status_code(code: &str) -> bool {
    code.strip_prefix(STATUS).is_some_and(|name| STATUS_CODES.contains(&name))
}

/// Returns the root of a fresh parse of signed text, after checking its name, its shape and that it
/// has the signed `ID`. Nothing of the first parse is trusted.
fn signed_root<'a, 'i>(
    fresh: &'a StrictDocument<'i>,
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

/// Checks that a response has only the known children (*closed shape*).
fn check_children(response: Node<'_, '_>) -> Result<(), XmlError> {
    const KNOWN: [(&str, &str); 5] = [
        (ASSERTION, "Issuer"),
        (DSIG, "Signature"),
        (PROTOCOL, "Status"),
        (ASSERTION, "Assertion"),
        (ASSERTION, "EncryptedAssertion"),
    ];
    for child in child_elements(response) {
        if !KNOWN.iter().any(|(namespace, name)| has_name(child, namespace, name)) {
            return Err(XmlError::Misplaced(qualified_name(child)));
        }
    }
    let mut texts = response.children().filter(Node::is_text);
    if texts.any(|text| !text.text().unwrap_or_default().trim().is_empty()) {
        return Err(XmlError::Misplaced("text in the response".to_owned()));
    }
    Ok(())
}

/// Returns the fingerprint of the certificate in `KeyInfo`, for administrators to compare. Called
/// only after every trusted key has failed; the bytes are hashed, not parsed (*keys from
/// metadata*).
fn embedded_certificate(signature: Node<'_, '_>) -> Option<String> {
    let certificate =
        signature.descendants().find(|node| has_name(*node, DSIG, "X509Certificate"))?;
    Some(fingerprint(&decode_base64(&text_of(certificate).ok()?)?))
}

/// Stands for a status code that SAML does not define, in a response that is not signed.
const OTHER_STATUS: &str = "(a code that SAML does not define)";
