//! PATCH paths: whatever is read can be printed and read again.

use scim::path::PatchPath;

/// Checks one input; returns whether it was read at all.
pub(crate) fn check(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(path) = PatchPath::parse(text) else { return false };
    let printed = path.to_string();
    // Quotes and escapes may make the printed form longer than what is read.
    if printed.len() <= MAX_LENGTH {
        assert_eq!(PatchPath::parse(&printed).as_ref(), Ok(&path), "{text} printed and read again");
    }
    true
}

/// The longest text that the grammar reads.
const MAX_LENGTH: usize = 4096;
