//! Reads the metadata of an identity provider, or of a federation of them.

use jiff::Timestamp;
use roxmltree::Node;

use crate::crypto::{Certificate, KeyError, VerifyingKey};
use crate::names::{DSIG, HTTP_POST, HTTP_REDIRECT, METADATA, PROTOCOL};
use crate::signature::{SignatureError, SignedText, verify_enveloped};
use crate::time::parse_instant;
use crate::xml::{Bounds, Strict, XmlError, at_most_one, base64, clipped, described, is, named};

/// Bounds of a metadata document. Federations are large, and people comment them.
const BOUNDS: Bounds = Bounds { bytes: 1024 * 1024, nodes: 100_000, comments: true };

/// Most signing keys of one provider. To try them all takes half of the 50 ms that a response may
/// cost at the worst; providers have two or three.
const MAX_KEYS: usize = 32;

/// What decides how metadata is read.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions<'a> {
    /// Our own entity id: a document about ourselves is the usual mistake.
    pub our_entity_id: &'a str,
    /// The key that must have signed the document, if the administrator pinned one.
    pub pinned_key: Option<&'a VerifyingKey>,
    /// Accept `http:` URLs of this machine, for development.
    pub allow_loopback_http: bool,
    /// Now, for warnings about what has expired.
    pub now: Timestamp,
}

/// What a document holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metadata {
    /// The usable identity providers; at least one.
    pub providers: Vec<IdpMetadata>,
    /// Those that cannot be used.
    pub skipped: Vec<Skipped>,
    /// Whether the root is an `EntitiesDescriptor`.
    pub federation: bool,
    /// Whether the pinned key signed it.
    pub signed: bool,
}

/// An entity of a federation that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// Its entity id.
    pub entity_id: String,
    /// Why.
    pub fault: MetadataError,
}

/// An identity provider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdpMetadata {
    /// Its entity id.
    pub entity_id: String,
    /// Where requests go; the redirect binding first.
    pub sso: Vec<SsoEndpoint>,
    /// Every usable signing certificate. All are trusted (SAML implementation profile IIP-MD07).
    pub certificates: Vec<MetadataCertificate>,
    /// Whether it wants requests to be signed.
    pub wants_signed_requests: bool,
    /// Name identifier formats that it offers.
    pub name_id_formats: Vec<String>,
    /// Until when the document says to be valid.
    pub valid_until: Option<Timestamp>,
    /// What an administrator should know.
    pub warnings: Vec<MetadataWarning>,
}

/// A signing certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MetadataCertificate {
    /// The certificate in DER, to be stored.
    pub der: Vec<u8>,
    /// What it says.
    pub certificate: Certificate,
}

/// A single sign-on service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SsoEndpoint {
    /// How requests are sent there.
    pub binding: Binding,
    /// Its URL.
    pub url: String,
}

/// A binding that we send requests by.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Binding {
    /// HTTP-Redirect.
    Redirect,
    /// HTTP-POST.
    Post,
}

/// Let through, and to be shown.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MetadataWarning {
    /// A certificate is past its end. Its key still counts (IIP-MD12).
    #[error("certificate {0} has expired; it is still trusted")]
    CertificateExpired(String),
    /// One of several keys cannot be used.
    #[error("one signing key is not trusted: {0}")]
    KeyIgnored(KeyError),
    /// The document is past its `validUntil`.
    #[error("the document was valid until {0}")]
    Outdated(Timestamp),
    /// A URL is not https; another one is.
    #[error("the sign-in URL {0} is not https and not used")]
    EndpointIgnored(String),
}

