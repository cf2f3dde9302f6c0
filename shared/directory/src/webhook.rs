//! Webhooks: the signature of a message (Standard Webhooks), the schedule of its retries, and what the
//! outcome of an attempt makes of an endpoint.
//!
//! An endpoint has a cursor in the feed of events. A message that was accepted moves it on; until
//! then nothing behind it is sent, so that events arrive in order and none is lost.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Serialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::cursor::Cursor;
use crate::event::EventType;
use types::ids::TenantId;

/// A secret that signs messages: `whsec_` and its bytes in base64. `Debug` does not print it, and it is
/// wiped when it is dropped.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(_)")
    }
}

/// The text is not a secret of a webhook. Does not quote it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a secret of a webhook: whsec_ and 24 to 64 bytes in base64")]
pub struct InvalidWebhookSecret;

impl WebhookSecret {
    /// Makes a secret of randomness that the caller drew.
    pub fn new(random: &[u8; 32]) -> Self {
        Self(Zeroizing::new(random.to_vec()))
    }

    /// Reads a secret.
    ///
    /// # Errors
    ///
    /// [`InvalidWebhookSecret`] if the text has another form or length than Standard Webhooks allows.
    pub fn parse(text: &str) -> Result<Self, InvalidWebhookSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidWebhookSecret)?;
        let bytes =
            Zeroizing::new(BASE64_STANDARD.decode(encoded).map_err(|_| InvalidWebhookSecret)?);
        if LENGTHS.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(InvalidWebhookSecret) }
    }

    /// Returns the secret as text, which the receiver is configured with.
    pub fn reveal(&self) -> SecretString {
        // Reallocation would leave a copy behind.
        let mut text = String::with_capacity(PREFIX.len() + self.0.len().div_ceil(3) * 4);
        text.push_str(PREFIX);
        BASE64_STANDARD.encode_string(&*self.0, &mut text);
        text.into()
    }

    /// Returns the value that `webhook-signature` has for this secret.
    fn sign(&self, message: &Message<'_>) -> String {
        // HMAC pads a short key with zeros (RFC 2104 §2); a secret is at most one block long.
        let mut block = Zeroizing::new([0; 64]);
        for (slot, byte) in block.iter_mut().zip(self.0.iter()) {
            *slot = *byte;
        }
        let mut mac: Hmac<Sha256> = Hmac::new((&*block).into());
        mac.update(format!("{}.{}.", message.id, message.sent_at.as_second()).as_bytes());
        mac.update(message.body.as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// A message as it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// `webhook-id`: the id of the event, the same in each attempt.
    pub id: &'a str,
    /// `webhook-timestamp`: the time of the attempt.
    pub sent_at: Timestamp,
    /// The body.
    pub body: &'a str,
}

impl Message<'_> {
    /// Returns `webhook-signature`: one signature for each secret, separated by spaces, so that a
    /// receiver that knows one of them accepts the message.
    pub fn signature<'a>(&self, secrets: impl IntoIterator<Item = &'a WebhookSecret>) -> String {
        let signatures: Vec<String> = secrets.into_iter().map(|secret| secret.sign(self)).collect();
        signatures.join(" ")
    }
}

/// The events that an endpoint is sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Selection {
    /// All types without it.
    pub types: Option<Vec<EventType>>,
    /// All tenants without it.
    pub tenants: Option<Vec<TenantId>>,
}

impl Selection {
    /// Returns whether the endpoint is sent an event of this type and tenant.
    pub fn has(&self, event_type: &str, tenant: TenantId) -> bool {
        let is_type = |types: &Vec<EventType>| types.iter().any(|one| one.as_str() == event_type);
        self.types.as_ref().is_none_or(is_type)
            && self.tenants.as_ref().is_none_or(|tenants| tenants.contains(&tenant))
    }
}

/// Why an endpoint is paused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// The operator paused it.
    Operator,
    /// It answered 410.
    Gone,
    /// It has failed for three days.
    Failing,
    /// The event after its cursor is not kept any more.
    Expired,
}

impl PauseReason {
    /// All reasons.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Gone, Self::Failing, Self::Expired];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Gone => "gone",
            Self::Failing => "failing",
            Self::Expired => "expired",
        }
    }
}

/// The outcome of one attempt to send a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The endpoint answered with this status.
    Answered(u16),
    /// No answer within the time limit.
    TimedOut,
    /// No connection, no trusted certificate, or a broken answer.
    Unreachable,
    /// The name of the endpoint has an address that is not public.
    NotPublic,
}

