//! The layout of the rows, recorded in the table so that no version of Gatehouse works on rows that
//! it cannot read.
//!
//! Two versions work on one table while traffic moves, and a deployment can be rolled back. So each
//! version reads the layout before its own and the one after it. A change of the layout takes two
//! deployments: first a version that can read the new layout, then one that writes it. A version
//! that is more than one layout away from the table gets no traffic: the deployment check calls
//! [`Store::claim_layout`] first.

use super::item::{number, optional_number};
use super::keys::Key;
use super::write::Write;
use super::{Store, StoreError};

/// The layout that this version writes. Raise it when rows get a form that the version before
/// could not read.
pub const LAYOUT: u64 = 1;

/// Whether a version can work on the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LayoutFit {
    /// The version can work on the table.
    Fits,
    /// A newer version, which wrote this layout, may have left rows that this one cannot read.
    TableIsNewer(u64),
    /// Rows may be left in this layout, which the version can no longer read.
    TableIsOlder(u64),
}

impl Store {
    /// Checks whether a version that writes `layout` can work on the table. If so, records that
    /// rows of its layout may follow.
    pub async fn claim_layout(&self, layout: u64) -> Result<LayoutFit, StoreError> {
        let row = self.get(&Key::layout()).await?.unwrap_or_default();
        let found: Option<u64> = optional_number(&row, "l")?;
        // Only a table that one version alone has written lacks the row.
        let table = found.unwrap_or(layout);
        if table > layout.saturating_add(1) {
            return Ok(LayoutFit::TableIsNewer(table));
        }
        if table.saturating_add(1) < layout {
            return Ok(LayoutFit::TableIsOlder(table));
        }
        if found.is_none_or(|found| found < layout) {
            let mut row = Key::layout().item();
            row.insert("l".to_owned(), number(layout));
            // A concurrent check may have recorded the same or a newer layout.
            let write = Write::put(row)
                .when("attribute_not_exists(pk) OR l < :l")
                .bind(":l", number(layout));
            self.commit(&[((), write)]).await?;
        }
        Ok(LayoutFit::Fits)
    }
}
