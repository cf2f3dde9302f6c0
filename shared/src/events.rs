//! The publisher of events: moves those of the outbox to the feed.
//!
//! On AWS the stream of the table invokes it with the keys of new rows, and a schedule every minute
//! for all lanes. In one process with the routers, it waits for the changes of that process.

mod lambda;
mod stream;

use std::time::Duration;

use jiff::SignedDuration;

pub use self::lambda::serve;
use crate::clock::Clock;
use crate::store::{Lane, Store, StoreError};

/// Publishes the events of these lanes, and returns their number. A lane that fails does not keep
/// the others from being published.
///
/// # Errors
///
/// The first error, after all lanes were tried.
pub async fn publish(
    store: &Store,
    clock: &Clock,
    lanes: impl IntoIterator<Item = Lane>,
) -> Result<usize, StoreError> {
    let mut published = Ok(0);
    for lane in lanes {
        match (store.publish(lane, clock.now()).await, &mut published) {
            (Ok(events), Ok(sum)) => *sum += events,
            (Err(error), Ok(_)) => published = Err(error),
            (_, Err(_)) => {}
        }
    }
    published
}

/// Publishes what is left in any lane, and reports an event that has waited for more than a minute:
/// the work of the schedule, of which most calls find nothing.
///
/// # Errors
///
/// As [`publish`].
pub async fn publish_leftovers(store: &Store, clock: &Clock) -> Result<usize, StoreError> {
    let mut left = Vec::new();
    for lane in Lane::all() {
        if let Some(since) = store.waiting_since(lane).await? {
            left.push(lane);
            if clock.now().duration_since(since) > LATE {
                tracing::error!(%since, "an event has waited for more than a minute");
            }
        }
    }
    publish(store, clock, left).await
}

/// Publishes events as changes of this process write them, and every [`TICK`] those that a change
/// wrote whose answer was lost. Never returns.
pub async fn publish_always(store: Store, clock: Clock) {
    let mut lanes: Vec<Lane> = Lane::all().collect();
    loop {
        if let Err(error) = publish(&store, &clock, lanes).await {
            tracing::error!(error = &error as &dyn std::error::Error, "could not publish events");
        }
        lanes = match tokio::time::timeout(TICK, store.new_events()).await {
            Ok(lanes) => lanes,
            Err(_) => Lane::all().collect(),
        };
        // Changes come in crowds, and one transaction publishes thirty events.
        tokio::time::sleep(GATHER).await;
    }
}

/// Time after which all lanes are looked through, though this process wrote no event.
const TICK: Duration = Duration::from_secs(5);

/// An event that waits for longer is late.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// Time in which events gather before they are published together.
const GATHER: Duration = Duration::from_millis(20);
