//! Requests in the form of API Gateway's events (HTTP API, payload version 2.0).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// One request of the check.
#[derive(Clone, Debug)]
pub(super) struct Request<'a> {
    method: &'static str,
    path: String,
    query: String,
    /// Whether API Gateway has checked an IAM signature.
    signed: bool,
    bearer: Option<&'a str>,
    cookies: &'a [String],
    body: Option<(&'static str, String)>,
}

impl<'a> Request<'a> {
    /// Returns a request without authentication.
    pub(super) fn open(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: String::new(),
            signed: false,
            bearer: None,
            cookies: &[],
            body: None,
        }
    }

    /// Returns a request of the operator.
    pub(super) fn operator(method: &'static str, path: impl Into<String>) -> Self {
        Self { signed: true, ..Self::open(method, path) }
    }

    /// Returns a request of an identity provider's connector.
    pub(super) fn scim(method: &'static str, path: impl Into<String>, token: &'a str) -> Self {
        Self { bearer: Some(token), ..Self::open(method, path) }
    }

    /// Returns a request of an app to the directory.
    pub(super) fn directory(path: impl Into<String>, token: &'a str) -> Self {
        Self { bearer: Some(token), ..Self::open("GET", path) }
    }

    /// Returns a request of a browser.
    pub(super) fn browser(
        method: &'static str,
        path: impl Into<String>,
        cookies: &'a [String],
    ) -> Self {
        Self { cookies, ..Self::open(method, path) }
    }

    /// Sets one parameter as the query.
    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.query =
            form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        self
    }

    /// Sets a JSON body, with the media type of SCIM for a SCIM request.
    pub(super) fn json(mut self, body: &Value) -> Self {
        let media_type =
            if self.bearer.is_some() { "application/scim+json" } else { "application/json" };
        self.body = Some((media_type, body.to_string()));
        self
    }

    /// Sets a form as the body.
    pub(super) fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body = Some(("application/x-www-form-urlencoded", form));
        self
    }

    /// Returns the event.
    pub(super) fn event(&self, host: &str, caller: &str, now: Timestamp) -> Value {
        let mut headers = Map::from_iter([
            ("host".to_owned(), json!(host)),
            ("user-agent".to_owned(), json!(AGENT)),
            ("x-forwarded-proto".to_owned(), json!("https")),
        ]);
        if let Some(bearer) = self.bearer {
            headers.insert("authorization".to_owned(), format!("Bearer {bearer}").into());
        }
        if let Some((media_type, _)) = &self.body {
            headers.insert("content-type".to_owned(), json!(media_type));
        }
        let mut context = json!({
            "accountId": "", "apiId": "", "domainName": host,
            "domainPrefix": host.split('.').next().unwrap_or_default(),
            "requestId": "deployment-check", "routeKey": "$default", "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S %z").to_string(),
            "timeEpoch": now.as_millisecond(),
            "http": {
                "method": self.method, "path": self.path, "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": AGENT,
            },
        });
        if let Some(context) = context.as_object_mut().filter(|_| self.signed) {
            let caller = json!({"iam": {"userArn": caller, "userId": caller, "callerId": caller, "accountId": "", "accessKey": ""}});
            context.insert("authorizer".to_owned(), caller);
        }
        let mut event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": self.path,
            "rawQueryString": self.query, "headers": headers, "requestContext": context,
            "body": self.body.as_ref().map(|(_, text)| BASE64_STANDARD.encode(text)),
            "isBase64Encoded": self.body.is_some(),
        });
        // API Gateway moves the cookies out of the headers.
        if let Some(event) = event.as_object_mut().filter(|_| !self.cookies.is_empty()) {
            event.insert("cookies".to_owned(), json!(self.cookies));
        }
        event
    }
}

/// User agent of the check.
const AGENT: &str = "Gatehouse deployment check";
