//! Lists in pages: `{items, next_cursor}`.
//!
//! A cursor is the id of the last resource that was looked at, so that a page neither repeats nor
//! leaves out a resource that exists all the time, whatever is created and deleted meanwhile. A page
//! ends at its limit, or before it does not fit in a response.

use std::fmt::Display;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::error::DirectoryApiError;
use crate::http::answer_size::{MAX_PAGE, length_in_response};

/// One page of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    /// The items of the page.
    pub(super) items: Vec<T>,
    /// The `cursor` of the next page; null on the last page.
    pub(super) next_cursor: Option<String>,
}

/// A page of rendered items.
pub(super) type RenderedPage = Page<Box<RawValue>>;

/// A page that grows by the resources of a list, in the order of their ids.
#[derive(Debug)]
pub(super) struct GrowingPage<I> {
    items: Vec<Box<RawValue>>,
    limit: usize,
    /// Bytes of the items, as they count in a response.
    size: usize,
    last: Option<I>,
}

impl<I: Copy + Display> GrowingPage<I> {
    /// A page of at most `limit` items that begins after the resource `after`.
    pub(super) fn new(after: Option<I>, limit: usize) -> Self {
        Self { items: Vec::new(), limit, size: 0, last: after }
    }

    /// The last resource that was looked at.
    pub(super) const fn last(&self) -> Option<I> {
        self.last
    }

    /// Number of items that still fit under the limit.
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.items.len())
    }

    /// Looks at the next resource and adds its item; `None` for a resource that the request does not
    /// select. Returns `false` if the item does not fit, and then the page is to be finished.
    ///
    /// # Errors
    ///
    /// [`DirectoryApiError::Item`] if the item cannot be serialised.
    pub(super) fn add(
        &mut self,
        id: I,
        item: Option<&impl Serialize>,
    ) -> Result<bool, DirectoryApiError> {
        if let Some(item) = item {
            let item = to_raw_value(item).map_err(DirectoryApiError::Item)?;
            // The comma between the items counts too.
            let size = self.size.saturating_add(length_in_response(item.get())).saturating_add(1);
            if self.room() == 0 || (size > MAX_PAGE && !self.items.is_empty()) {
                return Ok(false);
            }
            self.size = size;
            self.items.push(item);
        }
        self.last = Some(id);
        Ok(true)
    }

    /// Returns the page. `has_more`: whether resources may follow the last one.
    pub(super) fn finish(self, has_more: bool) -> RenderedPage {
        let next_cursor = self.last.filter(|_| has_more).map(|last| last.to_string());
        Page { items: self.items, next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(texts: &[&str], limit: usize) -> (usize, Option<String>) {
        let mut page = GrowingPage::new(None, limit);
        for (id, text) in texts.iter().enumerate() {
            if !page.add(id, Some(text)).unwrap() {
                let page = page.finish(true);
                return (page.items.len(), page.next_cursor);
            }
        }
        let page = page.finish(false);
        (page.items.len(), page.next_cursor)
    }

    #[test]
    fn a_page_ends_at_its_limit() {
        assert_eq!(page(&["a", "b", "c"], 3), (3, None));
        assert_eq!(page(&["a", "b", "c"], 2), (2, Some("1".to_owned())));
        assert_eq!(page(&[], 2), (0, None));
    }

    #[test]
    fn a_page_ends_before_it_is_too_large_and_has_one_item_at_least() {
        let half = "x".repeat(MAX_PAGE / 2 - 5);
        let whole = "\\".repeat(MAX_PAGE);
        assert_eq!(page(&[&half, &half, "c"], 3), (2, Some("1".to_owned())));
        assert_eq!(page(&[&whole, "b"], 3), (1, Some("0".to_owned())));
    }

    #[test]
    fn a_resource_that_is_not_selected_moves_the_cursor() {
        let mut page = GrowingPage::new(Some(3), 2);
        assert!(page.add(4, None::<&u8>).unwrap());
        assert_eq!(page.last(), Some(4));
        let page = page.finish(true);
        assert_eq!((page.items.len(), page.next_cursor), (0, Some("4".to_owned())));
    }
}
