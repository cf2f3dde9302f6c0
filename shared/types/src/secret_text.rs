//! Encodes secrets as text: a prefix and 256 random bits in base64url.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::SecretString;

/// Returns `prefix` followed by the secret in base64url. No other copy is left in memory.
pub fn secret_text(prefix: &str, secret: &[u8; 32]) -> SecretString {
    let length = prefix.len().saturating_add(ENCODED_LENGTH);
    // Reallocation would leave a copy behind.
    let mut text = String::with_capacity(length);
    text.push_str(prefix);
    BASE64_URL_SAFE_NO_PAD.encode_string(secret, &mut text);
    text.into()
}

/// Length of 256 bits in base64url, in bytes.
pub const ENCODED_LENGTH: usize = 43;

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_secret_is_built_without_reallocation_and_wiped_on_drop() {
        let check = |_: &dyn zeroize::ZeroizeOnDrop| {};
        let text = secret_text("gh_app_", &[255; 32]);
        check(&text);
        assert_eq!(text.expose_secret(), format!("gh_app_{}8", "_".repeat(42)));
        // Another length would have caused a reallocation.
        assert_eq!(text.expose_secret().len(), "gh_app_".len() + ENCODED_LENGTH);
    }
}
