//! The configuration of the deployment check.

use super::{ConfigError, variable};

/// The settings of the deployment check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeployCheckConfig {
    /// The versions to check.
    pub functions: CheckedFunctions,
    /// `GATEHOUSE_BASE_URL`, as for the functions.
    base_url: Option<String>,
}

/// ARNs of the function versions to check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckedFunctions {
    /// `GATEHOUSE_CHECK_SCIM`.
    pub scim: String,
    /// `GATEHOUSE_CHECK_ADMIN`.
    pub admin: String,
    /// `GATEHOUSE_CHECK_SAML_ACS`.
    pub saml_acs: String,
    /// `GATEHOUSE_CHECK_SAML_METADATA`.
    pub saml_metadata: String,
    /// `GATEHOUSE_CHECK_OIDC`.
    pub oidc: String,
    /// `GATEHOUSE_CHECK_EVENTS`.
    pub events: String,
    /// `GATEHOUSE_CHECK_DIRECTORY`.
    pub directory: String,
}

impl DeployCheckConfig {
    /// Reads the variables that the fields name.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`] for the first variable that is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(variable)
    }

    /// Reads the same variables through `lookup`.
    ///
    /// # Errors
    ///
    /// As [`DeployCheckConfig::from_env`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let required = |name: &'static str| set(name).ok_or(ConfigError::Missing(name));
        Ok(Self {
            functions: CheckedFunctions {
                scim: required("GATEHOUSE_CHECK_SCIM")?,
                admin: required("GATEHOUSE_CHECK_ADMIN")?,
                saml_acs: required("GATEHOUSE_CHECK_SAML_ACS")?,
                saml_metadata: required("GATEHOUSE_CHECK_SAML_METADATA")?,
                oidc: required("GATEHOUSE_CHECK_OIDC")?,
                events: required("GATEHOUSE_CHECK_EVENTS")?,
                directory: required("GATEHOUSE_CHECK_DIRECTORY")?,
            },
            base_url: set("GATEHOUSE_BASE_URL"),
        })
    }

    /// Returns the host of the base URL. Without a base URL the functions use the `Host` of each
    /// request, and any host works; the host of the API is not known here, since the API is created
    /// after the check.
    pub fn host(&self) -> &str {
        let base_url = self.base_url.as_deref().unwrap_or("https://check.gatehouse.invalid");
        base_url.split_once("://").map_or(base_url, |(_, host)| host).trim_end_matches('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_taken_from_the_base_url() {
        let host = |base_url: &str| {
            let lookup = |name: &str| {
                let set = if name == "GATEHOUSE_BASE_URL" { base_url } else { "arn" };
                Some(set.to_owned())
            };
            DeployCheckConfig::from_lookup(lookup).unwrap().host().to_owned()
        };
        assert_eq!(host("https://id.example.com/"), "id.example.com");
        assert_eq!(host(""), "check.gatehouse.invalid");
    }
}
