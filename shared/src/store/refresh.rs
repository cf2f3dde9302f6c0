//! The position of the scheduled refresh, which goes through all connections in several calls.

use super::item::{take_text, text};
use super::keys::Key;
use super::write::Write;
use super::{Store, StoreError};
use saml::connection::Position;

impl Store {
    /// Reads where the last call stopped; `None` when it reached the end.
    pub async fn refresh_position(&self) -> Result<Option<Position>, StoreError> {
        let Some(mut row) = self.get(&Key::refresh_position()).await? else { return Ok(None) };
        // A position that cannot be read sends the next call to the start, which is always safe.
        Ok(take_text(&mut row, "p")?.parse().ok())
    }

    /// Moves the position, unless another call has moved it since it was read.
    pub async fn move_refresh_position(
        &self,
        before: Option<&Position>,
        after: Option<&Position>,
    ) -> Result<(), StoreError> {
        let written = |position: Option<&Position>| {
            text(position.map(ToString::to_string).unwrap_or_default())
        };
        let mut row = Key::refresh_position().item();
        row.insert("p".to_owned(), written(after));
        let write =
            Write::put(row).when("attribute_not_exists(pk) OR p = :p").bind(":p", written(before));
        self.commit(&[((), write)]).await.map(drop)
    }
}
