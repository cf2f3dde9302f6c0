//! One RSA key, and RS256 with it (RFC 7515, RFC 7518 §3.3).

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{OidcKeysError, TokenType};
use crate::secrets;
use saml::crypto::{PrivateKey, PrivateKeyError};

/// A key pair with its public values.
pub(super) struct RsaKey {
    private: PrivateKey<KeyPair>,
    kid: String,
    n: String,
    e: String,
    created_at: Timestamp,
}

/// A key in the form of its secret.
#[derive(Deserialize, Serialize)]
pub(super) struct StoredKey {
    /// PKCS #8 (RFC 5208) in base64url.
    #[serde(with = "secrets::text")]
    pkcs8: SecretString,
    created_at: Timestamp,
}

impl RsaKey {
    /// Generates a key of 2,048 bits, which every library supports for RS256.
    pub(super) fn generate(now: Timestamp) -> Result<Self, OidcKeysError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| OidcKeysError::Unusable)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| OidcKeysError::Unusable)?;
        let pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
        Self::new(PrivateKey::from_parsed(pkcs8, pair), now).map_err(|_| OidcKeysError::Unusable)
    }

    /// Reads a stored key. Only its public half is parsed.
    pub(super) fn from_stored(stored: &StoredKey) -> Result<Self, PrivateKeyError> {
        let pkcs8 = BASE64_URL_SAFE_NO_PAD.decode(stored.pkcs8.expose_secret());
        let pkcs8 = Zeroizing::new(pkcs8.map_err(|_| PrivateKeyError::Rsa)?);
        Self::new(PrivateKey::from_pkcs8(pkcs8), stored.created_at)
    }

    fn new(private: PrivateKey<KeyPair>, created_at: Timestamp) -> Result<Self, PrivateKeyError> {
        let (n, e) = private.public_numbers()?;
        let (n, e) = (BASE64_URL_SAFE_NO_PAD.encode(n), BASE64_URL_SAFE_NO_PAD.encode(e));
        // RFC 7638 §3.1: the members in this order, without white space.
        let thumbprint = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        let kid = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(thumbprint));
        Ok(Self { private, kid, n, e, created_at })
    }

    pub(super) fn to_stored(&self) -> StoredKey {
        let pkcs8 = BASE64_URL_SAFE_NO_PAD.encode(self.private.pkcs8()).into();
        StoredKey { pkcs8, created_at: self.created_at }
    }

    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// Checks whether the key can sign. Parses the private half now.
    pub(super) fn check(&self) -> Result<(), PrivateKeyError> {
        self.private.pair().map(|_| ())
    }

    /// RFC 7517 §4, RFC 7518 §6.3.1.
    pub(super) fn jwk(&self) -> Value {
        json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": self.n,
            "e": self.e,
        })
    }

    pub(super) fn sign(&self, of: TokenType, claims: &[u8]) -> Result<String, OidcKeysError> {
        let pair = self.private.pair().map_err(OidcKeysError::of_current)?;
        let input = format!("{}.{}", self.header(of), BASE64_URL_SAFE_NO_PAD.encode(claims));
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
            .map_err(|_| OidcKeysError::Unusable)?;
        Ok(format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    pub(super) fn verify(&self, of: TokenType, token: &str) -> Option<Vec<u8>> {
        let (input, signature) = token.rsplit_once('.')?;
        let (header, claims) = input.split_once('.')?;
        if header != self.header(of) {
            return None;
        }
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        let (n, e) = self.private.public_numbers().ok()?;
        PublicKeyComponents { n, e }
            .verify(&RSA_PKCS1_2048_8192_SHA256, input.as_bytes(), &signature)
            .ok()?;
        BASE64_URL_SAFE_NO_PAD.decode(claims).ok()
    }

    fn header(&self, of: TokenType) -> String {
        let header = format!(r#"{{"alg":"RS256","kid":"{}","typ":"{}"}}"#, self.kid, of.as_str());
        BASE64_URL_SAFE_NO_PAD.encode(header)
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaKey({})", self.kid)
    }
}
