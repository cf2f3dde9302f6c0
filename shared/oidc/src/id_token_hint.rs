//! `id_token_hint`: an ID token of ours by which an app says whom it expects, or whom it signs out
//! (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2).
//!
//! The signature is checked where the keys are, in `shared::secrets`. An expired token is a good
//! hint: it only says which user it was issued for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::client::ClientId;
use super::error::OauthError;
use types::ids::{ResourceId, TenantId};

/// The claims of an ID token that a hint needs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct HintClaims {
    /// The issuer.
    pub iss: String,
    /// The app that the token was issued to.
    pub aud: ClientId,
    /// The user.
    pub sub: ResourceId,
    /// The tenant of the user.
    pub tenant: TenantId,
}

/// The user whom an app expects. Stored with the request while the person is at the identity
/// provider, together with the token: the request may be sent again.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct IdTokenHint {
    /// The tenant of the user.
    pub tenant: TenantId,
    /// The user.
    pub user: ResourceId,
    /// The token.
    pub token: String,
}

impl IdTokenHint {
    /// Makes the hint of a token whose signature was checked: `claims` is `None` if none of our keys
    /// signed it. `asking`: the app that sends it.
    ///
    /// # Errors
    ///
    /// `invalid_request` unless the token was issued by `issuer` to this app.
    pub fn new(
        token: &str,
        claims: Option<HintClaims>,
        issuer: &str,
        asking: &ClientId,
    ) -> Result<Self, OauthError> {
        let claims = claims.filter(|claims| claims.iss == issuer && claims.aud == *asking);
        let HintClaims { sub, tenant, .. } = claims.ok_or(BAD_HINT)?;
        Ok(Self { tenant, user: sub, token: token.to_owned() })
    }

    /// Whether the hint names this user.
    pub fn is_of(&self, tenant: TenantId, user: ResourceId) -> bool {
        self.tenant == tenant && self.user == user
    }
}

/// Shows nothing of the token, which has claims about the person.
impl fmt::Debug for IdTokenHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdTokenHint({}, {})", self.tenant, self.user)
    }
}

const BAD_HINT: OauthError =
    OauthError::invalid_request("id_token_hint is no ID token that was issued to this app");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_a_token_of_ours_for_the_asking_app() {
        let asking = ClientId::new([1; 16]);
        let claims = HintClaims {
            iss: "https://id.example".to_owned(),
            aud: asking.clone(),
            sub: "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap(),
            tenant: "0199d3a0-0000-7000-8000-000000000001".parse().unwrap(),
        };
        let read = |claims| IdTokenHint::new("token", claims, "https://id.example", &asking);
        let hint = read(Some(claims.clone())).unwrap();
        assert!(hint.is_of(claims.tenant, claims.sub));
        let other = "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d2222".parse().unwrap();
        assert!(!hint.is_of(claims.tenant, other));
        assert!(!hint.is_of("0199d3a0-0000-7000-8000-000000000002".parse().unwrap(), claims.sub));
        let other = ClientId::new([2; 16]);
        for bad in [
            None,
            Some(HintClaims { iss: "https://id.example/".to_owned(), ..claims.clone() }),
            Some(HintClaims { aud: other, ..claims }),
        ] {
            assert_eq!(read(bad).unwrap_err().code.as_str(), "invalid_request");
        }
        assert!(!format!("{hint:?}").contains("token\""));
    }
}
