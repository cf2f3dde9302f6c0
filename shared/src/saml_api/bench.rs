//! What a response at a connection is judged by.

use jiff::Timestamp;

use super::urls::SpUrls;
use crate::secrets::saml_keys::{SamlKeysError, SpKeys};
use saml::connection::{Connection, Provider, Trust};
use saml::error::SamlError;
use saml::names::ASSERTION;
use saml::response::{Expectations, Verdict, verify};
use saml::xml::{MESSAGE, Strict, clipped, named, text};

/// A connection that is set up and on, with our side of it.
pub(super) struct Bench<'a> {
    pub(super) connection: &'a Connection,
    /// Whom it trusts.
    pub(super) trust: &'a Trust,
    pub(super) urls: SpUrls,
    /// Ours.
    pub(super) keys: &'a SpKeys,
}

impl Bench<'_> {
    /// Whose keys must have signed: the one provider, or the member of a federation that the
    /// response says to come from.
    pub(super) fn provider(&self, response: &[u8]) -> Result<&Provider, SamlError> {
        match self.trust.providers.as_slice() {
            [provider] if !self.trust.federation => Ok(provider),
            providers => member(providers, response),
        }
    }

    /// Checks 1 to 16 and 18 to 21.
    ///
    /// # Errors
    ///
    /// When nothing could be decrypted and one of our keys is why, or might be.
    pub(super) fn verify(
        &self,
        provider: &Provider,
        response: &[u8],
        open_requests: &[&str],
        now: Timestamp,
    ) -> Result<Verdict, SamlKeysError> {
        let SpUrls { entity_id, acs_url, federated_acs_url, .. } = &self.urls;
        let expect = Expectations {
            idp_entity_id: &provider.entity_id,
            idp_keys: &provider.keys(),
            sp_entity_id: entity_id,
            acs_url: if self.trust.federation { federated_acs_url } else { acs_url },
            decryption_keys: &self.keys.decryption,
            open_requests,
            allow_idp_initiated: self.connection.settings.allow_idp_initiated,
            clock_skew: self.connection.clock_skew(),
            signed: self.connection.settings.require_signed,
            authn_contexts: &self.connection.authn_contexts(),
            require_email: self.connection.settings.require_email,
        };
        let verdict = verify(response, &expect, now);
        if matches!(verdict.result, Err(SamlError::Decryption(_))) {
            self.keys.check_decryption()?;
        }
        Ok(verdict)
    }
}

/// The member of a federation that the response says to come from. It is taken at its word only
/// as to whose keys must have signed.
fn member<'a>(providers: &'a [Provider], response: &[u8]) -> Result<&'a Provider, SamlError> {
    let document = Strict::parse_within(response, MESSAGE)?;
    let issuer = named(document.root(), ASSERTION, "Issuer").next();
    let issuer = issuer.map(text).transpose()?.unwrap_or_default();
    providers.iter().find(|provider| provider.entity_id == issuer.trim()).ok_or_else(|| {
        let expected = "a member of the federation".to_owned();
        SamlError::Issuer { expected, received: clipped(&issuer, 256) }
    })
}
