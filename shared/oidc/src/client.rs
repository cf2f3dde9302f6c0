//! Apps: the OAuth clients of a deployment (RFC 6749 §2).

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::pkce::Pkce;
use super::redirect_uri::AppUrl;
use types::hex::hex;
use types::ids::InvalidId;

/// A `client_id`: `app_` and 32 hexadecimal digits. Not secret.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

impl ClientId {
    /// Makes an id from randomness that the caller drew.
    pub fn new(random: [u8; 16]) -> Self {
        Self(format!("{PREFIX}{}", hex(&random)))
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = text.strip_prefix(PREFIX).ok_or(InvalidId)?;
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() == 32 && digits.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId)
        }
    }
}

impl TryFrom<String> for ClientId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A registered app.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Client {
    /// The id: `client_id`.
    pub id: ClientId,
    /// The name for people.
    pub name: String,
    /// SHA-256 of the secret, in hexadecimal. `None` for a public client, which proves itself by
    /// PKCE alone (RFC 6749 §2.1).
    pub secret_sha256: Option<String>,
    /// Whether PKCE is required; may be optional only for an app with a secret.
    pub pkce: Pkce,
    /// The URLs that codes may be sent to; at least one.
    pub redirect_uris: Vec<AppUrl>,
    /// The URL that is opened for a sign-in that the app did not start (OpenID Connect Core §4).
    pub initiate_login_uri: Option<AppUrl>,
    /// The time of registration.
    pub created_at: Timestamp,
}

impl Client {
    /// Whether the app has a secret.
    pub const fn is_confidential(&self) -> bool {
        self.secret_sha256.is_some()
    }

    /// Returns whether PKCE is required. For a public client it always is, whatever is stored:
    /// nothing else proves its identity.
    pub fn pkce(&self) -> Pkce {
        if self.is_confidential() { self.pkce } else { Pkce::Required }
    }

    /// Whether `secret` is the secret of the app. Compares digests in constant time.
    pub fn has_secret(&self, secret: &str) -> bool {
        let Some(stored) = &self.secret_sha256 else { return false };
        bool::from(secret_digest(secret).as_bytes().ct_eq(stored.as_bytes()))
    }

    /// Returns the registered redirect URI that equals `text`, byte for byte.
    pub fn redirect_uri(&self, text: &str) -> Option<&AppUrl> {
        self.redirect_uris.iter().find(|uri| uri.as_str() == text)
    }

    /// Whether a page belongs to the app: it has the origin of one of the registered URLs.
    pub fn owns(&self, page: &AppUrl) -> bool {
        let registered = self.redirect_uris.iter().chain(&self.initiate_login_uri);
        registered.into_iter().any(|url| url.origin() == page.origin())
    }
}

/// Returns the stored digest of a secret. A secret has 256 random bits, so a fast hash is enough.
pub fn secret_digest(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}

const PREFIX: &str = "app_";

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client {
            id: ClientId::new([7; 16]),
            name: "App".to_owned(),
            secret_sha256: Some(secret_digest("secret")),
            pkce: Pkce::Required,
            redirect_uris: vec![AppUrl::parse("https://app.example/cb").unwrap()],
            initiate_login_uri: None,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn only_the_secret_matches_and_a_public_client_has_none() {
        assert!(client().has_secret("secret"));
        assert!(!client().has_secret("secret2"));
        assert!(!client().has_secret(""));
        assert!(!Client { secret_sha256: None, ..client() }.has_secret(""));
    }

    #[test]
    fn a_public_client_always_needs_pkce() {
        let lenient = Client { pkce: Pkce::Optional, ..client() };
        assert_eq!(lenient.pkce(), Pkce::Optional);
        assert_eq!(Client { secret_sha256: None, ..lenient }.pkce(), Pkce::Required);
    }

    #[test]
    fn a_redirect_uri_is_compared_byte_for_byte() {
        assert!(client().redirect_uri("https://app.example/cb").is_some());
        for other in ["https://app.example/cb/", "https://app.example/cb?", "https://app.example"] {
            assert!(client().redirect_uri(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_page_belongs_to_the_app_by_its_origin() {
        let owns = |page: &str| client().owns(&AppUrl::parse(page).unwrap());
        assert!(owns("https://app.example/documents/7?x=1"));
        assert!(!owns("https://app.example:444/"));
        assert!(!owns("https://app.example.evil.example/"));
        assert!(!owns("http://localhost/"));
    }

    #[test]
    fn an_id_reads_back_and_other_texts_do_not() {
        let id = ClientId::new([7; 16]);
        assert_eq!(id.as_str().parse(), Ok(id));
        for text in [
            "",
            "app_",
            "app_0707",
            "APP_07070707070707070707070707070707",
            "app_0707070707070707070707070707070G",
        ] {
            assert_eq!(text.parse::<ClientId>(), Err(InvalidId), "{text}");
        }
    }
}
