//! PATCH paths: one that parses prints to a text that parses to the same path.

use scim::path::PatchPath;

/// Checks one input. Returns whether it parses.
pub(crate) fn check(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(path) = PatchPath::parse(text) else { return false };
    let printed = path.to_string();
    // Quotes and escapes may make the printed form longer than the parser allows.
    if printed.len() <= MAX_LENGTH {
        assert_eq!(
            PatchPath::parse(&printed).as_ref(),
            Ok(&path),
            "{text} printed and parsed again"
        );
    }
    true
}

/// Maximum length of a path, in bytes.
const MAX_LENGTH: usize = 4096;
