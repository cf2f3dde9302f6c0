//! Rate limits: token buckets in the memory of the process.
//!
//! A request is admitted while its bucket is not empty, and pays when its cost is known: a dear one
//! leaves a debt, which the next ones wait for.
//!
//! A Lambda environment serves one request at a time, so a bucket limits the requests of one
//! environment; the throttle of API Gateway limits their number.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

use jiff::Timestamp;

use crate::config::RateLimit;

/// Token buckets, one per key.
#[derive(Debug)]
pub struct RateLimiter<K> {
    limit: RateLimit,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Requests left, in thousandths; a debt if it is negative.
    level: i64,
    refilled: Timestamp,
}

impl<K: Copy + Eq + Hash> RateLimiter<K> {
    /// Creates full buckets of this limit.
    pub fn new(limit: RateLimit) -> Self {
        Self { limit, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes one request out of the bucket of `key`.
    ///
    /// # Errors
    ///
    /// The number of seconds, at least 1, until the bucket has a request again.
    pub fn take(&self, key: K, now: Timestamp) -> Result<(), u64> {
        self.with_bucket(key, now, |bucket, rate| {
            if bucket.level < ONE {
                let missing = (ONE - bucket.level).unsigned_abs();
                return Err(missing.div_ceil(rate).div_ceil(1_000).max(1));
            }
            bucket.level -= ONE;
            Ok(())
        })
        .unwrap_or(Err(1))
    }

    /// Takes more out of the bucket of `key`, in thousandths of a request, for a request that was
    /// admitted and cost more than one. The bucket may then owe.
    pub fn charge(&self, key: K, thousandths: u64, now: Timestamp) {
        let cost = i64::try_from(thousandths).unwrap_or(i64::MAX);
        self.with_bucket(key, now, |bucket, _| bucket.level = bucket.level.saturating_sub(cost));
    }

    /// Refills the bucket of `key` and uses it. `None` if a thread panicked with the buckets.
    fn with_bucket<T>(
        &self,
        key: K,
        now: Timestamp,
        run: impl FnOnce(&mut Bucket, u64) -> T,
    ) -> Option<T> {
        let rate = u64::from(self.limit.per_second.get());
        let full = i64::from(self.limit.burst.get()) * ONE;
        let mut buckets = self.buckets.lock().ok()?;
        if buckets.len() >= MAX_KEYS && !buckets.contains_key(&key) {
            buckets.clear();
        }
        let bucket = buckets.entry(key).or_insert(Bucket { level: full, refilled: now });
        let waited = now.duration_since(bucket.refilled).as_millis();
        let refill = u64::try_from(waited).unwrap_or(0).saturating_mul(rate);
        let refill = i64::try_from(refill).unwrap_or(i64::MAX);
        bucket.level = bucket.level.saturating_add(refill).min(full);
        bucket.refilled = now;
        Some(run(bucket, rate))
    }
}

/// One request in thousandths, so that the refill of a millisecond is a whole number.
const ONE: i64 = 1_000;

/// Memory bound: above it all buckets start full again, which lets more requests through.
const MAX_KEYS: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    fn limiter(per_second: u32, burst: u32) -> RateLimiter<&'static str> {
        RateLimiter::new(RateLimit {
            per_second: NonZeroU32::new(per_second).unwrap(),
            burst: NonZeroU32::new(burst).unwrap(),
        })
    }

    fn at(ms: u64) -> Timestamp {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        start + Duration::from_millis(ms)
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_applies() {
        let limiter = limiter(10, 3);
        for _ in 0..3 {
            assert_eq!(limiter.take("acme", at(0)), Ok(()));
        }
        assert_eq!(limiter.take("acme", at(0)), Err(1));
        assert_eq!(
            limiter.take("other", at(0)),
            Ok(()),
            "the limit of a tenant does not affect another"
        );
        assert_eq!(limiter.take("acme", at(100)), Ok(()));
        assert_eq!(limiter.take("acme", at(150)), Err(1));
    }

    #[test]
    fn a_dear_request_leaves_a_debt_that_the_next_waits_for() {
        let limiter = limiter(100, 200);
        assert_eq!(limiter.take("acme", at(0)), Ok(()));
        limiter.charge("acme", 999_000, at(0));
        // 800 requests are owed: eight seconds, and one request more.
        assert_eq!(limiter.take("acme", at(0)), Err(9));
        assert_eq!(limiter.take("other", at(0)), Ok(()));
        assert_eq!(limiter.take("acme", at(8_000)), Err(1));
        assert_eq!(limiter.take("acme", at(8_010)), Ok(()));
    }
}
