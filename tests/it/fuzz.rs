//! The fuzz targets as property tests: the same checks, on seeds and on mutations of them.

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

/// One property test per target.
macro_rules! hold_for_whatever_is_read {
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

hold_for_whatever_is_read![filter, metadata, path, patch, resource, response];

/// Text as a client may send it, or a seed of the target with a few pieces moved.
fn mutated(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds = seeds(target);
    let seed = any::<prop::sample::Index>().prop_map(move |index| index.get(&seeds).clone());
    let moves = prop::collection::vec(
        (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..12_usize),
        0..4,
    );
    let mutated = (seed, moves).prop_map(|(mut bytes, moves)| {
        for (from, to, length) in moves {
            let from = from.index(bytes.len().max(1));
            let piece: Vec<u8> = bytes.iter().skip(from).take(length).copied().collect();
            let to = to.index(bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        bytes
    });
    prop_oneof![1 => "\\PC{0,40}".prop_map(String::into_bytes), 3 => mutated]
}

/// The committed seeds of a target; a missing folder shows as an empty seed.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let seeds: Vec<Vec<u8>> = files.filter_map(|file| std::fs::read(file.path()).ok()).collect();
    if seeds.is_empty() { vec![Vec::new()] } else { seeds }
}

#[test]
fn every_seed_is_one_that_its_target_reads() {
    for (target, check) in TARGETS {
        assert!(seeds(target).iter().all(|seed| check(seed)), "{target}");
    }
}
