//! Retries: how often, and how long to wait in between.
//!
//! There are two layers, each with its own cause. The SDK repeats a call that was throttled, failed
//! inside DynamoDB or got lost on the way; it may, since reads and conditional writes are
//! idempotent and it sends a transaction's token again. Above it, [`Backoff`] paces the attempts
//! after a transaction was cancelled only because another one held a row, and after a write was
//! refused because of outdated knowledge. A condition that did not hold is an answer: the same
//! write is never repeated.

use std::time::Duration;

use super::StoreError;

/// A bounded number of pauses with full jitter.
#[derive(Debug)]
pub(crate) struct Backoff {
    pauses: u32,
    most: u32,
    /// Upper limits of the first pause and of every pause, in microseconds.
    first: u64,
    longest: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { pauses: 0, most: MAX_PAUSES, first: 8_000, longest: 400_000 }
    }
}

impl Backoff {
    /// Returns a backoff for a resource that many requests compete for, such as the last seats: of
    /// all that find a pool full one makes it grow, and a few find its seats, so that a crowd needs
    /// many rounds.
    pub(super) fn for_crowd() -> Self {
        Self { most: MAX_PAUSES_IN_CROWD, ..Self::default() }
    }

    /// Returns a backoff for use after a lost read-modify-write race. Each time another writer
    /// succeeded, so a short pause is enough.
    pub(crate) const fn after_lost_race() -> Self {
        Self { pauses: 0, most: MAX_PAUSES_AFTER_LOST_RACE, first: 4_000, longest: 100_000 }
    }

    /// Waits a random time below a limit that doubles with each pause.
    ///
    /// # Errors
    ///
    /// [`StoreError::Contention`] when the attempts are used up.
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

/// Returns a random number from the operating system.
pub(super) fn random() -> Result<u64, StoreError> {
    getrandom::u64().map_err(StoreError::Random)
}

/// Returns whether DynamoDB cancelled a transaction for a reason that is soon gone.
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
const MAX_PAUSES_IN_CROWD: u32 = 30;
const MAX_PAUSES_AFTER_LOST_RACE: u32 = 19;

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    async fn check(mut backoff: Backoff, most: u32, first: u64, longest: u64) {
        for nth in 0..most {
            let before = Instant::now();
            backoff.pause().await.unwrap();
            let limit = longest.min(first.saturating_mul(1 << nth));
            // Timers have a resolution of one millisecond.
            assert!(before.elapsed() <= Duration::from_micros(limit + 1_000), "{nth}");
        }
        assert!(matches!(backoff.pause().await, Err(StoreError::Contention)));
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_are_bounded_and_so_is_each_pause() {
        check(Backoff::default(), 9, 8_000, 400_000).await;
        check(Backoff::for_crowd(), 30, 8_000, 400_000).await;
        check(Backoff::after_lost_race(), 19, 4_000, 100_000).await;
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_of_two_writers_differ() {
        let pauses = async || {
            let before = Instant::now();
            let mut backoff = Backoff::default();
            while backoff.pause().await.is_ok() {}
            before.elapsed()
        };
        // The pauses of one writer add up to about a second: ten equal sums are practically
        // impossible.
        let first = pauses().await;
        let mut others = 0;
        for _ in 0..9 {
            others += u32::from(pauses().await != first);
        }
        assert!(others > 0);
    }

    #[test]
    fn only_transient_reasons_are_retried() {
        for code in ["TransactionConflict", "ThrottlingError", "InternalServerError"] {
            assert!(is_transient(code), "{code}");
        }
        for code in ["ConditionalCheckFailed", "ValidationError", "ItemCollectionSizeLimitExceeded"]
        {
            assert!(!is_transient(code), "{code}");
        }
    }
}
