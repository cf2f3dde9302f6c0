//! A connection: one tenant's SAML trust and its settings, named by a domain of the tenant. Pure
//! data in the form in which the table stores it; the store calls are in `shared::store`.

mod position;
mod refresh;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::authn_context::AuthnContextClass;
use crate::crypto::{Certificate, VerifyingKey};
use crate::error::ConnectionError;
use crate::metadata::{Binding, IdpMetadata, Metadata};
use crate::response::SignedPart;
use crate::time::ClockSkew;
use types::domain::Domain;
use types::ids::TenantId;

pub use position::{InvalidPosition, Position};
pub use refresh::RefreshError;

/// Most characters of the name of an attribute.
pub const MAX_ATTRIBUTE_NAME: usize = 256;

/// Most authentication context classes that a connection accepts.
pub const MAX_AUTHN_CONTEXTS: usize = 16;

/// A connection, as stored.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Connection {
    /// The tenant.
    pub tenant: TenantId,
    /// The name, unique among all tenants.
    pub domain: Domain,
    /// The domains that it may speak for, as the operator listed them. None: the one that it is
    /// named after. Only those that the tenant has verified count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domains: Option<Vec<Domain>>,
    /// Domains of members of a federation, by entity id, in place of the scopes in their metadata.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub member_domains: BTreeMap<String, Vec<Domain>>,
    /// The settings that the operator chose.
    pub settings: Settings,
    /// The trusted identity providers; `None` until there is metadata.
    pub trust: Option<Trust>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub changed_at: Timestamp,
    /// Fields of a newer version of Gatehouse, preserved.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// The settings of a connection. A stored row that lacks a setting has its default.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the settings are independent")]
pub struct Settings {
    /// Sign-in is allowed.
    pub enabled: bool,
    /// An unknown person becomes a user at the first sign-in.
    pub jit: bool,
    /// Responses without a request are accepted.
    pub allow_idp_initiated: bool,
    /// Requests are signed even if the provider does not ask for it.
    pub sign_requests: bool,
    /// Binding of requests, if the provider supports both.
    pub request_binding: RequestBinding,
    /// Accepted difference to the provider's clock, 60 to 300 seconds.
    pub clock_skew_seconds: u16,
    /// The part of a response that must be signed.
    pub require_signed: SignedPart,
    /// Accepted authentication context classes, also requested of the provider; empty accepts any.
    pub authn_contexts: Vec<AuthnContextClass>,
    /// The authentication context classes that an app asks for (`acr_values`) are requested of the
    /// provider.
    pub forward_acr_values: bool,
    /// A sign-in without an e-mail address is refused.
    pub require_email: bool,
    /// The attribute that holds the groups of a person; `None` for those that usually do.
    pub group_attribute: Option<String>,
    /// Records of sign-ins keep the claims about the person.
    pub keep_claims: bool,
    /// Client id of the app that a sign-in opens which no app began. Without one, or if it is gone,
    /// the person chooses among several apps.
    pub default_app: Option<String>,
    /// Settings of a newer version, preserved.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            jit: false,
            allow_idp_initiated: false,
            sign_requests: false,
            request_binding: RequestBinding::Redirect,
            clock_skew_seconds: ClockSkew::default().seconds(),
            require_signed: SignedPart::Either,
            authn_contexts: Vec::new(),
            forward_acr_values: false,
            require_email: false,
            group_attribute: None,
            keep_claims: false,
            default_app: None,
            unknown: Map::new(),
        }
    }
}

/// Binding of a request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestBinding {
    /// HTTP-Redirect.
    Redirect,
    /// HTTP-POST.
    Post,
}

impl From<Binding> for RequestBinding {
    fn from(binding: Binding) -> Self {
        match binding {
            Binding::Redirect => Self::Redirect,
            Binding::Post => Self::Post,
        }
    }
}

/// The trusted identity providers of a connection.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Trust {
    /// Whether the metadata had several providers: our requests name the ACS with index 1, and the
    /// issuer of a response selects the provider.
    pub federation: bool,
    /// The providers; exactly one without a federation.
    pub providers: Vec<Provider>,
    /// Entity ids of unusable members of a federation, each with the reason.
    pub skipped: Vec<(String, String)>,
    /// URL from which the metadata is refreshed.
    pub metadata_url: Option<String>,
    /// Key, in PEM, that must have signed the metadata.
    pub pinned_key_pem: Option<String>,
    /// Time of the last reading of the metadata.
    pub read_at: Timestamp,
    /// Fields of a newer version, preserved.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// A trusted identity provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Provider {
    /// Entity id.
    pub entity_id: String,
    /// Sign-in URLs.
    pub endpoints: Vec<Endpoint>,
    /// Signing certificates, DER in base64. A provider without certificates has bare keys here, each a
    /// `SubjectPublicKeyInfo`.
    pub certificates: Vec<String>,
    /// Whether the provider asks for signed requests.
    pub wants_signed_requests: bool,
    /// `validUntil` of the metadata.
    pub valid_until: Option<Timestamp>,
    /// Warnings for administrators.
    pub warnings: Vec<String>,
    /// The domains that its metadata says it speaks for (`shibmd:Scope`); only plain names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Domain>,
}

/// A sign-in URL of a provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Endpoint {
    /// Binding.
    pub binding: RequestBinding,
    /// URL.
    pub url: String,
}

