//! The origins of pages whose scripts redeem codes (RFC 6454, CORS protocol of the Fetch standard).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::redirect_uri::AppUrl;
use super::uri_syntax::InvalidUri;

/// An origin as browsers write it in the header `Origin`: `https://app.example`, without a default
/// port. `http` only on loopback.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebOrigin(String);

impl WebOrigin {
    /// Reads an origin that an operator registers, or that a request names.
    ///
    /// # Errors
    ///
    /// [`InvalidUri`], which names the rule that the origin breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidUri> {
        let url = AppUrl::parse(text)?;
        if url.origin() != text {
            return Err(InvalidUri("an origin is a scheme, a host and a port, without a path"));
        }
        let default_port = if text.starts_with("https:") { ":443" } else { ":80" };
        if text.ends_with(default_port) {
            return Err(InvalidUri("an origin has no default port, because browsers leave it out"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the origin.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for WebOrigin {
    type Error = InvalidUri;

    fn try_from(text: String) -> Result<Self, InvalidUri> {
        Self::parse(&text)
    }
}

impl From<WebOrigin> for String {
    fn from(origin: WebOrigin) -> Self {
        origin.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for origin in [
            "https://app.example",
            "https://app.example:8443",
            "http://localhost:5173",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
        ] {
            assert_eq!(WebOrigin::parse(origin).map(String::from), Ok(origin.to_owned()));
        }
        for origin in [
            "",
            "null",
            "*",
            "app.example",
            "https://app.example/",
            "https://app.example?x",
            "https://app.example:443",
            "http://localhost:80",
            "http://app.example",
            "https://App.example",
            "https://*.app.example",
            "https://user@app.example",
            "com.example.app://callback",
        ] {
            assert!(WebOrigin::parse(origin).is_err(), "{origin}");
        }
    }
}
