//! Delivers events to the endpoints of webhooks.
//!
//! Invariants:
//! - One deliverer at a time sends to an endpoint: it holds the webhook in the table.
//! - Events are sent in the order of the feed, one after the other. The cursor moves on when one is
//!   accepted, and is stored before the next is sent.
//! - The tenant of an event is read directly before it is sent: nothing of a deleted tenant leaves.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::clock::{Clock, random_bytes};
use crate::event_view;
use crate::secrets::Secrets;
use crate::secrets::webhook_secrets::{WebhookSecrets, WebhookSecretsError};
use crate::store::{Attempt, FeedPage, HeldWebhook, PublishedEvent, Store, StoreError, Webhook};
use crate::webhooks::Sender;
use directory::cursor::{Cursor, FeedId};
use directory::webhook::{Message, PauseReason, Progress};
use types::ids::WebhookId;

/// Delivers events. Cheap to clone.
#[derive(Clone)]
pub struct Deliverer(Arc<Parts>);

struct Parts {
    store: Store,
    secrets: WebhookSecrets,
    clock: Clock,
    sender: Sender,
}

impl fmt::Debug for Deliverer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deliverer")
    }
}

/// The limits of one run of a deliverer.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// After this, no further message is sent.
    pub until: Instant,
    /// Whether endpoints are tried that failed last time: such a run can take long.
    pub retries: bool,
}

impl Run {
    /// A run that sends for this time, and tries failed endpoints too.
    pub fn within(time: Duration) -> Self {
        Self { until: Instant::now() + time, retries: true }
    }
}

