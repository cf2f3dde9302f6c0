//! Trying again a read-modify-write that somebody else overtook.

use super::error::ScimApiError;
use crate::store::{Backoff, StoreError};
use scim::error::ScimError;

/// Why an attempt came to nothing.
#[derive(Debug)]
pub(super) enum Failed {
    /// What was read is no longer what is there: somebody else was faster.
    Overtaken,
    /// Anything else, which the next attempt would meet again.
    Refused(ScimApiError),
}

impl From<ScimError> for Failed {
    fn from(error: ScimError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<ScimApiError> for Failed {
    fn from(error: ScimApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::VersionMismatch | StoreError::MemberGone => Self::Overtaken,
            StoreError::Conflict(_)
            | StoreError::Contention
            | StoreError::NoSeat { .. }
            | StoreError::NotFound
            | StoreError::TooLarge
            | StoreError::Unavailable(_)
            | StoreError::Corrupt(_) => Self::Refused(error.into()),
        }
    }
}

/// What the first attempt that nobody overtakes comes to. Each reads anew.
///
/// # Errors
///
/// [`ScimError::Contention`] when a bounded number of them were overtaken.
pub(super) async fn until_first<T, A>(attempt: impl Fn() -> A) -> Result<T, ScimApiError>
where
    // `AsyncFn` has no name for its future, which handlers need to be `Send`.
    A: Future<Output = Result<T, Failed>>,
{
    let mut backoff = Backoff::after_lost_race();
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(Failed::Overtaken) => backoff.pause().await?,
            Err(Failed::Refused(error)) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::store::UniqueAttribute;

    /// How many attempts there are when all before the last fail in this way.
    async fn attempts(
        outcomes: impl Fn(u32) -> Result<(), StoreError>,
    ) -> (u32, Option<ScimError>) {
        let made = Cell::new(0);
        let outcome = until_first(|| async {
            made.set(made.get() + 1);
            Ok(outcomes(made.get())?)
        });
        let error = outcome.await.err().map(ScimApiError::into_answer);
        (made.get(), error)
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_overtaken_tries_again_and_not_for_ever() {
        let third = |nth| if nth < 3 { Err(StoreError::VersionMismatch) } else { Ok(()) };
        assert_eq!(attempts(third).await, (3, None));
        for overtaken in [|| StoreError::VersionMismatch, || StoreError::MemberGone] {
            let all = attempts(|_| Err(overtaken())).await;
            assert_eq!(all, (20, Some(ScimError::Contention)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_next_attempt_would_meet_again_is_the_answer() {
        let taken = || StoreError::Conflict(UniqueAttribute::UserName);
        for refusal in [taken, || StoreError::Contention, || StoreError::NotFound] {
            let (made, error) = attempts(|_| Err(refusal())).await;
            assert_eq!((made, error), (1, Some(ScimApiError::from(refusal()).into_answer())));
        }
    }
}
