//! Secrets Manager without a network: the real SDK client on a service in this process.
//!
//! Invariants:
//! - A change is answered only after it is on the disk, so that a killed process has lost nothing
//!   that it acknowledged.
//! - There is one region, whatever region a request is signed for.

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

use crate::answer::Answer;
use crate::private_file;

/// One Secrets Manager account and region, in memory or in a file. Clones share it.
#[derive(Clone)]
pub struct SecretsManager {
    inner: Arc<Inner>,
}

impl SecretsManager {
    /// No secrets yet; they are gone with the last clone.
    pub fn memory() -> Self {
        Self::new(SecretsManagerService::new(), None)
    }

    /// The secrets in `directory`, which exists; none when there is no file of them yet.
    pub async fn open(directory: &Path) -> Result<Self, OpenError> {
        let file = directory.join(FILE);
        let service = SecretsManagerService::new();
        if let Some(snapshot) = private_file::read(&file)? {
            let snapshot = serde_json::from_slice(&snapshot)?;
            service.restore(default_account_id(), REGION, snapshot).await?;
        }
        Ok(Self::new(service, Some(file)))
    }

    /// The SDK client that production code takes.
    pub fn client(&self) -> aws_sdk_secretsmanager::Client {
        client::client_over(self.clone())
    }

    /// Answers one operation, named as in `x-amz-target` after the dot.
    pub async fn answer(&self, operation: &str, body: Bytes) -> Answer {
        match &self.inner.file {
            Some(file) if !is_read(operation) => {
                // Two changes may not write their snapshots in the other order.
                let _one_at_a_time = self.inner.writing.lock().await;
                let answer = self.handle(operation, body).await;
                if answer.status != 200 {
                    // Refused, so nothing changed.
                    return answer;
                }
                self.save(file).await.map_or_else(|error| not_saved(&error), |()| answer)
            }
            Some(_) | None => self.handle(operation, body).await,
        }
    }

    async fn handle(&self, operation: &str, body: Bytes) -> Answer {
        let target = HeaderValue::from_str(&format!("secretsmanager.{operation}"));
        let headers = target.map(|target| HeaderMap::from_iter([(TARGET, target)]));
        let request = MockRequest {
            method: "POST".to_owned(),
            // The service reads the region off its host.
            uri: format!("https://secretsmanager.{REGION}.amazonaws.com/"),
            headers: headers.unwrap_or_default(),
            body,
        };
        let response = self.inner.service.handle(request).await;
        Answer { status: response.status, body: response.body.into() }
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

/// Why the file of secrets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error("cannot read {FILE}")]
    Read(#[from] io::Error),
    /// It is not what this program wrote.
    #[error("{FILE} is damaged")]
    Damaged(#[from] serde_json::Error),
    /// The service refuses what is in it.
    #[error("{FILE} cannot be restored")]
    Refused(#[from] StateViewError),
}

struct Inner {
    service: SecretsManagerService,
    file: Option<PathBuf>,
    writing: Mutex<()>,
}

/// An operation of an unknown kind counts as a change: to save for nothing loses nothing.
fn is_read(operation: &str) -> bool {
    ["Get", "BatchGet", "Describe", "List", "Validate"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

fn not_saved(error: &io::Error) -> Answer {
    tracing::error!(error = error as &dyn std::error::Error, "a secret could not be saved");
    let body = r#"{"__type":"InternalServiceError","Message":"the secret could not be saved"}"#;
    Answer { status: 500, body: body.into() }
}

const FILE: &str = "secrets.json";
const REGION: &str = "us-east-1";
const TARGET: axum::http::HeaderName = axum::http::HeaderName::from_static("x-amz-target");

#[cfg(test)]
mod tests;
