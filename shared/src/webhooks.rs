//! Sends a message to the endpoint of a webhook: signed (Standard Webhooks), without following
//! redirects, and only to addresses that an administrator's URL may reach.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;
use tokio::time::Instant;

use crate::aws::https::TlsError;
use crate::http::guarded_client::{GuardedClient, GuardedError, Reach};
use directory::webhook::{Message, Outcome, WebhookSecret};

/// Sends messages. Keeps connections open.
#[derive(Clone, Debug)]
pub struct Sender {
    client: GuardedClient,
    time_limit: Duration,
}

/// A message that was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Outcome.
    pub outcome: Outcome,
    /// Time until the answer, in milliseconds.
    pub duration_ms: u64,
}

impl Sender {
    /// Creates a sender that may reach these hosts.
    ///
    /// # Errors
    ///
    /// When the trusted certificates of the operating system cannot be read.
    pub fn new(reach: Reach) -> Result<Self, TlsError> {
        Ok(Self { client: GuardedClient::new(reach)?, time_limit: TIME_LIMIT })
    }

    /// Sets the time within which an endpoint must answer. Tests make it short.
    #[must_use]
    pub fn with_time_limit(self, time_limit: Duration) -> Self {
        Self { time_limit, ..self }
    }

    /// Sends a message, signed by each of the secrets.
    pub async fn send(&self, url: &str, message: &Message<'_>, secrets: &[WebhookSecret]) -> Sent {
        let started = Instant::now();
        let answer = tokio::time::timeout(self.time_limit, self.call(url, message, secrets)).await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let outcome = match answer {
            Err(_) => Outcome::TimedOut,
            Ok(Err(GuardedError::NotPublic)) => Outcome::NotPublic,
            Ok(Err(GuardedError::Url | GuardedError::Unreachable)) => Outcome::Unreachable,
            Ok(Ok(response)) => {
                let status = response.status().as_u16();
                let left = self.time_limit.saturating_sub(started.elapsed());
                // Only to keep the connection: whatever becomes of the body, the status counts.
                let _ = tokio::time::timeout(left, drop_body(response)).await;
                Outcome::Answered(status)
            }
        };
        Sent { outcome, duration_ms }
    }

    async fn call(
        &self,
        url: &str,
        message: &Message<'_>,
        secrets: &[WebhookSecret],
    ) -> Result<HttpResponse, GuardedError> {
        let mut request = HttpRequest::new(SdkBody::from(message.body));
        request.set_uri(url).map_err(|_| GuardedError::Url)?;
        request.set_method("POST").map_err(|_| GuardedError::Url)?;
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json");
        headers.insert("user-agent", "Gatehouse webhooks");
        headers.insert("webhook-id", message.id.to_owned());
        headers.insert("webhook-timestamp", message.sent_at.as_second().to_string());
        headers.insert("webhook-signature", message.signature(secrets));
        self.client.send(request).await
    }
}

/// Reads a body to its end, at most [`MAX_ANSWER`].
async fn drop_body(response: HttpResponse) {
    let (mut body, mut read) = (response.into_body(), 0);
    while read < MAX_ANSWER {
        let Some(Ok(frame)) = body.frame().await else { return };
        read += frame.data_ref().map_or(0, hyper::body::Bytes::len);
    }
}

/// Time within which an endpoint must answer.
pub const TIME_LIMIT: Duration = Duration::from_secs(15);

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 64 * 1024;
