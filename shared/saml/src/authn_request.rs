//! Builds an `AuthnRequest` and sends it by HTTP-Redirect or HTTP-POST (SAML core §3.4.1,
//! bindings §3.4 and §3.5).
//!
//! samael's type gives the message its schema. Its own bindings are not used: the redirect signer
//! must sign exactly `SAMLRequest`, `RelayState` and `SigAlg` as they are sent, without the query
//! that an identity provider's URL may have already, and the form is rendered elsewhere, escaped.

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
use super::xml::{base64_of, escaped};

pub use redirect::{MAX_INFLATED, decode_redirect};

/// Longest `RelayState` (SAML bindings §3.4.3).
pub const MAX_RELAY_STATE: usize = 80;

/// The `ID` of a request: 160 random bits. It is what a response must name, so nobody may guess
/// it. It does not start with a digit, since an XML name does not, and Entra insists on that.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestId(String);

impl RequestId {
    /// From random bytes that the caller made.
    pub fn from_random(bytes: [u8; 20]) -> Self {
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("_{}", digits.concat()))
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request to sign somebody in.
#[derive(Clone, Debug)]
pub struct AuthnRequest<'a> {
    /// Its `ID`.
    pub id: &'a RequestId,
    /// Now.
    pub issue_instant: Timestamp,
    /// The identity provider's URL for the binding that is used.
    pub destination: &'a str,
    /// Our entity id.
    pub issuer: &'a str,
    /// Where the response shall go; registered in our metadata.
    pub acs_url: &'a str,
    /// Our name, for the provider's page.
    pub provider_name: Option<&'a str>,
    /// Sign in afresh, whatever session there is.
    pub force_authn: bool,
    /// The format of name identifier to ask for. Left out, the provider sends what is configured
    /// there, which is what works with most (SAML implementation profile IIP-SP03).
    pub name_id_format: Option<&'a str>,
    /// Accepted authentication context classes, compared exactly; empty asks for none.
    pub authn_contexts: &'a [&'a str],
}

/// Fields of an HTML form that posts a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PostForm {
    /// Where the form goes.
    pub action: String,
    /// The field `SAMLRequest`.
    pub saml_request: String,
    /// The field `RelayState`.
    pub relay_state: Option<String>,
}

/// Why a request could not be built or read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// samael could not write it.
    #[error("the request could not be written")]
    Write,
    /// It could not be signed.
    #[error("the request could not be signed: {0}")]
    Sign(#[from] SignError),
    /// `RelayState` over [`MAX_RELAY_STATE`] bytes.
    #[error("RelayState is longer than {MAX_RELAY_STATE} bytes")]
    RelayState,
    /// What was received is not base64 of deflated bytes, or too many.
    #[error("SAMLRequest is not deflated base64 of at most {MAX_INFLATED} bytes")]
    Encoding,
}

impl From<CryptoError> for RequestError {
    fn from(fault: CryptoError) -> Self {
        Self::Sign(fault.into())
    }
}

impl AuthnRequest<'_> {
    /// The message, not signed.
    pub fn xml(&self) -> Result<String, RequestError> {
        let instant = chrono::DateTime::from_timestamp(self.issue_instant.as_second(), 0);
        let contexts = self
            .authn_contexts
            .iter()
            .map(|&value| AuthnContextClassRef { value: Some(escaped(value)) });
        let contexts: Vec<_> = contexts.collect();
        let message = samael::schema::AuthnRequest {
            id: self.id.as_str().to_owned(),
            version: "2.0".to_owned(),
            issue_instant: instant.ok_or(RequestError::Write)?,
            destination: Some(self.destination.to_owned()),
            issuer: Some(Issuer { value: Some(escaped(self.issuer)), ..Issuer::default() }),
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

    /// The URL to send the browser to. With a key, the query is signed (bindings §3.4.4.1).
    pub fn redirect_url(
        &self,
        relay_state: Option<&str>,
        key: Option<&SigningKey>,
    ) -> Result<String, RequestError> {
        check_relay_state(relay_state)?;
        redirect::url(self.destination, &self.xml()?, relay_state, key)
    }

    /// The fields of the form. With a key and its certificate, the message itself is signed.
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
            saml_request: base64_of(xml.as_bytes()),
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
