//! Reads the sign-in URLs of an identity provider (SAML metadata §2.4.3).

use percent_encoding::{AsciiSet, utf8_percent_encode};
use roxmltree::Node;

use types::domain::Domain;

use super::description::{Binding, ReadOptions, SsoEndpoint};
use super::error::{MetadataError, MetadataWarning};
use crate::names::{HTTP_POST, HTTP_REDIRECT, METADATA};
use crate::xml::{children_named, collapsed_attribute, truncate};

/// Returns the usable URLs, the redirect binding first.
///
/// # Errors
///
/// [`MetadataError::NoEndpoint`] or [`MetadataError::InsecureEndpoint`] when there is none.
pub(super) fn endpoints(
    role: Node<'_, '_>,
    options: &ReadOptions<'_>,
    warnings: &mut Vec<MetadataWarning>,
) -> Result<Vec<SsoEndpoint>, MetadataError> {
    let (mut usable, mut refused) = (Vec::new(), Vec::new());
    for service in children_named(role, METADATA, "SingleSignOnService") {
        let binding = match collapsed_attribute(service, "Binding").as_deref() {
            Some(HTTP_REDIRECT) => Binding::Redirect,
            Some(HTTP_POST) => Binding::Post,
            _ => continue,
        };
        let location = collapsed_attribute(service, "Location").unwrap_or_default();
        let url = uri_of(&location).filter(|url| is_acceptable(url, options.allow_loopback_http));
        match url {
            Some(url) => usable.push(SsoEndpoint { binding, url }),
            None => refused.push(truncate(&location, 256)),
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

/// Converts an `xs:anyURI` to the URI that a browser asks for (RFC 3987 §3.1): the scheme in small
/// letters, the host as A-labels, spaces and other characters than ASCII percent-encoded.
fn uri_of(iri: &str) -> Option<String> {
    let (scheme, rest) = iri.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    // Leaves other ASCII as it is: an IRI has the characters of a URI besides its own.
    let path = utf8_percent_encode(path, SPACE);
    if authority.is_ascii() {
        return Some(format!("{scheme}://{authority}{path}"));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, format!(":{port}")),
        None => (authority, String::new()),
    };
    let host = Domain::from_unicode(host).ok()?;
    Some(format!("{scheme}://{host}{port}{path}"))
}

/// Reports whether a browser can be sent to `url`: absolute, https, without user information and
/// fragment, and without characters that would end a header or an attribute.
fn is_acceptable(url: &str, allow_loopback_http: bool) -> bool {
    let is_foreign = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || !c.is_ascii()
            || matches!(c, '#' | '<' | '>' | '"' | '\\' | '\'')
    };
    if url.len() > 2048 || url.contains(is_foreign) {
        return false;
    }
    let (rest, is_secure) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return false,
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_loopback = matches!(host, "localhost" | "127.0.0.1" | "::1");
    !host.is_empty()
        && !authority.contains('@')
        && (is_secure || (allow_loopback_http && is_loopback))
}

const SPACE: &AsciiSet = &AsciiSet::EMPTY.add(b' ');
