//! Reads an `AuthnRequest` (SAML core §3.4.1) from the HTTP-Redirect binding.

use saml::authn_request::{RequestError, decode_redirect};
use saml::names::{ASSERTION, PROTOCOL};
use saml::xml::{Strict, XmlError, exactly_one, text};

/// What a service provider asks for.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) issuer: String,
    pub(super) acs_url: String,
    pub(super) relay_state: Option<String>,
}

impl Request {
    /// Reads a query; refuses one that is not of the Gatehouse at `base_url`.
    pub(super) fn read(query: &str, base_url: &str) -> Result<Self, Fault> {
        let parameter = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        let message = parameter("SAMLRequest").ok_or(Fault::Missing)?;
        let message = decode_redirect(&message)?;
        let tree = Strict::parse(&message)?;
        let root = tree.root_of(PROTOCOL, "AuthnRequest")?;
        let attribute =
            |name| root.attribute(name).map(str::to_owned).ok_or(Fault::Incomplete(name));
        let request = Self {
            id: attribute("ID")?,
            issuer: text(exactly_one(root, ASSERTION, "Issuer")?)?,
            acs_url: attribute("AssertionConsumerServiceURL")?,
            relay_state: parameter("RelayState"),
        };
        let ours = [(&request.issuer, "/saml/metadata/"), (&request.acs_url, "/saml/sso/")];
        let is_ours = |(url, path): (&String, &str)| {
            url.strip_prefix(base_url).is_some_and(|rest| rest.starts_with(path))
        };
        if ours.into_iter().all(is_ours) { Ok(request) } else { Err(Fault::Stranger) }
    }
}

/// Why a request is not answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("Sign-in starts at the application: there is no SAMLRequest in this address.")]
    Missing,
    #[error("The SAMLRequest has no {0}.")]
    Incomplete(&'static str),
    #[error("The demo signs people in to its own Gatehouse only.")]
    Stranger,
    #[error("The SAMLRequest cannot be decoded: {0}.")]
    Encoding(#[from] RequestError),
    #[error("The SAMLRequest cannot be read: {0}.")]
    Xml(#[from] XmlError),
}
