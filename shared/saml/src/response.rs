//! Verifies a SAML response (SAML profiles §4.1.4.3, with errata 05).
//!
//! Pure: the callers in `shared::saml_api` supply keys, open requests and the time, and make the
//! checks that need storage.
//!
//! Invariants:
//! - *bounded*: the gate and the shape come first; no key is used before.
//! - *claims from signed bytes*: `Claims::read` gets the root of a fresh parse of a
//!   [`SignedText`](super::signature::SignedText), or of a plaintext whose ciphertext a verified
//!   response covers. Before that, only the header of the response is read, and only to refuse.
//! - *all checks*: a failure does not hide the next one. The error is that of the first failed
//!   check in the order of [`CheckId`](super::checks::CheckId); the record has all. Two failures
//!   end the verification: without a valid signature there are no claims to check, and the
//!   assertion of another issuer is not read further.
//! - *no oracle*: every fault of a decrypted assertion gives the same error, until the assertion is
//!   known to be for this connection: its own signature verifies, or the response around it is
//!   signed and it names this connection. The same holds for an encrypted `NameID` or attribute,
//!   whose plaintext must itself show it. Our decryption keys serve all tenants.

mod claim_checks;
mod encrypted_assertion;
mod encrypted_parts;
mod verification;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::verification::Verification;
use super::assertion::Attribute;
use super::attributes::Profile;
use super::checks::Checks;
use super::crypto::{DecryptionKey, VerifyingKey};
use super::error::{FormError, SamlError};
use super::identity::Identity;
use super::time::ClockSkew;
use super::xml::{MAX_BYTES, XmlError, decode_base64};
use types::domain::Domain;

/// The values that a response must match. All come from our own storage.
#[derive(Clone, Debug)]
pub struct Expectations<'a> {
    /// Entity id of the identity provider.
    pub idp_entity_id: &'a str,
    /// Keys from its metadata; each may verify a signature (*keys from metadata*).
    pub idp_keys: &'a [VerifyingKey],
    /// Our entity id.
    pub sp_entity_id: &'a str,
    /// Our URL that received the response.
    pub acs_url: &'a str,
    /// Our decryption keys, the current one first.
    pub decryption_keys: &'a [DecryptionKey],
    /// The domains that the issuer may speak for. They show that a decrypted address is this
    /// connection's.
    pub domains: &'a [Domain],
    /// `ID`s of the requests that this browser has open.
    pub open_requests: &'a [&'a str],
    /// Whether a response without a request is accepted. One that names a request must match it.
    pub allow_idp_initiated: bool,
    /// Accepted difference between the clocks.
    pub clock_skew: ClockSkew,
    /// The part that must be signed.
    pub signed: SignedPart,
    /// Accepted authentication context classes; empty accepts any.
    pub authn_contexts: &'a [&'a str],
    /// Whether a sign-in without an e-mail address is refused.
    pub require_email: bool,
}

/// The part of a response that must be signed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedPart {
    /// The response or the assertion: the defaults of identity providers differ.
    #[default]
    Either,
    /// The response; the assertion may be signed too.
    Response,
    /// The assertion; the response may be signed too.
    Assertion,
    /// Both.
    Both,
}

impl SignedPart {
    const fn description(self) -> &'static str {
        match self {
            Self::Either => "the response or the assertion",
            Self::Response => "the response",
            Self::Assertion => "the assertion",
            Self::Both => "the response and the assertion",
        }
    }

    /// The parts that are signed, in words.
    const fn describe_signed(response: bool, assertion: bool) -> &'static str {
        match (response, assertion) {
            (false, false) => "nothing is signed",
            (true, false) => "the response is signed",
            (false, true) => "the assertion is signed",
            (true, true) => "both are signed",
        }
    }

    const fn is_satisfied(self, response: bool, assertion: bool) -> bool {
        match self {
            Self::Either => response || assertion,
            Self::Response => response,
            Self::Assertion => assertion,
            Self::Both => response && assertion,
        }
    }
}

/// A verified assertion. The identity provider signed every value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Assertion {
    /// `ID` of the assertion. The caller consumes it, so that it is used once.
    pub id: String,
    /// Time until which the consumed `ID` must be remembered.
    pub replay_until: Timestamp,
    /// `ID` of the answered request, to be consumed too; `None` if provider-initiated.
    pub in_response_to: Option<String>,
    /// Entity id of the identity provider.
    pub issuer: String,
    /// The identity of the person.
    pub identity: Identity,
    /// The claims about the person.
    pub profile: Profile,
    /// `SessionIndex`: the session at the identity provider.
    pub session_index: Option<String>,
    /// Time of the sign-in at the identity provider.
    pub authn_instant: Timestamp,
    /// Time at which our session must end, if the provider sets one.
    pub session_not_on_or_after: Option<Timestamp>,
    /// Authentication context class of the sign-in.
    pub authn_context: Option<String>,
    /// All attributes, as received.
    pub attributes: Vec<Attribute>,
    /// The XML that the claims were read from.
    pub xml: String,
}

/// The result of [`verify`].
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The assertion, or the error of the first failed check.
    pub result: Result<Assertion, SamlError>,
    /// The record of all checks.
    pub checks: Checks,
}

/// Decodes the `SAMLResponse` field of the HTTP-POST binding (SAML bindings §3.5.4). Line breaks
/// are accepted, since many providers send them.
///
/// # Errors
///
/// [`FormError::TooLarge`] above [`MAX_FIELD`] bytes and [`FormError::NotBase64`].
pub fn decode_form_field(field: &str) -> Result<Vec<u8>, SamlError> {
    if field.len() > MAX_FIELD {
        return Err(SamlError::Form(FormError::TooLarge(field.len())));
    }
    decode_base64(field).ok_or(SamlError::Form(FormError::NotBase64))
}

/// Verifies a decoded response and reads its claims.
///
/// The caller then consumes [`Assertion::id`] and [`Assertion::in_response_to`] (check 17) and
/// checks the user and the app (checks 22 to 25).
pub fn verify(response: &[u8], expect: &Expectations<'_>, now: Timestamp) -> Verdict {
    let mut verification =
        Verification { expect, now, checks: Checks::default(), failures: Vec::new() };
    let assertion = verification.verify_response(response).unwrap_or_else(|error| {
        verification.fail(error);
        None
    });
    verification.failures.sort_by_key(SamlError::check);
    let result = match (verification.failures.into_iter().next(), assertion) {
        (Some(error), _) => Err(error),
        (None, Some(assertion)) => Ok(assertion),
        // Unreachable: a verification without an assertion has a failure.
        (None, None) => Err(SamlError::Xml(XmlError::Missing("Assertion"))),
    };
    Verdict { result, checks: verification.checks }
}

/// Longest `SAMLResponse` field, in bytes: [`MAX_BYTES`] in base64 with a line break of two bytes
/// every 64 characters.
pub const MAX_FIELD: usize = MAX_BYTES / 3 * 4 + MAX_BYTES / 16;
