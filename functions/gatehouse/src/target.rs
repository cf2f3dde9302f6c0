//! Which deployment is meant.

use std::fmt;

/// Scheme and host of a deployment, without a slash at the end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Target {
    base_url: String,
}

/// Why a URL names no deployment.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum TargetFault {
    #[error("{0:?} is not a URL: give scheme and host, https://id.example.com")]
    NotAUrl(String),
    #[error("{0:?} has more than scheme and host: leave out what follows the host")]
    TooMuch(String),
    #[error("{0:?} is not https: a key or a signed request must not cross a network in the clear")]
    NotHttps(String),
}

impl Target {
    /// `make run` without options.
    pub(crate) const LOCAL: &str = "http://127.0.0.1:7400";

    /// Parses `https://id.example.com`; plain http for this machine only.
    pub(crate) fn parse(url: &str) -> Result<Self, TargetFault> {
        let not_a_url = || TargetFault::NotAUrl(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(not_a_url)?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err(not_a_url());
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '@']) {
            return Err(TargetFault::TooMuch(url.to_owned()));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(fits) {
            return Err(not_a_url());
        }
        let target = Self { base_url: format!("{scheme}://{}", authority.to_ascii_lowercase()) };
        if scheme == "http" && !target.is_this_machine() {
            return Err(TargetFault::NotHttps(url.to_owned()));
        }
        Ok(target)
    }

    /// The URL of a path that begins with `/`.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Whether a request stays on this machine.
    pub(crate) fn is_this_machine(&self) -> bool {
        let host = self.host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The region in the host name that API Gateway gives an API; a domain of one's own has none.
    pub(crate) fn region(&self) -> Option<&str> {
        let (_, rest) = self.host().split_once(".execute-api.")?;
        rest.split_once(".amazonaws.com").map(|(region, _)| region)
    }

    fn host(&self) -> &str {
        let (_, authority) = self.base_url.split_once("://").unwrap_or_default();
        match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            Some(_) | None => authority,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base_url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_scheme_and_host() {
        let target = Target::parse("https://ID.example.com/").unwrap();
        assert_eq!(target.join("/v1/tenants"), "https://id.example.com/v1/tenants");
        for (url, fault) in [
            ("id.example.com", TargetFault::NotAUrl as fn(String) -> TargetFault),
            ("ftp://id.example.com", TargetFault::NotAUrl),
            ("https://", TargetFault::NotAUrl),
            ("https://a b", TargetFault::NotAUrl),
            ("https://id.example.com/scim/v2", TargetFault::TooMuch),
            ("https://me@id.example.com", TargetFault::TooMuch),
            ("http://id.example.com", TargetFault::NotHttps),
            ("http://127.0.0.1.example.com", TargetFault::NotHttps),
        ] {
            assert_eq!(Target::parse(url), Err(fault(url.to_owned())));
        }
    }

    #[test]
    fn only_this_machine_is_reached_without_tls() {
        for url in
            ["http://127.0.0.1:7400", "http://localhost:1", "http://[::1]:7400", "http://[::1]"]
        {
            assert!(Target::parse(url).unwrap().is_this_machine(), "{url}");
        }
        assert!(!Target::parse("https://10.0.0.1").unwrap().is_this_machine());
    }

    #[test]
    fn the_region_is_in_the_name_that_api_gateway_gives() {
        let region = |url| Target::parse(url).unwrap().region().map(str::to_owned);
        let eu = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com";
        assert_eq!(region(eu).as_deref(), Some("eu-central-1"));
        let cn = "https://a1b2c3.execute-api.cn-north-1.amazonaws.com.cn";
        assert_eq!(region(cn).as_deref(), Some("cn-north-1"));
        assert_eq!(region("https://id.example.com"), None);
    }
}
