//! Builds an `AuthnRequest` and encodes it for HTTP-Redirect or HTTP-POST (SAML core §3.4.1,
//! bindings §3.4 and §3.5). `shared::saml_api` sends it.
//!
//! samael's type provides the schema of the message. Its bindings are not used: the signature of a
//! redirect must cover exactly `SAMLRequest`, `RelayState` and `SigAlg` as sent, without the query
//! that the URL of a provider may have, and the form is rendered elsewhere, with escaping.

mod redirect;

use std::fmt;

use jiff::Timestamp;
use samael::schema::{
    AuthnContextClassRef, AuthnContextComparison, Issuer, NameIdPolicy, RequestedAuthnContext,
};
use samael::traits::ToXml as _;

use super::crypto::{CryptoError, SigningKey};
use super::names::HTTP_POST;
use super::sign::{SignError, sign_enveloped};
use super::xml::{encode_base64, escape};

pub use redirect::{MAX_INFLATED, decode_redirect};

/// Longest `RelayState`, in bytes (SAML bindings §3.4.3).
pub const MAX_RELAY_STATE: usize = 80;

/// The `ID` of a request: 160 random bits, unguessable because a response must name it. Starts with
/// an underscore: an XML name does not start with a digit, and Entra enforces that.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestId(String);

impl RequestId {
    /// Creates an id from random bytes of the caller.
    pub fn from_random(bytes: [u8; 20]) -> Self {
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("_{}", digits.concat()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request to sign a person in.
#[derive(Clone, Debug)]
pub struct AuthnRequest<'a> {
    /// `ID`.
    pub id: &'a RequestId,
    /// Current time.
    pub issue_instant: Timestamp,
    /// The identity provider's URL for the chosen binding.
    pub destination: &'a str,
    /// Our entity id.
    pub issuer: &'a str,
    /// The ACS URL for the response, one of those in our metadata.
    pub acs_url: &'a str,
    /// Our name, for pages of the provider.
    pub provider_name: Option<&'a str>,
    /// Whether the provider must authenticate the person anew.
    pub force_authn: bool,
    /// Requested name identifier format. Without one the provider sends its configured format,
    /// which works with most (SAML implementation profile IIP-SP03).
    pub name_id_format: Option<&'a str>,
    /// Requested authentication context classes, `Comparison="exact"` (SAML core §3.3.2.2.1); empty
    /// requests none.
    pub authn_contexts: &'a [&'a str],
}

/// The fields of an HTML form that posts a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PostForm {
    /// The action of the form.
    pub action: String,
    /// The field `SAMLRequest`.
    pub saml_request: String,
    /// The field `RelayState`.
    pub relay_state: Option<String>,
}

/// A request that could not be built or decoded.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// The message could not be written.
    #[error("the request could not be written")]
    Write,
    /// The message could not be signed.
    #[error("the request could not be signed: {0}")]
    Sign(#[from] SignError),
    /// `RelayState` is longer than [`MAX_RELAY_STATE`].
    #[error("RelayState is longer than {MAX_RELAY_STATE} bytes")]
    RelayState,
    /// The received field is not base64 of deflated bytes, or inflates to too many.
    #[error("SAMLRequest is not deflated base64 of at most {MAX_INFLATED} bytes")]
    Encoding,
}

impl From<CryptoError> for RequestError {
    fn from(error: CryptoError) -> Self {
        Self::Sign(error.into())
    }
}

impl AuthnRequest<'_> {
    /// Returns the message without a signature.
    pub fn xml(&self) -> Result<String, RequestError> {
        let instant = chrono::DateTime::from_timestamp(self.issue_instant.as_second(), 0);
        let contexts = self
            .authn_contexts
            .iter()
            .map(|&value| AuthnContextClassRef { value: Some(escape(value)) });
        let contexts: Vec<_> = contexts.collect();
        let message = samael::schema::AuthnRequest {
            id: self.id.as_str().to_owned(),
            version: "2.0".to_owned(),
            issue_instant: instant.ok_or(RequestError::Write)?,
            destination: Some(self.destination.to_owned()),
            issuer: Some(Issuer { value: Some(escape(self.issuer)), ..Issuer::default() }),
            assertion_consumer_service_url: Some(self.acs_url.to_owned()),
            protocol_binding: Some(HTTP_POST.to_owned()),
            provider_name: self.provider_name.map(str::to_owned),
            force_authn: self.force_authn.then_some(true),
            name_id_policy: self.name_id_format.map(|format| NameIdPolicy {
                format: Some(format.to_owned()),
                allow_create: Some(true),
                ..NameIdPolicy::default()
            }),
            requested_authn_context: (!contexts.is_empty()).then_some(RequestedAuthnContext {
                authn_context_class_refs: Some(contexts),
                authn_context_decl_refs: None,
                comparison: Some(AuthnContextComparison::Exact),
            }),
            ..samael::schema::AuthnRequest::default()
        };
        message.to_string().map_err(|_| RequestError::Write)
    }

    /// Returns the URL to redirect the browser to. With a key, the query is signed (bindings
    /// §3.4.4.1).
    pub fn redirect_url(
        &self,
        relay_state: Option<&str>,
        key: Option<&SigningKey>,
    ) -> Result<String, RequestError> {
        check_relay_state(relay_state)?;
        redirect::url(self.destination, &self.xml()?, relay_state, key)
    }

    /// Returns the fields of the form. With a key and its certificate, the message itself is
    /// signed.
    pub fn post_form(
        &self,
        relay_state: Option<&str>,
        key: Option<(&SigningKey, &[u8])>,
    ) -> Result<PostForm, RequestError> {
        check_relay_state(relay_state)?;
        let xml = match key {
            Some((key, certificate_der)) => sign_enveloped(&self.xml()?, key, certificate_der)?,
            None => self.xml()?,
        };
        Ok(PostForm {
            action: self.destination.to_owned(),
            saml_request: encode_base64(xml.as_bytes()),
            relay_state: relay_state.map(str::to_owned),
        })
    }
}

fn check_relay_state(relay_state: Option<&str>) -> Result<(), RequestError> {
    match relay_state {
        Some(text) if text.len() > MAX_RELAY_STATE => Err(RequestError::RelayState),
        Some(_) | None => Ok(()),
    }
}
