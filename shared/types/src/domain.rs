//! DNS names: the names of connections, and the domains of e-mail addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A DNS name in lower case with at least two labels. A name in another script has its ASCII form,
/// `xn--…`, so that names that only look alike differ.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

/// The text is not a domain.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a DNS name of ASCII letters, digits and hyphens, such as acme.com")]
pub struct InvalidDomain;

impl Domain {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in the letters of its script.
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }

    /// Parses a name in its ASCII form or in the letters of its script (IDNA, UTS 46).
    ///
    /// # Errors
    ///
    /// [`InvalidDomain`] also for a name that IDNA would map to another spelling, full-width
    /// letters for example: such a name only looks like another one.
    pub fn from_unicode(text: &str) -> Result<Self, InvalidDomain> {
        if text.is_ascii() {
            return text.parse();
        }
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| InvalidDomain)?;
        let (shown, valid) = idna::domain_to_unicode(&ascii);
        // The Kelvin sign is a capital letter of `k`.
        let becomes_ascii = |c: char| !c.is_ascii() && c.to_lowercase().any(|low| low.is_ascii());
        let is_mapped = shown != text.to_lowercase() || text.chars().any(becomes_ascii);
        if valid.is_err() || is_mapped { Err(InvalidDomain) } else { ascii.parse() }
    }
}

impl FromStr for Domain {
    type Err = InvalidDomain;

    fn from_str(text: &str) -> Result<Self, InvalidDomain> {
        let lower = text.to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let is_numeric = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
        // A numeric last label is that of an IP address.
        let last = lower.rsplit('.').next().unwrap_or_default();
        let is_valid = lower.len() <= LONGEST
            && lower.contains('.')
            && lower.split('.').all(is_label)
            && !is_numeric(last);
        if is_valid { Ok(Self(lower)) } else { Err(InvalidDomain) }
    }
}

impl TryFrom<String> for Domain {
    type Error = InvalidDomain;

    fn try_from(text: String) -> Result<Self, InvalidDomain> {
        text.parse()
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest DNS name, in bytes (RFC 1035 §2.3.4).
const LONGEST: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        let domain = text.parse::<Domain>().ok();
        assert_eq!(domain.as_ref().map(Domain::as_str), expect, "{text}");
    }

    #[test]
    fn names_are_converted_to_lower_case() {
        check("acme.com", Some("acme.com"));
        check("ACME.Co.UK", Some("acme.co.uk"));
        check("xn--bcher-kva.example", Some("xn--bcher-kva.example"));
    }

    #[test]
    fn text_that_is_not_a_dns_name_is_refused() {
        for text in [
            "",
            "acme",
            ".com",
            "acme.",
            "a..b",
            "-a.com",
            "a-.com",
            "bücher.example",
            "a_b.com",
            "a b.com",
            "a.com/x",
            "a.com:80",
            "127.0.0.1",
            "[::1]",
            "acme.com\n",
            "%61.com",
        ] {
            check(text, None);
        }
        check(&format!("{}.com", "a".repeat(64)), None);
        check(&format!("{}com", "a.".repeat(126)), None);
    }
}
