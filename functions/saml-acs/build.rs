//! Links the compiler's support library into the executable, so that it loads the C library and
//! nothing else.
//!
//! Rust's standard library asks for `libgcc_s` by name, which `-static-libgcc` does not change. The
//! linker looks for that name here first and finds a script that names the static twin. The linker
//! that builds for Lambda has its own way and does not look.

use std::path::Path;
use std::{env, fs};

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script what to do by these")]
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
