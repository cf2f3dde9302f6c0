//! The URIs of an app that browsers are sent to.
//!
//! A URI is registered once and then compared byte for byte (RFC 9700 §4.1.3). There are no
//! prefixes or patterns, and no normalisation in which two programs could differ. Only the port of
//! a native app's server on the loopback interface may vary (RFC 8252 §7.3).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use percent_encoding::percent_decode;
use serde::{Deserialize, Serialize};

use super::private_use_uri::PrivateUseUri;
use super::uri_syntax::{InvalidUri, check_characters, check_path, host};

/// A URI that the response to an authorization request, or a browser after a sign-out, is sent to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum RedirectUri {
    /// A page of a web app, or a server of a native app on the loopback interface.
    Url(AppUrl),
    /// A URI by which the operating system opens a native app.
    PrivateUse(PrivateUseUri),
}

impl RedirectUri {
    /// Reads a URI that an operator registers.
    ///
    /// # Errors
    ///
    /// [`InvalidUri`], which names the rule that the URI breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidUri> {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        match scheme.filter(|scheme| !scheme.contains(['/', '?', '#'])) {
            Some(scheme) if scheme.contains('.') => {
                PrivateUseUri::parse(text).map(Self::PrivateUse)
            }
            Some("https" | "http") | None => AppUrl::parse(text).map(Self::Url),
            Some(_) => Err(InvalidUri(
                "a redirect URI begins with https://, with http:// on loopback, or with a \
                 private-use scheme that has a dot, such as com.example.app:/",
            )),
        }
    }

    /// Returns the URI.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Url(url) => url.as_str(),
            Self::PrivateUse(uri) => uri.as_str(),
        }
    }

    /// Returns the URI with more query parameters.
    pub fn with<'a>(&self, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        with_query(self.as_str(), parameters)
    }

    /// Returns the source expression for exactly the origin of the URI (CSP3 §2.3.1). Where there is
    /// none, it is the one for the scheme: a private-use scheme has no origin, and an IPv6 address
    /// cannot be written in one.
    pub fn source_expression(&self) -> String {
        match self {
            Self::Url(url) if url.origin().contains('[') => {
                let scheme = url.origin().split(':').next().unwrap_or_default();
                format!("{scheme}:")
            }
            Self::Url(url) => url.origin().to_owned(),
            Self::PrivateUse(uri) => format!("{}:", uri.scheme()),
        }
    }

    /// Returns the sources for `form-action` of a page whose form leads to the URI, directly or by a
    /// redirect. Browsers apply that directive also to where the app redirects then, which may be
    /// another host of it, such as one of a customer, or another port on a developer's machine.
    pub fn form_action(&self) -> String {
        let source = self.source_expression();
        if self.as_str().starts_with("http://") {
            format!("{source} https: http://127.0.0.1:* http://localhost:*")
        } else {
            format!("{source} https:")
        }
    }

    /// Whether the URI has a private-use scheme. Only a public client may have one: any app on the
    /// device may claim the scheme, and PKCE alone keeps a code from another app.
    pub const fn is_private_use(&self) -> bool {
        matches!(self, Self::PrivateUse(_))
    }

    /// Whether both are `http` URLs of the same loopback address and differ in the port at most: a
    /// native app gets its port from the operating system when it asks (RFC 8252 §7.3). `localhost`
    /// is a name, which may lead elsewhere (§8.3), so that its port does not vary.
    pub fn equals_but_for_loopback_port(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Url(one), Self::Url(other)) => {
                let around = one.around_loopback_port();
                around.is_some() && around == other.around_loopback_port()
            }
            (Self::PrivateUse(_), _) | (_, Self::PrivateUse(_)) => false,
        }
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<AppUrl> for RedirectUri {
    fn from(url: AppUrl) -> Self {
        Self::Url(url)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = InvalidUri;

    fn try_from(text: String) -> Result<Self, InvalidUri> {
        Self::parse(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        match uri {
            RedirectUri::Url(url) => url.into(),
            RedirectUri::PrivateUse(uri) => uri.into(),
        }
    }
}

/// An `https` URL without a fragment, or an `http` URL of this machine.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppUrl(String);

impl AppUrl {
    /// Reads a URL that an operator registers.
    ///
    /// # Errors
    ///
    /// [`InvalidUri`], which names the rule that the URL breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidUri> {
        check_characters(text)?;
        let (scheme, rest) = text.split_once("://").ok_or(InvalidUri("a URL is absolute"))?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or_default();
        let host = host(authority).ok_or(InvalidUri("a URL has a host and no user name"))?;
        match scheme {
            "https" => {}
            "http" if is_loopback(host) => {}
            _ => return Err(InvalidUri("a URL begins with https://, or http:// on loopback")),
        }
        check_path(path)?;
        Ok(Self(text.to_owned()))
    }

    /// Reads the page of an app that a person asks for, which anybody can put into a link.
    ///
    /// Its path is stricter than a registered one: however often a program decodes it, it has no
    /// empty segment, no dot segment and no backslash, by which the page could end up outside of
    /// the app's site or of a folder of it.
    ///
    /// # Errors
    ///
    /// [`InvalidUri`], which names the rule that the URL breaks.
    pub fn parse_page(text: &str) -> Result<Self, InvalidUri> {
        let url = Self::parse(text)?;
        let path = text.get(url.origin().len()..).unwrap_or_default();
        let mut path = path.split('?').next().unwrap_or_default().as_bytes().to_vec();
        if !has_whole_escapes(&path) {
            return Err(InvalidUri("a % in the path of a page begins an encoded byte"));
        }
        loop {
            if !is_plain_path(&path) {
                return Err(InvalidUri("the path of a page has no //, . or .. and no backslash"));
            }
            let decoded: Vec<u8> = percent_decode(&path).collect();
            if decoded == path {
                return Ok(url);
            }
            path = decoded;
        }
    }

    /// Returns the URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns scheme, host and port as written (RFC 6454 §4, except that a default port stays).
    pub fn origin(&self) -> &str {
        let authority = self.0.find("://").map_or(0, |at| at + 3);
        let rest = self.0.get(authority..).unwrap_or_default();
        let end = rest.find(['/', '?']).map_or(self.0.len(), |at| authority + at);
        self.0.get(..end).unwrap_or_default()
    }

    /// Returns the URL with more query parameters.
    pub fn with<'a>(&self, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        with_query(&self.0, parameters)
    }

    /// Returns what precedes and what follows the port of an `http` URL whose host is an address of
    /// the loopback interface.
    fn around_loopback_port(&self) -> Option<(&str, &str)> {
        let rest = self.0.strip_prefix("http://")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let host = host(authority)?;
        is_loopback_address(host).then_some((host, path))
    }
}

