//! What a function answers API Gateway.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::Failure;
use saml::xml::truncate;

/// An answer in API Gateway's format.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    headers: Vec<(String, String)>,
    /// `Set-Cookie`, one text each.
    cookies: Vec<String>,
}

impl Answer {
    /// Reads what a function returned; none when API Gateway would answer 500.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let status = u16::try_from(value.get("statusCode")?.as_u64()?).ok()?;
        let body = value.get("body").and_then(Value::as_str).unwrap_or_default();
        let encoded = value.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or_default();
        let body = if encoded {
            String::from_utf8(BASE64_STANDARD.decode(body).ok()?).ok()?
        } else {
            body.to_owned()
        };
        let texts = |value: &Value| value.as_str().map(str::to_owned);
        let headers = value.get("headers").and_then(Value::as_object);
        let headers = headers.into_iter().flatten();
        let cookies = value.get("cookies").and_then(Value::as_array);
        Some(Self {
            status,
            body,
            headers: headers
                .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), texts(value)?)))
                .collect(),
            cookies: cookies.into_iter().flatten().filter_map(texts).collect(),
        })
    }

    /// The answer, if it has this status.
    pub(super) fn expect(self, step: &'static str, status: u16) -> Result<Self, Failure> {
        self.expect_one_of(step, &[status])
    }

    /// The answer, if it has one of these.
    pub(super) fn expect_one_of(
        self,
        step: &'static str,
        statuses: &[u16],
    ) -> Result<Self, Failure> {
        if statuses.contains(&self.status) {
            return Ok(self);
        }
        let expected: Vec<String> = statuses.iter().map(ToString::to_string).collect();
        Err(Failure::new(step, format!("status {}", expected.join(" or ")), self.described()))
    }

    /// A value in the body, by JSON pointer (RFC 6901); null when there is none.
    pub(super) fn value(&self, pointer: &str) -> Value {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body.pointer(pointer).cloned().unwrap_or_default()
    }

    /// A text in the body that must be there. A failure tells nothing of the body: it may hold a
    /// token.
    pub(super) fn text(&self, step: &'static str, pointer: &str) -> Result<String, Failure> {
        let missing = || Failure::new(step, format!("{pointer} in the body"), "none");
        self.value(pointer).as_str().map(str::to_owned).ok_or_else(missing)
    }

    /// The answer, if a value in the body is this one. What is compared is no secret.
    pub(super) fn expect_value(
        self,
        step: &'static str,
        pointer: &str,
        expected: &Value,
    ) -> Result<Self, Failure> {
        let received = self.value(pointer);
        if received == *expected {
            return Ok(self);
        }
        let received = truncate(&format!("{pointer} {received}"), LONGEST_SHOWN);
        Err(Failure::new(step, format!("{pointer} {expected}"), received))
    }

    /// One header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Cookies that were set, `name=value`; those that were taken away are left out.
    pub(super) fn cookies(&self) -> Vec<String> {
        let kept = self.cookies.iter().filter(|cookie| !cookie.contains("Max-Age=0"));
        kept.filter_map(|cookie| cookie.split(';').next()).map(str::to_owned).collect()
    }

    /// The status, and the reason that an error gives.
    fn described(&self) -> String {
        let reason = (self.status >= 400).then(|| self.value("/detail"));
        match reason.as_ref().and_then(Value::as_str) {
            Some(reason) => format!("status {}: {}", self.status, truncate(reason, LONGEST_SHOWN)),
            None => format!("status {}", self.status),
        }
    }
}

/// Bytes of a received text that a failure quotes.
const LONGEST_SHOWN: usize = 200;
