//! Verifies a SAML response (SAML profiles §4.1.4.3, with errata 05).
//!
//! Invariants:
//! - *bounded*: the gate and the shape come first; no key is used before.
//! - *claims from signed bytes*: [`Claims::read`] sees the root of a fresh parse of a
//!   [`SignedText`], or of a plaintext whose ciphertext a verified response covers. Before that,
//!   only the response's own header is looked at, and only to refuse.
//! - *all checks*: a failure does not hide the next one. The error is that of the first check in
//!   the order of [`CheckId`]; the record has them all. Two failures end the run: without a good
//!   signature there are no claims to check, and an assertion of somebody else is not read on.
//! - *no oracle*: what comes out of an unauthenticated ciphertext fails in one way, whatever is
//!   wrong with it.

mod judge;

use jiff::Timestamp;
use roxmltree::Node;

use super::assertion::{Attribute, Claims, NameId};
use super::attributes::{Profile, SubjectId};
use super::checks::{CheckId, Checks, Outcome};
use super::crypto::{DecryptionKey, VerifyingKey, fingerprint};
use super::decryption::{Decrypted, DecryptionFault, decrypt_assertion};
use super::error::{FormFault, SamlError};
use super::names::{ASSERTION, DSIG, PROTOCOL, SUCCESS};
use super::shape;
use super::signature::{SignatureFault, SignedText, verify_enveloped};
use super::time::ClockSkew;
use super::xml::{
    MAX_BYTES, Strict, XmlFault, at_most_one, clipped, decode_base64, described, elements,
    exactly_one, is, text,
};

/// What a response must match. Everything comes from our own store.
#[derive(Clone, Debug)]
pub struct Expectations<'a> {
    /// Entity id of the configured identity provider.
    pub idp_entity_id: &'a str,
    /// Its keys, from its metadata; any of them may have signed.
    pub idp_keys: &'a [VerifyingKey],
    /// Our entity id.
    pub sp_entity_id: &'a str,
    /// Our URL that the response came to.
    pub acs_url: &'a str,
    /// Our keys, the current one first.
    pub decryption_keys: &'a [DecryptionKey],
    /// Requests that this browser has open.
    pub open_requests: &'a [&'a str],
    /// Whether a response may come without a request. One that names a request is held to it.
    pub allow_idp_initiated: bool,
    /// How far the clocks may be apart.
    pub clock_skew: ClockSkew,
    /// What must be signed.
    pub signed: SignedPart,
    /// Accepted authentication context classes; empty accepts any.
    pub authn_contexts: &'a [&'a str],
    /// Whether a sign-in without an e-mail address is refused.
    pub require_email: bool,
}

/// What a connection demands to be signed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SignedPart {
    /// The response, the assertion or both: what identity providers do by default differs.
    #[default]
    Either,
    /// The response at least.
    Response,
    /// The assertion at least.
    Assertion,
    /// Both.
    Both,
}

impl SignedPart {
    const fn described(self) -> &'static str {
        match self {
            Self::Either => "the response or the assertion",
            Self::Response => "the response",
            Self::Assertion => "the assertion",
            Self::Both => "the response and the assertion",
        }
    }

    const fn satisfied(self, response: bool, assertion: bool) -> bool {
        match self {
            Self::Either => response || assertion,
            Self::Response => response,
            Self::Assertion => assertion,
            Self::Both => response && assertion,
        }
    }
}

/// A verified assertion. Every value in it was signed by the identity provider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Assertion {
    /// `ID` of the assertion; to be consumed, so that it is used once.
    pub id: String,
    /// Until when that must be remembered.
    pub replay_until: Timestamp,
    /// The request that it answers; to be consumed likewise. None when provider-initiated.
    pub in_response_to: Option<String>,
    /// Entity id of the identity provider.
    pub issuer: String,
    /// Who it is.
    pub subject: SubjectId,
    /// What we know about the person.
    pub profile: Profile,
    /// The name identifier, as sent; needed again for logout.
    pub name_id: Option<NameId>,
    /// The session at the identity provider.
    pub session_index: Option<String>,
    /// When the person signed in there.
    pub authn_instant: Timestamp,
    /// When our session must end, if the provider says so.
    pub session_not_on_or_after: Option<Timestamp>,
    /// How the person signed in.
    pub authn_context: Option<String>,
    /// All attributes, as sent.
    pub attributes: Vec<Attribute>,
    /// The text that the claims were read from, for the administrator.
    pub xml: String,
}

/// The outcome of [`verify`].
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The assertion, or the first check that failed.
    pub result: Result<Assertion, SamlError>,
    /// All checks.
    pub checks: Checks,
}

/// Decodes the `SAMLResponse` field of the HTTP-POST binding (SAML bindings §3.5.4). Line breaks
/// inside are usual.
pub fn decode_form_field(field: &str) -> Result<Vec<u8>, SamlError> {
    if field.len() > MAX_BYTES / 3 * 4 + MAX_LINE_BREAKS {
        return Err(SamlError::Form(FormFault::TooLarge(field.len())));
    }
    decode_base64(field).ok_or(SamlError::Form(FormFault::NotBase64))
}

