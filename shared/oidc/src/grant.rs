//! Grants, codes and sessions: what is stored of a sign-in.
//!
//! Every token belongs to a grant. A grant counts only while its user is the same active user that
//! signed in. Every use of a token checks this (`shared::sign_in::active_grant`): a deactivation
//! takes effect at once, and a later activation does not restore old tokens.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::ClientId;
use super::pkce::CodeChallenge;
use super::redirect_uri::RedirectUri;
use super::scopes::Scopes;
use types::domain::Domain;
use types::ids::{GrantId, ResourceId};

/// One sign-in of a user: when, by which connection and with which authority.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Authentication {
    /// The user.
    pub user: ResourceId,
    /// Generation of the user at the sign-in.
    #[serde(rename = "deactivations")]
    pub user_generation: u64,
    /// Name of the connection.
    #[serde(rename = "domain")]
    pub connection: String,
    /// The authority behind the sign-in. None in rows of version 0.1.0, which count no
    /// more.
    #[serde(default)]
    pub authority: Option<SignInAuthority>,
    /// `auth_time`.
    pub auth_time: Timestamp,
    /// The end that the identity provider sets for everything that follows from it.
    pub not_on_or_after: Option<Timestamp>,
    /// `acr`: the authentication context class that the identity provider named. None in rows of an
    /// earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authn_context: Option<String>,
}

/// The generations that a sign-in counts for, and its issuer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignInAuthority {
    /// Generation of the tenant.
    pub tenant_generation: u64,
    /// Generation of the connection.
    pub connection_generation: u64,
    /// Entity id of the issuer.
    pub issuer: String,
    /// For a member of a federation: the domains that it may speak for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_domains: Option<Vec<Domain>>,
}

impl Authentication {
    /// Whether the identity provider's session is over: nothing can follow from it that lives for a
    /// second.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.not_on_or_after.is_some_and(|end| is_over(end, now))
    }

    /// Returns `now` plus `life`, or the identity provider's end if that is earlier.
    fn end(&self, now: Timestamp, life: Duration) -> Timestamp {
        let end = after(now, life);
        self.not_on_or_after.map_or(end, |limit| end.min(limit))
    }
}

/// The permission of an app to act for a user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Grant {
    /// The app that holds the tokens.
    pub client_id: ClientId,
    /// The granted scopes.
    pub scopes: Scopes,
    /// The authentication that it rests on.
    pub authentication: Authentication,
    /// The time from which none of its tokens counts.
    pub expires_at: Timestamp,
}

impl Grant {
    /// Makes a grant that lives as long as its refresh tokens, or as its one access token.
    pub fn new(
        client_id: ClientId,
        scopes: Scopes,
        authentication: Authentication,
        now: Timestamp,
    ) -> Self {
        let life = if scopes.has(super::scopes::Scope::OfflineAccess) {
            REFRESH_LIFE
        } else {
            CODE_LIFE + ACCESS_TOKEN_LIFE
        };
        let expires_at = authentication.end(now, life);
        Self { client_id, scopes, authentication, expires_at }
    }

    /// Whether none of its tokens counts any more, and none can be issued.
    pub fn is_over(&self, now: Timestamp) -> bool {
        is_over(self.expires_at, now)
    }

    /// Returns the end of an access token that is issued now.
    pub fn access_token_end(&self, now: Timestamp) -> Timestamp {
        after(now, ACCESS_TOKEN_LIFE).min(self.expires_at)
    }
}

/// The value of an authorization code: the grant that it gives and the request that it must fit.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Code {
    /// The id of the grant that redeeming the code creates.
    pub grant_id: GrantId,
    /// The grant.
    pub grant: Grant,
    /// The redirect URI that the code was sent to.
    pub redirect_uri: RedirectUri,
    /// The PKCE challenge; `None` if the app may leave PKCE out and did.
    pub code_challenge: Option<CodeChallenge>,
    /// The `nonce` for the ID token.
    pub nonce: Option<String>,
    /// The time from which it does not count.
    pub expires_at: Timestamp,
}