impl Outcome {
    /// Whether the endpoint accepted the message: any 2xx.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }

    /// Returns the status of the answer, if there was one.
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Answered(status) => Some(status),
            Self::TimedOut | Self::Unreachable | Self::NotPublic => None,
        }
    }

    /// Returns the name of what kept the endpoint from answering; `None` if it answered.
    pub const fn error(self) -> Option<&'static str> {
        match self {
            Self::Answered(_) => None,
            Self::TimedOut => Some("timed_out"),
            Self::Unreachable => Some("unreachable"),
            Self::NotPublic => Some("not_public"),
        }
    }

    /// Returns the outcome with this status or error, as the two methods above return them.
    pub fn parse(status: Option<u16>, error: Option<&str>) -> Option<Self> {
        let without_answer = [Self::TimedOut, Self::Unreachable, Self::NotPublic];
        match status {
            Some(status) => Some(Self::Answered(status)),
            None => without_answer.into_iter().find(|outcome| outcome.error() == error),
        }
    }
}

/// How far an endpoint is, and when it is tried next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// The place in the feed behind the last event that was accepted or left out.
    pub cursor: Cursor,
    /// Nothing is sent while it is set.
    pub paused: Option<PauseReason>,
    /// Time of the first failed attempt for the event behind the cursor.
    pub failing_since: Option<Timestamp>,
    /// Number of failed attempts for the event behind the cursor.
    pub attempts: u32,
    /// Nothing is sent before it.
    pub next_attempt_at: Option<Timestamp>,
}

impl Progress {
    /// The progress of an endpoint that gets the events behind `cursor`.
    pub const fn from_cursor(cursor: Cursor) -> Self {
        Self { cursor, paused: None, failing_since: None, attempts: 0, next_attempt_at: None }
    }

    /// Returns whether something may be sent.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.paused.is_none() && self.next_attempt_at.is_none_or(|at| at <= now)
    }

    /// The progress after an attempt to send the event behind the cursor, whose own cursor is
    /// `event`. `jitter` is random; it lengthens the wait by up to a tenth.
    #[must_use]
    pub fn after(self, outcome: Outcome, event: Cursor, now: Timestamp, jitter: u16) -> Self {
        if outcome.is_success() {
            return Self::from_cursor(event);
        }
        let since = self.failing_since.unwrap_or(now);
        let attempts = self.attempts.saturating_add(1);
        let failed = Self { failing_since: Some(since), attempts, ..self };
        let gives_up_at = since.saturating_add(LONGEST_FAILURE).unwrap_or(now);
        if outcome == Outcome::Answered(410) {
            return failed.pause(PauseReason::Gone);
        }
        if now >= gives_up_at {
            return failed.pause(PauseReason::Failing);
        }
        let next = now.saturating_add(retry_delay(attempts, jitter)).unwrap_or(gives_up_at);
        // So that the last attempt comes exactly when the endpoint would be given up.
        Self { next_attempt_at: Some(next.min(gives_up_at)), ..failed }
    }

    /// Pauses the endpoint.
    #[must_use]
    pub const fn pause(self, reason: PauseReason) -> Self {
        Self { paused: Some(reason), next_attempt_at: None, ..self }
    }
}

/// Returns how long to wait after this many failed attempts, at least one. `jitter` lengthens the wait
/// by up to a tenth, so that endpoints that failed together are not tried together.
pub fn retry_delay(attempts: u32, jitter: u16) -> SignedDuration {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let delay = RETRY_DELAYS.get(index).copied().unwrap_or(LONGEST_DELAY);
    let more = delay.as_millis() * i128::from(jitter) / (10 * i128::from(u16::MAX));
    delay + SignedDuration::from_millis(i64::try_from(more).unwrap_or_default())
}

/// The types that an endpoint is sent beside those of the feed: only that of the test message.
pub const TEST_TYPE: &str = "webhook.test";

const PREFIX: &str = "whsec_";

/// Bytes of a secret (Standard Webhooks). Ours have 32.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// Waits after the first failed attempts; afterwards the last.
const RETRY_DELAYS: [SignedDuration; 8] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    LONGEST_DELAY,
];

const LONGEST_DELAY: SignedDuration = SignedDuration::from_hours(24);

/// An endpoint that has failed for longer is paused.
const LONGEST_FAILURE: SignedDuration = SignedDuration::from_hours(72);

#[cfg(test)]
mod tests;