impl Connection {
    /// Returns the trust of a connection that is ready for sign-in.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::NotConfigured`] without metadata, and [`ConnectionError::Disabled`].
    pub fn active_trust(&self) -> Result<&Trust, ConnectionError> {
        let trust = self.trust.as_ref().ok_or(ConnectionError::NotConfigured)?;
        if self.settings.enabled { Ok(trust) } else { Err(ConnectionError::Disabled) }
    }

    /// Whether people can sign in by the connection, and what it waits for otherwise.
    pub fn status(&self) -> Status {
        match self.active_trust() {
            Ok(_) => Status::Ready,
            Err(ConnectionError::Disabled) => Status::Disabled,
            Err(ConnectionError::NotConfigured | ConnectionError::Unknown) => {
                Status::WaitingForMetadata
            }
        }
    }

    /// URIs of the accepted authentication context classes; empty accepts any.
    pub fn authn_contexts(&self) -> Vec<&str> {
        self.settings.authn_contexts.iter().map(AuthnContextClass::as_str).collect()
    }

    /// URIs of the authentication context classes to request of the provider: those that the app
    /// asks for, if the operator allows it, as far as the connection accepts them; else those that
    /// the connection accepts.
    pub fn requested_contexts<'a>(&'a self, acr_values: &'a [String]) -> Vec<&'a str> {
        let accepted = self.authn_contexts();
        let is_usable = |value: &&str| {
            value.parse::<AuthnContextClass>().is_ok()
                && (accepted.is_empty() || accepted.contains(value))
        };
        let asked = acr_values.iter().filter(|_| self.settings.forward_acr_values);
        let asked: Vec<&str> = asked.map(String::as_str).filter(is_usable).collect();
        if asked.is_empty() { accepted } else { asked }
    }

    /// The domains that it may speak for once the tenant has verified them.
    pub fn listed_domains(&self) -> Vec<&Domain> {
        match &self.domains {
            Some(domains) => domains.iter().collect(),
            None => vec![&self.domain],
        }
    }

    /// Whether this issuer may speak for a part of the connection's domains only: it is one of
    /// several, or `member_domains` names it.
    pub fn is_restricted(&self, issuer: &str) -> bool {
        self.trust.as_ref().is_some_and(|trust| trust.federation)
            || self.member_domains.contains_key(issuer)
    }

    /// Those of `verified` that this issuer may speak for: all of them, unless it
    /// [is restricted](Self::is_restricted).
    pub fn domains_of_issuer(&self, issuer: &str, verified: &[Domain]) -> Vec<Domain> {
        if !self.is_restricted(issuer) {
            return verified.to_vec();
        }
        let provider = || self.trust.as_ref().and_then(|trust| trust.provider(issuer));
        let scopes = || provider().map_or(&[][..], |provider| &provider.scopes);
        let own = self.member_domains.get(issuer).map_or_else(scopes, Vec::as_slice);
        verified.iter().filter(|domain| own.contains(domain)).cloned().collect()
    }

    /// The allowed difference of the clocks. What is out of range was refused when it was set.
    pub fn clock_skew(&self) -> ClockSkew {
        ClockSkew::from_seconds(self.settings.clock_skew_seconds).unwrap_or_default()
    }
}

/// Whether people can sign in by a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The metadata of the identity provider is missing.
    WaitingForMetadata,
    /// The operator has switched it off.
    Disabled,
    /// They can.
    Ready,
}

impl Trust {
    /// Creates the trust that a metadata document describes.
    pub fn new(
        metadata: Metadata,
        metadata_url: Option<String>,
        pinned_key_pem: Option<String>,
        now: Timestamp,
    ) -> Self {
        let skipped = metadata.skipped.into_iter();
        Self {
            federation: metadata.federation,
            providers: metadata.providers.into_iter().map(Provider::from).collect(),
            skipped: skipped.map(|entity| (entity.entity_id, entity.error.to_string())).collect(),
            metadata_url,
            pinned_key_pem,
            read_at: now,
            unknown: Map::new(),
        }
    }

    /// Returns the provider with this entity id, compared exactly (SAML core §1.3.2).
    pub fn provider(&self, entity_id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.entity_id == entity_id)
    }
}

impl Provider {
    /// Returns the endpoint for `binding`, or else for the other one.
    pub fn endpoint(&self, binding: RequestBinding) -> Option<&Endpoint> {
        let matching = self.endpoints.iter().find(|endpoint| endpoint.binding == binding);
        matching.or_else(|| self.endpoints.first())
    }

    /// Returns the parsed certificates and bare keys. An unreadable one is left out and verifies
    /// nothing.
    pub fn certificates(&self) -> impl Iterator<Item = Certificate> {
        let der = self.certificates.iter().filter_map(|text| BASE64_STANDARD.decode(text).ok());
        der.filter_map(|der| Certificate::from_certificate_or_key(&der).ok())
    }

    /// Returns the keys that verify signatures of the provider.
    pub fn keys(&self) -> Vec<VerifyingKey> {
        self.certificates().map(|certificate| certificate.key).collect()
    }
}

impl From<IdpMetadata> for Provider {
    fn from(metadata: IdpMetadata) -> Self {
        let endpoints = metadata.sso.into_iter();
        let certificates = metadata.certificates.iter();
        Self {
            entity_id: metadata.entity_id,
            endpoints: endpoints
                .map(|sso| Endpoint { binding: sso.binding.into(), url: sso.url })
                .collect(),
            certificates: certificates.map(|known| BASE64_STANDARD.encode(&known.der)).collect(),
            wants_signed_requests: metadata.wants_signed_requests,
            valid_until: metadata.valid_until,
            warnings: metadata.warnings.iter().map(ToString::to_string).collect(),
            scopes: metadata.scopes,
        }
    }
}
