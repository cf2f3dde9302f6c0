//! Secrets Manager: digests of SCIM tokens, the operator key, the cursor key, signing keys.
//!
//! Names are `gatehouse/<stage>/…`. The role of a function may read only the names that the
//! function needs. This file makes the calls; the files beneath it know what a secret holds:
//!
//! - [`scim_tokens`]: the SCIM tokens of the tenants.
//! - [`saml_keys`]: the key pairs of the SAML service provider.
//! - [`oidc_keys`]: the keys that sign ID tokens and access tokens.
//! - [`webhook_secrets`]: the secrets that sign the messages of webhooks.

pub mod oidc_keys;
pub mod saml_keys;
pub mod scim_tokens;
pub(crate) mod self_signed;
pub(crate) mod text;
pub mod ttl_cache;
pub mod webhook_secrets;

use std::fmt;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use aws_sdk_secretsmanager::operation::delete_secret::DeleteSecretError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::aws::call_error::CallError;
use crate::aws::usage::count_secrets_call;
use crate::secrets::ttl_cache::TtlCache;
use types::ids::{TenantId, WebhookId};

/// Name of a secret.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SecretName {
    /// The digests of up to two SCIM tokens of one tenant.
    ScimTokens(TenantId),
    /// The bearer token of the operator API, where there is no IAM.
    OperatorKey,
    /// The key pairs of the SAML service provider, for signing and for decryption.
    SamlKeys,
    /// The key that authenticates pagination cursors (RFC 9865).
    CursorKey,
    /// The key of the digests of linked identities.
    LinkKey,
    /// The keys that sign ID tokens and access tokens.
    OidcKeys,
    /// Up to two secrets that sign the messages of one webhook.
    Webhook(WebhookId),
}

/// The part of the name after `gatehouse/<stage>/`.
impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ScimTokens(tenant) => write!(f, "scim/{tenant}"),
            Self::OperatorKey => f.write_str("operator"),
            Self::SamlKeys => f.write_str("saml/keys"),
            Self::CursorKey => f.write_str("cursor"),
            Self::LinkKey => f.write_str("links"),
            Self::OidcKeys => f.write_str("oidc/keys"),
            Self::Webhook(id) => write!(f, "webhooks/{id}"),
        }
    }
}

/// Error of a call to Secrets Manager. Holds no secret.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation} the secret {name}")]
pub struct SecretsError {
    operation: &'static str,
    name: SecretName,
    source: CallError,
}

/// The secrets of one stage.
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
    /// Returns the secrets whose names begin with `gatehouse/<stage>/`.
    pub fn new(client: Client, stage: &str) -> Self {
        Self { client, stage: stage.to_owned(), cache: TtlCache::default() }
    }

    /// Reads the current value: one call. A secret that does not exist is `None`.
    ///
    /// # Errors
    ///
    /// When the call fails.
    pub async fn fetch(&self, name: SecretName) -> Result<Option<SecretString>, SecretsError> {
        count_secrets_call();
        match self.client.get_secret_value().secret_id(self.id(name)).send().await {
            Ok(output) => Ok(output.secret_string.map(SecretString::from)),
            Err(error) if error.as_service_error().is_some_and(is_absent) => Ok(None),
            Err(error) => Err(failed("read", name, error)),
        }
    }

    /// Returns a value that was read at most a minute ago; reads it if there is none.
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

    /// Makes `value` the current value; creates the secret if there is none.
    ///
    /// # Errors
    ///
    /// When a call fails.
    pub async fn put(&self, name: SecretName, value: &SecretString) -> Result<(), SecretsError> {
        let id = self.id(name);
        let text = value.expose_secret();
        count_secrets_call();
        let put = self.client.put_secret_value().secret_id(&id).secret_string(text).send().await;
        match put {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutSecretValueError::is_resource_not_found_exception) =>
            {
                count_secrets_call();
                let create = self.client.create_secret().name(&id).secret_string(text).send();
                create.await.map(drop).map_err(|error| failed("create", name, error))
            }
            Err(error) => Err(failed("write", name, error)),
        }
    }

    /// Creates a secret. Returns `false` if it exists already; then it stays as it is.
    ///
    /// # Errors
    ///
    /// When the call fails.
    pub async fn create(
        &self,
        name: SecretName,
        value: &SecretString,
    ) -> Result<bool, SecretsError> {
        let text = value.expose_secret();
        count_secrets_call();
        match self.client.create_secret().name(self.id(name)).secret_string(text).send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(CreateSecretError::is_resource_exists_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed("create", name, error)),
        }
    }

    /// Deletes a secret at once. To delete one that does not exist is no error.
    ///
    /// # Errors
    ///
    /// When the call fails.
    pub async fn delete(&self, name: SecretName) -> Result<(), SecretsError> {
        let request = self.client.delete_secret().secret_id(self.id(name));
        count_secrets_call();
        match request.force_delete_without_recovery(true).send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DeleteSecretError::is_resource_not_found_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(failed("delete", name, error)),
        }
    }

    fn id(&self, name: SecretName) -> String {
        format!("gatehouse/{}/{name}", self.stage)
    }
}

/// Returns whether a secret does not exist, or is scheduled for deletion.
fn is_absent(error: &GetSecretValueError) -> bool {
    error.is_resource_not_found_exception() || error.is_invalid_request_exception()
}

fn failed<E>(operation: &'static str, name: SecretName, error: SdkError<E>) -> SecretsError
where
    CallError: From<SdkError<E>>,
{
    SecretsError { operation, name, source: error.into() }
}
