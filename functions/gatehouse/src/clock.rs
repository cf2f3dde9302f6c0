//! The time enters here and is an argument everywhere else.

use jiff::Timestamp;

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
