//! Access tokens for the directory API: the client credentials grant (RFC 6749 §4.4).
//!
//! Such a token is of an app itself. It names no user, no tenant and no grant, so that it is none of
//! the access tokens that stand for a person, and it is valid at the directory alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{Client, ClientId};
use super::error::{ErrorCode, OauthError};

/// The only scope of the grant.
pub const DIRECTORY_READ: &str = "directory.read";

/// The claims of a token for the directory (RFC 9068 §2.2).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DirectoryToken {
    /// The issuer.
    pub iss: String,
    /// The directory: the issuer and [`PATH`].
    pub aud: String,
    /// The app (RFC 9068 §2.2: without a person, the client is the subject).
    pub sub: ClientId,
    /// The app again.
    pub client_id: ClientId,
    /// The time of issue, in seconds since the epoch.
    pub iat: i64,
    /// The end, in seconds since the epoch.
    pub exp: i64,
    /// A random id, unique among all tokens.
    pub jti: String,
    /// [`DIRECTORY_READ`].
    pub scope: String,
}

impl DirectoryToken {
    /// Makes the claims of a token that is issued now. `issuer` is the URL of the provider, `jti` a
    /// random id.
    pub fn new(issuer: &str, client: &ClientId, jti: String, now: Timestamp) -> Self {
        Self {
            iss: issuer.to_owned(),
            aud: audience(issuer),
            sub: client.clone(),
            client_id: client.clone(),
            iat: now.as_second(),
            exp: now.as_second().saturating_add(LIFE_SECONDS),
            jti,
            scope: DIRECTORY_READ.to_owned(),
        }
    }

    /// Whether a token with a good signature counts now at the directory of `issuer`.
    pub fn is_valid(&self, issuer: &str, now: Timestamp) -> bool {
        self.iss == issuer
            && self.aud == audience(issuer)
            && self.sub == self.client_id
            && self.scope == DIRECTORY_READ
            && now.as_second() < self.exp
    }
}

/// Checks that an app may have a token for the directory. `scope` is the parameter of the request;
/// without it the app gets [`DIRECTORY_READ`].
///
/// # Errors
///
/// `unauthorized_client` for a public client, whose identity nothing proves (RFC 6749 §4.4);
/// `invalid_scope` for any other scope.
pub fn check_grant(client: &Client, scope: Option<&str>) -> Result<(), OauthError> {
    if !client.is_confidential() {
        return Err(PUBLIC_CLIENT);
    }
    match scope {
        None | Some(DIRECTORY_READ) => Ok(()),
        Some(_) => Err(OTHER_SCOPE),
    }
}

fn audience(issuer: &str) -> String {
    format!("{issuer}{PATH}")
}

/// Seconds until a token ends.
pub const LIFE_SECONDS: i64 = 600;

/// Path of the directory below the issuer.
pub const PATH: &str = "/directory";

const PUBLIC_CLIENT: OauthError = OauthError::new(
    ErrorCode::UnauthorizedClient,
    "client_credentials is for an app with a secret; register one for your server",
);
const OTHER_SCOPE: OauthError = OauthError::new(
    ErrorCode::InvalidScope,
    "client_credentials has the scope directory.read and no other",
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pkce::Pkce;

    const ISSUER: &str = "https://id.example";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn token() -> DirectoryToken {
        DirectoryToken::new(ISSUER, &ClientId::new([7; 16]), "j".to_owned(), at(1_000))
    }

    #[test]
    fn a_token_counts_for_ten_minutes_at_the_directory_of_its_issuer() {
        assert!(token().is_valid(ISSUER, at(1_000)));
        assert!(token().is_valid(ISSUER, at(1_599)));
        assert!(!token().is_valid(ISSUER, at(1_600)));
        assert!(!token().is_valid("https://other.example", at(1_000)));
        for other in [
            DirectoryToken { aud: ISSUER.to_owned(), ..token() },
            DirectoryToken { iss: "https://other.example".to_owned(), ..token() },
            DirectoryToken { sub: ClientId::new([8; 16]), ..token() },
            DirectoryToken { scope: "directory.read openid".to_owned(), ..token() },
            DirectoryToken { scope: String::new(), ..token() },
        ] {
            assert!(!other.is_valid(ISSUER, at(1_000)), "{other:?}");
        }
    }

    #[test]
    fn only_an_app_with_a_secret_gets_a_token_and_only_for_the_one_scope() {
        let public = Client {
            id: ClientId::new([7; 16]),
            name: "App".to_owned(),
            secret_sha256: None,
            pkce: Pkce::Required,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            web_origins: Vec::new(),
            initiate_login_uri: None,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let confidential = Client { secret_sha256: Some(String::new()), ..public.clone() };
        let code = |client: &Client, scope| check_grant(client, scope).map_err(|error| error.code);
        assert_eq!(code(&confidential, None), Ok(()));
        assert_eq!(code(&confidential, Some("directory.read")), Ok(()));
        for other in ["openid", "directory.write", "directory.read openid", "DIRECTORY.READ"] {
            assert_eq!(code(&confidential, Some(other)), Err(ErrorCode::InvalidScope), "{other}");
        }
        assert_eq!(code(&public, None), Err(ErrorCode::UnauthorizedClient));
    }
}