/// Error of a delivery that is not one of the endpoint.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secrets(#[from] WebhookSecretsError),
    #[error("could not read an event")]
    Event(#[source] serde_json::Error),
    #[error("could not draw a random number")]
    Random(#[source] getrandom::Error),
}

/// Why a deliverer lets go of a webhook.
enum End {
    /// All events are delivered.
    AtEnd(Cursor),
    /// The endpoint failed or is paused, the time is over, or the operator changed the webhook.
    Stopped,
}

impl Deliverer {
    /// Creates a deliverer.
    pub fn new(store: Store, secrets: Arc<Secrets>, clock: Clock, sender: Sender) -> Self {
        let secrets = WebhookSecrets::new(secrets, store.clone());
        Self(Arc::new(Parts { store, secrets, clock, sender }))
    }

    /// Delivers to all endpoints that are due, at the same time. A failure is logged, and the next run
    /// tries again.
    pub async fn deliver_due(&self, run: Run) {
        match self.due(run).await {
            Ok(due) => drop(join_all(due.into_iter().map(|id| self.deliver(id, run))).await),
            Err(error) => log(&error.into()),
        }
    }

    /// Returns the webhooks that are due and that no other deliverer holds.
    pub(super) async fn due(&self, run: Run) -> Result<Vec<WebhookId>, StoreError> {
        let Parts { store, clock, .. } = &*self.0;
        let (webhooks, now) = (store.webhooks().await?, clock.now());
        if webhooks.is_empty() {
            return Ok(Vec::new());
        }
        let head = store.feed_head().await?;
        let is_due = |webhook: &Webhook| {
            let Webhook { progress, .. } = webhook;
            progress.is_due(now)
                && !webhook.is_held(now)
                && (run.retries || progress.failing_since.is_none())
                && event_view::position(head, progress.cursor) != Some(head.position)
        };
        Ok(webhooks.into_iter().filter(is_due).map(|webhook| webhook.id).collect())
    }

    /// Delivers to one endpoint, until all events are delivered, one fails, or the time is over.
    pub(super) async fn deliver(&self, id: WebhookId, run: Run) {
        if let Err(error) = self.try_deliver(id, run).await {
            log(&error);
        }
    }

    async fn try_deliver(&self, id: WebhookId, run: Run) -> Result<(), DeliveryError> {
        let Parts { store, clock, .. } = &*self.0;
        loop {
            let Some(mut held) = store.hold_webhook(id, clock.now()).await? else { return Ok(()) };
            let end = self.deliver_held(&mut held, run).await;
            store.release_webhook(held).await?;
            let End::AtEnd(cursor) = end? else { return Ok(()) };
            // A publisher that came before the release has left its events to this deliverer.
            let feed_end = store.feed_head().await?;
            if event_view::position(feed_end, cursor) == Some(feed_end.position) {
                return Ok(());
            }
        }
    }

    async fn deliver_held(&self, held: &mut HeldWebhook, run: Run) -> Result<End, DeliveryError> {
        let Parts { store, clock, .. } = &*self.0;
        loop {
            let Progress { cursor, .. } = held.webhook.progress;
            let now = clock.now();
            if !held.webhook.progress.is_due(now) || Instant::now() >= run.until {
                return Ok(End::Stopped);
            }
            let feed_end = store.feed_head().await?;
            let page = match event_view::position(feed_end, cursor) {
                Some(after) if after == feed_end.position => return Ok(End::AtEnd(cursor)),
                Some(after) => store.events_after(feed_end, after, EVENTS_AT_A_TIME, now).await?,
                None => FeedPage::Expired,
            };
            let FeedPage::Events(events) = page else {
                held.webhook.progress = held.webhook.progress.pause(PauseReason::Expired);
                self.store_progress(held).await?;
                return Ok(End::Stopped);
            };
            if !self.send_page(held, &events, feed_end.feed, run).await? {
                return Ok(End::Stopped);
            }
        }
    }

    /// Sends the events of a page that the webhook selects. Returns `false` if it has to stop.
    async fn send_page(
        &self,
        held: &mut HeldWebhook,
        events: &[PublishedEvent],
        feed: FeedId,
        run: Run,
    ) -> Result<bool, DeliveryError> {
        let mut is_stored = true;
        for event in events {
            let cursor = Cursor { feed, position: event.position };
            if !held.webhook.selection.has(&event.event_type, event.tenant) {
                held.webhook.progress.cursor = cursor;
                is_stored = false;
                continue;
            }
            if Instant::now() >= run.until {
                break;
            }
            if !self.send(held, event, cursor).await? {
                return Ok(false);
            }
            is_stored = true;
        }
        Ok(is_stored || self.store_progress(held).await?)
    }

    /// Sends one event. Returns `false` if it was not accepted, or the webhook is no longer held.
    async fn send(
        &self,
        held: &mut HeldWebhook,
        event: &PublishedEvent,
        cursor: Cursor,
    ) -> Result<bool, DeliveryError> {
        let Parts { store, secrets, clock, sender } = &*self.0;
        let webhook = &mut held.webhook;
        let now = clock.now();
        let secrets = secrets.live(webhook.id, webhook.version, now).await?;
        let tenant = store.tenant(event.tenant).await?;
        let body = event_view::render(event, cursor, tenant.as_ref());
        let body = Value::Object(body.map_err(DeliveryError::Event)?).to_string();
        let message = Message { id: &event.id, sent_at: now, body: &body };
        let sent = sender.send(&webhook.url, &message, &secrets).await;
        webhook.attempts += 1;
        let attempt = Attempt {
            number: webhook.attempts,
            at: now,
            event_id: event.id.clone(),
            event_type: event.event_type.clone(),
            outcome: sent.outcome,
            duration_ms: sent.duration_ms,
        };
        webhook.last_attempt = Some(attempt.clone());
        let answered_at = clock.now();
        webhook.progress = webhook.progress.after(sent.outcome, cursor, answered_at, jitter()?);
        let id = webhook.id;
        let is_stored = self.store_progress(held).await?;
        store.note_attempt(id, &attempt).await?;
        Ok(is_stored && sent.outcome.is_success())
    }

    /// Stores the progress; a webhook that is paused is reported, once.
    async fn store_progress(&self, held: &HeldWebhook) -> Result<bool, DeliveryError> {
        let now: Timestamp = self.0.clock.now();
        let is_stored = self.0.store.store_progress(held, now).await?;
        if let Some(reason) = held.webhook.progress.paused.filter(|_| is_stored) {
            let (webhook, reason) = (held.webhook.id, reason.as_str());
            tracing::error!(%webhook, reason, "a webhook is paused; nothing is sent to it");
        }
        Ok(is_stored)
    }
}

fn jitter() -> Result<u16, DeliveryError> {
    random_bytes().map(u16::from_be_bytes).map_err(DeliveryError::Random)
}

fn log(error: &DeliveryError) {
    tracing::error!(error = error as &dyn Error, "could not deliver events to a webhook");
}

/// Events that are read at a time.
const EVENTS_AT_A_TIME: usize = 100;
