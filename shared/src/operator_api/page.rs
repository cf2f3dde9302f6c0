//! Lists in pages: the query parameters `cursor` and `limit`, and the answer `{items,
//! next_cursor}`.
//!
//! A cursor is the id of the last item of the page before. With a filter that has no lookup, it is
//! the id of the last item that was read: such a page may hold less than its limit, even nothing.

use serde::{Deserialize, Serialize};

use super::error::OperatorApiError;

/// One page of a list.
#[derive(Serialize)]
pub(super) struct Page<T> {
    /// The items of the page.
    pub(super) items: Vec<T>,
    /// The `cursor` of the next page; absent on the last page.
    pub(super) next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of items that were read with this limit. A full page may be followed by another.
    pub(super) fn new(items: Vec<T>, limit: usize, id: impl Fn(&T) -> String) -> Self {
        let next_cursor = items.last().filter(|_| items.len() == limit).map(id);
        Self { items, next_cursor }
    }

    /// Converts each item.
    pub(super) fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, next_cursor } = self;
        Page { items: items.into_iter().map(convert).collect(), next_cursor }
    }
}

/// The items of a list that match a filter, collected while the list is read in chunks.
pub(super) struct FilteredPage<T> {
    matches: Vec<T>,
    limit: usize,
    /// Number of items that were read.
    read: usize,
    /// Id of the last item that counts as read; at first, the id after which the page begins.
    last: Option<String>,
    /// The list has no more items.
    is_at_end: bool,
}

impl<T> FilteredPage<T> {
    /// A page that begins after the item with the id `after`.
    pub(super) fn new(after: Option<String>, limit: usize) -> Self {
        Self { matches: Vec::new(), limit, read: 0, last: after, is_at_end: false }
    }

    /// Whether another chunk of [`CHUNK`] items has to be read, after the item with the id
    /// [`Self::last`].
    pub(super) const fn is_incomplete(&self) -> bool {
        !self.is_at_end && self.matches.len() < self.limit && self.read < MAX_READ
    }

    /// Id of the last item that was read.
    pub(super) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Adds the matching items of a chunk. Only an empty one is the end of the list: an item that
    /// was deleted while it was read is missing in its chunk.
    pub(super) fn add(
        &mut self,
        chunk: Vec<T>,
        id: impl Fn(&T) -> String,
        is_match: impl Fn(&T) -> bool,
    ) {
        self.is_at_end = chunk.is_empty();
        for item in chunk {
            if self.matches.len() >= self.limit {
                return;
            }
            self.read += 1;
            self.last = Some(id(&item));
            if is_match(&item) {
                self.matches.push(item);
            }
        }
    }

    /// Returns the page.
    pub(super) fn finish(self) -> Page<T> {
        let Self { matches, last, is_at_end, .. } = self;
        Page { items: matches, next_cursor: last.filter(|_| !is_at_end) }
    }
}

/// The query parameters of a list.
#[derive(Debug, Deserialize)]
pub(super) struct PageQuery {
    pub(super) cursor: Option<String>,
    pub(super) limit: Option<Limit>,
}

/// Length of a page, 1 to 1,000.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "usize")]
pub(super) struct Limit(usize);

impl TryFrom<usize> for Limit {
    type Error = String;

    fn try_from(limit: usize) -> Result<Self, String> {
        let is_valid = (1..=MAX_LIMIT).contains(&limit);
        is_valid.then_some(Self(limit)).ok_or_else(|| format!("limit must be 1 to {MAX_LIMIT}"))
    }
}

impl PageQuery {
    /// Length of the page: 100 by default.
    pub(super) fn limit(&self) -> usize {
        self.limit.map_or(100, |Limit(limit)| limit)
    }

    /// The id after which the page begins. An empty cursor counts as absent.
    ///
    /// # Errors
    ///
    /// [`OperatorApiError::Invalid`] if the cursor is not an id.
    pub(super) fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, OperatorApiError> {
        let Some(cursor) = self.cursor.as_deref().filter(|cursor| !cursor.is_empty()) else {
            return Ok(None);
        };
        let invalid = |_| OperatorApiError::Invalid("cursor is not one of this list".to_owned());
        cursor.parse().map(Some).map_err(invalid)
    }

    /// Cuts the page from a whole list that is ordered by these ids.
    pub(super) fn cut<T>(&self, mut items: Vec<T>, id: impl Fn(&T) -> &str) -> Page<T> {
        let last = self.cursor.as_deref().unwrap_or_default();
        items.retain(|item| id(item) > last);
        items.truncate(self.limit());
        Page::new(items, self.limit(), |item| id(item).to_owned())
    }
}

const MAX_LIMIT: usize = 1_000;

/// Items that a filtered list reads at a time.
pub(super) const CHUNK: usize = 100;

/// Items that one request of a filtered list reads: of the largest, records of sign-ins with claims,
/// as much as fits into a second or two.
const MAX_READ: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a page of the even numbers up to `count`, which are listed in order.
    fn evens(count: usize, after: usize, limit: usize) -> (Vec<usize>, Option<String>) {
        let mut page = FilteredPage::new((after > 0).then(|| after.to_string()), limit);
        while page.is_incomplete() {
            let last: usize = page.last().map_or(0, |last| last.parse().unwrap());
            let chunk = (last + 1..=count).take(CHUNK).collect();
            page.add(chunk, usize::to_string, |number| number % 2 == 0);
        }
        let Page { items, next_cursor } = page.finish();
        (items, next_cursor)
    }

    #[test]
    fn a_filtered_page_continues_after_the_last_item_that_was_read() {
        assert_eq!(evens(9, 0, 2), (vec![2, 4], Some("4".to_owned())));
        assert_eq!(evens(9, 4, 2), (vec![6, 8], Some("8".to_owned())));
        assert_eq!(evens(9, 8, 2), (vec![], None));
        assert_eq!(evens(9, 4, 3), (vec![6, 8], None));
        assert_eq!(evens(0, 0, 2), (vec![], None));
        let (items, next) = evens(150, 0, 60);
        assert_eq!((items.len(), next), (60, Some("120".to_owned())));
    }

    #[test]
    fn a_filtered_page_reads_a_limited_number_of_items() {
        let (items, next) = evens(2_000, 0, 1_000);
        assert_eq!((items.len(), next), (500, Some("1000".to_owned())));
        let (items, next) = evens(2_000, 1_000, 1_000);
        assert_eq!((items.len(), next), (500, Some("2000".to_owned())));
    }
}
