//! Which layout the rows of the table have, so that a version never meets rows that it cannot read.
//!
//! Versions stand side by side on one table while traffic moves, and a version can be taken back.
//! So each reads what the layout before and the layout after it write: a change of the layout is
//! made in two deployments, first one that can read it, then one that writes it. A version that
//! the table has left behind, or that has skipped one, is not let in: the check of new versions
//! asks first.

use super::item::{Item, number, optional_number};
use super::keys::Key;
use super::write::Write;
use super::{Store, StoreError};

/// The layout that this version writes. Raise it when rows get a form that the version before
/// could not read.
pub const LAYOUT: u64 = 1;

/// How a version and the table fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LayoutFit {
    /// The version can work on it.
    Fits,
    /// A newer version has written rows that this one may not be able to read.
    TableIsNewer(u64),
    /// Rows may be left in a form that this version has forgotten.
    TableIsOlder(u64),
}

impl Store {
    /// Says whether this version, which writes `layout`, fits the table; if so, notes that rows of
    /// its layout may come.
    pub async fn claim_layout(&self, layout: u64) -> Result<LayoutFit, StoreError> {
        let row = self.get(&Key::layout()).await?.unwrap_or_default();
        let found: Option<u64> = optional_number(&row, "l")?;
        // A table without the row has not been written by two versions yet.
        let table = found.unwrap_or(layout);
        if table > layout.saturating_add(1) {
            return Ok(LayoutFit::TableIsNewer(table));
        }
        if table.saturating_add(1) < layout {
            return Ok(LayoutFit::TableIsOlder(table));
        }
        if found.is_none_or(|found| found < layout) {
            let mut row: Item = Key::layout().item();
            row.insert("l".to_owned(), number(layout));
            // Another check may have noted the same, or more.
            let write = Write::put(row)
                .when("attribute_not_exists(pk) OR l < :l")
                .bind(":l", number(layout));
            self.commit(&[((), write)]).await?;
        }
        Ok(LayoutFit::Fits)
    }
}
