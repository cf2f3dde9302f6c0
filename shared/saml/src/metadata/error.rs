//! Defects of metadata: those that prevent its use, and those that do not.

use jiff::Timestamp;

use crate::crypto::KeyError;
use crate::names::DSIG;
use crate::signature::SignatureError;
use crate::xml::XmlError;

/// An entity of a federation that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SkippedEntity {
    /// Entity id.
    pub entity_id: String,
    /// The reason.
    pub error: MetadataError,
}

/// A defect that does not prevent use.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MetadataWarning {
    /// A certificate has expired. Its key is trusted nevertheless (IIP-MD12).
    #[error("certificate {0} has expired; it is still trusted")]
    CertificateExpired(String),
    /// One of several keys is unusable.
    #[error("one signing key is not trusted: {0}")]
    KeyIgnored(KeyError),
    /// `validUntil` is in the past.
    #[error("the document was valid until {0}")]
    Outdated(Timestamp),
    /// One of several URLs is not https.
    #[error("the sign-in URL {0} is not https and not used")]
    EndpointIgnored(String),
    /// A scope is a pattern or no DNS name.
    #[error("the scope {0} is not a plain domain name and not used")]
    ScopeIgnored(String),
}

/// Metadata that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MetadataError {
    /// The document does not pass the gate.
    #[error("the file is not acceptable XML: {0}")]
    Xml(#[from] XmlError),
    /// Its text is in another encoding, by what the file declares, or in none.
    #[error(
        "the file is not {}; save it as UTF-8",
        .0.as_deref().map_or_else(
            || "UTF-8 and declares no other encoding".to_owned(),
            |declared| format!("readable as {declared}, which it declares"),
        )
    )]
    Encoding(Option<String>),
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is an HTML page.
    #[error(
        "this is an HTML page, not metadata: perhaps the address leads to a sign-in page, or to a \
         page about the metadata"
    )]
    Html,
    /// It is JSON.
    #[error("this is JSON, not metadata: SAML metadata is XML")]
    Json,
    /// It is a certificate or a key.
    #[error("this is a certificate or a key, not metadata: download the federation metadata")]
    Pem,
    /// It is other text.
    #[error("this is not XML: metadata starts with <EntityDescriptor")]
    NotXml,
    /// The root is not that of metadata.
    #[error("the root is {0}; metadata starts with EntityDescriptor or EntitiesDescriptor")]
    Root(String),
    /// `entityID` is missing or invalid.
    #[error("there is no usable entityID")]
    EntityId,
    /// The document is Entra's, for no particular tenant.
    #[error("the entityID contains {{tenant}}: download the metadata of your own tenant")]
    TenantPlaceholder,
    /// The document is our own metadata.
    #[error("this file describes our app, not your identity provider: you uploaded our metadata")]
    Ours,
    /// There is no `IDPSSODescriptor` of SAML 2.0.
    #[error("the file describes no SAML 2.0 identity provider")]
    NoProvider,
    /// The document is that of an app.
    #[error("the file describes a service provider, that is an app, and no identity provider")]
    ServiceProvider,
    /// The identity provider speaks other protocols only.
    #[error(
        "the file describes a provider of {0} only: turn SAML 2.0 on there, or download its SAML 2.0 \
         metadata"
    )]
    OtherProtocol(&'static str),
    /// There are several identity providers, and none is usable.
    #[error("no identity provider of the file can be used: {}", reasons(.0))]
    NoneUsable(Vec<SkippedEntity>),
    /// There is no signing key. Accepting such metadata would let anybody sign in.
    #[error("there is no signing certificate")]
    NoSigningKey,
    /// The signing certificate is in a namespace other than that of XML Signature.
    #[error("KeyInfo is in the namespace {0}; that of XML Signature is {DSIG}")]
    KeyInfoNamespace(String),
    /// There are signing keys, but none is usable.
    #[error("no signing certificate can be trusted: {0}")]
    Key(KeyError),
    /// There are more than the permitted signing keys: each costs time for every response, forged
    /// or not.
    #[error("there are more than {MAX_KEYS} signing certificates; remove the oldest")]
    TooManyKeys,
    /// There is no sign-in URL for a supported binding.
    #[error("there is no sign-in URL for the HTTP-Redirect or HTTP-POST binding")]
    NoEndpoint,
    /// Every sign-in URL is insecure or invalid.
    #[error("the sign-in URL {0} is not an https URL")]
    InsecureEndpoint(String),
    /// A key is pinned, but the document is not signed.
    #[error("the file is not signed, and a key is pinned for it")]
    NotSigned,
    /// A key is pinned, but the signed document is no longer valid. A signature alone does not show
    /// that a document is recent: an old one could bring back a key that was given up.
    #[error("the file was valid until {0}, and a key is pinned for it; get the current one")]
    Expired(Timestamp),
    /// A key is pinned, but the end of the signed document's validity cannot be read.
    #[error("the validUntil of the file is not an instant in UTC, and a key is pinned for it")]
    Validity,
    /// A key is pinned, but the signature does not verify with it.
    #[error("the file's signature does not verify with the pinned key: {0}")]
    Signature(SignatureError),
}

impl MetadataError {
    /// Whether the entity is an identity provider of SAML 2.0 all the same.
    pub(super) const fn is_of_provider(&self) -> bool {
        !matches!(
            self,
            Self::ServiceProvider | Self::NoProvider | Self::OtherProtocol(_) | Self::Ours
        )
    }
}

fn reasons(skipped: &[SkippedEntity]) -> String {
    let shown = skipped.iter().take(MAX_REASONS);
    let mut reasons: Vec<String> =
        shown.map(|entity| format!("{}: {}", entity.entity_id, entity.error)).collect();
    let rest = skipped.len().saturating_sub(MAX_REASONS);
    if rest > 0 {
        reasons.push(format!("and {rest} more"));
    }
    reasons.join("; ")
}

/// Most signing keys of one provider. Trying all takes half of the 50 ms that a response may cost
/// at most; providers have two or three.
pub(super) const MAX_KEYS: usize = 32;

/// Unusable providers that an error names.
const MAX_REASONS: usize = 25;
