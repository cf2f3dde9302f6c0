//! The publisher of events: moves those of the outbox to the feed, and has them delivered to webhooks.
//!
//! On AWS the stream of the table invokes it with the keys of new rows, and a schedule every minute
//! for all lanes. In one process with the routers, it waits for the changes of that process.

mod deliverer;
mod lambda;
mod stream;

use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

pub use self::deliverer::{Deliverer, Run};
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
    let (mut published, mut first_error) = (0, None);
    for lane in lanes {
        match store.publish(lane, clock.now()).await {
            Ok(events) => published += events,
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(published), Err)
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

/// Publishes events as changes of this process write them, and every few seconds those that a change
/// wrote whose answer was lost; delivers them to webhooks beside that, so that a slow endpoint does
/// not delay the feed. Never returns.
pub async fn publish_always(store: Store, clock: Clock, deliverer: Deliverer) {
    let published = Notify::new();
    tokio::join!(
        publish_changes(&store, &clock, &published),
        deliver_always(&deliverer, &published)
    );
}

async fn publish_changes(store: &Store, clock: &Clock, published: &Notify) {
    let mut lanes: Vec<Lane> = Lane::all().collect();
    loop {
        match publish(store, clock, lanes).await {
            Ok(0) => {}
            Ok(_) => published.notify_one(),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not publish events"
                );
            }
        }
        lanes = match tokio::time::timeout(TICK, store.new_events()).await {
            Ok(lanes) => lanes,
            Err(_) => Lane::all().collect(),
        };
        // Changes come in crowds, and one transaction publishes thirty events.
        tokio::time::sleep(GATHER).await;
    }
}

/// Delivers to each endpoint in a task of its own, so that a slow one does not delay the others.
async fn deliver_always(deliverer: &Deliverer, published: &Notify) {
    let mut deliveries = JoinSet::new();
    loop {
        let run = Run::within(LONGEST_DELIVERY);
        match deliverer.due(run).await {
            Ok(due) => {
                for id in due {
                    let deliverer = deliverer.clone();
                    deliveries.spawn(async move { deliverer.deliver(id, run).await });
                }
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not read webhooks"
                );
            }
        }
        while deliveries.try_join_next().is_some() {}
        // Without a publication, a retry may be due.
        let _ = tokio::time::timeout(RETRY_TICK, published.notified()).await;
    }
}

/// Time after which all lanes are looked through, though this process wrote no event.
const TICK: Duration = Duration::from_secs(5);

/// Time after which endpoints are looked through for a retry.
const RETRY_TICK: Duration = Duration::from_secs(1);

/// Time after which a delivery to one endpoint begins anew with the state of the table.
const LONGEST_DELIVERY: Duration = Duration::from_mins(1);

/// An event that waits for longer is late.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// Time in which events gather before they are published together.
const GATHER: Duration = Duration::from_millis(20);
