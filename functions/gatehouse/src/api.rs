//! What the operator API answers, and what each refusal means to the caller.

use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::error::Error;
use crate::http::{Answer, Http};
use crate::render::clean;

/// The operator API of one deployment.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) http: Http,
}

/// How much of a list is wanted.
#[derive(Args, Clone, Debug)]
pub struct Paging {
    /// At most so many items.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Everything, however much it is.
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// Go on after the page that answered this `next_cursor`.
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
}

impl Paging {
    /// The whole list.
    pub(crate) const fn everything() -> Self {
        Self { limit: u32::MAX, all: true, cursor: None }
    }
}

impl Api {
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Error> {
        self.call("GET", path, None).await
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let answer = self.http.send(method, path, body.map(Value::to_string)).await?;
        self.judged(path, &answer)
    }

    /// A list as one document, as the API shows a page of it.
    pub(crate) async fn list(&self, path: &str, paging: &Paging) -> Result<Value, Error> {
        let most = if paging.all { usize::MAX } else { paging.limit as usize };
        let mut items = Vec::new();
        let mut cursor = paging.cursor.clone();
        loop {
            let page = self.page(path, cursor.as_deref(), most.saturating_sub(items.len())).await?;
            items.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() || items.len() >= most {
                return Ok(json!({"items": items, "next_cursor": cursor}));
            }
        }
    }

    /// One page of a list.
    pub(crate) async fn page(
        &self,
        path: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut full = format!("{path}{separator}limit={}", limit.min(LARGEST_PAGE));
        if let Some(cursor) = cursor {
            full = format!("{full}&cursor={}", segment(cursor));
        }
        let Value::Object(mut page) = self.get(&full).await? else {
            return Err(self.foreign(path, 200));
        };
        let Some(Value::Array(items)) = page.remove("items") else {
            return Err(self.foreign(path, 200));
        };
        let next_cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
        Ok(Page { items, next_cursor })
    }

    /// What an answer means.
    pub(crate) fn judged(&self, path: &str, answer: &Answer) -> Result<Value, Error> {
        let status = answer.status;
        if matches!(status, 200..=299) && answer.body.is_empty() {
            return Ok(Value::Null);
        }
        let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let text = |name: &str| {
            let text = body.as_ref().and_then(|body| body.get(name)).and_then(Value::as_str);
            text.map(clean)
        };
        let detail = text("detail").or_else(|| text("message")).unwrap_or_default();
        match (status, text("code"), &body) {
            (200..=299, _, Some(_)) => Ok(body.unwrap_or_default()),
            (401 | 403, _, _) => {
                let credentials = self.http.auth.described();
                Err(Error::Refused { status, credentials })
            }
            (404, Some(_), _) => Err(Error::NotFound(detail)),
            (429 | 500..=599, _, _) => Err(Error::Unavailable { status, detail }),
            (_, Some(code), _) => Err(Error::Problem { status, code, detail }),
            (_, None, _) => Err(self.foreign(path, status)),
        }
    }

    fn foreign(&self, path: &str, status: u16) -> Error {
        let path = path.split('?').next().unwrap_or_default();
        Error::Foreign { url: self.http.target.join(path), status }
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    /// None on the last.
    pub(crate) next_cursor: Option<String>,
}

/// A text as one segment of a path, or as a value in a query.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Everything but the unreserved characters of RFC 3986 §2.3, as Signature Version 4 wants it.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A page of the largest items, sign-ins with claims and users as a whole, is then within the 6 MB
/// that Lambda answers with at most.
const LARGEST_PAGE: usize = 100;
