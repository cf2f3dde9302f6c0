//! `gatehouse sign-ins tail`: prints the sign-ins of a tenant as they happen.
//!
//! The API has no stream, so the newest pages are read again and again.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::Value;

use crate::api::Api;
use crate::error::Error;
use crate::output::Output;
use crate::render::{escape_controls, text_at, time_at};
use crate::sign_in_record::has_failed;
use crate::tenant::Tenant;

/// Options of `gatehouse sign-ins tail`.
pub(super) struct Tail {
    pub(super) failed: bool,
    /// Number of past sign-ins to print first.
    pub(super) last: usize,
    /// Seconds between two requests.
    pub(super) every: NonZeroU32,
    pub(super) json: bool,
}

/// Ids of the records that were printed or skipped.
///
/// Ids are ordered by the start of a sign-in. Records of one moment have no order, and a sign-in
/// that started earlier may be recorded later, so the newest id alone is not enough.
#[derive(Debug, Default)]
struct SeenRecords {
    ids: BTreeSet<String>,
    /// Records up to this id count as seen: they are from before the start, or were forgotten.
    floor: String,
}

impl Tail {
    /// Prints each record as it appears. Ends with the first error that waiting does not resolve,
    /// which includes a closed standard output.
    pub(super) async fn follow(&self, api: &Api, tenant: &Tenant) -> Result<Output, Error> {
        let path = tenant.path("/sign-ins");
        let first = api.page(&path, None, usize::MAX).await?.items;
        let mut seen = SeenRecords::starting_at(&first);
        let past = first.iter().filter(|record| self.includes(record)).take(self.last);
        self.print(&past.collect::<Vec<&Value>>())?;
        loop {
            tokio::time::sleep(Duration::from_secs(self.every.get().into())).await;
            match new_records(api, &path, &mut seen).await {
                Ok(records) => {
                    let included = records.iter().filter(|record| self.includes(record));
                    self.print(&included.collect::<Vec<&Value>>())?;
                }
                Err(error @ (Error::Unreachable { .. } | Error::Unavailable { .. })) => {
                    let message = escape_controls(&error.to_string());
                    let _ = writeln!(io::stderr(), "{message}; trying again");
                }
                Err(other) => return Err(other),
            }
        }
    }

    fn includes(&self, record: &Value) -> bool {
        !self.failed || has_failed(record)
    }

    /// Prints records, which are ordered newest first, with the newest last.
    fn print(&self, records: &[&Value]) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        for record in records.iter().rev() {
            if self.json {
                writeln!(out, "{record}")?;
            } else {
                writeln!(out, "{}", line(record))?;
            }
        }
        Ok(out.flush()?)
    }
}

impl SeenRecords {
    /// Counts a page, newest first, and everything before it as seen.
    fn starting_at(first: &[Value]) -> Self {
        let ids = first.iter().map(|record| text_at(record, "/id")).collect();
        let floor = first.last().map(|record| text_at(record, "/id")).unwrap_or_default();
        Self { ids, floor }
    }

    /// Adds a record. Returns whether it is new.
    fn insert(&mut self, record: &Value) -> bool {
        let id = text_at(record, "/id");
        let is_new = id > self.floor && self.ids.insert(id);
        if self.ids.len() > MAX_SEEN
            && let Some(oldest) = self.ids.pop_first()
        {
            self.floor = oldest;
        }
        is_new
    }
}

/// Returns the new records, newest first. Reads pages until one holds nothing new.
async fn new_records(api: &Api, path: &str, seen: &mut SeenRecords) -> Result<Vec<Value>, Error> {
    let mut records = Vec::new();
    let mut cursor = None;
    loop {
        let page = api.page(path, cursor.as_deref(), usize::MAX).await?;
        let before = records.len();
        records.extend(page.items.into_iter().filter(|record| seen.insert(record)));
        cursor = page.next_cursor;
        if cursor.is_none() || records.len() == before {
            return Ok(records);
        }
    }
}

fn line(record: &Value) -> String {
    let head = format!(
        "{}  {}  {}",
        time_at(record, "/at"),
        text_at(record, "/reference"),
        text_at(record, "/domain")
    );
    if has_failed(record) {
        format!("{head}  {}: {}", text_at(record, "/code"), text_at(record, "/message"))
    } else {
        format!("{head}  signed in")
    }
}

/// Far more records than can appear out of order; bounds the memory of a long run.
const MAX_SEEN: usize = 10_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_new_once_and_only_if_it_appeared_after_the_start() {
        let record = |id: &str| json!({"id": id});
        let mut seen = SeenRecords::starting_at(&[record("5"), record("3")]);
        let is_new = ["1", "3", "4", "4", "5", "6"].map(|id| seen.insert(&record(id)));
        assert_eq!(is_new, [false, false, true, false, false, true]);
    }

    #[test]
    fn a_forgotten_record_is_not_new_again() {
        let record = |number: usize| json!({"id": format!("{number:09}")});
        let mut seen = SeenRecords::default();
        let all = 0..MAX_SEEN + 100;
        assert!(all.clone().all(|number| seen.insert(&record(number))));
        assert_eq!(seen.ids.len(), MAX_SEEN);
        assert!(!all.clone().any(|number| seen.insert(&record(number))));
    }
}
