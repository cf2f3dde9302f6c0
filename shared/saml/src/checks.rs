//! The record of one sign-in: each of the 25 checks with its outcome.
//!
//! The verifier ([`crate::response`]) runs checks 1 to 4, 6 to 16 and 18 to 21. The others need
//! storage: their callers add them with [`Checks::pass`] and [`Checks::fail`].

use serde::Serialize;

use crate::error::SamlError;

pub use crate::check_table::{Actor, CheckId, CheckInfo};

/// The outcome of a check.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As required.
    Passed,
    /// Accepted, but worth an administrator's look.
    Warning,
    /// Refused.
    Failed,
    /// Not run: an earlier failure ended the sign-in, or the check does not apply.
    NotReached,
}

/// One line of the record.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Check {
    /// The check.
    pub id: CheckId,
    /// Its outcome.
    pub outcome: Outcome,
    /// The expected value; empty if there is none to show.
    pub expected: String,
    /// The received value. Comes from the provider; for administrators only.
    pub received: String,
}

/// The record: always 25 lines, in order.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Checks(Vec<Check>);

impl Default for Checks {
    fn default() -> Self {
        let line = |&id| Check {
            id,
            outcome: Outcome::NotReached,
            expected: String::new(),
            received: String::new(),
        };
        Self(CheckId::ALL.iter().map(line).collect())
    }
}

impl Checks {
    /// The lines, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Check> {
        self.0.iter()
    }

    /// The outcome of one check.
    pub fn outcome(&self, id: CheckId) -> Outcome {
        self.0.iter().find(|line| line.id == id).map_or(Outcome::NotReached, |line| line.outcome)
    }

    /// Records that a check passed. A recorded failure stays: a second, valid signature does not
    /// outweigh an invalid first one.
    pub fn pass(&mut self, id: CheckId, expected: impl Into<String>, received: impl Into<String>) {
        self.record(id, Outcome::Passed, expected.into(), received.into());
    }

    /// Records a warning. A recorded failure stays.
    pub fn warn(&mut self, id: CheckId, expected: impl Into<String>, received: impl Into<String>) {
        self.record(id, Outcome::Warning, expected.into(), received.into());
    }

    /// Records a failure. The first failure of a check stays.
    pub fn fail(&mut self, error: &SamlError) {
        self.record(error.check(), Outcome::Failed, error.expected(), error.received());
    }

    fn record(&mut self, id: CheckId, outcome: Outcome, expected: String, received: String) {
        if let Some(line) = self.0.iter_mut().find(|line| line.id == id)
            && line.outcome != Outcome::Failed
        {
            *line = Check { id, outcome, expected, received };
        }
    }
}

impl<'a> IntoIterator for &'a Checks {
    type Item = &'a Check;
    type IntoIter = std::slice::Iter<'a, Check>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_has_every_check_in_order() {
        let ids: Vec<_> = Checks::default().iter().map(|line| line.id).collect();
        assert_eq!(ids, CheckId::ALL);
        assert!(ids.is_sorted());
    }

    #[test]
    fn a_failed_check_stays_failed() {
        let mut checks = Checks::default();
        checks.fail(&SamlError::Replay);
        checks.pass(CheckId::Replay, "", "");
        assert_eq!(checks.outcome(CheckId::Replay), Outcome::Failed);
    }
}
