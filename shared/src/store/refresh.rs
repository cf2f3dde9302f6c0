//! How far the scheduled round over all connections has come.

use super::item::{Item, take_text, text};
use super::keys::Key;
use super::write::Write;
use super::{Store, StoreError};
use saml::connection::Position;

impl Store {
    /// Where the last scheduled call stopped; none when it came to the end.
    pub async fn refresh_position(&self) -> Result<Option<Position>, StoreError> {
        let Some(mut row) = self.get(&Key::refresh_position()).await? else { return Ok(None) };
        // Whatever else is there sends the next round to the start, which is always right.
        Ok(take_text(&mut row, "p")?.parse().ok())
    }

    /// Moves it, unless another call has moved it since it was read.
    pub async fn move_refresh_position(
        &self,
        before: Option<&Position>,
        after: Option<&Position>,
    ) -> Result<(), StoreError> {
        let written = |position: Option<&Position>| {
            text(position.map(ToString::to_string).unwrap_or_default())
        };
        let mut row: Item = Key::refresh_position().item();
        row.insert("p".to_owned(), written(after));
        let write =
            Write::put(row).when("attribute_not_exists(pk) OR p = :p").bind(":p", written(before));
        self.commit(&[((), write)]).await.map(drop)
    }
}
