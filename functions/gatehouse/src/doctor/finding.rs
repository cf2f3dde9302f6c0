//! The findings of `gatehouse doctor`, and the days until an expiry.
//!
//! Pure: the time is an argument.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

/// The severity of a finding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Level {
    /// Nothing to do.
    Ok,
    /// It works now, and will stop working or does not work for everyone.
    Warn,
    /// It does not work.
    Fail,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// The result of one check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// The thing that was checked.
    pub(super) about: String,
    pub(super) message: String,
    /// The next step; absent if the level is [`Level::Ok`].
    pub(super) next: Option<String>,
}

impl Finding {
    /// The finding as JSON.
    pub(super) fn document(&self) -> Value {
        json!({
            "level": self.level.as_str(),
            "about": self.about,
            "message": self.message,
            "next": self.next,
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<4}  {}: {}", self.level.as_str(), self.about, self.message)?;
        match &self.next {
            Some(next) => write!(f, "\n      {next}"),
            None => Ok(()),
        }
    }
}

/// All findings, in the order of the checks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn ok(&mut self, about: &str, message: impl Into<String>) {
        self.push(Level::Ok, about, message.into(), None);
    }

    pub(super) fn warn(
        &mut self,
        about: &str,
        message: impl Into<String>,
        next: impl Into<String>,
    ) {
        self.push(Level::Warn, about, message.into(), Some(next.into()));
    }

    pub(super) fn fail(
        &mut self,
        about: &str,
        message: impl Into<String>,
        next: impl Into<String>,
    ) {
        self.push(Level::Fail, about, message.into(), Some(next.into()));
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// Returns the number of findings of this level.
    pub(super) fn count(&self, level: Level) -> usize {
        self.iter().filter(|finding| finding.level == level).count()
    }

    fn push(&mut self, level: Level, about: &str, message: String, next: Option<String>) {
        self.0.push(Finding { level, about: about.to_owned(), message, next });
    }
}

/// Returns the whole days from `now` to the time at a JSON pointer; negative if it has passed.
pub(super) fn days_until(item: &Value, pointer: &str, now: Timestamp) -> Option<i64> {
    let then: Timestamp = item.pointer(pointer)?.as_str()?.parse().ok()?;
    Some(then.duration_since(now).as_secs().div_euclid(86_400))
}

/// Formats a number of days: "in 9 days", "today".
pub(super) fn in_days(days: i64) -> String {
    match days {
        ..0 => "in the past".to_owned(),
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        2.. => format!("in {days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_days_are_counted() {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        for (then, days, text) in [
            ("2026-12-01T12:00:00Z", 9, "in 9 days"),
            ("2026-11-24T11:00:00Z", 1, "tomorrow"),
            ("2026-11-23T11:59:59Z", 0, "today"),
            ("2026-11-22T11:59:59Z", -1, "in the past"),
        ] {
            assert_eq!(days_until(&json!({"at": then}), "/at", now), Some(days), "{then}");
            assert_eq!(in_days(days), text);
        }
        assert_eq!(days_until(&json!({"at": null}), "/at", now), None);
    }
}
