//! Lists in pages: the query parameters `cursor` and `limit`, and the answer `{items,
//! next_cursor}`.
//!
//! A cursor is the id of the last item of the page before.

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
