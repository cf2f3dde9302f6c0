//! Parses instants of SAML messages (`xs:dateTime`, SAML core §1.3.3) and compares them with a
//! clock skew. Reads no clock: the current time is an argument.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// Accepted difference between our clock and that of an identity provider: 60 to 300 seconds, by
/// default 180.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClockSkew(u16);

impl ClockSkew {
    /// Returns a skew of 60 to 300 seconds (SAML implementation profile IIP-G01: 3 to 5 minutes),
    /// or `None` if out of range.
    pub fn from_seconds(seconds: u16) -> Option<Self> {
        (60..=300).contains(&seconds).then_some(Self(seconds))
    }

    /// The skew in seconds.
    pub const fn seconds(self) -> u16 {
        self.0
    }

    fn nanoseconds(self) -> i128 {
        i128::from(self.0) * 1_000_000_000
    }

    /// Reports whether one of the two clocks may have reached `instant` at `now`.
    pub fn is_reached(self, instant: Timestamp, now: Timestamp) -> bool {
        instant.as_nanosecond() <= now.as_nanosecond() + self.nanoseconds()
    }

    /// Reports whether both clocks have passed `end` at `now`; `end` itself counts as passed.
    pub fn is_over(self, end: Timestamp, now: Timestamp) -> bool {
        end.as_nanosecond() + self.nanoseconds() <= now.as_nanosecond()
    }
}

impl Default for ClockSkew {
    fn default() -> Self {
        Self(180)
    }
}

/// Parses an instant: `2026-11-21T10:00:00Z`, any number of fractional digits, `Z` or an offset.
///
/// Refuses an instant without a zone, which is ambiguous, and a year outside 2000 to 2199, which is
/// no clock skew.
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let (date, rest) = text.split_once('T')?;
    let (time, offset) = split_zone(rest)?;
    let (time, nanosecond) = match time.split_once('.') {
        Some((time, digits)) => (time, parse_fraction(digits)?),
        None => (time, 0),
    };
    let [year, month, day] = parse_numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = parse_numbers(time, ':', [2, 2, 2])?;
    if !(2000..2200).contains(&year) {
        return None;
    }
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let time = Time::new(
        i8::try_from(hour).ok()?,
        i8::try_from(minute).ok()?,
        i8::try_from(second).ok()?,
        nanosecond,
    )
    .ok()?;
    offset.to_timestamp(date.to_datetime(time)).ok()
}

fn split_zone(rest: &str) -> Option<(&str, Offset)> {
    if let Some(time) = rest.strip_suffix('Z') {
        return Some((time, Offset::UTC));
    }
    let at = rest.rfind(['+', '-'])?;
    let (time, zone) = rest.split_at_checked(at)?;
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let [hours, minutes] = parse_numbers(zone.get(1..)?, ':', [2, 2])?;
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
    Some((time, Offset::from_seconds(seconds).ok()?))
}

/// Parses the digits of a fraction as nanoseconds, ignoring those beyond.
fn parse_fraction(digits: &str) -> Option<i32> {
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nine: String = digits.chars().chain("000000000".chars()).take(9).collect();
    nine.parse().ok()
}

/// Parses numbers with exactly these lengths.
fn parse_numbers<const N: usize>(
    text: &str,
    separator: char,
    lengths: [usize; N],
) -> Option<[i16; N]> {
    let parts: Vec<&str> = text.splitn(N + 1, separator).collect();
    let parts: [&str; N] = parts.try_into().ok()?;
    let mut values = [0; N];
    for ((value, part), length) in values.iter_mut().zip(parts).zip(lengths) {
        if part.len() != length || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *value = part.parse().ok()?;
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let shown = parse_instant(text).map_or_else(|| "refused".to_owned(), |t| t.to_string());
        assert_eq!(shown, expect, "{text}");
    }

    #[test]
    fn instants_with_a_zone_are_parsed() {
        check("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z");
        check("2026-11-21T10:00:00.1Z", "2026-11-21T10:00:00.1Z");
        check("2026-11-21T10:00:00.1234567Z", "2026-11-21T10:00:00.1234567Z");
        check("2026-11-21T10:00:00.12345678901234Z", "2026-11-21T10:00:00.123456789Z");
        check("2026-11-21T10:00:00+02:00", "2026-11-21T08:00:00Z");
        check("2026-11-21T10:00:00.5-05:30", "2026-11-21T15:30:00.5Z");
        check("\n2026-11-21T10:00:00Z ", "2026-11-21T10:00:00Z");
        check("2028-02-29T23:59:59Z", "2028-02-29T23:59:59Z");
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T10:00:00",
            "2026-11-21 10:00:00Z",
            "2026-11-21t10:00:00z",
            "2026-11-21T10:00Z",
            "2026-11-21T10:00:00.Z",
            "2026-11-21T10:00:60Z",
            "2026-11-21T24:00:00Z",
            "2027-02-29T10:00:00Z",
            "2026-13-01T10:00:00Z",
            "1999-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "262142-01-01T00:00:00Z",
            "-2026-11-21T10:00:00Z",
            "+2026-11-21T10:00:00Z",
            "2026-11-21T10:00:00Z[UTC]",
            "2026-11-21T10:00:00+25:00",
            "2026-11-21T10:00:00+2:00",
            "1763719200",
        ] {
            check(text, "refused");
        }
    }

    #[test]
    fn skew_extends_both_ends_of_a_period() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let skew = ClockSkew::default();
        assert!(skew.is_reached(at(1180), at(1000)) && !skew.is_reached(at(1181), at(1000)));
        assert!(!skew.is_over(at(821), at(1000)) && skew.is_over(at(820), at(1000)));
        assert_eq!(ClockSkew::from_seconds(59), None);
        assert_eq!(ClockSkew::from_seconds(301), None);
        assert!(!ClockSkew(300).is_over(Timestamp::MAX, Timestamp::MIN));
    }
}
