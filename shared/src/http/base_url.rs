//! The base URL of the service: scheme and host, with which absolute URLs begin.

use axum::http::{HeaderMap, header};

use crate::config::Config;

/// `https://id.example.com`, without a trailing slash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Returns the configured base URL; without one, that of the request's `Host`.
    ///
    /// On AWS the caller cannot choose `Host`, since API Gateway serves only its own domains.
    /// Elsewhere it affects only the response to the same caller.
    pub fn of(config: &Config, headers: &HeaderMap) -> Self {
        if let Some(base_url) = &config.base_url {
            return Self(base_url.clone());
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        Self(format!("https://{}", host.filter(|host| is_host(host)).unwrap_or("localhost")))
    }

    /// Returns a base URL for tests.
    #[cfg(test)]
    pub(crate) fn for_test(url: &str) -> Self {
        Self(url.to_owned())
    }

    /// Returns whether the URL is `http` on the loopback interface, as in `local` and never on AWS.
    pub fn is_loopback_http(&self) -> bool {
        let authority = self.0.strip_prefix("http://").unwrap_or_default();
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        matches!(host, "127.0.0.1" | "localhost" | "[::1]")
    }

    /// Returns the URL of a path that begins with `/`.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Returns whether the URL is `https`, as everywhere but in `local`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Returns the SCIM base URL, which an administrator enters at the identity provider.
    pub fn scim(&self) -> String {
        self.join("/scim/v2")
    }
}

fn is_host(host: &str) -> bool {
    host.len() <= 255
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_host_header_is_not_used() {
        let config =
            Config::from_lookup(|name| (name == "GATEHOUSE_TABLE").then(|| "t".to_owned()))
                .unwrap();
        let of = |host: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            BaseUrl::of(&config, &headers).scim()
        };
        assert_eq!(of("id.example.com"), "https://id.example.com/scim/v2");
        assert_eq!(of("evil.example/\"><script>"), "https://localhost/scim/v2");
    }
}
