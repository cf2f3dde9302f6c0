//! `gatehouse sign-ins tail`.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::Value;

use super::Shown;
use super::sign_ins::has_failed;
use crate::api::Api;
use crate::error::Error;
use crate::render::{at, clean, time};
use crate::tenant::Tenant;

/// How sign-ins are followed.
pub(crate) struct Tail {
    pub(crate) failed: bool,
    /// So many of the past.
    pub(crate) last: usize,
    /// Seconds between two looks.
    pub(crate) every: NonZeroU32,
    pub(crate) json: bool,
}

/// Which records were seen. Two records of one moment have no order, and one that was begun earlier
/// may be written later, so it is not enough to remember the newest.
#[derive(Debug, Default)]
struct Seen {
    ids: BTreeSet<String>,
    /// What is not newer was there before we began, or is forgotten.
    floor: String,
}

impl Tail {
    /// Prints each record as it comes. Ends when the reader of our output has gone, or with an
    /// error that waiting does not mend.
    pub(crate) async fn follow(&self, api: &Api, tenant: &Tenant) -> Result<Shown, Error> {
        let path = tenant.path("/sign-ins");
        let first = api.page(&path, None, usize::MAX).await?.items;
        let mut seen = Seen::starting_at(&first);
        let past = first.iter().filter(|record| self.wants(record)).take(self.last);
        self.print(&past.collect::<Vec<&Value>>())?;
        loop {
            tokio::time::sleep(Duration::from_secs(self.every.get().into())).await;
            match news(api, &path, &mut seen).await {
                Ok(records) => {
                    let wanted = records.iter().filter(|record| self.wants(record));
                    self.print(&wanted.collect::<Vec<&Value>>())?;
                }
                Err(error @ (Error::Unreachable { .. } | Error::Unavailable { .. })) => {
                    let _ = writeln!(io::stderr(), "{}; trying again", clean(&error.to_string()));
                }
                Err(other) => return Err(other),
            }
        }
    }

    fn wants(&self, record: &Value) -> bool {
        !self.failed || has_failed(record)
    }

    /// Prints what came newest first, newest last.
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

impl Seen {
    /// `first` is the newest page, the newest first.
    fn starting_at(first: &[Value]) -> Self {
        let ids = first.iter().map(|record| at(record, "/id")).collect();
        let floor = first.last().map(|record| at(record, "/id")).unwrap_or_default();
        Self { ids, floor }
    }

    /// Whether a record is new; it is not, from now on.
    fn is_news(&mut self, record: &Value) -> bool {
        let id = at(record, "/id");
        let is_news = id > self.floor && self.ids.insert(id);
        if self.ids.len() > MOST_REMEMBERED
            && let Some(oldest) = self.ids.pop_first()
        {
            self.floor = oldest;
        }
        is_news
    }
}

/// What was not seen yet, the newest first: pages until one brings nothing new.
async fn news(api: &Api, path: &str, seen: &mut Seen) -> Result<Vec<Value>, Error> {
    let mut news = Vec::new();
    let mut cursor = None;
    loop {
        let page = api.page(path, cursor.as_deref(), usize::MAX).await?;
        let before = news.len();
        news.extend(page.items.into_iter().filter(|record| seen.is_news(record)));
        cursor = page.next_cursor;
        if cursor.is_none() || news.len() == before {
            return Ok(news);
        }
    }
}

fn line(record: &Value) -> String {
    let head =
        format!("{}  {}  {}", time(record, "/at"), at(record, "/reference"), at(record, "/domain"));
    if has_failed(record) {
        format!("{head}  {}: {}", at(record, "/code"), at(record, "/message"))
    } else {
        format!("{head}  signed in")
    }
}

/// Far more than come out of order, and little memory however long it runs.
const MOST_REMEMBERED: usize = 10_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_news_once_and_only_if_it_came_after_the_start() {
        let record = |id: &str| json!({"id": id});
        let mut seen = Seen::starting_at(&[record("5"), record("3")]);
        let news = ["1", "3", "4", "4", "5", "6"].map(|id| seen.is_news(&record(id)));
        assert_eq!(news, [false, false, true, false, false, true]);
    }

    #[test]
    fn what_is_forgotten_is_not_news_again() {
        let record = |number: usize| json!({"id": format!("{number:09}")});
        let mut seen = Seen::default();
        let all = 0..MOST_REMEMBERED + 100;
        assert!(all.clone().all(|number| seen.is_news(&record(number))));
        assert_eq!(seen.ids.len(), MOST_REMEMBERED);
        assert!(!all.clone().any(|number| seen.is_news(&record(number))));
    }
}
