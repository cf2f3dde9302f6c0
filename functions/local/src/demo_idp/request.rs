//! Reads an `AuthnRequest` (SAML core §3.4.1) that arrives by the HTTP-Redirect binding.

use saml::authn_request::{RequestError, decode_redirect};
use saml::names::{ASSERTION, PROTOCOL};
use saml::xml::{StrictDocument, XmlError, required_child, text_of};

/// The fields of an `AuthnRequest` that the response needs.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct SignInRequest {
    pub(super) id: String,
    pub(super) issuer: String,
    pub(super) acs_url: String,
    pub(super) relay_state: Option<String>,
}

impl SignInRequest {
    /// Reads the request from a query string.
    ///
    /// # Errors
    ///
    /// [`SignInRequestError::OtherServiceProvider`] if the request is not from the Gatehouse at
    /// `base_url`.
    pub(super) fn read(query: &str, base_url: &str) -> Result<Self, SignInRequestError> {
        let parameter = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        let message = parameter("SAMLRequest").ok_or(SignInRequestError::Missing)?;
        let message = decode_redirect(&message)?;
        let tree = StrictDocument::parse(&message)?;
        let root = tree.root_of(PROTOCOL, "AuthnRequest")?;
        let attribute = |name| {
            root.attribute(name)
                .map(str::to_owned)
                .ok_or(SignInRequestError::MissingAttribute(name))
        };
        let request = Self {
            id: attribute("ID")?,
            issuer: text_of(required_child(root, ASSERTION, "Issuer")?)?,
            acs_url: attribute("AssertionConsumerServiceURL")?,
            relay_state: parameter("RelayState"),
        };
        let ours = [(&request.issuer, "/saml/metadata/"), (&request.acs_url, "/saml/sso/")];
        let is_ours = |(url, path): (&String, &str)| {
            url.strip_prefix(base_url).is_some_and(|rest| rest.starts_with(path))
        };
        if ours.into_iter().all(is_ours) {
            Ok(request)
        } else {
            Err(SignInRequestError::OtherServiceProvider)
        }
    }
}

/// A request that is refused. The text is shown to the user.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignInRequestError {
    #[error("The address has no SAMLRequest. Start the sign-in at the app.")]
    Missing,
    #[error("The SAMLRequest has no {0}.")]
    MissingAttribute(&'static str),
    #[error("The demo identity provider serves only the Gatehouse that it runs in.")]
    OtherServiceProvider,
    #[error("The SAMLRequest cannot be decoded: {0}.")]
    Encoding(#[from] RequestError),
    #[error("The SAMLRequest cannot be read: {0}.")]
    Xml(#[from] XmlError),
}
