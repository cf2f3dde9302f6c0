//! A second opinion on signatures, by an implementation that shares no code with ours.

use bergshamra::keys::loader::load_spki_pem;
use bergshamra::{DsigContext, KeysManager, VerifyResult, verify_all};
use harness::saml::keys::KEYS;
use harness::saml::shapes;

/// Whether every signature in the document verifies with a trusted key; none without signatures.
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
        assert!(!opinions.is_empty(), "{}: nothing is signed", shape.name);
        assert!(opinions.iter().all(|&valid| valid), "{}: they disagree", shape.name);
    }
}
