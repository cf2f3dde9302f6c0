//! Decrypts the assertion of a response and verifies it (SAML core §2.3.4).
//!
//! Invariant (*no oracle*): whatever is wrong with a plaintext, the answer and the record are the
//! same, until its assertion is known to be for this connection.

use roxmltree::Node;

use super::Assertion;
use super::verification::{EncryptedAssertion, Verification, request_of};
use crate::assertion::Claims;
use crate::checks::{CheckId, Outcome};
use crate::decryption::{Decrypted, DecryptionError, Encrypted};
use crate::error::SamlError;
use crate::in_place::{Place, only_element};
use crate::names::{ASSERTION, DSIG};
use crate::shape;
use crate::signature::{SignatureError, depends_on_place};
use crate::xml::{StrictDocument, XmlError, children_named, require_name};

impl Verification<'_> {
    /// Decrypts an assertion, and verifies it like one that was never encrypted. `received`: its
    /// `EncryptedAssertion` in the document as it was received.
    pub(super) fn verify_encrypted(
        &mut self,
        outer: &EncryptedAssertion<'_, '_>,
        received: Node<'_, '_>,
    ) -> Result<Option<Assertion>, SamlError> {
        let encrypted = Encrypted::read(outer.encrypted).map_err(SamlError::Decryption)?;
        let decrypted =
            encrypted.decrypt(self.expect.decryption_keys).map_err(SamlError::Decryption)?;
        let before = (self.checks.clone(), self.failures.len());
        let result = self.verify_decrypted(outer, received, &decrypted);
        // *No oracle*: until the assertion is known to be for this connection, the record does not
        // show how far it got.
        if decrypted.intact && self.checks.outcome(CheckId::Decryption) == Outcome::Passed {
            return result;
        }
        self.checks = before.0;
        self.failures.truncate(before.1);
        Err(SamlError::Decryption(DecryptionError::Failed))
    }

    /// Verifies a plaintext as it is, and otherwise in its place: first in the signed text of the
    /// response, then in the received document.
    fn verify_decrypted(
        &mut self,
        outer: &EncryptedAssertion<'_, '_>,
        received: Node<'_, '_>,
        decrypted: &Decrypted,
    ) -> Result<Option<Assertion>, SamlError> {
        let alone = match StrictDocument::parse(&decrypted.bytes) {
            Ok(plain) => self.verify_plaintext(outer, plain.root(), decrypted.authenticated),
            Err(error) => Err(error.into()),
        };
        let error = match alone {
            Err(error) if may_depend_on_namespaces(&error) => error,
            result => return result,
        };
        for place in [outer.encrypted, received] {
            let text = Place::within(place).put(&decrypted.bytes);
            let Ok(document) = StrictDocument::parse(&text) else { continue };
            let Some(assertion) = only_element(document.root()) else { continue };
            let signature = children_named(assertion, DSIG, "Signature").next();
            // An unsigned assertion takes only prefixes that the signature of the response covers.
            let is_bound = signature.is_some() || place == outer.encrypted;
            let is_other =
                matches!(error, SamlError::Xml(_)) || signature.is_some_and(depends_on_place);
            if !(is_bound && is_other) {
                continue;
            }
            let result = self.verify_plaintext(outer, assertion, decrypted.authenticated);
            if result.is_ok() {
                return result;
            }
        }
        Err(error)
    }

    fn verify_plaintext(
        &mut self,
        outer: &EncryptedAssertion<'_, '_>,
        assertion: Node<'_, '_>,
        authenticated: bool,
    ) -> Result<Option<Assertion>, SamlError> {
        require_name(assertion, ASSERTION, "Assertion")?;
        shape::check(assertion)?;
        let read = self.read_claims(assertion, assertion, outer.response_signed)?;
        if !read.is_signed && !self.is_for_us(&read.claims, authenticated) {
            return Err(SamlError::Decryption(DecryptionError::Failed));
        }
        self.checks.pass(CheckId::Decryption, "", "decrypted");
        self.check_claims(read.claims, request_of(outer.response).as_deref(), read.xml)
    }

    /// Reports whether a decrypted assertion without a signature of its own is for this connection.
    ///
    /// The signature of the response around it does not prove that: all tenants share one key pair,
    /// so an attacker can have their own provider sign a response around another tenant's
    /// ciphertext. CBC plaintext may also have been changed, so both audience and recipient must
    /// name us: changing a name in one place destroys the block before it.
    fn is_for_us(&self, claims: &Claims, authenticated: bool) -> bool {
        let audiences = claims.conditions.iter().flat_map(|conditions| &conditions.audiences);
        let audience = audiences.flatten().any(|name| name == self.expect.sp_entity_id);
        let acs_url = Some(self.expect.acs_url);
        let recipient = claims.bearers.iter().any(|bearer| bearer.recipient.as_deref() == acs_url);
        let is_named = if authenticated { audience || recipient } else { audience && recipient };
        is_named && claims.issuer == self.expect.idp_entity_id
    }
}

/// Whether namespaces around the assertion could be what is missing: a prefix that it does not
/// declare, or signed bytes that have more declarations.
const fn may_depend_on_namespaces(error: &SamlError) -> bool {
    matches!(
        error,
        SamlError::Xml(XmlError::Malformed(_))
            | SamlError::SignatureKey { .. }
            | SamlError::SignatureReference(SignatureError::Digest)
    )
}
