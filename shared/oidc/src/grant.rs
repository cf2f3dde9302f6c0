//! What a sign-in gives to an app, and the browser's session beside it.
//!
//! Every token belongs to a grant. A grant counts only while its user is the same active user
//! that signed in, which is looked up whenever a token is used: a deactivation takes effect at
//! once, and an activation later does not bring old tokens back.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::ClientId;
use super::pkce::CodeChallenge;
use super::redirect_uri::AppUrl;
use super::scopes::Scopes;
use types::ids::{GrantId, ResourceId};

/// Who signed in, where and when.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Authentication {
    /// The user.
    pub user: ResourceId,
    /// How often the user had been deactivated then.
    pub deactivations: u64,
    /// The connection.
    pub domain: String,
    /// `auth_time`.
    pub auth_time: Timestamp,
    /// When the identity provider wants all of it to end.
    pub not_on_or_after: Option<Timestamp>,
}

impl Authentication {
    /// `life` from now, or less when the identity provider wants it.
    fn end(&self, now: Timestamp, life: Duration) -> Timestamp {
        let end = after(now, life);
        self.not_on_or_after.map_or(end, |limit| end.min(limit))
    }
}

/// What an app may do in a person's name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Grant {
    /// Whose the tokens are.
    pub client_id: ClientId,
    /// What the app asked for, and got.
    pub scopes: Scopes,
    /// The sign-in.
    pub authentication: Authentication,
    /// From when on none of its tokens counts.
    pub expires_at: Timestamp,
}

impl Grant {
    /// A grant that is as long as its refresh tokens, or as its one access token, live.
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

    /// When an access token made now ends.
    pub fn access_token_end(&self, now: Timestamp) -> Timestamp {
        after(now, ACCESS_TOKEN_LIFE).min(self.expires_at)
    }
}

/// What a code stands for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Code {
    /// The grant that redeeming it makes.
    pub grant_id: GrantId,
    /// The same.
    pub grant: Grant,
    /// Where it was sent.
    pub redirect_uri: AppUrl,
    /// What it has to be redeemed with, unless the app may do without.
    pub code_challenge: Option<CodeChallenge>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// From when on it does not count.
    pub expires_at: Timestamp,
}

/// A browser's session with us: its next sign-in to an app needs no identity provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Session {
    /// The sign-in.
    pub authentication: Authentication,
    /// From when on it does not count.
    pub expires_at: Timestamp,
}

impl Session {
    /// The session of a sign-in.
    pub fn new(authentication: Authentication, now: Timestamp) -> Self {
        let expires_at = authentication.end(now, SESSION_LIFE);
        Self { authentication, expires_at }
    }
}

/// `now` and a while.
pub fn after(now: Timestamp, life: Duration) -> Timestamp {
    now.saturating_add(life).unwrap_or(now)
}

/// RFC 6749 §4.1.2 asks for ten minutes at most.
pub const CODE_LIFE: Duration = Duration::from_mins(1);

/// Short, since an app may accept an access token without asking us.
pub const ACCESS_TOKEN_LIFE: Duration = Duration::from_mins(5);

/// A week without the identity provider: one that does not provision tells of a leaver only by
/// refusing the next sign-in.
const REFRESH_LIFE: Duration = Duration::from_hours(7 * 24);

/// A working day.
const SESSION_LIFE: Duration = Duration::from_hours(12);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_grant_ends_with_its_tokens_or_when_the_identity_provider_says() {
        let check = |scopes: &str, limit: Option<&str>, expect: &str| {
            let authentication = Authentication {
                user: "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap(),
                deactivations: 0,
                domain: "acme.com".to_owned(),
                auth_time: at("2026-01-01T00:00:00Z"),
                not_on_or_after: limit.map(at),
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
}
