//! Verifies a SAML response (SAML profiles §4.1.4.3, with errata 05).
//!
//! Invariants:
//! - *bounded*: the gate and the shape come first; no key is used before.
//! - *claims from signed bytes*: `Claims::read` sees the root of a fresh parse of a
//!   [`SignedText`](super::signature::SignedText), or of a plaintext whose ciphertext a verified
//!   response covers. Before that, only the response's own header is looked at, and only to refuse.
//! - *all checks*: a failure does not hide the next one. The error is that of the first check in
//!   the order of [`CheckId`](super::checks::CheckId); the record has them all. Two failures end
//!   the run: without a good signature there are no claims to check, and an assertion of somebody
//!   else is not read on.
//! - *no oracle*: what comes out of a ciphertext fails in one way, whatever is wrong with it, until
//!   it is known to be this connection's: its own signature is verified, or the response around it
//!   is signed and it names this connection. Our decryption keys serve all tenants.

mod judge;
mod run;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::run::Run;
use super::assertion::Attribute;
use super::attributes::{Profile, SubjectId};
use super::checks::Checks;
use super::crypto::{DecryptionKey, VerifyingKey};
use super::error::{FormError, SamlError};
use super::time::ClockSkew;
use super::xml::{MAX_BYTES, XmlError, decode_base64};

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
    if field.len() > MAX_FIELD {
        return Err(SamlError::Form(FormError::TooLarge(field.len())));
    }
    decode_base64(field).ok_or(SamlError::Form(FormError::NotBase64))
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
        (None, None) => Err(SamlError::Xml(XmlError::Missing("Assertion"))),
    };
    Verdict { result, checks: run.checks }
}

/// Longest `SAMLResponse` field: [`MAX_BYTES`] in base64, with a line break of two bytes every 64
/// characters.
pub const MAX_FIELD: usize = MAX_BYTES / 3 * 4 + MAX_BYTES / 16;
