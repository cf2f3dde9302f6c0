//! Reads the metadata of an identity provider or of a federation.

use jiff::Timestamp;
use roxmltree::Node;

use types::domain::Domain;

use super::document;
use super::endpoint::endpoints;
use super::keys::{MAX_KEYS, signing_keys};
use crate::crypto::{Certificate, KeyError, VerifyingKey};
use crate::names::{DSIG, METADATA, PROTOCOL, SHIBMD};
use crate::signature::{SignatureError, SignedText, verify_enveloped};
use crate::time::parse_instant;
use crate::xml::{
    Bounds, StrictDocument, XmlError, children_named, has_name, optional_child, qualified_name,
    truncate,
};

/// Bounds of a metadata document. Federations are large, and hand-written files have comments.
const BOUNDS: Bounds = Bounds { bytes: 1024 * 1024, nodes: 100_000, comments: true };

/// Unusable providers that an error names.
const MAX_REASONS: usize = 5;

/// Most scopes of one provider.
const MAX_SCOPES: usize = 100;

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

/// An entity of a federation that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SkippedEntity {
    /// Entity id.
    pub entity_id: String,
    /// The reason.
    pub error: MetadataError,
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
    const fn is_of_provider(&self) -> bool {
        !matches!(
            self,
            Self::ServiceProvider | Self::NoProvider | Self::OtherProtocol(_) | Self::Ours
        )
    }
}

/// Reads an `EntityDescriptor`, or an `EntitiesDescriptor` with any number of them.
///
/// # Errors
///
/// A [`MetadataError`] when no provider of the document is usable.
pub fn read_idp_metadata(
    bytes: &[u8],
    options: &ReadOptions<'_>,
) -> Result<Metadata, MetadataError> {
    if bytes.len() > BOUNDS.bytes {
        return Err(XmlError::TooLarge(bytes.len()).into());
    }
    let text = document::decode(bytes)?;
    let document = StrictDocument::parse_within(document::content(&text)?.as_bytes(), BOUNDS)?;
    let Some(key) = options.pinned_key else { return read_root(document.root(), options, false) };
    let signed = verify_pinned(document.root(), key)?;
    let fresh = StrictDocument::parse_within(signed.as_str().as_bytes(), BOUNDS)?;
    read_root(fresh.root(), options, true)
}

fn verify_pinned(root: Node<'_, '_>, key: &VerifyingKey) -> Result<SignedText, MetadataError> {
    let signature = optional_child(root, DSIG, "Signature")?.ok_or(MetadataError::NotSigned)?;
    verify_enveloped(root, signature, std::slice::from_ref(key)).map_err(MetadataError::Signature)
}

fn read_root(
    root: Node<'_, '_>,
    options: &ReadOptions<'_>,
    signed: bool,
) -> Result<Metadata, MetadataError> {
    if has_name(root, METADATA, "EntityDescriptor") {
        let provider = read_entity(root, options)?;
        let (providers, skipped) = (vec![provider], Vec::new());
        return Ok(Metadata { providers, skipped, federation: false, signed });
    }
    if !has_name(root, METADATA, "EntitiesDescriptor") {
        let is_html = root.tag_name().name().eq_ignore_ascii_case("html");
        let other = || MetadataError::Root(qualified_name(root));
        return Err(if is_html { MetadataError::Html } else { other() });
    }
    // Once for all members: that the file is outdated says more than that it has no provider.
    read_valid_until(&[root], options, &mut Vec::new())?;
    let (mut providers, mut skipped) = (Vec::new(), Vec::new());
    for entity in root.descendants().filter(|node| has_name(*node, METADATA, "EntityDescriptor")) {
        match read_entity(entity, options) {
            Ok(provider) => providers.push(provider),
            Err(error) => {
                let entity_id = truncate(entity.attribute("entityID").unwrap_or_default(), 256);
                skipped.push(SkippedEntity { entity_id, error });
            }
        }
    }
    if providers.is_empty() {
        return Err(none_usable(skipped));
    }
    // A single provider in an aggregate is an ordinary one: Keycloak wraps its own so. One that
    // cannot be used counts, so that a federation stays one while a member has no usable key.
    let unusable = skipped.iter().filter(|entity| entity.error.is_of_provider()).count();
    let federation = providers.len().saturating_add(unusable) > 1;
    Ok(Metadata { providers, skipped, federation, signed })
}

