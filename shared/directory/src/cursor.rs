//! Cursors of the feed: a position, and the feed that it belongs to.
//!
//! A cursor is opaque to its readers and not a secret: base64url of the feed's id and the position.
//! The id tells apart the feeds of two deployments, or of a table before and after it was restored,
//! so that a foreign cursor is an error instead of a gap.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Id of a feed: 64 random bits, drawn when its first event is published.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FeedId(pub u64);

/// A place in a feed: how many events come before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cursor {
    /// The feed.
    pub feed: FeedId,
    /// Position of the last event that was read, from 1; 0 is before the first event.
    pub position: u64,
}

/// The text is not a cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a cursor of the feed")]
pub struct InvalidCursor;

impl Cursor {
    /// The cursor before the first event of any feed.
    pub const START: Self = Self { feed: FeedId(0), position: 0 };

    /// Writes the cursor as text.
    pub fn encode(self) -> String {
        let mut bytes = [0; LENGTH];
        let (feed, position) = bytes.split_at_mut(LENGTH / 2);
        feed.copy_from_slice(&self.feed.0.to_be_bytes());
        position.copy_from_slice(&self.position.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor.
    ///
    /// # Errors
    ///
    /// [`InvalidCursor`] if [`Cursor::encode`] writes no such text.
    pub fn decode(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| InvalidCursor)?;
        let number = |half: &[u8]| half.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let (feed, position) = bytes.split_at(LENGTH / 2);
        Ok(Self { feed: FeedId(number(feed)), position: number(position) })
    }
}

const LENGTH: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_reads_as_it_was_written(feed: u64, position: u64) {
            let cursor = Cursor { feed: FeedId(feed), position };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn no_other_text_is_a_cursor(text in "[A-Za-z0-9_=-]{0,40}") {
            if let Ok(cursor) = Cursor::decode(&text) {
                prop_assert_eq!(cursor.encode(), text);
            }
        }
    }
}
