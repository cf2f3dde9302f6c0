//! Retries a read-modify-write after a lost race.

use super::error::{ScimApiError, StoreContext as _};
use crate::store::Backoff;

/// Retries `attempt` until no concurrent writer got in between. Each attempt reads the resource
/// again.
///
/// # Errors
///
/// Any other error of an attempt, or [`StoreError::Contention`] after a bounded number of
/// conflicts.
///
/// [`StoreError::Contention`]: crate::store::StoreError::Contention
pub(super) async fn retry_on_conflict<T, A>(attempt: impl Fn() -> A) -> Result<T, ScimApiError>
where
    // `AsyncFn` has no name for its future, which handlers need to be `Send`.
    A: Future<Output = Result<T, ScimApiError>>,
{
    let mut backoff = Backoff::after_lost_race();
    loop {
        match attempt().await {
            Err(error) if error.is_write_conflict() => {
                backoff.pause().await.context("write a resource that other requests change")?;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::store::{StoreError, UniqueAttribute};
    use scim::error::ScimError;

    /// Counts the attempts with these outcomes, and returns the final error.
    async fn attempts(
        outcomes: impl Fn(u32) -> Result<(), StoreError>,
    ) -> (u32, Option<ScimError>) {
        let made = Cell::new(0);
        let outcome = retry_on_conflict(|| async {
            made.set(made.get() + 1);
            outcomes(made.get()).context("write a resource")
        });
        let error = outcome.await.err().map(ScimApiError::into_answer);
        (made.get(), error)
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_race_is_retried_a_bounded_number_of_times() {
        let third = |nth| if nth < 3 { Err(StoreError::VersionMismatch) } else { Ok(()) };
        assert_eq!(attempts(third).await, (3, None));
        for conflict in [|| StoreError::VersionMismatch, || StoreError::MemberGone] {
            let all = attempts(|_| Err(conflict())).await;
            assert_eq!(all, (20, Some(ScimError::Contention)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_permanent_error_is_returned_without_a_retry() {
        let taken = || StoreError::Conflict(UniqueAttribute::UserName);
        for permanent in [taken, || StoreError::Contention, || StoreError::NotFound] {
            let (made, error) = attempts(|_| Err(permanent())).await;
            let expected: Result<(), _> = Err(permanent()).context("write a resource");
            assert_eq!((made, error), (1, expected.err().map(ScimApiError::into_answer)));
        }
    }
}
