//! Webhooks: where events are pushed to, and how far each endpoint is. Like apps, they belong to the
//! deployment.
//!
//! Two parties write a row. The operator changes settings and raises the version. A deliverer holds
//! the webhook while it sends, and stores progress only while the version is the one that it read:
//! so it stops at a change, and what it did meanwhile is done again. The operator never takes the hold
//! away, so that no two deliverers send to one endpoint.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::batch::RowChange;
use super::item::{
    Item, corrupt, json, number, optional_number, optional_text, parsed, required_number,
    take_json, take_text, text,
};
use super::keys::{Key, TTL, WEBHOOKS, webhook_attempts};
use super::read::{Consistency, Range};
use super::retry::random;
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use directory::cursor::{Cursor, FeedId};
use directory::event::EventType;
use directory::webhook::{Outcome, PauseReason, Progress, Selection};
use types::ids::WebhookId;

/// A webhook.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Webhook {
    /// Id.
    pub id: WebhookId,
    /// The endpoint.
    pub url: String,
    /// The events that it is sent.
    pub selection: Selection,
    /// Time of creation.
    pub created_at: Timestamp,
    /// How far it is.
    pub progress: Progress,
    /// Number of attempts since it was created.
    pub attempts: u64,
    /// The last attempt.
    pub last_attempt: Option<Attempt>,
    /// Rises with each change by the operator.
    pub version: u64,
    /// A deliverer holds the webhook until then.
    held_until: Option<Timestamp>,
}

/// One attempt to send a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// Number of the attempt among all of the webhook, from 1.
    pub number: u64,
    /// Time of the attempt.
    pub at: Timestamp,
    /// Id of the event.
    pub event_id: String,
    /// Name of the event's type.
    pub event_type: String,
    /// Outcome.
    pub outcome: Outcome,
    /// Time until the answer, in milliseconds.
    pub duration_ms: u64,
}

/// The effect of an operator's change on the progress of a webhook.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProgressChange {
    /// Nothing.
    Keep,
    /// Forgets the failures, so that the event behind the cursor is tried at once.
    Retry,
    /// Sends nothing until it is resumed.
    Pause,
    /// Goes on from the cursor, at once.
    Resume,
    /// Goes on from another cursor.
    Replay(Cursor),
}

/// A webhook that a deliverer holds. The hold lapses after 45 s, each stored progress renews it.
#[derive(Clone, Debug)]
#[must_use = "a webhook that is not released waits until the hold lapses"]
pub struct HeldWebhook {
    /// The webhook as it was read under the hold.
    pub webhook: Webhook,
    holder: u64,
}

impl Webhook {
    /// A new webhook, which is sent the events behind `cursor`.
    pub const fn new(
        id: WebhookId,
        url: String,
        selection: Selection,
        cursor: Cursor,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            url,
            selection,
            created_at,
            progress: Progress::from_cursor(cursor),
            attempts: 0,
            last_attempt: None,
            version: 1,
            held_until: None,
        }
    }

    /// Returns whether a deliverer holds it.
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }

    fn from_row(mut row: Item) -> Result<Self, StoreError> {
        let held_until: Option<i64> = optional_number(&row, HELD_UNTIL)?;
        let attempts = optional_number(&row, ATTEMPTS)?.unwrap_or_default();
        Ok(Self {
            id: parsed(&row, "id")?,
            created_at: parsed(&row, "ca")?,
            progress: progress_of(&row)?,
            attempts,
            version: required_number(&row, VERSION)?,
            held_until: held_until.and_then(|until| Timestamp::from_millisecond(until).ok()),
            selection: Selection {
                types: take_types(&mut row)?,
                tenants: take_list(&mut row, TENANTS)?,
            },
            last_attempt: if attempts > 0 { Some(Attempt::take(&mut row)?) } else { None },
            url: take_text(&mut row, URL)?,
        })
    }

    /// Returns the row with the attributes that the operator sets.
    fn settings(&self) -> Result<Item, StoreError> {
        let key = Key::webhook(self.id);
        let mut row = key.item();
        row.insert(URL.to_owned(), text(&self.url));
        row.insert(VERSION.to_owned(), number(self.version));
        if let Some(types) = &self.selection.types {
            let names: Vec<&str> = types.iter().map(|one| one.as_str()).collect();
            row.insert(TYPES.to_owned(), json(&key, &names)?);
        }
        if let Some(tenants) = &self.selection.tenants {
            row.insert(TENANTS.to_owned(), json(&key, tenants)?);
        }
        Ok(row)
    }
}

