//! The option `--once` of the benches, and the server `local` that they measure.

use std::env;
use std::path::{Path, PathBuf};

/// Returns whether the bench was started with `--once`: it then measures everything once, only to
/// show that it works, and ignores the budgets.
pub fn once() -> bool {
    env::args().any(|argument| argument == "--once")
}

/// Returns the executable of `local`: the optimised one of `make bench` or, with `--once`, the one
/// that was built together with the bench.
pub fn local() -> PathBuf {
    if once() {
        let bench = env::current_exe().expect("a bench is a file");
        bench.ancestors().nth(2).expect("in the folder deps").join("local")
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/laptop/local")
    }
}
