//! Links the compiler's support library statically, so that the executable loads only the C
//! library.
//!
//! Rust's standard library links `libgcc_s` by name, which `-static-libgcc` does not change. The
//! linker searches this script's output directory first, and finds there a linker script that names
//! the static library. The linker of the build for Lambda does not search it.

use std::path::Path;
use std::{env, fs};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo passes its arguments to a build script by these variables"
)]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is_gnu = env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|name| name == "gnu");
    let Some(folder) = env::var_os("OUT_DIR").filter(|_| is_gnu) else { return };
    let script = Path::new(&folder).join("libgcc_s.so");
    match fs::write(&script, "INPUT(-lgcc_eh -lgcc)\n") {
        Ok(()) => println!("cargo::rustc-link-search=native={}", Path::new(&folder).display()),
        Err(error) => println!("cargo::error={} cannot be written: {error}", script.display()),
    }
}