/// Why metadata cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MetadataError {
    /// Not XML that passes the gate.
    #[error("the file is not acceptable XML: {0}")]
    Xml(#[from] XmlError),
    /// Another document.
    #[error("the root is {0}; metadata starts with EntityDescriptor or EntitiesDescriptor")]
    Root(String),
    /// No `entityID`, or one that cannot be one.
    #[error("there is no usable entityID")]
    EntityId,
    /// Entra's document for no tenant in particular.
    #[error("the entityID holds {{tenant}}: download the metadata of your own tenant")]
    TenantPlaceholder,
    /// Our own metadata.
    #[error("this file describes our app, not your identity provider: you uploaded our metadata")]
    Ours,
    /// Only other roles.
    #[error("the file describes no SAML 2.0 identity provider")]
    NoProvider,
    /// No key to verify signatures with. Without one, everybody could sign in.
    #[error("there is no signing certificate")]
    NoSigningKey,
    /// Keys, but none that can be trusted.
    #[error("no signing certificate can be trusted: {0}")]
    Key(KeyError),
    /// More keys than are tried: each costs time for every response, whoever sent it.
    #[error("there are more than {MAX_KEYS} signing certificates; leave the oldest out")]
    TooManyKeys,
    /// Nowhere to send requests to.
    #[error("there is no sign-in URL for the HTTP-Redirect or HTTP-POST binding")]
    NoEndpoint,
    /// Only URLs that can be listened to, or that are none.
    #[error("the sign-in URL {0} is not an https URL")]
    InsecureEndpoint(String),
    /// A key is pinned, and the document is not signed.
    #[error("the file is not signed, and a key is pinned for it")]
    NotSigned,
    /// A key is pinned, and it did not sign the document.
    #[error("the file's signature does not hold with the pinned key: {0}")]
    Signature(SignatureError),
}

/// Reads an `EntityDescriptor`, or an `EntitiesDescriptor` with any number of them.
pub fn read_idp_metadata(
    bytes: &[u8],
    options: &ReadOptions<'_>,
) -> Result<Metadata, MetadataError> {
    let document = Strict::parse_within(bytes, BOUNDS)?;
    let Some(key) = options.pinned_key else { return read_root(document.root(), options, false) };
    let signed = signed_by(document.root(), key)?;
    let fresh = Strict::parse_within(signed.as_str().as_bytes(), BOUNDS)?;
    read_root(fresh.root(), options, true)
}

fn signed_by(root: Node<'_, '_>, key: &VerifyingKey) -> Result<SignedText, MetadataError> {
    let signature = at_most_one(root, DSIG, "Signature")?.ok_or(MetadataError::NotSigned)?;
    verify_enveloped(root, signature, std::slice::from_ref(key)).map_err(MetadataError::Signature)
}

fn read_root(
    root: Node<'_, '_>,
    options: &ReadOptions<'_>,
    signed: bool,
) -> Result<Metadata, MetadataError> {
    if is(root, METADATA, "EntityDescriptor") {
        let provider = read_entity(root, options)?;
        let (providers, skipped) = (vec![provider], Vec::new());
        return Ok(Metadata { providers, skipped, federation: false, signed });
    }
    if !is(root, METADATA, "EntitiesDescriptor") {
        return Err(MetadataError::Root(described(root)));
    }
    let (mut providers, mut skipped) = (Vec::new(), Vec::new());
    for entity in root.descendants().filter(|node| is(*node, METADATA, "EntityDescriptor")) {
        match read_entity(entity, options) {
            Ok(provider) => providers.push(provider),
            Err(fault) => {
                let entity_id = clipped(entity.attribute("entityID").unwrap_or_default(), 256);
                skipped.push(Skipped { entity_id, fault });
            }
        }
    }
    if providers.is_empty() {
        // Of one entity the reason says more than "none".
        let only = skipped.pop().filter(|_| skipped.is_empty());
        return Err(only.map_or(MetadataError::NoProvider, |only| only.fault));
    }
    Ok(Metadata { providers, skipped, federation: true, signed })
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
    let role = named(entity, METADATA, "IDPSSODescriptor").find(saml2);
    let role = role.ok_or(MetadataError::NoProvider)?;
    let mut warnings = Vec::new();
    let certificates = signing_certificates(role, options.now, &mut warnings)?;
    let sso = endpoints(role, options, &mut warnings)?;
    let valid_until = [role, entity].into_iter().find_map(|node| node.attribute("validUntil"));
    let valid_until = valid_until.and_then(parse_instant);
    if let Some(end) = valid_until.filter(|end| *end <= options.now) {
        warnings.push(MetadataWarning::Outdated(end));
    }
    let formats = named(role, METADATA, "NameIDFormat").filter_map(|node| node.text());
    Ok(IdpMetadata {
        entity_id: entity_id.to_owned(),
        sso,
        certificates,
        wants_signed_requests: matches!(
            role.attribute("WantAuthnRequestsSigned"),
            Some("true" | "1")
        ),
        name_id_formats: formats.take(16).map(|format| clipped(format.trim(), 256)).collect(),
        valid_until,
        warnings,
    })
}

