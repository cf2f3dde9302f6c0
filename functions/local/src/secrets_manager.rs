//! Secrets Manager without a network: the real SDK client on a service in this process.
//!
//! Invariants:
//! - A change is acknowledged after it is on the disk, so that a killed process loses no
//!   acknowledged change.
//! - There is one region, independent of the region for which a request is signed.

mod client;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue};
use tokio::sync::Mutex;
use winterbaume_core::{
    MockRequest, MockService as _, StateViewError, StatefulService as _, default_account_id,
};
use winterbaume_secretsmanager::SecretsManagerService;

use crate::aws_response::AwsResponse;
use crate::private_file;

/// One Secrets Manager account and region, in memory or in a file. Clones share it.
#[derive(Clone)]
pub struct SecretsManager {
    inner: Arc<Inner>,
}

impl SecretsManager {
    /// Creates an empty service in memory; its secrets are lost with the last clone.
    pub fn memory() -> Self {
        Self::new(SecretsManagerService::new(), None)
    }

    /// Opens the secrets in `directory`, which exists. Without a file there are no secrets yet.
    pub async fn open(directory: &Path) -> Result<Self, OpenSecretsError> {
        let file = directory.join(FILE);
        let service = SecretsManagerService::new();
        if let Some(snapshot) = private_file::read(&file)? {
            let snapshot = serde_json::from_slice(&snapshot)?;
            service.restore(default_account_id(), REGION, snapshot).await?;
        }
        Ok(Self::new(service, Some(file)))
    }

    /// Returns an SDK client, as production code uses it.
    pub fn client(&self) -> aws_sdk_secretsmanager::Client {
        client::client_over(self.clone())
    }

    /// Runs one operation, named as in `x-amz-target` after the dot.
    pub async fn call(&self, operation: &str, body: Bytes) -> AwsResponse {
        match &self.inner.file {
            Some(file) if !is_read(operation) => {
                // Concurrent changes must write their snapshots in order.
                let _one_at_a_time = self.inner.writing.lock().await;
                let response = self.handle(operation, body).await;
                if response.status != 200 {
                    // Refused: there is no change to save.
                    return response;
                }
                self.save(file).await.map_or_else(|error| not_saved(&error), |()| response)
            }
            Some(_) | None => self.handle(operation, body).await,
        }
    }

    async fn handle(&self, operation: &str, body: Bytes) -> AwsResponse {
        let target = HeaderValue::from_str(&format!("secretsmanager.{operation}"));
        let headers = target.map(|target| HeaderMap::from_iter([(TARGET, target)]));
        let request = MockRequest {
            method: "POST".to_owned(),
            // The service takes the region from its host name.
            uri: format!("https://secretsmanager.{REGION}.amazonaws.com/"),
            headers: headers.unwrap_or_default(),
            body,
        };
        let response = self.inner.service.handle(request).await;
        AwsResponse { status: response.status, body: response.body.into() }
    }

    async fn save(&self, file: &Path) -> io::Result<()> {
        let snapshot = self.inner.service.snapshot(default_account_id(), REGION).await;
        let text = serde_json::to_vec(&snapshot)?;
        let file = file.to_owned();
        tokio::task::spawn_blocking(move || private_file::replace(&file, &text)).await?
    }

    fn new(service: SecretsManagerService, file: Option<PathBuf>) -> Self {
        Self { inner: Arc::new(Inner { service, file, writing: Mutex::default() }) }
    }
}

impl fmt::Debug for SecretsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretsManager").finish_non_exhaustive()
    }
}

/// The file of secrets cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenSecretsError {
    /// It cannot be read.
    #[error("cannot read {FILE}")]
    Read(#[from] io::Error),
    /// It is not in the format of this program.
    #[error("{FILE} is damaged")]
    Damaged(#[from] serde_json::Error),
    /// The service refuses its content.
    #[error("{FILE} cannot be restored")]
    Refused(#[from] StateViewError),
}

struct Inner {
    service: SecretsManagerService,
    file: Option<PathBuf>,
    writing: Mutex<()>,
}

/// Whether an operation only reads. An unknown operation counts as a change: saving once more is
/// harmless.
fn is_read(operation: &str) -> bool {
    ["Get", "BatchGet", "Describe", "List", "Validate"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

fn not_saved(error: &io::Error) -> AwsResponse {
    tracing::error!(error = error as &dyn std::error::Error, "could not save a secret");
    let body = r#"{"__type":"InternalServiceError","Message":"could not save the secret"}"#;
    AwsResponse { status: 500, body: body.into() }
}

const FILE: &str = "secrets.json";
const REGION: &str = "us-east-1";
const TARGET: axum::http::HeaderName = axum::http::HeaderName::from_static("x-amz-target");

#[cfg(test)]
mod tests;
