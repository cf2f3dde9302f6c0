//! A response, read whole, that tests can ask things.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::Value;

/// Status, headers and body of a response.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status line.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
    sent: String,
}

impl Answer {
    pub(crate) async fn of(sent: String, response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes().to_vec();
        Self { status: parts.status, headers: parts.headers, bytes, sent }
    }

    /// The same answer, if it has this status.
    ///
    /// # Panics
    ///
    /// With the request and the body, if it has another.
    #[expect(clippy::return_self_not_must_use, reason = "the check is what counts")]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status.as_u16(), status, "{}: {body}", self.sent);
        self
    }

    /// The same answer, if it has one of these statuses.
    ///
    /// # Panics
    ///
    /// With the request and the body, if it has another.
    #[expect(clippy::return_self_not_must_use, reason = "the check is what counts")]
    #[track_caller]
    pub fn expect_one_of(self, statuses: &[u16]) -> Self {
        let body = String::from_utf8_lossy(&self.bytes);
        assert!(statuses.contains(&self.status.as_u16()), "{}: {} {body}", self.sent, self.status);
        self
    }

    /// The body as JSON; null when it is empty.
    #[track_caller]
    pub fn json(&self) -> Value {
        if self.bytes.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.bytes).expect("a JSON body")
    }

    /// A text at the top of the body.
    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        let json = self.json();
        json[name].as_str().unwrap_or_else(|| panic!("{}: no {name} in {json}", self.sent)).into()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
