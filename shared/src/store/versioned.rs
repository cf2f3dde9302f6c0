//! The attributes that the rows of users and groups share: id, version, times and document. No I/O.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::StoreError;
use super::item::{Item, corrupt, number, parsed, required_number, take_text, text};
use super::keys::{Key, SK};
use super::write::Write;
use directory::view::Group;
use types::ids::ResourceId;

/// A SCIM resource as its row holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Versioned {
    /// `id`.
    pub id: ResourceId,
    /// Optimistic lock, from 1; `meta.version` is its wire form.
    pub version: u64,
    /// `meta.created`.
    pub created: Timestamp,
    /// `meta.lastModified`.
    pub last_modified: Timestamp,
    /// The resource as one JSON object without `id`, `meta` and `members`. The text is never empty
    /// and ends in `}`, so that a response can be made by appending instead of by parsing.
    pub document: String,
}

impl Versioned {
    /// Returns the state after a write: version 1 without `before`, else the version after it.
    pub(super) fn after(
        before: Option<&Self>,
        id: ResourceId,
        last_modified: Timestamp,
        document: &str,
    ) -> Self {
        Self {
            id,
            version: before.map_or(1, |before| before.version + 1),
            created: before.map_or(last_modified, |before| before.created),
            last_modified,
            document: document.to_owned(),
        }
    }

    /// Reads the shared attributes and takes the document out of the row.
    pub(super) fn take_from(row: &mut Item) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(row, SK)?,
            version: required_number(row, "v")?,
            created: parsed(row, "ca")?,
            last_modified: parsed(row, "lm")?,
            document: take_text(row, "d")?,
        })
    }

    /// Parses the document.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if it is not a JSON object.
    pub(super) fn attributes(&self) -> Result<Map<String, Value>, StoreError> {
        serde_json::from_str(&self.document).map_err(|_| corrupt(&Item::new(), "d"))
    }

    /// The group as apps see it. `resource` is the parsed document.
    pub fn group_view<'a>(&self, resource: &'a Map<String, Value>) -> Group<'a> {
        let Self { id, version, created, last_modified, document: _ } = *self;
        Group { id, resource, created, last_modified, version }
    }

    /// Returns the row with this key and the shared attributes.
    pub(super) fn to_row(&self, key: &Key) -> Item {
        let mut row = key.item();
        row.extend([
            ("v".to_owned(), number(self.version)),
            ("ca".to_owned(), text(self.created.to_string())),
            ("lm".to_owned(), text(self.last_modified.to_string())),
            ("d".to_owned(), text(&self.document)),
        ]);
        row
    }
}

/// Returns the write of a resource's row: from `before` to `after`, of which `None` is no row. The
/// condition is that the row is still at the version of `before`, or absent.
///
/// `optional` names the attributes that the row may lack.
pub(super) fn row_write(
    key: Key,
    before: Option<&Versioned>,
    after: Option<Item>,
    optional: &[&'static str],
) -> Write {
    let write = match after {
        Some(row) if before.is_some() => Write::replace(row, optional),
        Some(row) => Write::put(row),
        None => Write::delete(key),
    };
    match before {
        Some(before) => write.when("v = :v").bind(":v", number(before.version)),
        None => write.when("attribute_not_exists(pk)"),
    }
}
