//! What was looked at and how it is.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Level {
    Ok,
    /// It works, and will not for long, or not for everybody.
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

/// One line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// What was looked at.
    pub(super) about: String,
    pub(super) message: String,
    /// What to do next; nothing when it is well.
    pub(super) next: Option<String>,
}

impl Finding {
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

/// All lines, in the order in which things were looked at.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn ok(&mut self, about: &str, message: impl Into<String>) {
        self.note(Level::Ok, about, message.into(), None);
    }

    pub(super) fn warn(
        &mut self,
        about: &str,
        message: impl Into<String>,
        next: impl Into<String>,
    ) {
        self.note(Level::Warn, about, message.into(), Some(next.into()));
    }

    pub(super) fn fail(
        &mut self,
        about: &str,
        message: impl Into<String>,
        next: impl Into<String>,
    ) {
        self.note(Level::Fail, about, message.into(), Some(next.into()));
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    pub(super) fn count(&self, level: Level) -> usize {
        self.iter().filter(|finding| finding.level == level).count()
    }

    fn note(&mut self, level: Level, about: &str, message: String, next: Option<String>) {
        self.0.push(Finding { level, about: about.to_owned(), message, next });
    }
}

/// Whole days from `now` to what is at a JSON pointer; negative when it is past.
pub(super) fn days_until(item: &Value, pointer: &str, now: Timestamp) -> Option<i64> {
    let then: Timestamp = item.pointer(pointer)?.as_str()?.parse().ok()?;
    Some(then.duration_since(now).as_secs().div_euclid(86_400))
}

/// "in 9 days", "today".
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
    fn a_day_is_counted_when_it_is_whole() {
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
