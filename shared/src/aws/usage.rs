//! Counts the AWS calls that one request makes, for its line in the log.
//!
//! The counts belong to the task that answers the request, so a call counts where it is awaited,
//! not in a task that was spawned. Outside a request (while the process starts, in scheduled work)
//! nothing is counted and no clock is read.

use std::cell::Cell;
use std::time::{Duration, Instant};

tokio::task_local! {
    /// Of the request that this task answers.
    static USAGE: Cell<Usage>;
}

/// The AWS calls of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Calls to DynamoDB. The attempts that the SDK makes for one call count once.
    pub store_calls: u32,
    /// Time that the calls to DynamoDB took, added up: parallel calls count one by one.
    pub store_time: Duration,
    /// Capacity units that DynamoDB reported. A call that failed reports none.
    pub units: Units,
    /// Calls to Secrets Manager.
    pub secrets_calls: u32,
}

/// Capacity units of DynamoDB.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Read capacity units.
    pub read: f64,
    /// Write capacity units, of the table and its index.
    pub write: f64,
}

/// Runs `request` and returns with its output the calls that it made.
pub async fn measure<F: Future>(request: F) -> (F::Output, Usage) {
    let measured = async {
        let output = request.await;
        (output, USAGE.try_with(Cell::get).unwrap_or_default())
    };
    USAGE.scope(Cell::default(), measured).await
}

/// Returns whether this task answers a request whose calls are counted.
pub(crate) fn is_measured() -> bool {
    USAGE.try_with(|_| ()).is_ok()
}

/// Returns the capacity units that the request of this task has taken so far.
pub(crate) fn units() -> Units {
    USAGE.try_with(Cell::get).unwrap_or_default().units
}

/// Awaits a call to DynamoDB and counts it; `units` reads the capacity from its output.
pub(crate) async fn count_store_call<T, E>(
    call: impl Future<Output = Result<T, E>>,
    units: impl FnOnce(&T) -> Units,
) -> Result<T, E> {
    if !is_measured() {
        return call.await;
    }
    let started = Instant::now();
    let result = call.await;
    let time = started.elapsed();
    let units = result.as_ref().map(units).unwrap_or_default();
    add(|usage| {
        usage.store_calls += 1;
        usage.store_time += time;
        usage.units.read += units.read;
        usage.units.write += units.write;
    });
    result
}

/// Counts a call to Secrets Manager.
pub(crate) fn count_secrets_call() {
    add(|usage| usage.secrets_calls += 1);
}

fn add(change: impl FnOnce(&mut Usage)) {
    // Outside a request there is nothing to add to.
    let _ = USAGE.try_with(|cell| {
        let mut usage = cell.get();
        change(&mut usage);
        cell.set(usage);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn call(result: Result<f64, ()>) -> Result<f64, ()> {
        count_store_call(async { result }, |read| Units { read: *read, write: 1.0 }).await
    }

    #[tokio::test]
    async fn the_calls_of_a_request_are_added_up() {
        let (output, usage) = measure(async {
            let (first, second) = tokio::join!(call(Ok(0.5)), call(Ok(2.0)));
            count_secrets_call();
            assert!(call(Err(())).await.is_err());
            first.unwrap() + second.unwrap()
        })
        .await;
        assert_eq!((output, usage.store_calls, usage.secrets_calls), (2.5, 3, 1));
        assert_eq!(usage.units, Units { read: 2.5, write: 2.0 });
    }

    #[tokio::test]
    async fn requests_are_counted_apart_and_other_work_is_not_counted() {
        call(Ok(1.0)).await.unwrap();
        count_secrets_call();
        let requests = [1, 2].map(|calls| {
            measure(async move {
                for _ in 0..calls {
                    call(Ok(1.0)).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        });
        let [one, two] = requests;
        let (((), one), ((), two)) = tokio::join!(one, two);
        assert_eq!((one.store_calls, two.store_calls), (1, 2));
    }
}
