//! Rate limits: token buckets in the memory of the process.
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
    /// Requests left, in thousandths.
    level: u64,
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
        let rate = u64::from(self.limit.per_second.get());
        let full = u64::from(self.limit.burst.get()) * ONE;
        let Ok(mut buckets) = self.buckets.lock() else { return Err(1) };
        if buckets.len() >= MAX_KEYS && !buckets.contains_key(&key) {
            buckets.clear();
        }
        let bucket = buckets.entry(key).or_insert(Bucket { level: full, refilled: now });
        let waited = now.duration_since(bucket.refilled).as_millis();
        let refill = u64::try_from(waited).unwrap_or(0).saturating_mul(rate);
        bucket.level = bucket.level.saturating_add(refill).min(full);
        bucket.refilled = now;
        if bucket.level < ONE {
            return Err((ONE - bucket.level).div_ceil(rate).div_ceil(1_000).max(1));
        }
        bucket.level -= ONE;
        Ok(())
    }
}

/// One request in thousandths, so that the refill of a millisecond is a whole number.
const ONE: u64 = 1_000;

/// Memory bound: above it all buckets start full again, which lets more requests through.
const MAX_KEYS: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_applies() {
        let limit = RateLimit {
            per_second: NonZeroU32::new(10).unwrap(),
            burst: NonZeroU32::new(3).unwrap(),
        };
        let limiter = RateLimiter::new(limit);
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let at = |ms| start + Duration::from_millis(ms);
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
}