/// Verifies a decoded response and reads its claims.
///
/// Pure: the caller consumes [`Assertion::id`] and [`Assertion::in_response_to`] afterwards
/// (check 17) and judges the user (checks 22 to 25).
pub fn verify(response: &[u8], expect: &Expectations<'_>, now: Timestamp) -> Verdict {
    let mut run = Run { expect, now, checks: Checks::default(), failures: Vec::new() };
    let assertion = run.response(response).unwrap_or_else(|error| {
        run.fail(error);
        None
    });
    run.failures.sort_by_key(SamlError::check);
    let result = match (run.failures.into_iter().next(), assertion) {
        (Some(error), _) => Err(error),
        (None, Some(assertion)) => Ok(assertion),
        // Not reached: a run without an assertion has noted why.
        (None, None) => Err(SamlError::Xml(XmlFault::Missing("Assertion"))),
    };
    Verdict { result, checks: run.checks }
}

struct Run<'e> {
    expect: &'e Expectations<'e>,
    now: Timestamp,
    checks: Checks,
    failures: Vec<SamlError>,
}

impl Run<'_> {
    /// The whole run. An error ends it; what is only noted does not.
    fn response(&mut self, bytes: &[u8]) -> Result<Option<Assertion>, SamlError> {
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
                (fresh.root_of(PROTOCOL, "Response")?, true)
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
            (Some(_), Some(_)) => Err(XmlFault::Repeated("Assertion").into()),
            (None, None) => Err(XmlFault::Missing("Assertion").into()),
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
        // No oracle: from a ciphertext that anybody can change, nobody learns how far it got.
        let blind = !decrypted.authenticated && !response_signed;
        let trusted = self.checks.outcome(CheckId::Decryption) == Outcome::Passed;
        if decrypted.intact && (trusted || !blind) {
            return result;
        }
        self.checks = before.0;
        self.failures.truncate(before.1);
        Err(SamlError::Decryption(DecryptionFault::Failed))
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
        self.assertion(response, assertion, response_signed)
    }

    /// `assertion` stands in `response`, or came out of it by decryption. When `response_signed`,
    /// either is covered by the response's signature.
    fn assertion(
        &mut self,
        response: Node<'_, '_>,
        assertion: Node<'_, '_>,
        response_signed: bool,
    ) -> Result<Option<Assertion>, SamlError> {
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
                fresh.root_of(ASSERTION, "Assertion")?
            }
            None => assertion,
        };
        let claims = Claims::read(assertion)?;
        if at_most_one(response, ASSERTION, "EncryptedAssertion")?.is_some() {
            self.checks.pass(CheckId::Decryption, "", "decrypted");
        }
        let xml = assertion.document().input_text().get(assertion.range()).unwrap_or_default();
        self.judge(claims, response.attribute("InResponseTo"), xml)
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
            SignatureFault::Algorithm(received) => Err(SamlError::SignatureAlgorithm { received }),
            SignatureFault::Key => {
                self.checks.pass(CheckId::SignatureAlgorithm, algorithm, "accepted");
                let trusted = self.expect.idp_keys.iter();
                Err(SamlError::SignatureKey {
                    trusted: trusted.map(|key| key.fingerprint().to_owned()).collect(),
                    embedded: embedded_certificate(signature),
                })
            }
            SignatureFault::Reference(_) | SignatureFault::Digest => {
                self.checks.pass(CheckId::SignatureAlgorithm, algorithm, "accepted");
                self.checks.pass(CheckId::SignatureKey, "a configured key", "verified");
                Err(SamlError::SignatureReference(fault))
            }
            SignatureFault::Structure(_)
            | SignatureFault::Transform(_)
            | SignatureFault::Xml(_) => Err(SamlError::SignatureReference(fault)),
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

    fn fail(&mut self, error: SamlError) {
        self.checks.fail(&error);
        self.failures.push(error);
    }
}

/// The closed list of what a response holds.
fn check_children(response: Node<'_, '_>) -> Result<(), XmlFault> {
    const KNOWN: [(&str, &str); 5] = [
        (ASSERTION, "Issuer"),
        (DSIG, "Signature"),
        (PROTOCOL, "Status"),
        (ASSERTION, "Assertion"),
        (ASSERTION, "EncryptedAssertion"),
    ];
    for child in elements(response) {
        if !KNOWN.iter().any(|(namespace, name)| is(child, namespace, name)) {
            return Err(XmlFault::Misplaced(described(child)));
        }
    }
    let mut texts = response.children().filter(Node::is_text);
    if texts.any(|text| !text.text().unwrap_or_default().trim().is_empty()) {
        return Err(XmlFault::Misplaced("text in the response".to_owned()));
    }
    Ok(())
}

/// The fingerprint of the certificate in `KeyInfo`, for an administrator to compare. It is made
/// after every trusted key has failed, from bytes that are hashed and not read.
fn embedded_certificate(signature: Node<'_, '_>) -> Option<String> {
    let certificate = signature.descendants().find(|node| is(*node, DSIG, "X509Certificate"))?;
    Some(fingerprint(&decode_base64(&text(certificate).ok()?)?))
}

/// Line breaks every 64 characters, two bytes each, and some.
const MAX_LINE_BREAKS: usize = MAX_BYTES / 16;
