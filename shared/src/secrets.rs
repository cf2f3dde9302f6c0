//! Secrets Manager: SCIM token digests, the operator key, the cursor key, signing keys.
//!
//! Names are `gatehouse/<stage>/…`. A role may read only the names that its function needs.

pub mod oidc_keys;
pub mod saml_keys;
pub mod scim_tokens;
pub(crate) mod self_signed;
pub(crate) mod text;
pub mod ttl_cache;

use std::fmt;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, SdkError};
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use aws_sdk_secretsmanager::operation::delete_secret::DeleteSecretError;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::secrets::ttl_cache::TtlCache;
use types::ids::TenantId;

/// Which secret.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SecretName {
    /// Up to two token digests of one tenant.
    ScimTokens(TenantId),
    /// What the operator API takes as bearer where there is no IAM.
    OperatorKey,
    /// The keys of the SAML service provider: for signing and for decryption.
    SamlKeys,
    /// Authenticates pagination cursors (RFC 9865).
    CursorKey,
    /// Sign ID tokens and access tokens.
    OidcKeys,
}

/// What follows `gatehouse/<stage>/`.
impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ScimTokens(tenant) => write!(f, "scim/{tenant}"),
            Self::OperatorKey => f.write_str("operator"),
            Self::SamlKeys => f.write_str("saml/keys"),
            Self::CursorKey => f.write_str("cursor"),
            Self::OidcKeys => f.write_str("oidc/keys"),
        }
    }
}

/// Secrets Manager did not do what was asked. The text is for the log and holds no secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("Secrets Manager: {0}")]
pub struct SecretsError(String);

/// Secrets of one stage.
pub struct Secrets {
    client: Client,
    stage: String,
    cache: TtlCache<SecretName, SecretString>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl Secrets {
    /// The secrets whose names begin `gatehouse/<stage>/`.
    pub fn new(client: Client, stage: &str) -> Self {
        Self { client, stage: stage.to_owned(), cache: TtlCache::default() }
    }

    /// The current value, one call.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer. A secret that does not exist is `None`.
    pub async fn fetch(&self, name: SecretName) -> Result<Option<SecretString>, SecretsError> {
        let sent = self.client.get_secret_value().secret_id(self.id(name)).send().await;
        match sent {
            Ok(output) => Ok(output.secret_string.map(SecretString::from)),
            Err(error) => match error.as_service_error() {
                Some(service)
                    if service.is_resource_not_found_exception()
                        || service.is_invalid_request_exception() =>
                {
                    Ok(None)
                }
                Some(_) | None => Err(failed(&error)),
            },
        }
    }

    /// The value as it was at most a minute ago; no call when it is at hand.
    ///
    /// # Errors
    ///
    /// As [`Secrets::fetch`].
    pub async fn cached(
        &self,
        name: SecretName,
        now: Timestamp,
    ) -> Result<Option<SecretString>, SecretsError> {
        if let Some(value) = self.cache.get(&name, now) {
            return Ok(Some(value));
        }
        let value = self.fetch(name).await?;
        if let Some(value) = &value {
            self.cache.put(name, value.clone(), now);
        }
        Ok(value)
    }

    /// Makes `value` the current value; makes the secret when there is none.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer or refuses.
    pub async fn put(&self, name: SecretName, value: &SecretString) -> Result<(), SecretsError> {
        let id = self.id(name);
        let text = value.expose_secret();
        let put = self.client.put_secret_value().secret_id(&id).secret_string(text).send().await;
        let Err(error) = put else { return Ok(()) };
        if !error
            .as_service_error()
            .is_some_and(PutSecretValueError::is_resource_not_found_exception)
        {
            return Err(failed(&error));
        }
        let created = self.client.create_secret().name(&id).secret_string(text).send().await;
        created.map(drop).map_err(|error| failed(&error))
    }

    /// Makes the secret, unless there is one already: then it stays as it is, and the answer is
    /// `false`.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer or refuses.
    pub async fn create(
        &self,
        name: SecretName,
        value: &SecretString,
    ) -> Result<bool, SecretsError> {
        let text = value.expose_secret();
        match self.client.create_secret().name(self.id(name)).secret_string(text).send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(CreateSecretError::is_resource_exists_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed(&error)),
        }
    }

    /// Deletes a secret at once; one that does not exist is deleted already.
    ///
    /// # Errors
    ///
    /// When Secrets Manager does not answer or refuses.
    pub async fn delete(&self, name: SecretName) -> Result<(), SecretsError> {
        let request = self.client.delete_secret().secret_id(self.id(name));
        match request.force_delete_without_recovery(true).send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DeleteSecretError::is_resource_not_found_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(failed(&error)),
        }
    }

    fn id(&self, name: SecretName) -> String {
        format!("gatehouse/{}/{name}", self.stage)
    }
}

fn failed<E, R>(error: &SdkError<E, R>) -> SecretsError
where
    E: std::error::Error + 'static,
    R: fmt::Debug,
{
    SecretsError(DisplayErrorContext(error).to_string())
}
