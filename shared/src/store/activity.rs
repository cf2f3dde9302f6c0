//! The activity of a tenant, newest first, kept for thirteen months.
//!
//! Entries are in one partition per month, sorted by time. Their ids are version 7 UUIDs of the
//! time that the caller passes, so an id also tells its month.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::item::{Item, number, optional_number, parsed, take_text, text};
use super::keys::{Key, SK, TTL, activity};
use super::read::{Consistency, Range, SortKeys};
use super::retry::random;
use super::write::Write;
use super::{Store, StoreError};
use types::ids::TenantId;

/// One entry of a tenant's activity.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Activity {
    /// Version 7 UUID: sorts by time.
    pub id: String,
    /// Time of the event.
    pub at: Timestamp,
    /// The actor: `operator`, `portal`, `scim` or `gatehouse`.
    pub actor: String,
    /// Stable name of the event: `seats.grown`.
    pub action: String,
    /// Details; never a secret, a name or an address.
    pub detail: Value,
}

impl Activity {
    /// Creates an entry of this time, with a new id.
    pub(super) fn new(
        at: Timestamp,
        actor: &str,
        action: &str,
        detail: Value,
    ) -> Result<Self, StoreError> {
        let mut tail = [0; 10];
        let random = random()?.to_be_bytes();
        for (byte, random) in tail.iter_mut().zip(random) {
            *byte = random;
        }
        let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &tail).into_uuid();
        Ok(Self {
            id: id.to_string(),
            at,
            actor: actor.to_owned(),
            action: action.to_owned(),
            detail,
        })
    }

    pub(super) fn write(self, tenant: TenantId) -> Write {
        let mut row = Key::activity(tenant, &month(self.at), &self.id).item();
        row.extend([
            ("at".to_owned(), text(self.at.to_string())),
            ("actor".to_owned(), text(self.actor)),
            ("action".to_owned(), text(self.action)),
            ("d".to_owned(), text(self.detail.to_string())),
            (TTL.to_owned(), number(self.at.as_second() + RETENTION_SECONDS)),
        ]);
        Write::put(row)
    }

    fn from_row(mut row: Item) -> Result<Self, StoreError> {
        Ok(Self {
            at: parsed(&row, "at")?,
            detail: parsed(&row, "d")?,
            actor: take_text(&mut row, "actor")?,
            action: take_text(&mut row, "action")?,
            id: take_text(&mut row, SK)?,
        })
    }
}

impl Store {
    /// Adds an entry.
    pub async fn record_activity(
        &self,
        tenant: TenantId,
        at: Timestamp,
        actor: &str,
        action: &str,
        detail: Value,
    ) -> Result<(), StoreError> {
        let entry = Activity::new(at, actor, action, detail)?;
        self.commit(&[((), entry.write(tenant))]).await.map(drop)
    }

    /// Reads entries older than `before`, the newest first; from the newest of all without it.
    /// Before a text that is not an id of an entry there is nothing.
    pub async fn activity(
        &self,
        tenant: TenantId,
        before: Option<String>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Activity>, StoreError> {
        let Some(newest) = before.as_deref().map_or(Some(now), made_at) else {
            return Ok(Vec::new());
        };
        let mut entries = Vec::new();
        for month in months_before(newest, now) {
            if entries.len() >= limit {
                break;
            }
            let mut range = Range::all(activity(tenant, &month), Consistency::Strong);
            range.newest_first = true;
            range.sort_keys = before.clone().map(SortKeys::Before);
            for row in self.query(&range, limit.saturating_sub(entries.len())).await? {
                // DynamoDB deletes expired rows within days, not at once.
                if optional_number(&row, TTL)?.is_none_or(|ttl: i64| ttl > now.as_second()) {
                    entries.push(Activity::from_row(row)?);
                }
            }
        }
        Ok(entries)
    }
}

/// Returns the time in the id of an entry.
fn made_at(id: &str) -> Option<Timestamp> {
    let (seconds, nanoseconds) = Uuid::try_parse(id).ok()?.get_timestamp()?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanoseconds).ok()?).ok()
}

/// Returns the month of `newest` and the earlier months that may still have entries, as `202611`.
pub(super) fn months_before(newest: Timestamp, now: Timestamp) -> Vec<String> {
    let oldest = now.checked_sub(Duration::from_secs(RETENTION_SECONDS.unsigned_abs()));
    let oldest = date(oldest.unwrap_or(Timestamp::UNIX_EPOCH)).first_of_month();
    let mut months = Vec::new();
    let mut first = date(newest).first_of_month();
    while first >= oldest {
        months.push(label(first));
        let Ok(yesterday) = first.yesterday() else { break };
        first = yesterday.first_of_month();
    }
    months
}

fn month(at: Timestamp) -> String {
    label(date(at))
}

fn date(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

fn label(date: Date) -> String {
    format!("{:04}{:02}", date.year(), date.month())
}

/// Thirteen months.
const RETENTION_SECONDS: i64 = 395 * 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_listed_back_to_the_end_of_retention() {
        let check = |newest: &str, now: &str, first: &str, count| {
            let months = months_before(newest.parse().unwrap(), now.parse().unwrap());
            assert_eq!((months.first().map(String::as_str), months.len()), (Some(first), count));
        };
        check("2026-11-21T00:00:00Z", "2026-11-21T00:00:00Z", "202611", 14);
        check("2026-01-31T23:59:59Z", "2026-11-21T00:00:00Z", "202601", 4);
        assert!(
            months_before(Timestamp::UNIX_EPOCH, "2026-11-21T00:00:00Z".parse().unwrap())
                .is_empty()
        );
    }
}
