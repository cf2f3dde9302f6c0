//! The only source of time, ids and randomness; elsewhere they are arguments.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use zeroize::Zeroizing;

/// The clock of a process: the system's, or one that a test moves.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// Returns the clock of the system.
    pub const fn system() -> Self {
        Self(None)
    }

    /// Returns a clock that shows `start` until [`Clock::advance`] moves it.
    pub fn standing_at(start: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.as_microsecond()))))
    }

    /// Returns the time in whole milliseconds, the precision that SCIM responses show.
    pub fn now(&self) -> Timestamp {
        let milliseconds = match &self.0 {
            None => system_now().as_millisecond(),
            Some(microseconds) => microseconds.load(Ordering::SeqCst) / 1_000,
        };
        Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Moves a standing clock forward; has no effect on the clock of the system.
    pub fn advance(&self, by: Duration) {
        if let Some(microseconds) = &self.0 {
            let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            microseconds.fetch_add(by, Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the only place that reads the clock")]
fn system_now() -> Timestamp {
    Timestamp::now()
}

/// Returns a new version 4 UUID, for a resource.
#[expect(clippy::disallowed_methods, reason = "the only place that generates ids")]
pub fn random_uuid() -> uuid::Uuid {
    uuid::Uuid::new_v4()
}

/// Returns a new version 7 UUID, for a tenant: sorts by creation time.
#[expect(clippy::disallowed_methods, reason = "the only place that generates ids")]
pub fn ordered_uuid() -> uuid::Uuid {
    uuid::Uuid::now_v7()
}

/// Returns `N` random bytes from the operating system.
///
/// # Errors
///
/// When the operating system has no random bytes. No secret can be created then.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Returns 256 random bits for a secret. They are wiped when they are dropped.
///
/// # Errors
///
/// As [`random_bytes`].
pub fn random_secret() -> Result<Zeroizing<[u8; 32]>, getrandom::Error> {
    random_bytes().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_moves_only_by_advance() {
        let clock = Clock::standing_at("2026-01-01T00:00:00.123456Z".parse().unwrap());
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00.123Z");
        clock.advance(Duration::from_mins(1));
        assert_eq!(clock.now().to_string(), "2026-01-01T00:01:00.123Z");
    }
}
