//! Trying again a read-modify-write that somebody else overtook.

use std::time::Duration;

use crate::clock::random_bytes;
use crate::scim::error::ScimError;

/// Attempts at one change of one resource.
#[derive(Debug, Default)]
pub(super) struct Attempts(u32);

impl Attempts {
    /// Waits a random while before the next attempt ("full jitter").
    ///
    /// # Errors
    ///
    /// [`ScimError::Contention`] once [`MOST_ATTEMPTS`] were made.
    pub(super) async fn pause(&mut self) -> Result<(), ScimError> {
        self.0 += 1;
        if self.0 >= MOST_ATTEMPTS {
            return Err(ScimError::Contention);
        }
        let longest = FIRST_PAUSE.saturating_mul(1 << self.0.min(6)).min(LONGEST_PAUSE);
        let random = random_bytes().map_or(u16::MAX, u16::from_le_bytes);
        tokio::time::sleep(longest.mul_f64(f64::from(random) / f64::from(u16::MAX))).await;
        Ok(())
    }
}

const MOST_ATTEMPTS: u32 = 20;
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
