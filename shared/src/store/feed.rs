//! The feed of events: one order of all events of the deployment, without gaps.
//!
//! A publisher moves the events of a lane of the outbox to the end of the feed. One transaction
//! raises the feed's head on condition of its old value, puts the events at the next positions and
//! deletes them from the outbox. So each event has exactly one position, and a reader who follows
//! the positions misses none, also if the transaction of its change committed late.
//!
//! Events of one resource are published in the order of its versions: a lane is read from its end.
//! The change to version 4 commits after that to version 3, and the row of version 3 is read after
//! that of version 4; so whoever has seen the later one sees the earlier one too.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::Timestamp;

use super::batch::RowChange;
use super::item::{Item, corrupt, number, parsed, required_number, take_text, text};
use super::keys::{
    EVENTS_PER_PARTITION, Key, SK, TTL, event_sort_key, events, events_of_tenant, outbox,
};
use super::outbox::{AT, BODY, ID, Lane, TENANT, TYPE, take_body};
use super::read::{Consistency, Range, SortKeys, sort_key};
use super::retry::{Backoff, random};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use directory::cursor::{Cursor, FeedId};
use types::ids::TenantId;

/// The end of the feed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FeedHead {
    /// The feed.
    pub feed: FeedId,
    /// Position of the newest event; 0 before the first.
    pub position: u64,
}

/// An event of the feed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedEvent {
    /// Place in the feed, from 1.
    pub position: u64,
    /// Id.
    pub id: String,
    /// Name of the type.
    pub event_type: String,
    /// Time of the change.
    pub at: Timestamp,
    /// Tenant.
    pub tenant: TenantId,
    /// JSON object with `source`, `actor`, `resource`, `data` and `previous`; `None` once the tenant
    /// is deleted.
    pub body: Option<String>,
}

/// A part of the feed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FeedPage {
    /// The events after a position.
    Events(Vec<PublishedEvent>),
    /// The event after the position is not kept any more.
    Expired,
}

impl PublishedEvent {
    fn from_row(mut row: Item) -> Result<Self, StoreError> {
        Ok(Self {
            position: parsed(&row, SK)?,
            at: parsed(&row, AT)?,
            tenant: parsed(&row, TENANT)?,
            id: take_text(&mut row, ID)?,
            event_type: take_text(&mut row, TYPE)?,
            body: take_body(&mut row)?,
        })
    }
}

impl Store {
    /// Publishes the events of a lane, until none is left, and returns their number. Publishers of
    /// different processes may work at the same time.
    pub async fn publish(&self, lane: Lane, now: Timestamp) -> Result<usize, StoreError> {
        let mut published = 0;
        let mut backoff = Backoff::for_crowd();
        loop {
            let rows = in_order(self.oldest_of_lane(lane).await?)?;
            if rows.is_empty() {
                return Ok(published);
            }
            let moved = self.move_to_feed(rows, now).await?;
            if moved == 0 {
                backoff.pause().await?;
            } else {
                backoff = Backoff::for_crowd();
            }
            published += moved;
        }
    }

    /// Returns the time of an event that waits in the lane; `None` if none is seen. Half a read unit:
    /// a row that was written just now may be missed.
    pub async fn waiting_since(&self, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
        let range = Range::all(outbox(lane.digit()), Consistency::Eventual);
        let (rows, _) = self.query_once(&range, 1, None).await?;
        rows.first().map(|row| parsed(row, AT)).transpose()
    }

    /// Reads the lane from its end, and returns the rows at its beginning, as many as are read at a
    /// time.
    async fn oldest_of_lane(&self, lane: Lane) -> Result<Vec<Item>, StoreError> {
        let mut range = Range::all(outbox(lane.digit()), Consistency::Strong);
        range.newest_first = true;
        let mut window = VecDeque::new();
        let mut start = None;
        loop {
            let (rows, next) = self.query_once(&range, ROWS_AT_A_TIME, start).await?;
            window.push_back(rows);
            if window.len() > PAGES_AT_A_TIME {
                window.pop_front();
            }
            start = next;
            if start.is_none() {
                return Ok(window.into_iter().flatten().collect());
            }
        }
    }

    /// Moves rows of the outbox, in order, to the end of the feed, and returns their number. It
    /// stops before the first that another publisher may have moved.
    async fn move_to_feed(&self, rows: Vec<Item>, now: Timestamp) -> Result<usize, StoreError> {
        let mut moved = 0;
        let mut head = self.feed_head().await?;
        for batch in rows.chunks(EVENTS_AT_A_TIME) {
            let (writes, after) = batch_writes(head, batch, now)?;
            let Commit::Done = self.commit(&writes).await? else { break };
            moved += batch.len();
            head = after;
        }
        Ok(moved)
    }

