//! Runs several reads of the store at the same time.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

/// Runs all `futures`, at most [`MAX_CONCURRENT`] at a time, and returns their results in order.
///
/// # Errors
///
/// The first error, which drops the futures that are still running.
pub(super) async fn join_bounded<F, T, E>(futures: impl IntoIterator<Item = F>) -> Result<Vec<T>, E>
where
    F: Future<Output = Result<T, E>>,
{
    stream::iter(futures).buffered(MAX_CONCURRENT).try_collect().await
}

/// Maximum number of concurrent reads of one request, and so of its busy connections. A thousand
/// reads of 5 ms then take a third of a second.
pub(super) const MAX_CONCURRENT: usize = 16;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn results_keep_their_order_and_concurrency_is_bounded() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (running, most) = (&running, &most);
        let work = (0..100_u64).map(|n| async move {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..100 - n {
                tokio::task::yield_now().await;
            }
            running.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, ()>(n)
        });
        let done = join_bounded(work).await;
        assert_eq!(done, Ok((0..100).collect::<Vec<_>>()));
        assert_eq!(most.load(Ordering::SeqCst), MAX_CONCURRENT);
    }

    #[tokio::test]
    async fn the_first_error_is_returned() {
        let work = (0..100).map(|n| async move { if n == 3 { Err(n) } else { Ok(n) } });
        assert_eq!(join_bounded(work).await, Err(3));
    }
}