fn with_query<'a>(uri: &str, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}{query}")
}

impl fmt::Display for AppUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AppUrl {
    type Error = InvalidUri;

    fn try_from(text: String) -> Result<Self, InvalidUri> {
        Self::parse(&text)
    }
}

impl From<AppUrl> for String {
    fn from(url: AppUrl) -> Self {
        url.0
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || is_loopback_address(host)
}

fn is_loopback_address(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

/// Whether all programs find the same segments in a path: none but the last is empty, and none is a
/// dot segment. Some servers cut a segment at `;`.
fn is_plain_path(path: &[u8]) -> bool {
    let names = path.split(|b| *b == b'/').skip(1);
    let names: Vec<&[u8]> =
        names.map(|segment| segment.split(|b| *b == b';').next().unwrap_or_default()).collect();
    let is_dots = |name: &&[u8]| matches!(*name, b"." | b"..");
    let before_last = names.len().saturating_sub(1);
    !path.iter().any(|b| *b == b'\\' || b.is_ascii_control())
        && !names.iter().any(is_dots)
        && !names.iter().take(before_last).any(|name| name.is_empty())
}

/// Whether each `%` begins an encoded byte (RFC 3986 §2.1).
fn has_whole_escapes(path: &[u8]) -> bool {
    path.split(|b| *b == b'%')
        .skip(1)
        .all(|rest| rest.get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

#[cfg(test)]
mod tests;
