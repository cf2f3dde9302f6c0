//! What a process remembers for a minute.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

/// Values that may be used for [`CACHE_LIFE`] after they were read.
pub struct TtlCache<K, V>(Mutex<HashMap<K, (Timestamp, V)>>);

/// How long a value may be used after it was read: a revoked token works no longer than this.
pub const CACHE_LIFE: Duration = Duration::from_mins(1);

/// Memory bound; past it everything is read again.
const MOST_ENTRIES: usize = 10_000;

impl<K, V> Default for TtlCache<K, V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K, V> fmt::Debug for TtlCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TtlCache")
    }
}

impl<K: Eq + Hash, V: Clone> TtlCache<K, V> {
    /// The value, while it may be used.
    pub fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let entries = self.0.lock().ok()?;
        let (read_at, value) = entries.get(key)?;
        let age = now.duration_since(*read_at);
        (!age.is_negative() && age.unsigned_abs() < CACHE_LIFE).then(|| value.clone())
    }

    /// Remembers a value that was read, or written, now.
    pub fn put(&self, key: K, value: V, now: Timestamp) {
        let Ok(mut entries) = self.0.lock() else { return };
        if entries.len() >= MOST_ENTRIES {
            entries.clear();
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
}
