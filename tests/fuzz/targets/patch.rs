//! See `checks/patch.rs`, which runs as a property test too.

#![no_main]

#[path = "../checks/patch.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    checks::check(input);
});
