//! The scopes that an app may ask for (OpenID Connect Core §5.4).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One scope.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// `openid`: the id of the user. Required.
    Openid,
    /// `profile`: names, locale and similar.
    Profile,
    /// `email`: the e-mail address.
    Email,
    /// `groups`: the names of the user's groups.
    Groups,
    /// `offline_access`: a refresh token.
    OfflineAccess,
}

impl Scope {
    /// All scopes, in the order in which they are written.
    pub const ALL: [Self; 5] =
        [Self::Openid, Self::Profile, Self::Email, Self::Groups, Self::OfflineAccess];

    /// Returns the scope as it is on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openid => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
            Self::Groups => "groups",
            Self::OfflineAccess => "offline_access",
        }
    }
}

/// A set of scopes. Sent and stored as names with spaces between.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Reads the known scopes of a text; others are ignored (OpenID Connect Core §3.1.2.1).
    pub fn parse(text: &str) -> Self {
        let asked = |scope: &Scope| text.split(' ').any(|name| name == scope.as_str());
        Self(Scope::ALL.into_iter().filter(asked).collect())
    }

    /// Whether the set has `scope`.
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Returns the scopes of the text, or `None` if one is not in this set (RFC 6749 §6).
    pub fn narrowed(&self, text: &str) -> Option<Self> {
        let is_granted = |name: &str| self.0.iter().any(|scope| scope.as_str() == name);
        text.split(' ').all(is_granted).then(|| Self::parse(text))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|scope| scope.as_str()).collect();
        f.write_str(&names.join(" "))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scopes_are_ignored_and_the_order_is_ours() {
        let check = |text: &str, expect: &str| assert_eq!(Scopes::parse(text).to_string(), expect);
        check("email openid", "openid email");
        check("openid openid phone", "openid");
        check("OPENID profile,email", "");
    }

    #[test]
    fn scopes_can_be_narrowed_and_not_widened() {
        let granted = Scopes::parse("openid email");
        assert_eq!(granted.narrowed("openid"), Some(Scopes::parse("openid")));
        for wider in ["openid profile", "openid phone", "", "openid  email"] {
            assert_eq!(granted.narrowed(wider), None, "{wider}");
        }
    }
}
