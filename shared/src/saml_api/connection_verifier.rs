//! Verifies a response with the trust and settings of one connection.
//!
//! The protocol rules are in [`saml::response`]. Here the connection's settings become its
//! expectations. The ACS and `explain` share this, so that both come to the same verdict.

use jiff::Timestamp;

use crate::http::base_url::BaseUrl;
use crate::secrets::saml_keys::{SamlKeysError, SpKeys};
use crate::sign_in::SpUrls;
use crate::store::ConnectionAuthority;
use saml::checks::CheckId;
use saml::connection::{Connection, Provider, Trust};
use saml::error::SamlError;
use saml::names::ASSERTION;
use saml::response::{Expectations, Verdict, verify};
use saml::xml::{
    MESSAGE, StrictDocument, children_named, collapsed_attribute, collapsed_text_of, truncate,
};
use types::domain::Domain;

/// One of the two assertion consumer services of a connection. Responses are accepted at either; the
/// issuer decides which provider has sent them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Acs {
    /// `/saml/sso/{name}` (index 0), which a request to a single provider names.
    Single,
    /// `/saml/sso/{name}/federated` (index 1), which a request to a member of a federation names.
    Federated,
}

/// The verifier of one connection that is set up and enabled.
pub(super) struct ConnectionVerifier<'a> {
    connection: &'a Connection,
    trust: &'a Trust,
    /// The domains of the connection that are verified.
    verified: &'a [Domain],
    urls: SpUrls,
    keys: &'a SpKeys,
}

impl<'a> ConnectionVerifier<'a> {
    /// Makes the verifier of a connection that trusts `trust`, with our keys. `authority`: what the
    /// connection may speak for.
    pub(super) fn new(
        connection: &'a Connection,
        trust: &'a Trust,
        authority: &'a ConnectionAuthority,
        base_url: &BaseUrl,
        keys: &'a SpKeys,
    ) -> Self {
        let urls = SpUrls::new(base_url, &connection.domain);
        Self { connection, trust, verified: &authority.domains, urls, keys }
    }

    /// Returns the provider that must have signed: the only one, or the member of a federation that
    /// the response names as its issuer.
    pub(super) fn provider(&self, response: &[u8]) -> Result<&'a Provider, SamlError> {
        match self.trust.providers.as_slice() {
            [provider] if !self.trust.federation => Ok(provider),
            providers => member(providers, response),
        }
    }

    /// Returns the ACS that a response says it is for; without a `Destination`, that of our requests.
    pub(super) fn acs_named_by(&self, response: &[u8]) -> Acs {
        let destination = attribute_of(response, "Destination");
        let is_federated = match destination {
            Some(url) => url == self.urls.federated_acs_url,
            None => self.trust.federation,
        };
        if is_federated { Acs::Federated } else { Acs::Single }
    }

    /// Verifies a decoded response that came to `acs`. Checks 1 to 16 and 18 to 21.
    ///
    /// # Errors
    ///
    /// [`SamlKeysError`] if nothing could be decrypted and one of our keys is, or may be, why.
    pub(super) fn verify(
        &self,
        provider: &Provider,
        acs: Acs,
        response: &[u8],
        open_requests: &[&str],
        now: Timestamp,
    ) -> Result<Verdict, SamlKeysError> {
        let SpUrls { entity_id, acs_url, federated_acs_url, .. } = &self.urls;
        let settings = &self.connection.settings;
        let expect = Expectations {
            idp_entity_id: &provider.entity_id,
            idp_keys: &provider.keys(),
            sp_entity_id: entity_id,
            acs_url: match acs {
                Acs::Single => acs_url,
                Acs::Federated => federated_acs_url,
            },
            decryption_keys: &self.keys.decryption,
            domains: &self.connection.domains_of_issuer(&provider.entity_id, self.verified),
            open_requests,
            allow_idp_initiated: settings.allow_idp_initiated,
            clock_skew: self.connection.clock_skew(),
            signed: settings.require_signed,
            authn_contexts: &self.connection.authn_contexts(),
            require_email: settings.require_email,
        };
        let mut verdict = verify(response, &expect, now);
        if matches!(verdict.result, Err(SamlError::Decryption(_))) {
            self.keys.check_decryption()?;
        }
        verdict.checks.pass(CheckId::Connection, "on", "on");
        Ok(verdict)
    }
}

/// Reads the request that a response says it answers. Nothing is verified yet.
pub(super) fn request_named_by(response: &[u8]) -> Option<String> {
    attribute_of(response, "InResponseTo")
}

fn attribute_of(response: &[u8], name: &str) -> Option<String> {
    let document = StrictDocument::parse_within(response, MESSAGE).ok()?;
    collapsed_attribute(document.root(), name)
}

/// Finds the member of a federation that the response names as its issuer. This unsigned name only
/// chooses the keys that must have signed.
fn member<'a>(providers: &'a [Provider], response: &[u8]) -> Result<&'a Provider, SamlError> {
    let document = StrictDocument::parse_within(response, MESSAGE)?;
    let issuer = children_named(document.root(), ASSERTION, "Issuer").next();
    let issuer = issuer.map(collapsed_text_of).transpose()?.unwrap_or_default();
    providers.iter().find(|provider| provider.entity_id == issuer).ok_or_else(|| {
        let expected = "a member of the federation".to_owned();
        SamlError::Issuer { expected, received: truncate(&issuer, 256) }
    })
}