fn take_list<T: DeserializeOwned>(
    row: &mut Item,
    name: &'static str,
) -> Result<Option<Vec<T>>, StoreError> {
    if row.contains_key(name) { take_json(row, name).map(Some) } else { Ok(None) }
}

/// Takes the types of a row. One that only a later version knows is left out: it is not sent.
fn take_types(row: &mut Item) -> Result<Option<Vec<EventType>>, StoreError> {
    let names: Option<Vec<String>> = take_list(row, TYPES)?;
    Ok(names.map(|names| names.iter().filter_map(|name| name.parse().ok()).collect()))
}

fn progress_of(row: &Item) -> Result<Progress, StoreError> {
    let paused = optional_text(row, PAUSED)
        .map(|name| PauseReason::ALL.into_iter().find(|reason| reason.as_str() == name));
    let time = |name| if row.contains_key(name) { parsed(row, name).map(Some) } else { Ok(None) };
    Ok(Progress {
        cursor: Cursor {
            feed: FeedId(required_number(row, FEED)?),
            position: required_number(row, POSITION)?,
        },
        // A reason of a later version.
        paused: paused.map(|reason| reason.unwrap_or(PauseReason::Operator)),
        failing_since: time(FAILING_SINCE)?,
        attempts: optional_number(row, FAILED)?.unwrap_or_default(),
        next_attempt_at: time(NEXT_ATTEMPT_AT)?,
    })
}

fn insert_cursor(row: &mut Item, cursor: Cursor) {
    row.insert(FEED.to_owned(), number(cursor.feed.0));
    row.insert(POSITION.to_owned(), number(cursor.position));
}

fn insert_progress(row: &mut Item, progress: &Progress) {
    insert_cursor(row, progress.cursor);
    let mut insert = |name: &str, value: Option<AttributeValue>| {
        row.extend(value.map(|value| (name.to_owned(), value)));
    };
    insert(PAUSED, progress.paused.map(|reason| text(reason.as_str())));
    insert(FAILING_SINCE, progress.failing_since.map(|at| text(at.to_string())));
    insert(FAILED, (progress.attempts > 0).then(|| number(progress.attempts)));
    insert(NEXT_ATTEMPT_AT, progress.next_attempt_at.map(|at| text(at.to_string())));
}

impl Attempt {
    /// Takes an attempt out of its own row, or out of that of the webhook whose last one it is.
    fn take(row: &mut Item) -> Result<Self, StoreError> {
        let status = optional_number(row, STATUS)?;
        let outcome = Outcome::parse(status, optional_text(row, ERROR));
        Ok(Self {
            number: required_number(row, ATTEMPTS)?,
            at: parsed(row, AT)?,
            outcome: outcome.ok_or_else(|| corrupt(row, ERROR))?,
            duration_ms: required_number(row, DURATION)?,
            event_id: take_text(row, EVENT)?,
            event_type: take_text(row, EVENT_TYPE)?,
        })
    }

