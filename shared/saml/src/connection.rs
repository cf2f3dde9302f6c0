//! A connection: one tenant's SAML trust, named by a domain of the tenant. Pure data.

mod position;
mod refresh;

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

/// Most authentication context classes that a connection accepts.
pub const MAX_AUTHN_CONTEXTS: usize = 16;

/// A connection as it is stored.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Connection {
    /// Whose.
    pub tenant: TenantId,
    /// Its name; no two tenants have the same.
    pub domain: Domain,
    /// What the operator chose.
    pub settings: Settings,
    /// The identity providers that are trusted; none until their metadata is there.
    pub trust: Option<Trust>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// What a newer version of Gatehouse has put here, kept as it is.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// What the operator chooses about a connection.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Settings {
    /// People may sign in.
    pub enabled: bool,
    /// Whoever is unknown becomes a user at the first sign-in.
    pub jit: bool,
    /// Responses without a request are taken.
    pub allow_idp_initiated: bool,
    /// Requests are signed even when the provider does not want it.
    pub sign_requests: bool,
    /// How requests are sent, where the provider takes both.
    pub request_binding: RequestBinding,
    /// How far the provider's clock may be off, 60 to 300.
    pub clock_skew_seconds: u16,
    /// The part of a response that must be signed.
    pub require_signed: SignedPart,
    /// Accepted authentication context classes, also requested of the provider; empty accepts any.
    pub authn_contexts: Vec<AuthnContextClass>,
    /// A sign-in without an e-mail address is refused.
    pub require_email: bool,
    /// The record of a sign-in keeps the names and values that the provider sent.
    pub keep_claims: bool,
    /// Settings of a newer version, kept as they are.
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
            require_email: false,
            keep_claims: false,
            unknown: Map::new(),
        }
    }
}

/// The binding of a request.
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

/// Whom a connection trusts.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Trust {
    /// The metadata was an `EntitiesDescriptor`: answers go to the ACS with index 1, and the
    /// issuer picks the provider.
    pub federation: bool,
    /// The providers; one, unless it is a federation.
    pub providers: Vec<Provider>,
    /// Members of a federation that cannot be used, and why.
    pub skipped: Vec<(String, String)>,
    /// Where the metadata is read again.
    pub metadata_url: Option<String>,
    /// The key, in PEM, that must have signed the metadata.
    pub pinned_key_pem: Option<String>,
    /// When the metadata was read last.
    pub read_at: Timestamp,
    /// What a newer version has put here, kept as it is.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// A trusted identity provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Provider {
    /// Its entity id.
    pub entity_id: String,
    /// Where requests go.
    pub endpoints: Vec<Endpoint>,
    /// Certificates that it may sign with, DER in base64.
    pub certificates: Vec<String>,
    /// It wants requests to be signed.
    pub wants_signed_requests: bool,
    /// Until when its metadata says to be valid.
    pub valid_until: Option<Timestamp>,
    /// What an administrator should know.
    pub warnings: Vec<String>,
}

/// Where a provider takes requests.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Endpoint {
    /// By which binding.
    pub binding: RequestBinding,
    /// The URL.
    pub url: String,
}

impl Connection {
    /// The trust, if people may sign in.
    ///
    /// # Errors
    ///
    /// [`ConnectionError`] says why they may not.
    pub fn ready(&self) -> Result<&Trust, ConnectionError> {
        let trust = self.trust.as_ref().ok_or(ConnectionError::NotConfigured)?;
        if self.settings.enabled { Ok(trust) } else { Err(ConnectionError::Disabled) }
    }

    /// URIs of the accepted authentication context classes; empty accepts any.
    pub fn authn_contexts(&self) -> Vec<&str> {
        self.settings.authn_contexts.iter().map(AuthnContextClass::as_str).collect()
    }

    /// The allowed difference of the clocks. What is out of range was refused when it was set.
    pub fn clock_skew(&self) -> ClockSkew {
        ClockSkew::from_seconds(self.settings.clock_skew_seconds).unwrap_or_default()
    }
}

impl Trust {
    /// What a metadata document says.
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
            skipped: skipped.map(|entity| (entity.entity_id, entity.fault.to_string())).collect(),
            metadata_url,
            pinned_key_pem,
            read_at: now,
            unknown: Map::new(),
        }
    }

    /// The provider with this entity id, compared exactly (SAML core §1.3.2).
    pub fn provider(&self, entity_id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.entity_id == entity_id)
    }
}

impl Provider {
    /// The endpoint for a binding, or else for the other one.
    pub fn endpoint(&self, wanted: RequestBinding) -> Option<&Endpoint> {
        let fits = self.endpoints.iter().find(|endpoint| endpoint.binding == wanted);
        fits.or_else(|| self.endpoints.first())
    }

    /// The certificates, read. One that cannot be read any more is left out: it then signs
    /// nothing.
    pub fn certificates(&self) -> impl Iterator<Item = Certificate> {
        let der = self.certificates.iter().filter_map(|text| BASE64_STANDARD.decode(text).ok());
        der.filter_map(|der| Certificate::from_der(&der).ok())
    }

    /// The keys that its signatures are verified with.
    pub fn keys(&self) -> Vec<VerifyingKey> {
        let der = self.certificates.iter().filter_map(|text| BASE64_STANDARD.decode(text).ok());
        der.filter_map(|der| VerifyingKey::from_certificate(&der).ok()).collect()
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
        }
    }
}
