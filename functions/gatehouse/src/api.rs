//! Calls of the operator API: builds paths, follows pages, and turns each response into a JSON
//! document or an [`Error`].
//!
//! The transport is in `http`, credentials are in `auth`.

use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::error::Error;
use crate::http::{HttpClient, Response};
use crate::render::escape_controls;

/// The operator API of one deployment.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) http: HttpClient,
}

/// Options that choose a part of a list.
#[derive(Args, Clone, Debug)]
pub struct Paging {
    /// Largest number of items to return.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Return the whole list.
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// Continue after the page that returned this `next_cursor`.
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
    /// Sends `GET path` and returns the JSON document of the response.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Error> {
        self.call("GET", path, None).await
    }

    /// Sends a request and returns the JSON document of the response, null for an empty body.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let response = self.http.send(method, path, body.map(Value::to_string)).await?;
        self.parse_response(path, &response)
    }

    /// Reads as many pages as `paging` asks for and returns them as one `{items, next_cursor}`.
    pub(crate) async fn list(&self, path: &str, paging: &Paging) -> Result<Value, Error> {
        let limit = if paging.all { usize::MAX } else { paging.limit as usize };
        let mut items = Vec::new();
        let mut cursor = paging.cursor.clone();
        loop {
            let page =
                self.page(path, cursor.as_deref(), limit.saturating_sub(items.len())).await?;
            items.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() || items.len() >= limit {
                return Ok(json!({"items": items, "next_cursor": cursor}));
            }
        }
    }

    /// Reads one page of a list: at most `limit` items, and never more than [`MAX_PAGE`].
    pub(crate) async fn page(
        &self,
        path: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        let limit = limit.min(MAX_PAGE).to_string();
        let full = with_query(path, &[("limit", Some(&limit)), ("cursor", cursor)]);
        let Value::Object(mut page) = self.get(&full).await? else {
            return Err(self.unexpected_response(path, 200));
        };
        let Some(Value::Array(items)) = page.remove("items") else {
            return Err(self.unexpected_response(path, 200));
        };
        let next_cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
        Ok(Page { items, next_cursor })
    }

    /// Returns the JSON document of a successful response, or the error that the response reports.
    pub(crate) fn parse_response(&self, path: &str, response: &Response) -> Result<Value, Error> {
        let status = response.status;
        if matches!(status, 200..=299) && response.body.is_empty() {
            return Ok(Value::Null);
        }
        let body: Option<Value> = serde_json::from_slice(&response.body).ok();
        let text = |name: &str| {
            let text = body.as_ref().and_then(|body| body.get(name)).and_then(Value::as_str);
            text.map(escape_controls)
        };
        // API Gateway's own errors have `message` in place of `detail`.
        let detail = text("detail").or_else(|| text("message")).unwrap_or_default();
        match (status, text("code"), &body) {
            (200..=299, _, Some(_)) => Ok(body.unwrap_or_default()),
            (401 | 403, _, _) => {
                let credentials = self.http.auth.description();
                Err(Error::Refused { status, credentials })
            }
            (404, Some(_), _) => Err(Error::NotFound(detail)),
            (429 | 500..=599, _, _) => Err(Error::Unavailable { status, detail }),
            (_, Some(code), _) => Err(Error::Problem { code, detail }),
            (_, None, _) => Err(self.unexpected_response(path, status)),
        }
    }

    fn unexpected_response(&self, path: &str, status: u16) -> Error {
        let path = path.split('?').next().unwrap_or_default();
        Error::UnexpectedResponse { url: self.http.target.join(path), status }
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    /// Absent on the last page.
    pub(crate) next_cursor: Option<String>,
}

/// Adds to a path the parameters of the query that have a value.
pub(crate) fn with_query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut full = path.to_owned();
    for (name, value) in parameters {
        if let Some(value) = value {
            let separator = if full.contains('?') { '&' } else { '?' };
            full = format!("{full}{separator}{name}={}", segment(value));
        }
    }
    full
}

/// Encodes a text as one segment of a path or as a value in a query.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Everything but the unreserved characters of RFC 3986 §2.3, as Signature Version 4 requires.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Lambda responds with at most 6 MB. A page of the largest items, sign-ins with claims or whole
/// users, stays below it.
const MAX_PAGE: usize = 100;
