//! Runs the checks of the fuzz targets as property tests, on seeds and on mutations of them.

use proptest::prelude::*;

#[path = "../fuzz/checks/filter.rs"]
mod filter;
#[path = "../fuzz/checks/metadata.rs"]
mod metadata;
#[path = "../fuzz/checks/patch.rs"]
mod patch;
#[path = "../fuzz/checks/path.rs"]
mod path;
#[path = "../fuzz/checks/resource.rs"]
mod resource;
#[path = "../fuzz/checks/response.rs"]
mod response;

/// Defines a property test for each target, and the list of the targets.
macro_rules! check_targets {
    ($($target:ident),+ $(,)?) => {
        const TARGETS: &[(&str, fn(&[u8]) -> bool)] = &[$((stringify!($target), $target::check)),+];

        proptest! {
            $(
                #[test]
                fn $target(input in mutated(stringify!($target))) {
                    $target::check(&input);
                }
            )+
        }
    };
}

check_targets![filter, metadata, path, patch, resource, response];

/// Generates text, or a seed of the target in which some pieces are repeated at other places.
fn mutated(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds = seeds(target);
    let seed = any::<prop::sample::Index>().prop_map(move |index| index.get(&seeds).clone());
    let copies = prop::collection::vec(
        (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..12_usize),
        0..4,
    );
    let mutated = (seed, copies).prop_map(|(mut bytes, copies)| {
        for (from, to, length) in copies {
            let from = from.index(bytes.len().max(1));
            let piece: Vec<u8> = bytes.iter().skip(from).take(length).copied().collect();
            let to = to.index(bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        bytes
    });
    prop_oneof![1 => "\\PC{0,40}".prop_map(String::into_bytes), 3 => mutated]
}

/// Reads the committed seeds of a target. A missing folder gives an empty seed, which no target
/// accepts.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let seeds: Vec<Vec<u8>> = files.filter_map(|file| std::fs::read(file.path()).ok()).collect();
    if seeds.is_empty() { vec![Vec::new()] } else { seeds }
}

#[test]
fn every_seed_is_accepted_by_its_target() {
    for (target, check) in TARGETS {
        assert!(seeds(target).iter().all(|seed| check(seed)), "{target}");
    }
}
