//! Random changes to valid responses and metadata: no mutant is accepted with other claims, and
//! none causes a panic.

use harness::saml::metadata;
use harness::saml::mutation::{Random, mutate, survivors};
use harness::saml::shapes;
use harness::saml::world::{SP, now};
use saml::metadata::{ReadOptions, read_idp_metadata};

/// Mutations of each document. `make bench` tries 300,000.
const ROUNDS: usize = 120;

#[test]
fn no_mutated_response_is_accepted_with_other_claims() {
    let shapes = shapes::all();
    assert!(shapes.len() >= 60, "{} shapes", shapes.len());
    let seeded = (1..).zip(&shapes);
    let accepted: usize = seeded.map(|(seed, shape)| survivors(shape, seed, ROUNDS)).sum();
    assert!(accepted > 0, "the mutations do not reach the signature");
}

#[test]
fn mutated_metadata_never_panics_and_always_has_keys_and_https() {
    let options =
        ReadOptions { our_entity_id: SP, pinned_key: None, allow_loopback_http: false, now: now() };
    for (seed, document) in
        [metadata::usual("https://idp.example"), metadata::mixed("https://idp.example")]
            .iter()
            .enumerate()
    {
        let mut random = Random::new(seed as u64 + 77);
        for _ in 0..ROUNDS * 4 {
            let mutant = mutate(document.as_bytes(), &mut random);
            let Ok(metadata) = read_idp_metadata(&mutant, &options) else { continue };
            for provider in metadata.providers {
                assert!(!provider.certificates.is_empty());
                assert!(provider.sso.iter().all(|endpoint| endpoint.url.starts_with("https://")));
            }
        }
    }
}
