//! How often and how long we try again.
//!
//! Two layers, each with its own cause. The SDK repeats a call that was throttled, failed inside
//! DynamoDB or got lost on the way; it may, since reads and conditional writes are idempotent and
//! it sends a transaction's token again. Above it, [`Backoff`] repeats what DynamoDB cancelled
//! only because another transaction held one of the rows, and what we planned on outdated
//! knowledge. A condition that did not hold is an answer and is never repeated as it was.

use std::time::Duration;

use super::StoreError;

/// Our part: a bounded number of pauses with full jitter.
#[derive(Debug)]
pub(crate) struct Backoff {
    pauses: u32,
    most: u32,
    /// Limits of the first pause and of each, in microseconds.
    first: u64,
    longest: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { pauses: 0, most: MAX_PAUSES, first: 8_000, longest: 400_000 }
    }
}

impl Backoff {
    /// For those who compete for the last seats: of all who find a pool full one makes it grow,
    /// and a few find its seats, so that a crowd needs many rounds.
    pub(super) fn for_seats() -> Self {
        Self { most: MAX_PAUSES_FOR_A_SEAT, ..Self::default() }
    }

    /// For who was overtaken between reading a row and writing it: each time somebody got on, so
    /// that it is worth to come back soon.
    pub(crate) const fn after_lost_race() -> Self {
        Self { pauses: 0, most: MAX_PAUSES_WHEN_OVERTAKEN, first: 4_000, longest: 100_000 }
    }

    /// Waits a random time below a limit that doubles; refuses when the attempts are used up.
    pub(crate) async fn pause(&mut self) -> Result<(), StoreError> {
        if self.pauses >= self.most {
            return Err(StoreError::Contention);
        }
        let limit = (self.first << self.pauses.min(MAX_PAUSES)).min(self.longest);
        self.pauses += 1;
        tokio::time::sleep(Duration::from_micros(random()? % limit)).await;
        Ok(())
    }
}

/// A random number, from the operating system.
pub(super) fn random() -> Result<u64, StoreError> {
    getrandom::u64().map_err(|error| StoreError::unavailable(error.to_string()))
}

/// Whether DynamoDB refused one write of a transaction for a reason that passes by itself.
pub(super) fn is_transient(code: &str) -> bool {
    matches!(
        code,
        "TransactionConflict"
            | "ThrottlingError"
            | "ProvisionedThroughputExceeded"
            | "RequestLimitExceeded"
            | "InternalServerError"
    )
}

const MAX_PAUSES: u32 = 9;
const MAX_PAUSES_FOR_A_SEAT: u32 = 30;
const MAX_PAUSES_WHEN_OVERTAKEN: u32 = 19;

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    async fn check(mut backoff: Backoff, most: u32, first: u64, longest: u64) {
        for nth in 0..most {
            let before = Instant::now();
            backoff.pause().await.unwrap();
            let limit = longest.min(first.saturating_mul(1 << nth));
            // Timers go by whole milliseconds.
            assert!(before.elapsed() <= Duration::from_micros(limit + 1_000), "{nth}");
        }
        assert!(matches!(backoff.pause().await, Err(StoreError::Contention)));
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_are_bounded_and_so_is_each_pause() {
        check(Backoff::default(), 9, 8_000, 400_000).await;
        check(Backoff::for_seats(), 30, 8_000, 400_000).await;
        check(Backoff::after_lost_race(), 19, 4_000, 100_000).await;
    }

    #[tokio::test(start_paused = true)]
    async fn no_two_who_met_pause_alike() {
        let pauses = async || {
            let before = Instant::now();
            let mut backoff = Backoff::default();
            while backoff.pause().await.is_ok() {}
            before.elapsed()
        };
        // About a second each, in milliseconds: that all of ten were equal is not to be seen.
        let first = pauses().await;
        let mut others = 0;
        for _ in 0..9 {
            others += u32::from(pauses().await != first);
        }
        assert!(others > 0);
    }

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        for code in ["TransactionConflict", "ThrottlingError", "InternalServerError"] {
            assert!(is_transient(code), "{code}");
        }
        for code in ["ConditionalCheckFailed", "ValidationError", "ItemCollectionSizeLimitExceeded"]
        {
            assert!(!is_transient(code), "{code}");
        }
    }
}