    /// Reads the end of the feed.
    pub async fn feed_head(&self) -> Result<FeedHead, StoreError> {
        let row = self.get(&Key::feed_head()).await?;
        row.map_or(Ok(FeedHead::BEFORE_THE_FIRST), |row| FeedHead::from_row(&row))
    }

    /// Reads up to `limit` events that follow `after`, of which the feed's `head` is the last.
    pub async fn events_after(
        &self,
        head: FeedHead,
        after: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<FeedPage, StoreError> {
        let mut read: Vec<PublishedEvent> = Vec::new();
        while read.len() < limit {
            let last = read.last().map_or(after, |event| event.position);
            if last >= head.position {
                break;
            }
            let range = Range::all(events(last + 1), Consistency::Strong)
                .with(SortKeys::After(event_sort_key(last)));
            let left = limit.saturating_sub(read.len());
            let mut rows = Vec::new();
            for row in self.query_once(&range, left, None).await?.0 {
                if required_number::<i64>(&row, TTL)? > now.as_second() {
                    rows.push(PublishedEvent::from_row(row)?);
                }
            }
            // Positions have no gaps: one that is missing has expired.
            if rows.first().is_none_or(|event| event.position != last + 1) {
                if read.is_empty() {
                    return Ok(FeedPage::Expired);
                }
                break;
            }
            read.extend(rows);
        }
        Ok(FeedPage::Events(read))
    }

    /// Returns the position before the oldest event that is kept. Events expire in the order of
    /// their positions, so a search by halves finds it.
    pub async fn oldest_position(&self, head: FeedHead, now: Timestamp) -> Result<u64, StoreError> {
        let (mut gone, mut kept) = (0, head.position + 1);
        while kept - gone > 1 {
            let middle = gone + (kept - gone) / 2;
            let row = self.get(&Key::event(middle)).await?;
            let is_kept = match &row {
                Some(row) => required_number::<i64>(row, TTL)? > now.as_second(),
                None => false,
            };
            if is_kept { kept = middle } else { gone = middle }
        }
        Ok(gone)
    }

    /// Removes the personal data from all events of a tenant that is being deleted. What remains
    /// says that there was an event.
    pub(super) async fn strip_events(&self, tenant: TenantId) -> Result<(), StoreError> {
        let unpublished = Range::all(outbox(Lane::of(tenant).digit()), Consistency::Strong)
            .with(SortKeys::BeginWith(format!("{tenant}#")));
        for row in self.query(&unpublished, usize::MAX).await? {
            let write =
                Write::update(Key::of(&row), format!("REMOVE {BODY}")).when("attribute_exists(pk)");
            self.commit(&[((), write)]).await?;
        }
        let mut batches = Range::all(events_of_tenant(tenant), Consistency::Strong);
        loop {
            let rows = self.query(&batches, BATCHES_AT_A_TIME).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            batches.sort_keys = Some(SortKeys::After(sort_key(last)?.to_owned()));
            let mut keys = Vec::new();
            for row in &rows {
                keys.extend(positions(row)?.into_iter().map(Key::event));
            }
            let mut stripped = Vec::new();
            for mut event in self.get_many(&keys, None).await? {
                event.remove(BODY);
                stripped.push(RowChange::Put(event));
            }
            self.write_rows(stripped).await?;
        }
    }
}

impl FeedHead {
    fn from_row(row: &Item) -> Result<Self, StoreError> {
        Ok(Self {
            feed: FeedId(required_number(row, FEED)?),
            position: required_number(row, POSITION)?,
        })
    }

    /// The end of a feed without events, which has no row and no id yet.
    pub const BEFORE_THE_FIRST: Self =
        Self { feed: Cursor::START.feed, position: Cursor::START.position };

    /// The head to raise: with a new id if there is no feed yet.
    fn with_id(self) -> Result<Self, StoreError> {
        let feed = if self == Self::BEFORE_THE_FIRST { FeedId(random()?) } else { self.feed };
        Ok(Self { feed, ..self })
    }

