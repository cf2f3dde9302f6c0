//! SHA-256 over several texts, of which none can run into the next.

use sha2::{Digest as _, Sha256};

use crate::hex::hex;

/// Returns the SHA-256 digest of `parts`, each behind its length, in lower-case hexadecimal.
///
/// Two lists of parts have one digest only if they are equal: without the lengths, `["ab", "c"]`
/// and `["a", "bc"]` would be the same bytes. Stored rows are named by this digest, so its form
/// must not change.
pub fn digest_of_parts(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(length_prefix(part));
        digest.update(part);
    }
    hex(&digest.finalize())
}

/// Returns the length of `part` in bytes as eight big-endian bytes, to be hashed in front of it.
pub fn length_prefix(part: &str) -> [u8; 8] {
    // A text in memory is never longer than a u64 can count.
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_each_part_behind_its_length() {
        let bytes = b"\0\0\0\0\0\0\0\x02ab\0\0\0\0\0\0\0\x01c";
        assert_eq!(digest_of_parts(&["ab", "c"]), hex(&Sha256::digest(bytes)));
        assert_eq!(digest_of_parts(&[]), hex(&Sha256::digest(b"")));
    }

    #[test]
    fn the_same_text_split_elsewhere_has_another_digest() {
        let splits: [&[&str]; 5] =
            [&["abc"], &["ab", "c"], &["a", "bc"], &["abc", ""], &["", "abc"]];
        let digests = std::collections::HashSet::from(splits.map(digest_of_parts));
        assert_eq!(digests.len(), splits.len());
    }
}
