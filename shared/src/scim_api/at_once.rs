//! Several reads at a time.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

/// Waits for all of `work`, [`AT_ONCE`] at a time, and gives the results in its order; the first
/// failure ends it.
pub(super) async fn at_once<F, T, E>(work: impl IntoIterator<Item = F>) -> Result<Vec<T>, E>
where
    F: Future<Output = Result<T, E>>,
{
    stream::iter(work).buffered(AT_ONCE).try_collect().await
}

/// A thousand reads of 5 ms take a third of a second, and one request keeps no more than this many
/// connections busy.
pub(super) const AT_ONCE: usize = 16;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn results_keep_their_order_and_only_so_many_run() {
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
        let done = at_once(work).await;
        assert_eq!(done, Ok((0..100).collect::<Vec<_>>()));
        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
    }

    #[tokio::test]
    async fn the_first_failure_ends_it() {
        let work = (0..100).map(|n| async move { if n == 3 { Err(n) } else { Ok(n) } });
        assert_eq!(at_once(work).await, Err(3));
    }
}
