//! Documents that must be refused, each with the check that must refuse it and a part of the text
//! for administrators that identifies the reason.

pub mod addressing;
pub mod claims;
pub mod deputy;
pub mod encryption;
pub mod signatures;
pub mod spellings;
pub mod wrapping;
pub mod xml;

use super::draft::Draft;
use super::world::Settings;

/// A document that must be refused.
pub struct Attack {
    /// The aim of the attack.
    pub name: String,
    /// The response.
    pub response: Vec<u8>,
    /// The connection's settings.
    pub settings: Settings,
    /// Code of the check that must refuse it.
    pub check: &'static str,
    /// Part of the text for administrators.
    pub because: &'static str,
}

/// A collection of attacks.
#[derive(Default)]
pub struct Corpus(pub Vec<Attack>);

impl Corpus {
    /// Adds a document under the default settings.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        response: impl Into<Vec<u8>>,
        check: &'static str,
        because: &'static str,
    ) {
        self.under(Settings::default(), name, response, check, because);
    }

    /// Adds a document under other settings.
    pub fn under(
        &mut self,
        settings: Settings,
        name: impl Into<String>,
        response: impl Into<Vec<u8>>,
        check: &'static str,
        because: &'static str,
    ) {
        let (name, response) = (name.into(), response.into());
        self.0.push(Attack { name, response, settings, check, because });
    }
}

/// Returns the whole corpus.
pub fn all() -> Vec<Attack> {
    let mut corpus = Corpus::default();
    wrapping::add(&mut corpus);
    signatures::add(&mut corpus);
    spellings::add(&mut corpus);
    encryption::add(&mut corpus);
    deputy::add(&mut corpus);
    claims::add(&mut corpus);
    addressing::add(&mut corpus);
    xml::add(&mut corpus);
    corpus.0
}

/// The identity that must never be accepted.
pub const EVE: &str = "eve@evil.example";

/// A response about [`EVE`].
pub fn evil() -> Draft {
    let base = Draft::default();
    Draft {
        name_id: base.name_id.replace("ada@acme.com", EVE),
        claims: vec![super::draft::claim("User.Email", &[EVE])],
        assertion_id: "_e0a1b2c3d4e5f60718293a4b5c6d7e8f9".to_owned(),
        ..base
    }
}

/// Replaces the first occurrence of `from`, which must exist.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "nothing to replace: {from}");
    text.replacen(from, to, 1)
}

/// Returns the part from `start` to the end of `end`, and the text without it.
pub fn cut(text: &str, start: &str, end: &str) -> (String, String) {
    let from = text.find(start).unwrap_or_else(|| panic!("no {start}"));
    let to = from + text.get(from..).unwrap().find(end).unwrap() + end.len();
    let part = text.get(from..to).unwrap().to_owned();
    (part, format!("{}{}", text.get(..from).unwrap(), text.get(to..).unwrap()))
}

/// Settings under which a valid response fails two checks: request and authentication context.
pub fn evil_settings() -> Settings {
    Settings { request_open: false, contexts: &["urn:mfa"], ..Settings::default() }
}
