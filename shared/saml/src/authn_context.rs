//! Authentication context classes: URIs that name a way of signing in (SAML core §2.7.2.2).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::xml::truncate;

/// The URI of an authentication context class, as `https://refeds.org/profile/mfa`. Compared byte
/// for byte.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuthnContextClass(String);

/// The text is not the URI of an authentication context class.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "an authentication context class must be an absolute URI of at most {MAX_LENGTH} characters, \
     such as https://refeds.org/profile/mfa, not \"{0}\""
)]
pub struct InvalidAuthnContextClass(String);

impl AuthnContextClass {
    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AuthnContextClass {
    type Err = InvalidAuthnContextClass;

    fn from_str(text: &str) -> Result<Self, InvalidAuthnContextClass> {
        if text.len() <= MAX_LENGTH && is_absolute_uri(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAuthnContextClass(truncate(text, 64)))
        }
    }
}

impl TryFrom<String> for AuthnContextClass {
    type Error = InvalidAuthnContextClass;

    fn try_from(text: String) -> Result<Self, InvalidAuthnContextClass> {
        text.parse()
    }
}

impl From<AuthnContextClass> for String {
    fn from(class: AuthnContextClass) -> Self {
        class.0
    }
}

/// Checks for a scheme (RFC 3986 §3.1) and for characters that a URI cannot hold.
fn is_absolute_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let is_foreign = |c: char| {
        !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
    };
    is_scheme && !rest.is_empty() && !rest.contains(is_foreign)
}

/// Longest URI, in bytes. The classes in use have at most 80.
const MAX_LENGTH: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_uris_are_accepted() {
        for text in [
            "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            "https://refeds.org/profile/mfa",
            "http://schemas.microsoft.com/claims/multipleauthn",
        ] {
            assert_eq!(text.parse::<AuthnContextClass>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn other_text_is_refused() {
        let long = format!("urn:{}", "x".repeat(MAX_LENGTH));
        for text in [
            "",
            "mfa",
            "urn:",
            ":mfa",
            "1urn:mfa",
            " urn:mfa",
            "urn:m fa",
            "urn:<mfa>",
            "urn:mfä",
            &long,
        ] {
            assert!(text.parse::<AuthnContextClass>().is_err(), "{text}");
        }
    }
}