/// The session of a browser with us. It answers authorization requests without the identity
/// provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Session {
    /// The authentication that it rests on.
    pub authentication: Authentication,
    /// The time from which it does not count.
    pub expires_at: Timestamp,
    /// The id of the sign-in that gave it; none in a row of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<String>,
}

impl Session {
    /// Makes the session of an authentication, which the sign-in with this id gave.
    pub fn new(authentication: Authentication, sign_in: Option<String>, now: Timestamp) -> Self {
        let expires_at = authentication.end(now, SESSION_LIFE);
        Self { authentication, expires_at, sign_in }
    }
}

/// Whether less than a second is left, since tokens count in whole seconds.
fn is_over(end: Timestamp, now: Timestamp) -> bool {
    end.as_second() <= now.as_second()
}

/// Returns `now` plus `life`.
pub fn after(now: Timestamp, life: Duration) -> Timestamp {
    now.saturating_add(life).unwrap_or(now)
}

/// Lifetime of a code. RFC 6749 §4.1.2 recommends at most ten minutes.
pub const CODE_LIFE: Duration = Duration::from_mins(1);

/// Lifetime of an access token. Short, because an app may accept one without asking us.
pub const ACCESS_TOKEN_LIFE: Duration = Duration::from_mins(5);

/// Lifetime of a grant with refresh tokens. An identity provider that does not provision users
/// reports a leaver only by refusing the next sign-in, so one must happen within a week.
const REFRESH_LIFE: Duration = Duration::from_hours(7 * 24);

/// Lifetime of a session: a working day.
const SESSION_LIFE: Duration = Duration::from_hours(12);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_grant_ends_with_its_tokens_or_with_the_session_at_the_identity_provider() {
        let check = |scopes: &str, limit: Option<&str>, expect: &str| {
            let authentication = Authentication {
                user: "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap(),
                user_generation: 0,
                connection: "acme.com".to_owned(),
                authority: None,
                auth_time: at("2026-01-01T00:00:00Z"),
                not_on_or_after: limit.map(at),
                authn_context: None,
            };
            let client = ClientId::new([0; 16]);
            let now = at("2026-01-01T00:00:00Z");
            let grant = Grant::new(client, Scopes::parse(scopes), authentication, now);
            assert_eq!(grant.expires_at, at(expect));
            assert!(grant.access_token_end(now) <= at("2026-01-01T00:05:00Z"));
        };
        check("openid", None, "2026-01-01T00:06:00Z");
        check("openid offline_access", None, "2026-01-08T00:00:00Z");
        check("openid offline_access", Some("2026-01-01T08:00:00Z"), "2026-01-01T08:00:00Z");
        check("openid", Some("2026-01-01T00:02:00Z"), "2026-01-01T00:02:00Z");
    }

    #[test]
    fn a_grant_of_which_less_than_a_second_is_left_is_over() {
        let authentication = Authentication {
            user: "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap(),
            user_generation: 0,
            connection: "acme.com".to_owned(),
            authority: None,
            auth_time: at("2026-01-01T00:00:00Z"),
            not_on_or_after: Some(at("2026-01-01T00:00:10.9Z")),
            authn_context: None,
        };
        let (client, scopes) = (ClientId::new([0; 16]), Scopes::parse("openid"));
        let now = at("2026-01-01T00:00:00Z");
        let grant = Grant::new(client, scopes, authentication.clone(), now);
        for (now, expect) in [
            ("2026-01-01T00:00:09.9Z", false),
            ("2026-01-01T00:00:10.2Z", true),
            ("2026-01-01T00:00:11Z", true),
        ] {
            let now = at(now);
            assert_eq!((grant.is_over(now), authentication.is_over(now)), (expect, expect));
            assert_eq!(grant.access_token_end(now).as_second() <= now.as_second(), expect);
        }
    }
}
