//! Secrets as text: a prefix and 256 random bits in base64url.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::SecretString;

/// `prefix` and the secret in base64url, of which this is the only copy.
pub fn secret_text(prefix: &str, secret: &[u8; 32]) -> SecretString {
    let length = prefix.len().saturating_add(ENCODED_LENGTH);
    // A text that grows leaves what it was behind.
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
    fn a_secret_is_made_in_one_piece_that_is_wiped() {
        let check = |_: &dyn zeroize::ZeroizeOnDrop| {};
        let text = secret_text("gh_app_", &[255; 32]);
        check(&text);
        assert_eq!(text.expose_secret(), format!("gh_app_{}8", "_".repeat(42)));
        // Other than 43 characters would have made it move.
        assert_eq!(text.expose_secret().len(), "gh_app_".len() + ENCODED_LENGTH);
    }
}
