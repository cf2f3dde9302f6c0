//! Compares our signature verification with an implementation that shares no code with it.

use bergshamra::c14n::{C14nMode as TheirMode, canonicalize};
use bergshamra::keys::loader::load_spki_pem;
use bergshamra::{DsigContext, KeysManager, VerifyResult, verify_all};
use harness::saml::documents::document;
use harness::saml::keys::KEYS;
use harness::saml::mutation::Random;
use harness::saml::shapes;
use saml::c14n::{self, C14nMode};
use saml::xml::StrictDocument;

/// Reports whether the other implementation verifies every signature of the document with a trusted
/// key; `None` without signatures.
pub(crate) fn second_opinion(document: &str) -> Option<bool> {
    if !document.contains("SignatureValue") {
        return None;
    }
    let mut keys = KeysManager::new();
    for pair in [&KEYS.idp, &KEYS.idp_next, &KEYS.idp_p256, &KEYS.idp_p384, &KEYS.expired] {
        keys.add_key(load_spki_pem(&pair.public_pem()).unwrap());
    }
    let Ok(results) = verify_all(&DsigContext::new(keys), document) else { return Some(false) };
    Some(results.iter().all(|result| matches!(result, VerifyResult::Valid { .. })))
}

#[test]
fn both_implementations_accept_every_valid_shape() {
    for shape in shapes::all() {
        let opinions = [Some(shape.response.as_str()), shape.inside.as_deref()];
        let opinions: Vec<bool> =
            opinions.into_iter().flatten().filter_map(second_opinion).collect();
        assert!(!opinions.is_empty(), "{}: no signature", shape.name);
        assert!(opinions.iter().all(|&valid| valid), "{}: they disagree", shape.name);
    }
}

#[test]
fn both_implementations_produce_the_same_canonical_forms() {
    let mut random = Random::new(2026);
    for _ in 0..3000 {
        let text = document(&mut random);
        let tree = StrictDocument::parse(text.as_bytes())
            .unwrap_or_else(|error| panic!("{error}: {text}"));
        let lists: [&[&str]; 3] = [&[], &["a", "zz"], &["#default", "b", "none"]];
        let forms = lists
            .map(|list| (C14nMode::Exclusive, TheirMode::Exclusive, list))
            .into_iter()
            .chain([(C14nMode::Inclusive, TheirMode::Inclusive, [].as_slice())]);
        for (ours, theirs, prefixes) in forms {
            let ours = c14n::canonicalize(tree.root(), ours, prefixes, None);
            let theirs = canonicalize(&text, theirs, None, prefixes).unwrap();
            assert_eq!(ours, String::from_utf8(theirs).unwrap(), "{prefixes:?} {text}");
        }
    }
}
