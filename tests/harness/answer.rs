//! A complete response, with assertions for tests.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::Value;

/// Status, headers and body of a response.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
    sent: String,
}

impl Answer {
    pub(crate) async fn of(sent: String, response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes().to_vec();
        Self { status: parts.status, headers: parts.headers, bytes, sent }
    }

    /// Asserts the status and returns the answer.
    ///
    /// # Panics
    ///
    /// If the status is another one; the message has the request and the body.
    #[expect(clippy::return_self_not_must_use, reason = "called for its assertion")]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status.as_u16(), status, "{}: {body}", self.sent);
        self
    }

    /// Asserts that the status is one of these and returns the answer.
    ///
    /// # Panics
    ///
    /// If the status is another one; the message has the request and the body.
    #[expect(clippy::return_self_not_must_use, reason = "called for its assertion")]
    #[track_caller]
    pub fn expect_one_of(self, statuses: &[u16]) -> Self {
        let body = String::from_utf8_lossy(&self.bytes);
        assert!(statuses.contains(&self.status.as_u16()), "{}: {} {body}", self.sent, self.status);
        self
    }

    /// Returns the body as text.
    pub fn body(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Returns the body as JSON, or null if it is empty.
    #[track_caller]
    pub fn json(&self) -> Value {
        if self.bytes.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.bytes).expect("a JSON body")
    }

    /// Returns a text member of the JSON body.
    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        let json = self.json();
        json[name].as_str().unwrap_or_else(|| panic!("{}: no {name} in {json}", self.sent)).into()
    }

    /// Returns the value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
