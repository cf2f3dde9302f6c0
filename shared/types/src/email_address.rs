//! E-mail addresses as a connection may assert them.
//!
//! The parser is strict: an address that another program could split at another `@` must not
//! decide which organisation a person belongs to. A text that does not parse can still be a name.

use std::fmt;

use crate::domain::Domain;

/// An e-mail address: one `@`, a dot-atom or quoted local part, and a DNS name (RFC 5321 §4.1.2).
///
/// Two addresses are equal if they differ only in ASCII letter case. No other folding applies:
/// full-width letters or the Kelvin sign make another address.
#[derive(Clone, Debug)]
pub struct EmailAddress {
    text: String,
    domain: Domain,
}

/// A text is not an e-mail address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct InvalidEmailAddress;

impl EmailAddress {
    /// Parses an address.
    ///
    /// A domain of another script is converted to its ASCII form (`xn--…`) for comparison; the
    /// text stays as it was sent.
    ///
    /// # Errors
    ///
    /// [`InvalidEmailAddress`] for a text with no `@` or several, white space, control characters,
    /// a comma, an angle bracket, a local part over 64 bytes, more than 254 bytes in all, or a
    /// domain that is not a DNS name.
    pub fn parse(text: &str) -> Result<Self, InvalidEmailAddress> {
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmailAddress)?;
        if text.len() > MAX_BYTES || local.len() > MAX_LOCAL_BYTES || !is_local_part(local) {
            return Err(InvalidEmailAddress);
        }
        let domain = Domain::from_unicode(domain).map_err(|_| InvalidEmailAddress)?;
        Ok(Self { text: text.to_owned(), domain })
    }

    /// The address as it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The domain, in its ASCII form.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Whether `text` is this address, ASCII letter case aside.
    pub fn matches(&self, text: &str) -> bool {
        text == self.text || Self::parse(text).is_ok_and(|other| other == *self)
    }

    /// The texts by which a directory may have stored this address: as it was sent, and with the
    /// domain in its ASCII form and in the letters of its script.
    pub fn spellings(&self) -> Vec<String> {
        let mut spellings = vec![self.text.clone()];
        let (ascii, unicode) = (self.domain.as_str(), self.domain.to_unicode());
        for domain in [ascii, unicode.as_str()] {
            let spelling = format!("{}@{domain}", self.local_part());
            if !spellings.iter().any(|known| known.eq_ignore_ascii_case(&spelling)) {
                spellings.push(spelling);
            }
        }
        spellings
    }

    /// The part before the `@`.
    fn local_part(&self) -> &str {
        self.text.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.domain == other.domain && self.local_part().eq_ignore_ascii_case(other.local_part())
    }
}

impl Eq for EmailAddress {}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Dot-atom or quoted string, with letters of any script (RFC 6531 §3.3).
fn is_local_part(local: &str) -> bool {
    match local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => !quoted.is_empty() && quoted.chars().all(is_quoted_char),
        None => local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char)),
    }
}

fn is_atom_char(c: char) -> bool {
    let is_special = "\"(),:;<>@[\\]".contains(c);
    !is_special && !c.is_whitespace() && !c.is_control() && !is_invisible(c)
}

/// Whether the character may stand between quotes. Stricter than RFC 5321: no `@`, comma, angle
/// bracket, white space or backslash, so that no reader can split the address at another place.
fn is_quoted_char(c: char) -> bool {
    is_atom_char(c) || "():;[]".contains(c)
}

/// Characters that a person does not see: zero-width and directional formatting characters.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Longest address, in bytes (RFC 5321 §4.5.3.1.3, without the angle brackets).
const MAX_BYTES: usize = 254;

/// Longest local part, in bytes (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn domain_of(text: &str) -> Option<String> {
        EmailAddress::parse(text).ok().map(|address| address.domain().to_string())
    }

    #[test]
    fn an_address_has_one_domain() {
        for (text, domain) in [
            ("ada@acme.com", "acme.com"),
            ("Ada.Byron+x@ACME.com", "acme.com"),
            ("o'neil@x.org", "x.org"),
            ("\"ada(b):c\"@acme.com", "acme.com"),
            ("ä@bücher.example", "xn--bcher-kva.example"),
            ("ada@xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(domain_of(text).as_deref(), Some(domain), "{text}");
        }
    }

    #[test]
    fn a_text_that_can_be_split_at_another_place_is_no_address() {
        for text in [
            "",
            "ada",
            "@acme.com",
            "ada@",
            "ada@acme",
            "ceo@victim.com@evil.com",
            "ceo@victim.com,x@evil.com",
            "\"ceo@victim.com\"@evil.com",
            "\"ceo victim\"@evil.com",
            "\"\"@evil.com",
            "ceo@evil.com\n",
            "\nceo@evil.com",
            "<ceo@evil.com>",
            "Ceo <ceo@evil.com>",
            "ceo@evil.com>",
            ".a@evil.com",
            "a..b@evil.com",
            "a.@evil.com",
            "a b@evil.com",
            "a@evil.com.",
            "a@-evil.com",
            "a@127.0.0.1",
            "a@[127.0.0.1]",
            "a\u{200b}b@evil.com",
            "a\u{202e}b@evil.com",
            "a\0@evil.com",
        ] {
            assert_eq!(domain_of(text), None, "{text:?}");
        }
        assert_eq!(domain_of(&format!("{}@evil.com", "a".repeat(65))), None);
        assert_eq!(domain_of(&format!("a@{}.com", "b.".repeat(130))), None);
        assert_eq!(domain_of(&"a@".repeat(32_000)), None);
    }

    #[test]
    fn only_ascii_letter_case_is_ignored() {
        let address = EmailAddress::parse("ada@acme.com").unwrap();
        assert!(address.matches("Ada@Acme.COM"));
        for other in ["ａda@acme.com", "ada@acme.co", "adа@acme.com", "ada@acme.com "] {
            assert!(!address.matches(other), "{other}");
        }
        // Kelvin sign and long s fold onto `k` and `s` in NFKC.
        assert!(!EmailAddress::parse("kim@acme.com").unwrap().matches("\u{212a}im@acme.com"));
        assert!(!EmailAddress::parse("sam@acme.com").unwrap().matches("\u{17f}am@acme.com"));
    }

    #[test]
    fn the_two_forms_of_a_domain_of_another_script_are_one() {
        let unicode = EmailAddress::parse("ada@BÜCHER.example").unwrap();
        assert!(unicode.matches("ada@xn--bcher-kva.example"));
        let spellings = |text: &str| EmailAddress::parse(text).unwrap().spellings();
        assert_eq!(
            spellings("ada@BÜCHER.example"),
            ["ada@BÜCHER.example", "ada@xn--bcher-kva.example", "ada@bücher.example"]
        );
        assert_eq!(
            spellings("ada@xn--bcher-kva.example"),
            ["ada@xn--bcher-kva.example", "ada@bücher.example"]
        );
        assert_eq!(spellings("Ada@Acme.com"), ["Ada@Acme.com"]);
    }

    #[test]
    fn a_domain_in_letters_that_fold_onto_ascii_is_refused() {
        for text in ["ada@ａcme.com", "ada@acme。com", "ada@\u{212a}im.com"] {
            assert_eq!(domain_of(text), None, "{text}");
        }
    }
}
