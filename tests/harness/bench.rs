//! How much a bench does, and with which `local`.

use std::env;
use std::path::{Path, PathBuf};

/// Whether it was started with `--once`: each thing for a moment, by the same code, to see that it
/// works. Figures of such a run say nothing, and nothing is judged by them.
pub fn once() -> bool {
    env::args().any(|argument| argument == "--once")
}

/// The process `local`: the one that `make bench` builds for speed, or, once, the one that the tests
/// have built, beside the bench.
pub fn local() -> PathBuf {
    if once() {
        let bench = env::current_exe().expect("a bench is a file");
        bench.ancestors().nth(2).expect("in the folder deps").join("local")
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/laptop/local")
    }
}