    /// The write that raises the head.
    fn raise(before: Self, after: Self) -> Write {
        let mut row = Key::feed_head().item();
        row.insert(FEED.to_owned(), number(after.feed.0));
        row.insert(POSITION.to_owned(), number(after.position));
        if before == Self::BEFORE_THE_FIRST {
            return Write::insert(row);
        }
        Write::put(row).when("n = :before").bind(":before", number(before.position))
    }
}

/// Returns the writes that move rows of the outbox behind `head`, and the head after them.
fn batch_writes(
    head: FeedHead,
    rows: &[Item],
    now: Timestamp,
) -> Result<(Vec<((), Write)>, FeedHead), StoreError> {
    let mut after = head.with_id()?;
    let expires = now.as_second() + RETENTION_SECONDS;
    let mut writes = Vec::with_capacity(2 * rows.len() + 2);
    let mut by_tenant: BTreeMap<TenantId, Vec<u64>> = BTreeMap::new();
    for row in rows {
        after.position += 1;
        by_tenant.entry(parsed(row, TENANT)?).or_default().push(after.position);
        let mut event = row.clone();
        event.extend(Key::event(after.position).item());
        event.insert(TTL.to_owned(), number(expires));
        writes.push(Write::insert(event));
        writes.push(Write::delete(Key::of(row)).when("attribute_exists(pk)"));
    }
    for (tenant, positions) in by_tenant {
        let first = positions.first().copied().unwrap_or_default();
        let positions: Vec<String> = positions.iter().map(u64::to_string).collect();
        let mut row = Key::events_of_tenant(tenant, first).item();
        row.insert(POSITIONS.to_owned(), text(positions.join(",")));
        row.insert(TTL.to_owned(), number(expires));
        writes.push(Write::put(row));
    }
    writes.push(FeedHead::raise(head, after));
    Ok((writes.into_iter().map(|write| ((), write)).collect(), after))
}

/// The positions that a row of a tenant's events lists.
fn positions(row: &Item) -> Result<Vec<u64>, StoreError> {
    let listed: String = parsed(row, POSITIONS)?;
    let positions =
        listed.split(',').map(|position| position.parse().map_err(|_| corrupt(row, POSITIONS)));
    positions.collect()
}

/// Sorts rows of a lane, which are in descending order of their keys, by the time of the change. A
/// resource keeps the order of its versions, whatever the clocks of their writers said.
fn in_order(mut rows: Vec<Item>) -> Result<Vec<Item>, StoreError> {
    rows.reverse();
    let mut latest: HashMap<String, Timestamp> = HashMap::new();
    let mut timed = Vec::with_capacity(rows.len());
    for row in rows {
        let at: Timestamp = parsed(&row, AT)?;
        let key = sort_key(&row)?;
        let resource = key.split('#').take(2).collect::<Vec<_>>().join("#");
        let of_resource = latest.entry(resource).or_insert(at);
        *of_resource = at.max(*of_resource);
        timed.push((*of_resource, row));
    }
    // Stable: what has one time stays in the order of the keys.
    timed.sort_by_key(|(at, _)| *at);
    Ok(timed.into_iter().map(|(_, row)| row).collect())
}

/// Attribute of the head with the id of the feed.
const FEED: &str = "f";
/// Attribute of the head with the position of the newest event.
const POSITION: &str = "n";
/// Attribute with the positions of a tenant's events.
const POSITIONS: &str = "ps";

/// Rows of the outbox that one call reads.
const ROWS_AT_A_TIME: usize = 1_000;
/// Calls whose rows are in memory at a time: 8 MB.
const PAGES_AT_A_TIME: usize = 8;
/// Events of one transaction. Each takes two writes of the hundred, and a tenant one.
const EVENTS_AT_A_TIME: usize = 30;
/// Rows of a tenant's positions that are read at a time.
const BATCHES_AT_A_TIME: usize = 100;
/// Ninety days.
const RETENTION_SECONDS: i64 = 90 * 24 * 60 * 60;

const _: () = assert!(3 * EVENTS_AT_A_TIME < super::transaction::MAX_TRANSACTION);
const _: () = assert!(EVENTS_PER_PARTITION > 0);

#[cfg(test)]
mod tests {
    use super::*;

    fn row(resource: char, version: u64, at: i64) -> Item {
        let id = format!("7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d111{resource}");
        let tenant = "0199d3a0-0000-7000-8000-000000000001".parse().unwrap();
        let mut row = Key::outbox(tenant, id.parse().unwrap(), version, 0).item();
        let at = Timestamp::from_second(at).unwrap();
        row.insert(AT.to_owned(), text(at.to_string()));
        row
    }

    fn order(rows: Vec<Item>) -> Vec<(char, u64)> {
        in_order(rows)
            .unwrap()
            .iter()
            .map(|row| {
                let parts: Vec<&str> = sort_key(row).unwrap().split('#').collect();
                (parts[1].chars().last().unwrap(), parts[2].parse().unwrap())
            })
            .collect()
    }

    #[test]
    fn events_are_in_the_order_of_time() {
        let rows = vec![row('b', 1, 10), row('a', 2, 30), row('a', 1, 20)];
        assert_eq!(order(rows), [('b', 1), ('a', 1), ('a', 2)]);
    }

    #[test]
    fn a_clock_that_is_behind_does_not_reorder_the_versions_of_a_resource() {
        let rows = vec![row('b', 1, 15), row('a', 3, 30), row('a', 2, 10), row('a', 1, 20)];
        assert_eq!(order(rows), [('b', 1), ('a', 1), ('a', 2), ('a', 3)]);
    }
}
