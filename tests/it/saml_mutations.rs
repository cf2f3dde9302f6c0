//! Random changes to valid responses and metadata: nothing is accepted with other claims, and
//! nothing panics.

use harness::saml::mutation::{Random, mutate};
use harness::saml::shapes;
use harness::saml::world::{SP, now};
use harness::saml::{metadata, shapes::Shape};
use shared::saml::metadata::{ReadOptions, read_idp_metadata};
use shared::saml::response::Assertion;

/// Mutations of each document; of all of them together, 300,000 when optimized.
const ROUNDS: usize = if cfg!(debug_assertions) { 120 } else { 300_000 / 60 };

/// What must not change: everything but the text itself.
fn claims(assertion: Assertion) -> Assertion {
    Assertion { xml: String::new(), ..assertion }
}

fn attack(seed: usize, shape: &Shape) -> usize {
    let honest = claims(shape.settings.verify(shape.response.as_bytes()).result.unwrap());
    let mut random = Random::new(seed as u64 + 1);
    let mut accepted = 0;
    for _ in 0..ROUNDS {
        let mutant = mutate(shape.response.as_bytes(), &mut random);
        if let Ok(assertion) = shape.settings.verify(&mutant).result {
            accepted += 1;
            let text = String::from_utf8_lossy(&mutant);
            assert_eq!(claims(assertion), honest, "{}: {text}", shape.name);
        }
    }
    accepted
}

#[test]
fn no_mutated_response_is_accepted_with_other_claims() {
    let shapes = shapes::all();
    assert!(shapes.len() >= 60, "{} shapes", shapes.len());
    let accepted: usize = std::thread::scope(|scope| {
        let halves = shapes.chunks(shapes.len().div_ceil(2)).enumerate();
        let runs: Vec<_> = halves
            .map(|(half, shapes)| {
                scope.spawn(move || {
                    let seeded = shapes.iter().enumerate();
                    seeded.map(|(i, shape)| attack(half * 1000 + i, shape)).sum::<usize>()
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    // Some changes change nothing: white space in a tag, `KeyInfo`, the unsigned envelope.
    assert!(accepted > 0, "the mutations do not reach the signature");
}

#[test]
fn mutated_metadata_never_panics_and_is_never_without_key_or_https() {
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
