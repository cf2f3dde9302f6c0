//! The URIs by which an operating system opens a native app (RFC 8252 §7.1).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::uri_syntax::{InvalidUri, check_characters, check_path, host};

/// A URI with a private-use scheme, such as `com.example.app:/callback`.
///
/// The scheme is a reversed domain name and so has a dot. No scheme that browsers treat in a special
/// way has one (`javascript`, `data`, `file`, `blob`, `about`, `ws`).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrivateUseUri(String);

impl PrivateUseUri {
    /// Reads a URI that an operator registers. Browsers write schemes in lower case, so that only
    /// lower case is taken.
    ///
    /// # Errors
    ///
    /// [`InvalidUri`], which names the rule that the URI breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidUri> {
        check_characters(text)?;
        let (scheme, rest) = text.split_once(':').ok_or(InvalidUri("a URI has a scheme"))?;
        if !is_reversed_domain(scheme) {
            return Err(InvalidUri(
                "a private-use scheme is a domain of yours, reversed and in lower case, such as \
                 com.example.app",
            ));
        }
        let path = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, path) = rest.split_at_checked(end).unwrap_or_default();
                host(authority).ok_or(InvalidUri(
                    "what follows // is a host name in lower case, without a user name",
                ))?;
                path
            }
            None if rest.starts_with('/') => rest,
            None => return Err(InvalidUri("a private-use scheme is followed by :/ or ://")),
        };
        check_path(path)?;
        Ok(Self(text.to_owned()))
    }

    /// Returns the URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the scheme, without the colon.
    pub fn scheme(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }
}

impl fmt::Display for PrivateUseUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PrivateUseUri {
    type Error = InvalidUri;

    fn try_from(text: String) -> Result<Self, InvalidUri> {
        Self::parse(&text)
    }
}

impl From<PrivateUseUri> for String {
    fn from(uri: PrivateUseUri) -> Self {
        uri.0
    }
}

/// Whether a scheme (RFC 3986 §3.1) consists of several labels with dots between.
fn is_reversed_domain(scheme: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-".contains(&b);
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_letter);
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.contains('.')
        && scheme.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_that_are_reversed_domains_can_be_registered() {
        for uri in [
            "com.example.app:/oauth2redirect",
            "com.example.app:/",
            "com.example.app:/a/b?x=1",
            "com.example.app://callback",
            "com.example.app://callback/signed-in",
            "com.example-2.app:/cb",
            "com.googleusercontent.apps.123-abc:/oauth2redirect",
        ] {
            assert_eq!(PrivateUseUri::parse(uri).map(String::from), Ok(uri.to_owned()));
        }
        let uri = PrivateUseUri::parse("com.example.app://callback").unwrap();
        assert_eq!(uri.scheme(), "com.example.app");
    }

    #[test]
    fn other_schemes_and_parts_that_programs_read_differently_cannot_be_registered() {
        for uri in [
            "",
            "com.example.app",
            "com.example.app:",
            "com.example.app:cb",
            "com.example.app:8080/cb",
            "com.example.app:?x=1",
            "com.example.app://",
            "com.example.app:///cb",
            "com.example.app://user@callback",
            "com.example.app://Callback",
            "com.example.app:/cb#x",
            "com.example.app:/../cb",
            "com.example.app:/%2E%2e/cb",
            "com.example.app:/*",
            "com.example.app:/a b",
            "com.example.app:/a\r\nLocation: x",
            "com.example.app:/\u{e4}",
            "Com.Example.App:/cb",
            "1com.example:/cb",
            ".com.example:/cb",
            "com.example.:/cb",
            "com..example:/cb",
            "com_example.app:/cb",
            "myapp:/cb",
            "javascript:/alert(1)",
            "data:/text",
        ] {
            assert!(PrivateUseUri::parse(uri).is_err(), "{uri}");
        }
        let long = format!("com.example.app:/{}", "a".repeat(2_048));
        assert!(PrivateUseUri::parse(&long).is_err());
    }
}
