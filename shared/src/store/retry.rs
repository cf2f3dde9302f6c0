//! How often and how long we try again.
//!
//! Two layers, each with its own cause. The SDK repeats a call that was throttled, failed inside
//! DynamoDB or got lost on the way; it may, since reads and conditional writes are idempotent and
//! it sends a transaction's token again. Above it, [`Backoff`] repeats what DynamoDB cancelled
//! only because another transaction held one of the rows, and what we planned on outdated
//! knowledge. A condition that did not hold is an answer and is never repeated as it was.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;

use super::StoreError;

/// The SDK's part, for whoever builds the client.
///
/// Five attempts carry through a table that refuses every fifth call; the first pause is short,
/// since a Lambda waits at the caller's cost.
pub fn retry_config() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(5)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_secs(1))
}

/// Our part: a bounded number of pauses with full jitter.
#[derive(Debug)]
pub(super) struct Backoff {
    pauses: u32,
    most: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { pauses: 0, most: MAX_PAUSES }
    }
}

impl Backoff {
    /// For those who compete for the last seats: of all who find a pool full one makes it grow,
    /// and a few find its seats, so that a crowd needs many rounds.
    pub(super) fn patient() -> Self {
        Self { pauses: 0, most: MAX_PAUSES_FOR_A_SEAT }
    }

    /// Waits a random time below a limit that doubles; refuses when the attempts are used up.
    pub(super) async fn pause(&mut self) -> Result<(), StoreError> {
        if self.pauses >= self.most {
            return Err(StoreError::Contention);
        }
        let limit = (FIRST_MICROSECONDS << self.pauses.min(MAX_PAUSES)).min(LONGEST_MICROSECONDS);
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
pub(super) fn passes(code: &str) -> bool {
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
const FIRST_MICROSECONDS: u64 = 8_000;
const LONGEST_MICROSECONDS: u64 = 400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn attempts_are_bounded() {
        let mut backoff = Backoff::default();
        for _ in 0..MAX_PAUSES {
            backoff.pause().await.unwrap();
        }
        assert!(matches!(backoff.pause().await, Err(StoreError::Contention)));
    }
}
