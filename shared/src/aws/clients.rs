//! The SDK clients of a function, configured for a fast start.
//!
//! They trust Amazon's root certificates, which are beside this file, instead of reading about 150
//! from disk. They take region, credentials and endpoints from the variables that Lambda sets
//! instead of searching the SDK's chain of providers.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::Region;
use aws_sdk_dynamodb::config::retry::RetryConfig;

use crate::aws::https::{Https, SystemDns, Trust};
use crate::config::{AwsConfig, ConfigError};
use crate::error_chain::ErrorChain;

/// Amazon Root CA 1 to 4 and Starfield Services Root CA G2, as Amazon Trust Services publishes
/// them.
const AMAZON_ROOTS: [&[u8]; 5] = [
    include_bytes!("amazon_root_ca_1.der"),
    include_bytes!("amazon_root_ca_2.der"),
    include_bytes!("amazon_root_ca_3.der"),
    include_bytes!("amazon_root_ca_4.der"),
    include_bytes!("starfield_services_root_ca_g2.der"),
];

/// The clients of DynamoDB and Secrets Manager.
#[derive(Clone, Debug)]
pub struct AwsClients {
    /// Client of DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Client of Secrets Manager.
    pub secrets_manager: aws_sdk_secretsmanager::Client,
}

impl AwsClients {
    /// Creates both clients over one HTTP client.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Tls`] when a trust anchor is not supported. A test excludes it for those
    /// beside this file.
    pub fn new(config: &AwsConfig) -> Result<Self, ConfigError> {
        let http = https(config)?;
        let region = Region::new(config.region.clone());
        let credentials = Credentials::new(
            config.access_key_id.clone(),
            config.secret_access_key.clone(),
            config.session_token.clone(),
            None,
            "environment",
        );
        let mut dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version_latest()
            .http_client(http.clone())
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .retry_config(retry_config());
        dynamodb.set_endpoint_url(config.dynamodb_endpoint.clone());
        let mut secrets_manager = aws_sdk_secretsmanager::Config::builder()
            .behavior_version_latest()
            .http_client(http)
            .region(region)
            .credentials_provider(credentials);
        secrets_manager.set_endpoint_url(config.secrets_manager_endpoint.clone());
        Ok(Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            secrets_manager: aws_sdk_secretsmanager::Client::from_conf(secrets_manager.build()),
        })
    }
}

/// Creates the HTTPS client of these clients, for calls without an SDK.
///
/// # Errors
///
/// As [`AwsClients::new`].
pub fn https(config: &AwsConfig) -> Result<Https, ConfigError> {
    let trust = if config.native_roots { Trust::System } else { Trust::Only(&AMAZON_ROOTS) };
    Https::new(trust, SystemDns).map_err(|error| ConfigError::Tls(ErrorChain(&error).to_string()))
}

/// Returns the retries of the SDK for calls to DynamoDB.
///
/// Five attempts are enough when the table refuses every fifth call. The first pause is short,
/// since the client waits meanwhile.
pub fn retry_config() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(5)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_can_be_built_with_the_roots_beside_this_file() {
        let config = AwsConfig::from_lookup(|name| Some(format!("http://{name}"))).unwrap();
        assert!(AwsClients::new(&AwsConfig { native_roots: false, ..config }).is_ok());
    }
}
