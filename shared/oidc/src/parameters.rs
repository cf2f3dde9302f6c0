//! Parameters of an OAuth request, from a query or a form body (RFC 6749 §3.1, §3.2).

use super::error::OauthError;

/// Decoded names and values, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` text.
    ///
    /// # Errors
    ///
    /// `invalid_request` when there is too much of it.
    pub fn parse(encoded: &str) -> Result<Self, OauthError> {
        if encoded.len() > MAX_BYTES {
            return Err(OauthError::invalid_request("the request is too long"));
        }
        let pairs: Vec<_> = form_urlencoded::parse(encoded.as_bytes())
            .take(MAX_PARAMETERS + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if pairs.len() > MAX_PARAMETERS {
            return Err(OauthError::invalid_request("too many parameters"));
        }
        Ok(Self(pairs))
    }

    /// The one value of a parameter. An empty value counts as none (RFC 6749 §3.1).
    ///
    /// # Errors
    ///
    /// `invalid_request` when the parameter is there twice, which RFC 6749 §3.1 forbids: two
    /// readers could take different ones.
    pub fn one(&self, name: &str) -> Result<Option<&str>, OauthError> {
        let mut values = self.0.iter().filter(|(found, _)| found == name);
        let first = values.next();
        if values.next().is_some() {
            return Err(OauthError::invalid_request("a parameter is there twice"));
        }
        Ok(first.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty()))
    }

    /// The one value of a parameter, which has to be there.
    ///
    /// # Errors
    ///
    /// `invalid_request` with `missing` as description, or when it is there twice.
    pub fn required(&self, name: &str, missing: &'static str) -> Result<&str, OauthError> {
        self.one(name)?.ok_or(OauthError::invalid_request(missing))
    }
}

/// Largest query or form body, in bytes.
pub const MAX_BYTES: usize = 16_384;

const MAX_PARAMETERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_counts_as_none_and_a_repeated_one_is_refused() {
        let parameters = Parameters::parse("a=1&b=&c=x&c=x&d=%20+").unwrap();
        assert_eq!(parameters.one("a").unwrap(), Some("1"));
        assert_eq!(parameters.one("b").unwrap(), None);
        assert_eq!(parameters.one("d").unwrap(), Some("  "));
        assert!(parameters.one("c").is_err());
        assert!(parameters.required("e", "no e").is_err());
    }

    #[test]
    fn there_is_a_limit() {
        assert!(Parameters::parse(&"a=1&".repeat(65)).is_err());
        assert!(Parameters::parse(&format!("a={}", "1".repeat(MAX_BYTES))).is_err());
    }
}
