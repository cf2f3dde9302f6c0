//! Identity providers as their metadata describes them, and the options of reading it.

use jiff::Timestamp;

use types::domain::Domain;

use super::error::{MetadataWarning, SkippedEntity};
use crate::crypto::{Certificate, VerifyingKey};

/// The options of reading metadata.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions<'a> {
    /// Our own entity id, to detect that our own metadata was uploaded, a common mistake.
    pub our_entity_id: &'a str,
    /// The key that must have signed the document, if one is pinned.
    pub pinned_key: Option<&'a VerifyingKey>,
    /// Whether `http:` URLs of this machine are accepted, for development.
    pub allow_loopback_http: bool,
    /// Current time, for warnings about expiry.
    pub now: Timestamp,
}

/// The content of a metadata document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metadata {
    /// The usable identity providers; at least one.
    pub providers: Vec<IdpMetadata>,
    /// The entities that cannot be used.
    pub skipped: Vec<SkippedEntity>,
    /// Whether the root is an `EntitiesDescriptor` with several identity providers.
    pub federation: bool,
    /// Whether the pinned key signed the document.
    pub signed: bool,
}

/// An identity provider as its metadata describes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdpMetadata {
    /// Entity id.
    pub entity_id: String,
    /// Sign-in URLs; the redirect binding first.
    pub sso: Vec<SsoEndpoint>,
    /// Every usable signing certificate; all are trusted (SAML implementation profile IIP-MD07).
    pub certificates: Vec<MetadataCertificate>,
    /// Whether requests must be signed (`WantAuthnRequestsSigned`).
    pub wants_signed_requests: bool,
    /// Supported name identifier formats.
    pub name_id_formats: Vec<String>,
    /// `validUntil` of the document.
    pub valid_until: Option<Timestamp>,
    /// Warnings for administrators.
    pub warnings: Vec<MetadataWarning>,
    /// The domains that it says it speaks for (`shibmd:Scope`).
    pub scopes: Vec<Domain>,
}

/// A signing certificate, or a bare key of a provider that publishes no certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MetadataCertificate {
    /// The certificate, or the `SubjectPublicKeyInfo` of a bare key, in DER.
    pub der: Vec<u8>,
    /// The parsed certificate; that of a bare key has no subject and no dates.
    pub certificate: Certificate,
}

/// A `SingleSignOnService`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SsoEndpoint {
    /// Binding of requests.
    pub binding: Binding,
    /// URL.
    pub url: String,
}

/// A binding for requests.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Binding {
    /// HTTP-Redirect.
    Redirect,
    /// HTTP-POST.
    Post,
}
