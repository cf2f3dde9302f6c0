//! Proof Key for Code Exchange (RFC 7636), S256 only.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::error::OauthError;
use super::parameters::Parameters;

/// Whether an app must use PKCE.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// The app must use PKCE.
    #[default]
    Required,
    /// The app may leave PKCE out. For an app with a secret that does not support PKCE, such as an
    /// Application Load Balancer. A challenge that it does send counts (RFC 9700 §2.1.1).
    Optional,
}

/// A `code_challenge` with the method S256.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Reads the two parameters of an authorization request (RFC 7636 §4.3).
    ///
    /// `code_challenge_method` is required: without it the method is `plain`, which reveals the
    /// verifier to anyone that sees the request.
    ///
    /// # Errors
    ///
    /// `invalid_request` (RFC 7636 §4.4.1).
    pub fn read(parameters: &Parameters, pkce: Pkce) -> Result<Option<Self>, OauthError> {
        let names = ["code_challenge", "code_challenge_method"];
        let absent = names.iter().all(|name| matches!(parameters.one(name), Ok(None)));
        match pkce {
            Pkce::Optional if absent => Ok(None),
            Pkce::Optional | Pkce::Required => Self::read_required(parameters).map(Some),
        }
    }

    fn read_required(parameters: &Parameters) -> Result<Self, OauthError> {
        let challenge = parameters.required("code_challenge", "code_challenge is missing")?;
        if parameters.one("code_challenge_method")? != Some("S256") {
            return Err(OauthError::invalid_request("code_challenge_method must be S256"));
        }
        // 43 characters are 258 bits; the decoder checks that the last two are zero.
        match BASE64_URL_SAFE_NO_PAD.decode(challenge) {
            Ok(digest) if digest.len() == 32 => Ok(Self(challenge.to_owned())),
            Ok(_) | Err(_) => {
                Err(OauthError::invalid_request("code_challenge is no SHA-256 in base64url"))
            }
        }
    }

    /// Returns the parameter, unchanged.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the challenge was made from `verifier` (RFC 7636 §4.6).
    pub fn is_met_by(&self, verifier: &str) -> bool {
        let is_well_formed = (43..=128).contains(&verifier.len())
            && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
        let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        is_well_formed && bool::from(digest.as_bytes().ct_eq(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<CodeChallenge, OauthError> {
        let parameters = Parameters::parse(query).unwrap();
        let challenge = CodeChallenge::read(&parameters, Pkce::Required)?;
        assert_eq!(CodeChallenge::read(&parameters, Pkce::Optional), Ok(challenge.clone()));
        Ok(challenge.unwrap())
    }

    #[test]
    fn the_example_of_the_rfc_is_met_by_its_verifier_only() {
        let challenge = read(
            "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        )
        .unwrap();
        assert!(challenge.is_met_by("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        for other in [
            "",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ] {
            assert!(!challenge.is_met_by(other), "{other}");
        }
    }

    #[test]
    fn a_short_verifier_is_refused_even_if_its_digest_matches() {
        let challenge = CodeChallenge(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest("short")));
        assert!(!challenge.is_met_by("short"));
    }

    #[test]
    fn only_s256_is_accepted() {
        let good = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        for query in [
            String::new(),
            good.to_owned(),
            format!("{good}&code_challenge_method=plain"),
            format!("{good}&code_challenge_method=s256"),
            format!("{good}=&code_challenge_method=S256"),
            format!("{good}d&code_challenge_method=S256"),
            format!("{good}&{good}&code_challenge_method=S256"),
            "code_challenge=x&code_challenge_method=S256".to_owned(),
        ] {
            assert!(read(&query).is_err(), "{query}");
            // Where PKCE is optional, only a request without it is accepted in addition.
            let parameters = Parameters::parse(&query).unwrap();
            let optional = CodeChallenge::read(&parameters, Pkce::Optional);
            assert_eq!(optional.is_ok(), query.is_empty(), "{query}");
        }
    }
}
