//! The URL of a deployment: parsing, and what its host name says.
//!
//! Pure: no name is looked up.

use std::fmt;

/// Scheme, host and port of a deployment, without a trailing slash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Target {
    base_url: String,
}

/// A text that is not the URL of a deployment.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("{0:?} is not a URL: give scheme and host, such as https://id.example.com")]
    NotAUrl(String),
    #[error("{0:?} has more than scheme and host: remove the user name, path or query")]
    TooMuch(String),
    #[error("{0:?} is not https: credentials must not cross a network unencrypted")]
    NotHttps(String),
}

impl Target {
    /// The URL of `make run` without options.
    pub(crate) const LOCAL: &str = "http://127.0.0.1:7400";

    /// Parses a URL such as `https://id.example.com`. Accepts http for this machine only.
    pub(crate) fn parse(url: &str) -> Result<Self, TargetError> {
        let not_a_url = || TargetError::NotAUrl(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(not_a_url)?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err(not_a_url());
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '@']) {
            return Err(TargetError::TooMuch(url.to_owned()));
        }
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(is_allowed) {
            return Err(not_a_url());
        }
        let target = Self { base_url: format!("{scheme}://{}", authority.to_ascii_lowercase()) };
        if scheme == "http" && !target.is_loopback() {
            return Err(TargetError::NotHttps(url.to_owned()));
        }
        Ok(target)
    }

    /// Returns the URL of a path that begins with `/`.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Whether the deployment is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Returns the region in the host name of API Gateway; a custom domain contains none.
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
    fn a_target_is_scheme_and_host() {
        let target = Target::parse("https://ID.example.com/").unwrap();
        assert_eq!(target.join("/v1/tenants"), "https://id.example.com/v1/tenants");
        for (url, error) in [
            ("id.example.com", TargetError::NotAUrl as fn(String) -> TargetError),
            ("ftp://id.example.com", TargetError::NotAUrl),
            ("https://", TargetError::NotAUrl),
            ("https://a b", TargetError::NotAUrl),
            ("https://id.example.com/scim/v2", TargetError::TooMuch),
            ("https://me@id.example.com", TargetError::TooMuch),
            ("http://id.example.com", TargetError::NotHttps),
            ("http://127.0.0.1.example.com", TargetError::NotHttps),
        ] {
            assert_eq!(Target::parse(url), Err(error(url.to_owned())));
        }
    }

    #[test]
    fn plain_http_is_accepted_for_this_machine_only() {
        for url in
            ["http://127.0.0.1:7400", "http://localhost:1", "http://[::1]:7400", "http://[::1]"]
        {
            assert!(Target::parse(url).unwrap().is_loopback(), "{url}");
        }
        assert!(!Target::parse("https://10.0.0.1").unwrap().is_loopback());
    }

    #[test]
    fn the_region_is_read_from_an_api_gateway_host_name() {
        let region = |url| Target::parse(url).unwrap().region().map(str::to_owned);
        let eu = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com";
        assert_eq!(region(eu).as_deref(), Some("eu-central-1"));
        let cn = "https://a1b2c3.execute-api.cn-north-1.amazonaws.com.cn";
        assert_eq!(region(cn).as_deref(), Some("cn-north-1"));
        assert_eq!(region("https://id.example.com"), None);
    }
}