/// The reason why no entity can be used. Those of apps say nothing if there is a provider.
fn none_usable(mut skipped: Vec<SkippedEntity>) -> MetadataError {
    let is_app = |entity: &SkippedEntity| entity.error == MetadataError::ServiceProvider;
    if !skipped.iter().all(is_app) {
        skipped.retain(|entity| !is_app(entity));
    }
    match skipped.as_slice() {
        [] => MetadataError::NoProvider,
        // Of one entity the reason says more than a list.
        [only] => only.error.clone(),
        several if several.iter().all(is_app) => MetadataError::ServiceProvider,
        _ => MetadataError::NoneUsable(skipped),
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

fn read_entity(
    entity: Node<'_, '_>,
    options: &ReadOptions<'_>,
) -> Result<IdpMetadata, MetadataError> {
    let entity_id = entity.attribute("entityID").unwrap_or_default();
    if entity_id.is_empty() || entity_id.len() > 1024 || entity_id.trim() != entity_id {
        return Err(MetadataError::EntityId);
    }
    if entity_id.contains("{tenant") {
        return Err(MetadataError::TenantPlaceholder);
    }
    if entity_id == options.our_entity_id {
        return Err(MetadataError::Ours);
    }
    let saml2 = |role: &Node<'_, '_>| {
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
    };
    let role = children_named(entity, METADATA, "IDPSSODescriptor").find(saml2);
    let role = role.ok_or_else(|| other_role(entity))?;
    let mut warnings = Vec::new();
    let certificates = signing_keys(role, options.now, &mut warnings)?;
    let sso = endpoints(role, options, &mut warnings)?;
    let around = entity.ancestors().filter(Node::is_element);
    let nodes: Vec<Node<'_, '_>> = std::iter::once(role).chain(around).collect();
    let valid_until = read_valid_until(&nodes, options, &mut warnings)?;
    let formats = children_named(role, METADATA, "NameIDFormat").filter_map(|node| node.text());
    Ok(IdpMetadata {
        entity_id: entity_id.to_owned(),
        sso,
        certificates,
        wants_signed_requests: is_true(role, "WantAuthnRequestsSigned"),
        name_id_formats: formats.take(16).map(|format| truncate(format.trim(), 256)).collect(),
        valid_until,
        scopes: scopes(entity, role, &mut warnings),
        warnings,
    })
}

/// The reason why an entity without an `IDPSSODescriptor` of SAML 2.0 cannot be used.
fn other_role(entity: Node<'_, '_>) -> MetadataError {
    let mut roles = entity.children().filter(|node| {
        ["RoleDescriptor", "IDPSSODescriptor"].iter().any(|name| has_name(*node, METADATA, name))
    });
    let protocols = |role: Node<'_, '_>| {
        role.attribute("protocolSupportEnumeration").unwrap_or_default().to_ascii_lowercase()
    };
    if children_named(entity, METADATA, "SPSSODescriptor").next().is_some() {
        MetadataError::ServiceProvider
    } else if roles.clone().any(|role| protocols(role).contains("wsfed")) {
        MetadataError::OtherProtocol("WS-Federation")
    } else if roles.any(|role| protocols(role).contains("saml:1.")) {
        MetadataError::OtherProtocol("SAML 1")
    } else {
        MetadataError::NoProvider
    }
}

/// Whether an attribute of type `xs:boolean` is true; white space around it says nothing.
fn is_true(node: Node<'_, '_>, name: &str) -> bool {
    matches!(node.attribute(name).map(str::trim), Some("true" | "1"))
}

/// Returns the earliest `validUntil` of elements that lie within each other (SAML metadata §2.3.1).
///
/// That it is past is a warning; of a document that is signed with a pinned key, an error.
fn read_valid_until(
    nodes: &[Node<'_, '_>],
    options: &ReadOptions<'_>,
    warnings: &mut Vec<MetadataWarning>,
) -> Result<Option<Timestamp>, MetadataError> {
    let is_pinned = options.pinned_key.is_some();
    let texts: Vec<&str> = nodes.iter().filter_map(|node| node.attribute("validUntil")).collect();
    let ends: Vec<Timestamp> = texts.iter().filter_map(|text| parse_instant(text.trim())).collect();
    if is_pinned && ends.len() < texts.len() {
        return Err(MetadataError::Validity);
    }
    let end = ends.into_iter().min();
    if let Some(end) = end.filter(|end| *end <= options.now) {
        if is_pinned {
            return Err(MetadataError::Expired(end));
        }
        warnings.push(MetadataWarning::Outdated(end));
    }
    Ok(end)
}

/// The domains that a provider says it speaks for (Shibboleth metadata profile, `shibmd:Scope`).
fn scopes(
    entity: Node<'_, '_>,
    role: Node<'_, '_>,
    warnings: &mut Vec<MetadataWarning>,
) -> Vec<Domain> {
    let extensions =
        [entity, role].into_iter().flat_map(|node| children_named(node, METADATA, "Extensions"));
    let mut scopes = Vec::new();
    for scope in extensions.flat_map(|node| children_named(node, SHIBMD, "Scope")).take(MAX_SCOPES)
    {
        let text = scope.text().unwrap_or_default().trim();
        let is_pattern = is_true(scope, "regexp");
        match text.parse() {
            Ok(domain) if !is_pattern => {
                if !scopes.contains(&domain) {
                    scopes.push(domain);
                }
            }
            Ok(_) | Err(_) => warnings.push(MetadataWarning::ScopeIgnored(truncate(text, 253))),
        }
    }
    scopes
}
