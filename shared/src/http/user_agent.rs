//! The product that sends a request, by its `User-Agent` (RFC 9110 §10.1.5).
//!
//! Only these names are logged, stored and shown, never the header: it is a text of the client.

use axum::http::{HeaderMap, header};

/// A product that provisions users, or a tool that people try a token with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Product {
    /// Microsoft Entra ID.
    EntraId,
    /// Okta.
    Okta,
    /// `OneLogin`.
    OneLogin,
    /// Google Workspace.
    Google,
    /// `JumpCloud`.
    JumpCloud,
    /// `PingFederate`, `PingOne`.
    Ping,
    /// `SailPoint`.
    SailPoint,
    /// curl.
    Curl,
    /// Any other.
    Other,
}

impl Product {
    /// Returns the product that a request names; [`Product::Other`] if it names none.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let agent = agent.unwrap_or_default().to_ascii_lowercase();
        let known = AGENTS.iter().find(|(part, _)| agent.contains(part));
        known.map_or(Self::Other, |(_, product)| *product)
    }

    /// The word in logs and rows. It never changes.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::EntraId => "entra",
            Self::Okta => "okta",
            Self::OneLogin => "onelogin",
            Self::Google => "google",
            Self::JumpCloud => "jumpcloud",
            Self::Ping => "ping",
            Self::SailPoint => "sailpoint",
            Self::Curl => "curl",
            Self::Other => "other",
        }
    }

    /// The product with this code; [`Product::Other`] for one that a newer version has written.
    pub(crate) fn from_code(code: &str) -> Self {
        ALL.into_iter().find(|product| product.code() == code).unwrap_or(Self::Other)
    }

    /// The name for people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::EntraId => "Entra ID",
            Self::Okta => "Okta",
            Self::OneLogin => "OneLogin",
            Self::Google => "Google",
            Self::JumpCloud => "JumpCloud",
            Self::Ping => "Ping",
            Self::SailPoint => "SailPoint",
            Self::Curl => "curl",
            Self::Other => "other",
        }
    }
}

/// All products.
const ALL: [Product; 9] = [
    Product::EntraId,
    Product::Okta,
    Product::OneLogin,
    Product::Google,
    Product::JumpCloud,
    Product::Ping,
    Product::SailPoint,
    Product::Curl,
    Product::Other,
];

/// Parts of the header, in lower case; the first that it contains decides.
const AGENTS: [(&str, Product); 12] = [
    // Names the operating system, "Microsoft Windows", too.
    ("powershell", Product::Other),
    ("okta", Product::Okta),
    ("azure", Product::EntraId),
    ("microsoft", Product::EntraId),
    ("onelogin", Product::OneLogin),
    ("google", Product::Google),
    ("jumpcloud", Product::JumpCloud),
    ("pingfederate", Product::Ping),
    ("pingone", Product::Ping),
    ("pingidentity", Product::Ping),
    ("sailpoint", Product::SailPoint),
    ("curl/", Product::Curl),
];

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_product_is_known_by_a_part_of_the_header() {
        let check = |agent: &'static str, name: &str| {
            let agent = HeaderValue::from_static(agent);
            let headers = HeaderMap::from_iter([(header::USER_AGENT, agent)]);
            assert_eq!(Product::of(&headers).name(), name, "{headers:?}");
        };
        check("Okta SCIM Client 1.0.0", "Okta");
        check("Azure AD Provisioning", "Entra ID");
        check("MICROSOFT-scim", "Entra ID");
        check("Google-Auto-Provisioning", "Google");
        check("PingFederate/12", "Ping");
        check("SailPoint IdentityNow", "SailPoint");
        check("curl/8.5.0", "curl");
        check("Mozilla/5.0 (Windows NT; Microsoft Windows 10.0.19045) PowerShell/7.4.1", "other");
        check("Apache-HttpClient/4.5.13", "other");
        check("", "other");
        assert_eq!(Product::of(&HeaderMap::new()), Product::Other);
    }

    #[test]
    fn a_product_is_read_back_by_its_code() {
        for product in ALL {
            assert_eq!(Product::from_code(product.code()), product);
        }
        assert_eq!(Product::from_code("a newer one"), Product::Other);
    }
}
