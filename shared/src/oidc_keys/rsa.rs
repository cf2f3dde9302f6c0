//! One RSA key and RS256 (RFC 7515, RFC 7518 §3.3).

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{KeysError, TokenType};

/// A key pair with its public names.
pub(super) struct RsaKey {
    pair: KeyPair,
    pkcs8: Pkcs8V1Der<'static>,
    kid: String,
    n: String,
    e: String,
    created_at: Timestamp,
}

/// As Secrets Manager holds it. No `Debug`: it is the private key.
#[derive(Deserialize, Serialize)]
pub(super) struct StoredKey {
    /// PKCS #8 (RFC 5208) in base64url.
    pkcs8: String,
    created_at: Timestamp,
}

impl RsaKey {
    /// A new key of 2,048 bits, what RS256 is made for and every library reads.
    pub(super) fn generate(now: Timestamp) -> Result<Self, KeysError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeysError::Unusable)?;
        Self::new(pair, now)
    }

    pub(super) fn read(stored: &StoredKey) -> Result<Self, KeysError> {
        let pkcs8 =
            BASE64_URL_SAFE_NO_PAD.decode(&stored.pkcs8).map_err(|_| KeysError::Unusable)?;
        let pair = KeyPair::from_pkcs8(&pkcs8).map_err(|_| KeysError::Unusable)?;
        Self::new(pair, stored.created_at)
    }

    fn new(pair: KeyPair, created_at: Timestamp) -> Result<Self, KeysError> {
        let (n, e) = components(pair.public_key().as_ref()).ok_or(KeysError::Unusable)?;
        let (n, e) = (BASE64_URL_SAFE_NO_PAD.encode(n), BASE64_URL_SAFE_NO_PAD.encode(e));
        // RFC 7638 §3.1: the members in this order and no white space.
        let thumbprint = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        let kid = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(thumbprint));
        let pkcs8 = pair.as_der().map_err(|_| KeysError::Unusable)?;
        Ok(Self { pair, pkcs8, kid, n, e, created_at })
    }

    pub(super) fn stored(&self) -> StoredKey {
        let pkcs8 = BASE64_URL_SAFE_NO_PAD.encode(self.pkcs8.as_ref());
        StoredKey { pkcs8, created_at: self.created_at }
    }

    pub(super) fn kid(&self) -> &str {
        &self.kid
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

    pub(super) fn sign(&self, of: TokenType, claims: &[u8]) -> Result<String, KeysError> {
        let input = format!("{}.{}", self.header(of), BASE64_URL_SAFE_NO_PAD.encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
            .map_err(|_| KeysError::Unusable)?;
        Ok(format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    pub(super) fn verify(&self, of: TokenType, token: &str) -> Option<Vec<u8>> {
        let (input, signature) = token.rsplit_once('.')?;
        let (header, claims) = input.split_once('.')?;
        if header != self.header(of) {
            return None;
        }
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref())
            .verify(input.as_bytes(), &signature)
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

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 §A.1.1) that the library wrote.
fn components(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, _) = element(SEQUENCE, der)?;
    let (modulus, rest) = element(INTEGER, key)?;
    let (exponent, _) = element(INTEGER, rest)?;
    Some((unsigned(modulus), unsigned(exponent)))
}

/// The content of a DER element, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    if *found != tag {
        return None;
    }
    if *first < 0x80 {
        return rest.split_at_checked(usize::from(*first));
    }
    let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    let length = bytes.iter().try_fold(0_usize, |length, byte| {
        length.checked_mul(256)?.checked_add(usize::from(*byte))
    })?;
    rest.split_at_checked(length)
}

/// JSON Web Keys have no sign byte (RFC 7518 §2, `Base64urlUInt`).
fn unsigned(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
