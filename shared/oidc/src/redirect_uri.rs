//! The URLs of an app that browsers are sent to.
//!
//! A URL is registered once and then compared byte for byte (RFC 9700 §4.1.3). There are no
//! prefixes, patterns or variable ports, and no normalisation in which two programs could differ.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use percent_encoding::percent_decode;
use serde::{Deserialize, Serialize};

/// The reason why a URL cannot be registered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidAppUrl(&'static str);

/// An `https` URL without a fragment, or an `http` URL of this machine.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppUrl(String);

impl AppUrl {
    /// Reads a URL that an operator registers.
    ///
    /// # Errors
    ///
    /// [`InvalidAppUrl`], which names the rule that the URL breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidAppUrl> {
        let is_plain = |b: u8| b.is_ascii_graphic() && !FORBIDDEN.contains(&b);
        if text.len() > MAX_BYTES || !text.bytes().all(is_plain) {
            return Err(InvalidAppUrl(
                "a URL has at most 2048 ASCII characters, none of them \" < > \\ ^ ` { | } # *",
            ));
        }
        let (scheme, rest) = text.split_once("://").ok_or(InvalidAppUrl("a URL is absolute"))?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or_default();
        let host = host(authority).ok_or(InvalidAppUrl("a URL has a host and no user name"))?;
        match scheme {
            "https" => {}
            "http" if is_loopback(host) => {}
            _ => return Err(InvalidAppUrl("a URL begins with https://, or http:// on loopback")),
        }
        let path = path.split('?').next().unwrap_or_default();
        if path.split('/').any(is_dot_segment) {
            return Err(InvalidAppUrl("a path has no . or .. in it"));
        }
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
    /// [`InvalidAppUrl`], which names the rule that the URL breaks.
    pub fn parse_page(text: &str) -> Result<Self, InvalidAppUrl> {
        let url = Self::parse(text)?;
        let path = text.get(url.origin().len()..).unwrap_or_default();
        let mut path = path.split('?').next().unwrap_or_default().as_bytes().to_vec();
        if !has_whole_escapes(&path) {
            return Err(InvalidAppUrl("a % in the path of a page begins an encoded byte"));
        }
        loop {
            if !is_plain_path(&path) {
                return Err(InvalidAppUrl(
                    "the path of a page has no //, . or .. and no backslash",
                ));
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
        let query =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let separator = if self.0.contains('?') { '&' } else { '?' };
        format!("{}{separator}{query}", self.0)
    }
}

impl fmt::Display for AppUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AppUrl {
    type Error = InvalidAppUrl;

    fn try_from(text: String) -> Result<Self, InvalidAppUrl> {
        Self::parse(&text)
    }
}

impl From<AppUrl> for String {
    fn from(url: AppUrl) -> Self {
        url.0
    }
}

/// Returns the host of an authority, if all programs read this form alike.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (address, port)
        }
        None => authority.split_at_checked(authority.find(':').unwrap_or(authority.len()))?,
    };
    let is_port = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => {
            digits.bytes().all(|b| b.is_ascii_digit())
                && digits.parse::<u16>().is_ok_and(|port| port > 0)
        }
    };
    let is_host = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:".contains(&b);
    (is_port && !host.is_empty() && host.bytes().all(is_host)).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a segment is `.` or `..`, also percent-encoded. A browser removes these before it sends
/// the request.
fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
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

const MAX_BYTES: usize = 2_048;