    fn insert_into(&self, row: &mut Item) {
        row.extend(
            [
                (ATTEMPTS, number(self.number)),
                (AT, text(self.at.to_string())),
                (EVENT, text(&self.event_id)),
                (EVENT_TYPE, text(&self.event_type)),
                (DURATION, number(self.duration_ms)),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        row.extend(self.outcome.status().map(|status| (STATUS.to_owned(), number(status))));
        row.extend(self.outcome.error().map(|error| (ERROR.to_owned(), text(error))));
    }
}

impl Store {
    /// Creates a webhook. Its id must be new.
    pub async fn create_webhook(&self, webhook: &Webhook) -> Result<(), StoreError> {
        let mut row = webhook.settings()?;
        row.insert("id".to_owned(), text(webhook.id.to_string()));
        row.insert("ca".to_owned(), text(webhook.created_at.to_string()));
        insert_progress(&mut row, &webhook.progress);
        match self.commit(&[((), Write::insert(row))]).await? {
            Commit::Done => Ok(()),
            Commit::Refused(_) => Err(StoreError::VersionMismatch),
        }
    }

    /// Reads the webhook with this id.
    pub async fn webhook(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.get(&Key::webhook(id)).await?.map(Webhook::from_row).transpose()
    }

    /// Reads all webhooks, in id order.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let range = Range::all(WEBHOOKS.to_owned(), Consistency::Strong);
        self.query_as(&range, usize::MAX, Webhook::from_row).await
    }

    /// Changes URL and selection of a webhook that was read, and its progress, and returns it. A
    /// deliverer learns of it when it has an answer to the message that it is sending.
    ///
    /// # Errors
    ///
    /// [`StoreError::VersionMismatch`] if the operator has changed it since, [`StoreError::NotFound`] if
    /// it is deleted.
    pub async fn change_webhook(
        &self,
        before: &Webhook,
        after: &Webhook,
        progress: ProgressChange,
    ) -> Result<Webhook, StoreError> {
        let mut row = Webhook { version: before.version + 1, ..after.clone() }.settings()?;
        let mut optional = vec![TYPES, TENANTS];
        match progress {
            ProgressChange::Keep => {}
            ProgressChange::Retry => optional.extend(FAILURE),
            ProgressChange::Pause => {
                row.insert(PAUSED.to_owned(), text(PauseReason::Operator.as_str()));
            }
            ProgressChange::Resume => {
                optional.push(PAUSED);
                optional.extend(FAILURE);
            }
            ProgressChange::Replay(cursor) => {
                insert_cursor(&mut row, cursor);
                optional.extend(FAILURE);
            }
        }
        let write = Write::replace(row, &optional)
            .when("v = :before")
            .bind(":before", number(before.version));
        match self.commit(&[((), write)]).await? {
            Commit::Done => self.webhook(before.id).await?.ok_or(StoreError::NotFound),
            Commit::Refused(refusals) => Err(match refusals.first() {
                Some(refusal) if refusal.found.is_none() => StoreError::NotFound,
                _ => StoreError::VersionMismatch,
            }),
        }
    }

    /// Deletes a webhook and its attempts. Returns `false` when there is no such webhook.
    pub async fn delete_webhook(&self, id: WebhookId) -> Result<bool, StoreError> {
        let delete = Write::delete(Key::webhook(id)).when("attribute_exists(pk)");
        let existed = matches!(self.commit(&[((), delete)]).await?, Commit::Done);
        let attempts = Range::all(webhook_attempts(id), Consistency::Strong);
        let rows = self.query(&attempts, usize::MAX).await?;
        let rows = rows.iter().map(|row| RowChange::Delete(Key::of(row))).collect();
        self.write_rows(rows).await?;
        Ok(existed)
    }

    /// Holds a webhook, for a deliverer; `None` if another one holds it, or it is deleted.
    pub async fn hold_webhook(
        &self,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<Option<HeldWebhook>, StoreError> {
        let holder = random()?;
        let hold = Write::update(Key::webhook(id), format!("SET {HOLDER} = :h, {HELD_UNTIL} = :u"))
            .when(format!(
                "attribute_exists(pk) AND (attribute_not_exists({HELD_UNTIL}) OR {HELD_UNTIL} <= :now)"
            ))
            .bind(":h", number(holder))
            .bind(":u", held_until(now))
            .bind(":now", number(now.as_millisecond()));
        let Commit::Done = self.commit(&[((), hold)]).await? else { return Ok(None) };
        // Read after it is held, so that nobody else moves the cursor any more.
        let webhook = self.webhook(id).await?;
        Ok(webhook.map(|webhook| HeldWebhook { webhook, holder }))
    }

    /// Stores the progress and the last attempt of a webhook that is held, and renews the hold.
    /// Returns `false` if the operator has changed the webhook since, or the hold has lapsed: then
    /// nothing is stored, and the holder must stop.
    pub async fn store_progress(
        &self,
        held: &HeldWebhook,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let webhook = &held.webhook;
        let mut row = Key::webhook(webhook.id).item();
        insert_progress(&mut row, &webhook.progress);
        row.insert(HELD_UNTIL.to_owned(), held_until(now));
        if let Some(attempt) = &webhook.last_attempt {
            attempt.insert_into(&mut row);
        }
        let optional = [PAUSED, FAILING_SINCE, FAILED, NEXT_ATTEMPT_AT, STATUS, ERROR];
        let write = Write::replace(row, &optional)
            .when(format!("{HOLDER} = :h AND {VERSION} = :v"))
            .bind(":h", number(held.holder))
            .bind(":v", number(webhook.version));
        Ok(matches!(self.commit(&[((), write)]).await?, Commit::Done))
    }

    /// Releases a webhook. One whose hold has lapsed stays with its new holder.
    pub async fn release_webhook(&self, held: HeldWebhook) -> Result<(), StoreError> {
        let key = Key::webhook(held.webhook.id);
        let release = Write::update(key, format!("REMOVE {HOLDER}, {HELD_UNTIL}"))
            .when(format!("{HOLDER} = :h"))
            .bind(":h", number(held.holder));
        self.commit(&[((), release)]).await.map(drop)
    }

    /// Keeps an attempt for thirty days, in the place of that before the last hundred.
    pub async fn note_attempt(&self, id: WebhookId, attempt: &Attempt) -> Result<(), StoreError> {
        let mut row = Key::webhook_attempt(id, attempt.number).item();
        attempt.insert_into(&mut row);
        row.insert(TTL.to_owned(), number(attempt.at.as_second() + ATTEMPTS_KEPT_SECONDS));
        self.commit(&[((), Write::put(row))]).await.map(drop)
    }

    /// Reads the last attempts of a webhook, newest first.
    pub async fn webhook_attempts(
        &self,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<Vec<Attempt>, StoreError> {
        let range = Range::all(webhook_attempts(id), Consistency::Strong);
        let mut attempts = Vec::new();
        for mut row in self.query(&range, usize::MAX).await? {
            if required_number::<i64>(&row, TTL)? > now.as_second() {
                attempts.push(Attempt::take(&mut row)?);
            }
        }
        attempts.sort_by_key(|attempt| std::cmp::Reverse(attempt.number));
        Ok(attempts)
    }
}

fn held_until(now: Timestamp) -> AttributeValue {
    number(now.saturating_add(HOLD).unwrap_or(now).as_millisecond())
}

const URL: &str = "url";
const TYPES: &str = "ty";
const TENANTS: &str = "te";
const VERSION: &str = "v";
/// Attributes of the progress.
const FEED: &str = "f";
const POSITION: &str = "n";
const PAUSED: &str = "pz";
const FAILING_SINCE: &str = "fs";
const FAILED: &str = "fa";
const NEXT_ATTEMPT_AT: &str = "na";
const FAILURE: [&str; 3] = [FAILING_SINCE, FAILED, NEXT_ATTEMPT_AT];
/// Attributes of an attempt.
const ATTEMPTS: &str = "an";
const AT: &str = "aa";
const EVENT: &str = "ae";
const EVENT_TYPE: &str = "at";
const STATUS: &str = "as";
const ERROR: &str = "ar";
const DURATION: &str = "ad";
/// Attributes of the hold.
const HOLDER: &str = "lh";
const HELD_UNTIL: &str = "lu";

/// Most webhooks of a deployment: each run of the publisher reads all.
pub const MOST_WEBHOOKS: usize = 20;

/// Three times the time limit of a message, after which progress is stored.
const HOLD: Duration = Duration::from_secs(45);

/// Thirty days.
const ATTEMPTS_KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;
