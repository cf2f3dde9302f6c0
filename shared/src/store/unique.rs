//! Values that only one resource may have: a row per value, named after it, that holds the id.

use super::item::text;
use super::keys::Key;
use super::write::Write;

/// Gives up one unique value and takes another, where they differ. `taken` labels the write that
/// is refused when somebody else has the new one, `vacated` the one that is refused only if the
/// old one was not this resource's.
pub(super) fn move_value<L: Copy>(
    (taken, vacated): (L, L),
    id: &str,
    old: Option<Key>,
    new: Option<Key>,
    writes: &mut Vec<(L, Write)>,
) {
    if old == new {
        return;
    }
    if let Some(key) = new {
        let mut item = key.item();
        item.insert("id".to_owned(), text(id));
        writes.push((taken, Write::insert(item)));
    }
    if let Some(key) = old {
        let vacate =
            Write::delete(key).when("attribute_not_exists(pk) OR id = :id").bind(":id", text(id));
        writes.push((vacated, vacate));
    }
}