/// Every certificate for signing: `use="signing"`, or no `use`, which is both (SAML metadata
/// §2.4.1.1).
fn signing_certificates(
    role: Node<'_, '_>,
    now: Timestamp,
    warnings: &mut Vec<MetadataWarning>,
) -> Result<Vec<MetadataCertificate>, MetadataError> {
    let mut usable: Vec<MetadataCertificate> = Vec::new();
    let mut faults = Vec::new();
    let signing = named(role, METADATA, "KeyDescriptor")
        .filter(|key| matches!(key.attribute("use"), None | Some("signing")));
    let nodes = signing
        .flat_map(|key| named(key, DSIG, "KeyInfo"))
        .flat_map(|info| named(info, DSIG, "X509Data"))
        .flat_map(|data| named(data, DSIG, "X509Certificate"));
    for node in nodes {
        let der = base64(node).unwrap_or_default();
        match Certificate::from_der(&der) {
            Ok(certificate) if usable.iter().any(|known| known.certificate == certificate) => {}
            Ok(_) if usable.len() == MAX_KEYS => return Err(MetadataError::TooManyKeys),
            Ok(certificate) => usable.push(MetadataCertificate { der, certificate }),
            Err(fault) => faults.push(fault),
        }
    }
    if usable.is_empty() {
        return Err(faults.pop().map_or(MetadataError::NoSigningKey, MetadataError::Key));
    }
    let expired =
        |known: &&MetadataCertificate| known.certificate.not_after.is_some_and(|end| end < now);
    for known in usable.iter().filter(expired) {
        let fingerprint = known.certificate.key.fingerprint().to_owned();
        warnings.push(MetadataWarning::CertificateExpired(fingerprint));
    }
    warnings.extend(faults.into_iter().map(MetadataWarning::KeyIgnored));
    Ok(usable)
}

fn endpoints(
    role: Node<'_, '_>,
    options: &ReadOptions<'_>,
    warnings: &mut Vec<MetadataWarning>,
) -> Result<Vec<SsoEndpoint>, MetadataError> {
    let (mut usable, mut refused) = (Vec::new(), Vec::new());
    for service in named(role, METADATA, "SingleSignOnService") {
        let binding = match service.attribute("Binding") {
            Some(HTTP_REDIRECT) => Binding::Redirect,
            Some(HTTP_POST) => Binding::Post,
            _ => continue,
        };
        let url = service.attribute("Location").unwrap_or_default().trim();
        if is_acceptable(url, options.allow_loopback_http) {
            usable.push(SsoEndpoint { binding, url: url.to_owned() });
        } else {
            refused.push(clipped(url, 256));
        }
    }
    if usable.is_empty() {
        return Err(refused
            .pop()
            .map_or(MetadataError::NoEndpoint, MetadataError::InsecureEndpoint));
    }
    warnings.extend(refused.into_iter().map(MetadataWarning::EndpointIgnored));
    usable.sort_by_key(|endpoint| endpoint.binding);
    Ok(usable)
}

/// An absolute https URL that a browser can be sent to: no user information, no fragment, nothing
/// that would end a header or an attribute.
fn is_acceptable(url: &str, allow_loopback_http: bool) -> bool {
    let odd = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || !c.is_ascii()
            || matches!(c, '#' | '<' | '>' | '"' | '\\' | '\'')
    };
    if url.len() > 2048 || url.contains(odd) {
        return false;
    }
    let (rest, secure) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return false,
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let loopback = matches!(host, "localhost" | "127.0.0.1" | "::1");
    !host.is_empty() && !authority.contains('@') && (secure || (allow_loopback_http && loopback))
}
