//! A cache of values that may be used for a limited time after they were read.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

/// Values by key, each with the time at which it was read.
pub struct TtlCache<K, V> {
    entries: Mutex<HashMap<K, (Timestamp, V)>>,
    life: Duration,
    most: usize,
}

/// How long a value may be used after it was read. A revoked token works no longer than this.
pub const CACHE_LIFE: Duration = Duration::from_mins(1);

/// Memory bound; past it the value that was read first is dropped.
const MOST_ENTRIES: usize = 10_000;

impl<K, V> Default for TtlCache<K, V> {
    fn default() -> Self {
        Self::with(CACHE_LIFE, MOST_ENTRIES)
    }
}

impl<K, V> TtlCache<K, V> {
    /// Returns a cache of at most `most` values, each of which may be used for `life`.
    pub fn with(life: Duration, most: usize) -> Self {
        Self { entries: Mutex::new(HashMap::new()), life, most }
    }
}

impl<K, V> fmt::Debug for TtlCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TtlCache")
    }
}

impl<K: Clone + Eq + Hash, V: Clone> TtlCache<K, V> {
    /// Returns the value, if it may still be used.
    pub fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let entries = self.entries.lock().ok()?;
        let (read_at, value) = entries.get(key)?;
        let age = now.duration_since(*read_at);
        (!age.is_negative() && age.unsigned_abs() < self.life).then(|| value.clone())
    }

    /// Returns whether there is a value, even one that is too old to be used.
    pub fn contains(&self, key: &K) -> bool {
        self.entries.lock().is_ok_and(|entries| entries.contains_key(key))
    }

    /// Removes a value.
    pub fn remove(&self, key: &K) {
        if let Ok(mut entries) = self.entries.lock() {
            entries.remove(key);
        }
    }

    /// Stores a value that was read or written at `now`.
    pub fn put(&self, key: K, value: V, now: Timestamp) {
        let Ok(mut entries) = self.entries.lock() else { return };
        if entries.len() >= self.most && !entries.contains_key(&key) {
            let oldest = entries.iter().min_by_key(|(_, (read_at, _))| *read_at);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                entries.remove(&oldest);
            }
        }
        entries.insert(key, (now, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_used_for_a_minute_and_not_before_it_was_read() {
        let cache = TtlCache::default();
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        cache.put("acme", 1, start);
        assert_eq!(cache.get(&"acme", start + Duration::from_millis(59_999)), Some(1));
        assert_eq!(cache.get(&"acme", start + Duration::from_mins(1)), None);
        assert_eq!(cache.get(&"acme", start - Duration::from_secs(1)), None);
        assert_eq!(cache.get(&"other", start), None);
    }

    #[test]
    fn a_full_cache_drops_only_the_oldest_value() {
        let cache = TtlCache::with(CACHE_LIFE, 3);
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (second, key) in [(0, "a"), (1, "b"), (2, "c"), (3, "a"), (4, "d"), (5, "d")] {
            cache.put(key, second, start + Duration::from_secs(second));
        }
        let now = start + Duration::from_secs(6);
        let known = ["a", "b", "c", "d"].map(|key| cache.get(&key, now));
        assert_eq!(known, [Some(3), None, Some(2), Some(5)]);
        assert!(cache.contains(&"a") && !cache.contains(&"b"));
    }
}
