//! The work that one request may cause.
//!
//! A request is charged for every resource that it reads and for every value that its filter
//! compares, in units of about a nanosecond of a Lambda function's core. So the dearest request is
//! known, whatever its filter, its texts and the number of resources are.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::ScimError;

/// Counts the work of one request.
#[derive(Debug)]
pub struct Meter {
    /// Units of the whole request.
    units: u64,
    /// Units that are left. Atomic, because the parts of a request may run concurrently.
    left: AtomicU64,
}

impl Default for Meter {
    fn default() -> Self {
        Self::new(REQUEST)
    }
}

impl Meter {
    /// Creates a meter with this many units.
    pub const fn new(units: u64) -> Self {
        Self { units, left: AtomicU64::new(units) }
    }

    /// Takes units. The last charge may exceed what is left; [`Meter::check`] tells.
    pub fn charge(&self, units: usize) {
        let units = u64::try_from(units).unwrap_or(u64::MAX);
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(units), Ordering::Relaxed);
    }

    /// Takes the units of a stored resource that is read and parsed, or serialised and written.
    pub fn charge_resource(&self, bytes: usize) {
        self.charge(RESOURCE.saturating_add(bytes.saturating_mul(BYTE_OF_RESOURCE)));
    }

    /// Takes the units of one operation of a bulk request, besides those of its resources.
    pub fn charge_operation(&self) {
        self.charge(OPERATION);
    }

    /// Returns the share of a request's units that was taken, in thousandths.
    pub fn used_thousandths(&self) -> u64 {
        let used = self.units.saturating_sub(self.left.load(Ordering::Relaxed));
        used.saturating_mul(1_000) / self.units.max(1)
    }

    /// Returns whether nothing is left.
    pub fn is_used_up(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// Checks that something is left.
    ///
    /// # Errors
    ///
    /// [`ScimError::TooMany`] with what the client can do instead.
    pub fn check(&self) -> Result<(), ScimError> {
        if self.is_used_up() {
            return Err(ScimError::TooMany(
                "the request would read or compare more than one request may; use fewer terms or \
                 operations, page by cursor (RFC 9865), or filter with eq by id, userName, \
                 externalId, emails, groups, displayName or members"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// Units of one request: ten thousand users of 1.2 kB, compared with one term.
const REQUEST: u64 = 10_000 * (RESOURCE + 1_200 * BYTE_OF_RESOURCE + 1_000) as u64;

/// Units to render the resources of an answer, apart from those to find them, so that a page by cursor
/// whose search has used up the meter still has its resources.
pub const ANSWER: u64 = 100_000_000;

/// Units of an operation of a bulk request: with the resource that it reads and writes, a thousand
/// operations on users of up to 3 kB are within one request.
const OPERATION: usize = 200_000;

/// Units of a resource whatever its size, and of each of its bytes: to read it, and to parse it or
/// write it.
const RESOURCE: usize = 10_000;
const BYTE_OF_RESOURCE: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_ends_after_its_units() {
        let meter = Meter::new(100);
        meter.charge(99);
        assert_eq!(meter.check(), Ok(()));
        meter.charge(2);
        assert!(matches!(meter.check(), Err(ScimError::TooMany(_))));
        meter.charge(usize::MAX);
        assert!(meter.is_used_up());
    }

    #[test]
    fn a_thousand_operations_are_within_the_work_of_one_request() {
        let meter = Meter::default();
        for _ in 0..1_000 {
            assert_eq!(meter.check(), Ok(()));
            meter.charge_operation();
            meter.charge_resource(3_000);
            meter.charge_resource(3_000);
        }
    }

    #[test]
    fn a_request_reads_less_text_than_it_may_hold() {
        assert!(REQUEST / (BYTE_OF_RESOURCE as u64) < 32 * 1024 * 1024);
    }

    #[test]
    fn ten_thousand_small_users_are_within_the_work_of_one_request() {
        let meter = Meter::default();
        for _ in 0..10_000 {
            assert_eq!(meter.check(), Ok(()));
            meter.charge_resource(1_200);
        }
        assert_eq!(meter.check(), Ok(()));
        for _ in 0..1_000 {
            meter.charge_resource(1_200);
        }
        assert!(meter.is_used_up());
    }
}
