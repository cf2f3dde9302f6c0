//! Reads the metadata of an identity provider or of a federation.

use jiff::Timestamp;
use roxmltree::Node;

use types::domain::Domain;

use super::description::{IdpMetadata, Metadata, ReadOptions};
use super::document;
use super::endpoint::endpoints;
use super::error::{MetadataError, MetadataWarning, SkippedEntity};
use super::keys::signing_keys;
use crate::crypto::VerifyingKey;
use crate::names::{DSIG, METADATA, PROTOCOL, SHIBMD};
use crate::signature::{SignedText, verify_enveloped};
use crate::time::parse_instant;
use crate::xml::{
    Bounds, StrictDocument, XmlError, children_named, collapsed_attribute, has_name,
    optional_child, qualified_name, truncate,
};

/// Bounds of a metadata document. Federations are large, and hand-written files have comments.
const BOUNDS: Bounds = Bounds { bytes: 1024 * 1024, nodes: 100_000, comments: true };

/// Most scopes of one provider.
const MAX_SCOPES: usize = 100;

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
                let entity_id = truncate(&entity_id_of(entity), 256);
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

fn entity_id_of(entity: Node<'_, '_>) -> String {
    collapsed_attribute(entity, "entityID").unwrap_or_default()
}

fn read_entity(
    entity: Node<'_, '_>,
    options: &ReadOptions<'_>,
) -> Result<IdpMetadata, MetadataError> {
    let entity_id = entity_id_of(entity);
    if entity_id.is_empty() || entity_id.len() > 1024 {
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
        entity_id,
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
    if roles.clone().any(|role| protocols(role).contains("wsfed")) {
        MetadataError::OtherProtocol("WS-Federation")
    } else if children_named(entity, METADATA, "SPSSODescriptor").next().is_some() {
        MetadataError::ServiceProvider
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
