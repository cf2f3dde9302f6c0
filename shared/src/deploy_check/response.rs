//! The response of a function to API Gateway (payload version 2.0).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::CheckError;
use saml::xml::truncate;

/// A response in the format of API Gateway.
#[derive(Clone)]
pub(super) struct FunctionResponse {
    pub(super) status: u16,
    pub(super) body: String,
    headers: Vec<(String, String)>,
    /// The `Set-Cookie` headers.
    cookies: Vec<String>,
}

impl FunctionResponse {
    /// Parses the output of a function; `None` when API Gateway would answer 500.
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

    /// Checks that the response has this status.
    pub(super) fn expect(self, step: &'static str, status: u16) -> Result<Self, CheckError> {
        self.expect_one_of(step, &[status])
    }

    /// Checks that the response has one of these statuses.
    pub(super) fn expect_one_of(
        self,
        step: &'static str,
        statuses: &[u16],
    ) -> Result<Self, CheckError> {
        if statuses.contains(&self.status) {
            return Ok(self);
        }
        let expected: Vec<String> = statuses.iter().map(ToString::to_string).collect();
        Err(CheckError::new(step, format!("status {}", expected.join(" or ")), self.described()))
    }

    /// Returns a value of the body by its JSON pointer (RFC 6901); null when there is none.
    pub(super) fn value(&self, pointer: &str) -> Value {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body.pointer(pointer).cloned().unwrap_or_default()
    }

    /// Returns a text of the body, which must be there. The error shows nothing of the body, which
    /// may contain a token.
    pub(super) fn text(&self, step: &'static str, pointer: &str) -> Result<String, CheckError> {
        let missing = || CheckError::new(step, format!("{pointer} in the body"), "none");
        self.value(pointer).as_str().map(str::to_owned).ok_or_else(missing)
    }

    /// Checks that a value of the body is `expected`. Not for secrets, since the error shows the
    /// value.
    pub(super) fn expect_value(
        self,
        step: &'static str,
        pointer: &str,
        expected: &Value,
    ) -> Result<Self, CheckError> {
        let received = self.value(pointer);
        if received == *expected {
            return Ok(self);
        }
        let received = truncate(&format!("{pointer} {received}"), LONGEST_SHOWN);
        Err(CheckError::new(step, format!("{pointer} {expected}"), received))
    }

    /// Returns a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Returns the cookies that were set, as `name=value`, without those that were deleted.
    pub(super) fn cookies(&self) -> Vec<String> {
        let kept = self.cookies.iter().filter(|cookie| !cookie.contains("Max-Age=0"));
        kept.filter_map(|cookie| cookie.split(';').next()).map(str::to_owned).collect()
    }

    /// Describes the response by its status and the detail of an error.
    fn described(&self) -> String {
        let reason = (self.status >= 400).then(|| self.value("/detail"));
        match reason.as_ref().and_then(Value::as_str) {
            Some(reason) => format!("status {}: {}", self.status, truncate(reason, LONGEST_SHOWN)),
            None => format!("status {}", self.status),
        }
    }
}

/// Bytes of a received text that an error shows.
const LONGEST_SHOWN: usize = 200;