/// Characters that a URL cannot hold (RFC 3986 §2), the start of a fragment (forbidden by RFC 6749
/// §3.1.2), and the star, by which people mean a pattern.
const FORBIDDEN: &[u8] = b"\"<>\\^`{|}#*";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_that_all_programs_read_alike_can_be_registered() {
        for url in [
            "https://app.example/cb",
            "https://app.example",
            "https://app.example?x=1",
            "https://app.example:8443/a/b%20c?x=1&y=/../",
            "http://127.0.0.1:3000/cb",
            "http://[::1]:3000/cb",
            "http://localhost/cb",
        ] {
            assert_eq!(AppUrl::parse(url).map(String::from), Ok(url.to_owned()));
        }
    }

    #[test]
    fn urls_that_programs_may_read_differently_cannot_be_registered() {
        for url in [
            "",
            "app.example/cb",
            "//app.example/cb",
            "http://app.example/cb",
            "http://127.0.0.1.evil.example/",
            "http://localhost.evil.example/",
            "http://localhost@evil.example/",
            "HTTPS://app.example/cb",
            "https://App.example/cb",
            "https://app.example/cb#x",
            "https://user@app.example/cb",
            "https://app.example:x/cb",
            "https://app.example:0/cb",
            "https://app.example:99999/cb",
            "https:///cb",
            "https://",
            "https://*.app.example/cb",
            "https://app.example/*",
            "https://app.example/a/../cb",
            "https://app.example/a/%2E%2e/cb",
            "https://app.example\\@evil.example/",
            "https://app.example/ cb",
            "https://app.example/\r\nLocation: x",
            "https://äpp.example/cb",
            "https://app%2eexample/cb",
            "https://[::1/cb",
            "https://[x]/cb",
            "javascript://app.example/%0aalert(1)",
            "javascript:alert(1)",
            "data:text/html,x",
        ] {
            assert!(AppUrl::parse(url).is_err(), "{url}");
        }
        assert!(AppUrl::parse(&format!("https://app.example/{}", "a".repeat(2_048))).is_err());
    }

    #[test]
    fn pages_with_plain_paths_can_be_asked_for() {
        for url in [
            "https://app.example",
            "https://app.example?x=//evil.example/../",
            "https://app.example/",
            "https://app.example/a/",
            "https://app.example/a/b%20c?x=%",
            "https://app.example/a.b/...;v=1",
            "https://app.example/100%25",
            "https://app.example/files/a%2Fb",
        ] {
            assert_eq!(AppUrl::parse_page(url).map(String::from), Ok(url.to_owned()));
        }
    }

    #[test]
    fn pages_whose_path_programs_may_read_differently_cannot_be_asked_for() {
        for path in [
            "//",
            "//evil.example",
            "/a//b",
            "/a//",
            "/;//evil.example",
            "/;/evil.example",
            "/%2Fevil.example",
            "/%252fevil.example",
            "/%5cevil.example",
            "/%255cevil.example",
            "/a/./b",
            "/a/.",
            "/a/..",
            "/a/../b",
            "/a/%2e%2E/b",
            "/a/%252e./b",
            "/a/..%2fb",
            "/a%2f..%2f../b",
            "/a/..;x/b",
            "/a/..%3bx/b",
            "/a/%00",
            "/a/%0d%0aLocation:x",
            "/a%",
            "/a%2",
            "/a%zz",
        ] {
            let url = format!("https://app.example{path}");
            assert!(AppUrl::parse_page(&url).is_err(), "{url}");
        }
    }

    proptest! {
        /// Decodes and resolves the path of a page as sloppily as a program might.
        #[test]
        fn a_page_never_leaves_the_folder_that_it_names(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "/", "//", ".", "..", "%2e", "%2E", "%252e", "%2f", "%2F", "%252F", "\\",
                    "%5c", "%255C", ";", "%3b", "a", "evil.example", "?", "@", ":", "%", "25", "#",
                ]),
                0..10,
            )
        ) {
            let url = format!("https://app.example/app/{}", parts.concat());
            if let Ok(page) = AppUrl::parse_page(&url) {
                prop_assert_eq!(page.origin(), "https://app.example");
                let path = &url["https://app.example".len()..];
                let mut path = path.split('?').next().unwrap().to_owned();
                for _ in 0..6 {
                    prop_assert!(resolved(&path).starts_with("/app/"), "{} {}", url, path);
                    prop_assert!(!path.contains("//"), "{}", url);
                    path = percent_decode(path.as_bytes()).decode_utf8_lossy().into_owned();
                }
            }
        }
    }

    /// Removes dot segments (RFC 3986 §5.2.4), after taking `\` for `/` and cutting at `;`.
    fn resolved(path: &str) -> String {
        let path = path.replace('\\', "/");
        let mut kept: Vec<&str> = Vec::new();
        for segment in path.split('/').skip(1) {
            match segment.split(';').next().unwrap() {
                "." => {}
                ".." => {
                    kept.pop();
                }
                _ => kept.push(segment),
            }
        }
        format!("/{}", kept.join("/"))
    }

    #[test]
    fn parameters_are_added_to_the_existing_query() {
        let check = |url: &str, expect: &str| {
            let with = AppUrl::parse(url).unwrap().with([("state", "a b&c=\"")]);
            assert_eq!(with, expect);
        };
        check("https://app.example/cb", "https://app.example/cb?state=a+b%26c%3D%22");
        check("https://app.example/cb?x=1", "https://app.example/cb?x=1&state=a+b%26c%3D%22");
    }

    #[test]
    fn an_origin_ends_where_the_path_or_the_query_begins() {
        let check = |url: &str, expect: &str| {
            assert_eq!(AppUrl::parse(url).unwrap().origin(), expect);
        };
        check("https://app.example", "https://app.example");
        check("https://app.example?x=/", "https://app.example");
        check("http://127.0.0.1:3000/cb", "http://127.0.0.1:3000");
    }
}
