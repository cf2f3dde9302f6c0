//! The outbox: events of changes, written in the transaction of the change, until `feed` publishes
//! them. So there is no change without its event, and no event without its change.
//!
//! An event is in the lane of its tenant. Within a lane the rows sort by resource and version.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::item::{Item, corrupt, text};
use super::keys::{Key, OUTBOX_PREFIX, PK, lane_of};
use super::write::{Write, WriteKind};
use super::{Store, StoreError};
use directory::event::{NewEvent, Origin};
use types::digest::digest_of_parts;
use types::ids::TenantId;

/// A part of the outbox that is published on its own. A tenant's events are all in one lane.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Lane(char);

impl Lane {
    /// All lanes.
    pub fn all() -> impl Iterator<Item = Self> {
        "0123456789abcdef".chars().map(Self)
    }

    fn parse(digit: &str) -> Option<Self> {
        Self::all().find(|lane| digit == lane.0.to_string())
    }

    /// Returns the lane of a tenant's events.
    pub fn of(tenant: TenantId) -> Self {
        Self(lane_of(tenant))
    }

    /// Returns the lane whose rows are in this partition of the table.
    pub fn of_partition(pk: &str) -> Option<Self> {
        Self::parse(pk.strip_prefix(OUTBOX_PREFIX)?)
    }

    pub(super) const fn digit(self) -> char {
        self.0
    }

    fn bit(self) -> u16 {
        1 << self.0.to_digit(16).unwrap_or_default()
    }
}

/// Tells a publisher in the same process which lanes have new events.
#[derive(Clone, Debug, Default)]
pub(super) struct NewEvents(Arc<Signal>);

#[derive(Debug, Default)]
struct Signal {
    lanes: AtomicU16,
    notify: Notify,
}

impl NewEvents {
    fn note(&self, lane: Lane) {
        self.0.lanes.fetch_or(lane.bit(), Ordering::AcqRel);
        self.0.notify.notify_one();
    }
}

impl Store {
    /// Waits until a change of this process has written events, and returns their lanes. Clones of
    /// a store share what was written; only one of them may wait.
    pub async fn new_events(&self) -> Vec<Lane> {
        loop {
            let lanes = self.new_events.0.lanes.swap(0, Ordering::AcqRel);
            if lanes != 0 {
                return Lane::all().filter(|lane| lanes & lane.bit() != 0).collect();
            }
            self.new_events.0.notify.notified().await;
        }
    }

    /// Wakes the publisher of this process if one of the writes, which are now done, is an event.
    pub(super) fn note_events<L>(&self, writes: &[(L, Write)]) {
        for lane in writes.iter().filter_map(|(_, write)| lane_of_event(write)) {
            self.new_events.note(lane);
        }
    }
}

/// The lane of a write that adds an event; `None` of another write.
fn lane_of_event(write: &Write) -> Option<Lane> {
    let WriteKind::Put(row) = &write.kind else { return None };
    let pk = row.get(PK)?.as_s().ok()?;
    Lane::of_partition(pk)
}

/// The time and the origin of a change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause<'a> {
    pub(super) at: Timestamp,
    pub(super) origin: &'a Origin,
}

/// Returns the writes of the events of one change. The events are of one version of one resource.
pub(super) fn event_writes(
    tenant: TenantId,
    cause: Cause<'_>,
    events: &[NewEvent],
) -> impl Iterator<Item = Write> {
    let rows = events.iter().enumerate();
    rows.map(move |(index, event)| Write::put(event_row(tenant, cause, event, index)))
}

/// The row of an event. Its id follows from what it reports, so that a change that is tried again
/// reports the same event.
fn event_row(tenant: TenantId, cause: Cause<'_>, event: &NewEvent, index: usize) -> Item {
    let key = Key::outbox(tenant, event.resource, event.version, index);
    let mut row = key.item();
    let id = digest_of_parts(&[&key.pk, &key.sk]);
    row.extend([
        (ID.to_owned(), text(format!("evt_{}", id.get(..32).unwrap_or_default()))),
        (TYPE.to_owned(), text(event.event_type.as_str())),
        (AT.to_owned(), text(cause.at.to_string())),
        (TENANT.to_owned(), text(tenant.to_string())),
        (BODY.to_owned(), AttributeValue::B(Blob::new(compress(&event.body(cause.origin))))),
    ]);
    row
}

/// Compresses the body of an event (RFC 1951): most fit into one capacity unit of a kilobyte then,
/// of which each event takes several.
fn compress(body: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let compressed = encoder.write_all(body.as_bytes()).and_then(|()| encoder.finish());
    compressed.unwrap_or_default()
}

/// Takes the body out of the row of an event; `None` once its tenant is deleted.
pub(super) fn take_body(row: &mut Item) -> Result<Option<String>, StoreError> {
    let Some(body) = row.remove(BODY) else { return Ok(None) };
    let compressed = body.as_b().map_err(|_| corrupt(row, BODY))?.as_ref();
    let mut text = String::new();
    let mut decoder = DeflateDecoder::new(compressed).take(LONGEST_BODY);
    decoder.read_to_string(&mut text).map_err(|_| corrupt(row, BODY))?;
    Ok(Some(text))
}

/// Attribute with the id of the event.
pub(super) const ID: &str = "id";
/// Attribute with its type.
pub(super) const TYPE: &str = "ty";
/// Attribute with the time of the change.
pub(super) const AT: &str = "at";
/// Attribute with its tenant.
pub(super) const TENANT: &str = "t";
/// Attribute with the rest of the event as compressed JSON; absent once its tenant is deleted.
pub(super) const BODY: &str = "d";

/// Twice what an event may have.
const LONGEST_BODY: u64 = 2 * 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_as_it_was_written() {
        let body = "{\"data\":\"Zoë\"}".repeat(300);
        let compressed = compress(&body);
        assert!(compressed.len() < body.len() / 10);
        let mut row = Item::from([(BODY.to_owned(), AttributeValue::B(Blob::new(compressed)))]);
        assert_eq!(take_body(&mut row).unwrap(), Some(body));
        assert_eq!(take_body(&mut row).unwrap(), None);
    }

    #[test]
    fn a_waiting_publisher_learns_of_every_lane_once() {
        let new = NewEvents::default();
        let lanes: Vec<Lane> = ["0", "f"].iter().filter_map(|digit| Lane::parse(digit)).collect();
        for lane in &lanes {
            new.note(*lane);
        }
        assert_eq!(new.0.lanes.swap(0, Ordering::AcqRel), 0x8001);
        assert_eq!(Lane::all().count(), 16);
        assert_eq!(Lane::parse("g"), None);
    }
}
