//! The configuration of a process, read once from the environment when it starts.
//!
//! No other module reads environment variables.

mod deploy_check;

use std::net::SocketAddr;
use std::num::NonZeroU32;

pub use deploy_check::{CheckedFunctions, DeployCheckConfig};

/// Error of the configuration. The process does not start.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// A required variable is not set.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// A variable has an invalid value.
    #[error("the environment variable {name} is {value:?}: {expected}")]
    Invalid {
        /// Name of the variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// The valid values.
        expected: &'static str,
    },
    /// The trust anchors for TLS cannot be used.
    #[error("TLS trust anchors: {0}")]
    Tls(String),
}

/// How the operator API, `/v1/*`, authenticates its caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OperatorAuth {
    /// API Gateway checks AWS Signature Version 4 and names the caller in the event.
    Iam,
    /// `Authorization: Bearer <operator key>`. The key is a secret in Secrets Manager.
    Key,
}

/// Limit on the SCIM requests of one tenant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// Requests per second on average.
    pub per_second: NonZeroU32,
    /// Requests that may come at once.
    pub burst: NonZeroU32,
}

/// The settings of a deployment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// `GATEHOUSE_STAGE`: part of the name of every secret; `dev` by default.
    pub stage: String,
    /// `GATEHOUSE_TABLE`: name of the DynamoDB table. Required.
    pub table: String,
    /// `GATEHOUSE_BASE_URL`: public scheme and host, without a trailing slash. When unset, the
    /// `Host` of each request, which API Gateway has matched to a domain of the API.
    pub base_url: Option<String>,
    /// `GATEHOUSE_RATE_LIMIT` and `GATEHOUSE_RATE_BURST`: see [`RateLimit`]. No limit when
    /// `GATEHOUSE_RATE_LIMIT` is unset or 0.
    pub rate_limit: Option<RateLimit>,
    /// `GATEHOUSE_OPERATOR_AUTH`: `iam` (default) or `key`.
    pub operator_auth: OperatorAuth,
    /// `GATEHOUSE_DNS`: address and port of the resolver that is asked for TXT records. By default
    /// the resolver of the machine.
    pub dns: Option<SocketAddr>,
}

impl Config {
    /// Reads the variables that the fields name.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`] or [`ConfigError::Invalid`] for the first variable that is missing
    /// or has an invalid value.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(variable)
    }

    /// Reads the same variables through `lookup`.
    ///
    /// # Errors
    ///
    /// As [`Config::from_env`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let per_second = number(&set, "GATEHOUSE_RATE_LIMIT")?;
        let burst = number(&set, "GATEHOUSE_RATE_BURST")?;
        Ok(Self {
            stage: set("GATEHOUSE_STAGE").unwrap_or_else(|| "dev".to_owned()),
            table: set("GATEHOUSE_TABLE").ok_or(ConfigError::Missing("GATEHOUSE_TABLE"))?,
            base_url: set("GATEHOUSE_BASE_URL").map(|url| url.trim_end_matches('/').to_owned()),
            rate_limit: per_second.map(|per_second| RateLimit {
                per_second,
                burst: burst.unwrap_or(per_second.saturating_mul(BURST_SECONDS)),
            }),
            operator_auth: match set("GATEHOUSE_OPERATOR_AUTH").as_deref() {
                None | Some("iam") => OperatorAuth::Iam,
                Some("key") => OperatorAuth::Key,
                Some(other) => {
                    return Err(ConfigError::Invalid {
                        name: "GATEHOUSE_OPERATOR_AUTH",
                        value: other.to_owned(),
                        expected: "it must be iam or key",
                    });
                }
            },
            dns: match set("GATEHOUSE_DNS") {
                None => None,
                Some(value) => Some(value.parse().map_err(|_| ConfigError::Invalid {
                    name: "GATEHOUSE_DNS",
                    value,
                    expected: "it must be an IP address and a port, such as 127.0.0.1:53",
                })?),
            },
        })
    }
}

/// Credentials and endpoints of AWS, from the variables that Lambda sets.
#[derive(Clone)]
pub struct AwsConfig {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<String>,
    /// `AWS_ENDPOINT_URL_DYNAMODB`.
    pub dynamodb_endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub secrets_manager_endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_LAMBDA`.
    pub lambda_endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_CODEDEPLOY`.
    pub codedeploy_endpoint: Option<String>,
    /// `GATEHOUSE_NATIVE_ROOTS=1`: trust the certificates of the operating system, for endpoints
    /// that are not of AWS.
    pub native_roots: bool,
}

impl AwsConfig {
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
    /// As [`AwsConfig::from_env`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let required = |name: &'static str| set(name).ok_or(ConfigError::Missing(name));
        Ok(Self {
            region: required("AWS_REGION")?,
            access_key_id: required("AWS_ACCESS_KEY_ID")?,
            secret_access_key: required("AWS_SECRET_ACCESS_KEY")?,
            session_token: set("AWS_SESSION_TOKEN"),
            dynamodb_endpoint: set("AWS_ENDPOINT_URL_DYNAMODB"),
            secrets_manager_endpoint: set("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            lambda_endpoint: set("AWS_ENDPOINT_URL_LAMBDA"),
            codedeploy_endpoint: set("AWS_ENDPOINT_URL_CODEDEPLOY"),
            native_roots: set("GATEHOUSE_NATIVE_ROOTS").is_some_and(|value| value == "1"),
        })
    }
}

/// Reads `RUST_LOG`: the level of the log, or a list of levels by target.
pub fn log_levels() -> Option<String> {
    variable("RUST_LOG")
}

#[expect(clippy::disallowed_methods, reason = "the only place that reads environment variables")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Reads a number; 0 means none.
fn number(
    set: &impl Fn(&str) -> Option<String>,
    name: &'static str,
) -> Result<Option<NonZeroU32>, ConfigError> {
    let Some(value) = set(name) else { return Ok(None) };
    match value.parse::<u32>() {
        Ok(number) => Ok(NonZeroU32::new(number)),
        Err(_) => Err(ConfigError::Invalid { name, value, expected: "it must be a whole number" }),
    }
}

/// Seconds of the rate that the default burst is worth.
const BURST_SECONDS: NonZeroU32 = NonZeroU32::new(2).unwrap();

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_lookup(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_missing_table_is_reported_by_name() {
        assert_eq!(read(&[]), Err(ConfigError::Missing("GATEHOUSE_TABLE")));
    }

    #[test]
    fn the_rate_limit_is_off_by_default_and_its_burst_is_two_seconds() {
        assert_eq!(read(&[("GATEHOUSE_TABLE", "t")]).unwrap().rate_limit, None);
        let limit =
            read(&[("GATEHOUSE_TABLE", "t"), ("GATEHOUSE_RATE_LIMIT", "100")]).unwrap().rate_limit;
        assert_eq!(limit.map(|l| (l.per_second.get(), l.burst.get())), Some((100, 200)));
    }

    #[test]
    fn an_unknown_operator_authentication_is_refused() {
        let odd = read(&[("GATEHOUSE_TABLE", "t"), ("GATEHOUSE_OPERATOR_AUTH", "none")]);
        assert!(matches!(odd, Err(ConfigError::Invalid { name: "GATEHOUSE_OPERATOR_AUTH", .. })));
    }
}
