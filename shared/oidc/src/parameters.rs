//! The parameters of an OAuth request, from a query or a form body (RFC 6749 §3.1, §3.2).

use percent_encoding::percent_decode_str;

use super::error::OauthError;

/// The decoded names and values, in the order of the request. A value that is not UTF-8 is `None`.
#[derive(Clone, Debug, Default)]
pub struct Parameters(Vec<(String, Option<String>)>);

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
        let pairs: Vec<_> = encoded
            .split('&')
            .filter(|pair| !pair.is_empty())
            .take(MAX_PARAMETERS + 1)
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decode(name).unwrap_or_default(), decode(value)))
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
    /// could read different values. Also if it is not UTF-8 text, which could not be returned as it
    /// came.
    pub fn one(&self, name: &str) -> Result<Option<&str>, OauthError> {
        let mut values = self.0.iter().filter(|(found, _)| found == name);
        let first = values.next();
        if values.next().is_some() {
            return Err(OauthError::invalid_request("a parameter is repeated"));
        }
        let value = match first {
            None => return Ok(None),
            Some((_, value)) => value.as_deref(),
        };
        let value = value.ok_or(OauthError::invalid_request("a parameter is not UTF-8 text"))?;
        Ok(Some(value).filter(|value| !value.is_empty()))
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

/// Decodes a name or value (URL standard, `application/x-www-form-urlencoded`); `None` if it is not
/// UTF-8.
fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
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
    fn a_value_is_decoded_exactly_or_refused() {
        let parameters = Parameters::parse("&a=%C3%A4+%2B%3D%26&b==%&c=%FF&&%FF=d&e").unwrap();
        assert_eq!(parameters.one("a").unwrap(), Some("\u{e4} +=&"));
        assert_eq!(parameters.one("b").unwrap(), Some("=%"));
        assert!(parameters.one("c").is_err());
        assert_eq!(parameters.one("e").unwrap(), None);
    }

    #[test]
    fn length_and_number_of_parameters_are_limited() {
        assert!(Parameters::parse(&"a=1&".repeat(65)).is_err());
        assert!(Parameters::parse(&format!("a={}", "1".repeat(MAX_BYTES))).is_err());
    }
}
