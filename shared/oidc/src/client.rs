//! Apps: the OAuth clients of a deployment (RFC 6749 §2).

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::pkce::Pkce;
use super::redirect_uri::{AppUrl, RedirectUri};
use super::web_origin::WebOrigin;
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
    /// The URIs that codes may be sent to; at least one.
    pub redirect_uris: Vec<RedirectUri>,
    /// The URIs that a browser may be sent to after a sign-out that the app asked for (OpenID
    /// Connect RP-Initiated Logout §3.1).
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// The origins whose scripts may read the answers to the app; only for a public client.
    pub web_origins: Vec<WebOrigin>,
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

    /// Returns the redirect URI `text` if it is registered: it equals a registered one, byte for
    /// byte. For a public client the port of a loopback address may differ (RFC 8252 §7.3).
    pub fn redirect_uri(&self, text: &str) -> Option<RedirectUri> {
        let asked = RedirectUri::parse(text).ok()?;
        let is_registered = self.redirect_uris.contains(&asked)
            || (!self.is_confidential()
                && self.redirect_uris.iter().any(|uri| uri.equals_but_for_loopback_port(&asked)));
        is_registered.then_some(asked)
    }

    /// Returns the post-logout redirect URI `text` if it equals a registered one, byte for byte.
    pub fn post_logout_redirect_uri(&self, text: &str) -> Option<&RedirectUri> {
        self.post_logout_redirect_uris.iter().find(|uri| uri.as_str() == text)
    }

    /// Whether scripts of `origin`, as a browser names it, may read the answers to the app.
    pub fn has_web_origin(&self, origin: &str) -> bool {
        !self.is_confidential() && self.web_origins.iter().any(|known| known.as_str() == origin)
    }

    /// Whether a page belongs to the app: it has the origin of one of the registered URLs.
    pub fn owns(&self, page: &AppUrl) -> bool {
        let redirect_uris = self.redirect_uris.iter().filter_map(|uri| match uri {
            RedirectUri::Url(url) => Some(url),
            RedirectUri::PrivateUse(_) => None,
        });
        let mut registered = redirect_uris.chain(&self.initiate_login_uri);
        registered.any(|url| url.origin() == page.origin())
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

    fn uris(texts: &[&str]) -> Vec<RedirectUri> {
        texts.iter().map(|text| RedirectUri::parse(text).unwrap()).collect()
    }

    fn client() -> Client {
        Client {
            id: ClientId::new([7; 16]),
            name: "App".to_owned(),
            secret_sha256: Some(secret_digest("secret")),
            pkce: Pkce::Required,
            redirect_uris: uris(&["https://app.example/cb"]),
            post_logout_redirect_uris: Vec::new(),
            web_origins: Vec::new(),
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
    fn the_loopback_port_of_a_public_client_may_vary() {
        let confidential = Client { redirect_uris: uris(&["http://127.0.0.1/cb"]), ..client() };
        let public = Client { secret_sha256: None, ..confidential.clone() };
        let asked = "http://127.0.0.1:51004/cb";
        assert_eq!(public.redirect_uri(asked).unwrap().as_str(), asked);
        assert!(confidential.redirect_uri(asked).is_none());
        assert!(confidential.redirect_uri("http://127.0.0.1/cb").is_some());
        for other in ["http://127.0.0.1:0/cb", "http://127.0.0.1:x/cb", "http://127.0.0.1:1/cb#x"] {
            assert!(public.redirect_uri(other).is_none(), "{other}");
        }
    }

    #[test]
    fn only_a_public_client_has_web_origins() {
        let origin = "https://app.example";
        let confidential =
            Client { web_origins: vec![WebOrigin::parse(origin).unwrap()], ..client() };
        let public = Client { secret_sha256: None, ..confidential.clone() };
        assert!(public.has_web_origin(origin));
        assert!(!confidential.has_web_origin(origin));
        for other in
            ["null", "", "https://app.example/", "https://app.example:443", "HTTPS://app.example"]
        {
            assert!(!public.has_web_origin(other), "{other}");
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
