//! The parameters of an OAuth request, from a query or a form body (RFC 6749 §3.1, §3.2).

use super::error::OauthError;

/// The decoded names and values, in the order of the request.
#[derive(Clone, Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` text.
    ///
    /// # Errors
    ///
    /// `invalid_request` if the text is too long or has too many parameters.
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

    /// Returns the value of a parameter. An empty value counts as none (RFC 6749 §3.1).
    ///
    /// # Errors
    ///
    /// `invalid_request` if the parameter is repeated, which RFC 6749 §3.1 forbids: two programs
    /// could read different values.
    pub fn one(&self, name: &str) -> Result<Option<&str>, OauthError> {
        let mut values = self.0.iter().filter(|(found, _)| found == name);
        let first = values.next();
        if values.next().is_some() {
            return Err(OauthError::invalid_request("a parameter is repeated"));
        }
        Ok(first.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty()))
    }

    /// Returns the value of a required parameter.
    ///
    /// # Errors
    ///
    /// `invalid_request`, with the description `missing` if it is missing.
    pub fn required(&self, name: &str, missing: &'static str) -> Result<&str, OauthError> {
        self.one(name)?.ok_or(OauthError::invalid_request(missing))
    }
}

/// The largest query or form body, in bytes.
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
    fn length_and_number_of_parameters_are_limited() {
        assert!(Parameters::parse(&"a=1&".repeat(65)).is_err());
        assert!(Parameters::parse(&format!("a={}", "1".repeat(MAX_BYTES))).is_err());
    }
}
