//! Middleware that compares each request and response of a test with the `OpenAPI` document of the
//! operator API or of the directory API.
//!
//! - A response has a status, headers, a media type and a body that the document has for its
//!   operation, and no undocumented field.
//! - A request that succeeds is valid by the document.

mod document;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::Value;
use shared::runtime::state::AppState;

pub use self::document::{Document, Openness};

/// The router of the operator API, compared with its document.
pub fn router(app: AppState) -> Router {
    checked(shared::operator_api::router(app))
}

/// The router of the directory API, compared with its document.
pub fn directory_router(app: AppState) -> Router {
    checked(shared::directory_api::router(app))
}

/// A router whose responses are compared with the documents. A deviation panics.
pub fn checked(router: Router) -> Router {
    router.layer(from_fn(compare))
}

async fn compare(request: Request, next: Next) -> Response {
    let Some(document) = Document::of_path(request.uri().path()) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let sent = body.collect().await.expect("a body").to_bytes();
    let call = Call::new(&parts, sent.clone());
    let (parts, body) = next.run(Request::from_parts(parts, Body::from(sent))).await.into_parts();
    let received = body.collect().await.expect("a body").to_bytes();
    let name = format!("{} {} {}", call.method, call.path, parts.status);
    if let Err(deviation) = call.compare(document, parts.status, &parts.headers, &received) {
        panic!("{name}: {deviation}: {}", String::from_utf8_lossy(&received));
    }
    Response::from_parts(parts, Body::from(received))
}

/// A request to one of the two APIs.
struct Call {
    method: Method,
    /// The route pattern, such as `/v1/tenants/{tenant}`.
    route: String,
    path: String,
    query: String,
    body: Bytes,
}

impl Call {
    fn new(parts: &Parts, body: Bytes) -> Self {
        let route = parts.extensions.get::<MatchedPath>().expect("a route").as_str();
        Self {
            method: parts.method.clone(),
            route: route.to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            body,
        }
    }

    fn compare(
        &self,
        document: &Document,
        status: StatusCode,
        headers: &HeaderMap,
        received: &[u8],
    ) -> Result<(), String> {
        // The response to HEAD is that to GET without its body.
        let is_head = self.method == Method::HEAD;
        let method = if is_head { "get" } else { &self.method.as_str().to_ascii_lowercase() };
        let Some(operation) = document.operation(&self.route, method) else {
            return self.compare_undocumented(document, status, headers, received);
        };
        let responses = &operation["responses"];
        let response = responses.get(status.as_str()).ok_or("the status is not documented")?;
        let response = document.resolved(response);
        document.check_headers(response, headers)?;
        if !is_head {
            check_body(document, response, status, headers, received)?;
        }
        if status.is_success() { self.check_request(document, operation) } else { Ok(()) }
    }

    /// Checks that an operation without documentation does not exist.
    fn compare_undocumented(
        &self,
        document: &Document,
        status: StatusCode,
        headers: &HeaderMap,
        received: &[u8],
    ) -> Result<(), String> {
        let is_path = document.paths().any(|path| path == self.route);
        let name = match status.as_u16() {
            401 => "Unauthorized",
            // The document describes both by the response `NotFound`.
            404 if !is_path => "NotFound",
            405 if is_path => "NotFound",
            _ => return Err("the operation is not documented".to_owned()),
        };
        let response = document.at(&format!("/components/responses/{name}"));
        document.check_headers(response, headers)?;
        if self.method == Method::HEAD {
            return Ok(());
        }
        check_body(document, response, status, headers, received)
    }

    fn check_request(&self, document: &Document, operation: &Value) -> Result<(), String> {
        let parameters: Vec<&Value> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| document.resolved(parameter))
            .collect();
        for (name, text) in self.path_parameters().chain(self.query_parameters()) {
            let parameter = parameters.iter().find(|parameter| parameter["name"] == name.as_str());
            let parameter = parameter.ok_or(format!("the parameter {name} is not documented"))?;
            let schema = document.resolved(&parameter["schema"]);
            let typed = serde_json::from_str(&text).ok().filter(|_| schema["type"] != "string");
            let value = typed.unwrap_or(Value::String(text));
            document.check(schema, &value, Openness::AsWritten)?;
        }
        let request = &operation["requestBody"];
        if request.is_null() || self.body.is_empty() && request["required"] != true {
            return Ok(());
        }
        let schema = &request["content"]["application/json"]["schema"];
        let body = serde_json::from_slice(&self.body).expect("JSON succeeded");
        document.check(schema, &body, Openness::AsWritten)
    }

    fn path_parameters(&self) -> impl Iterator<Item = (String, String)> {
        let names = self.route.split('/');
        names.zip(self.path.split('/')).filter_map(|(name, text)| {
            let name = name.strip_prefix('{')?.strip_suffix('}')?;
            Some((name.to_owned(), text.to_owned()))
        })
    }

    fn query_parameters(&self) -> impl Iterator<Item = (String, String)> {
        let pairs = form_urlencoded::parse(self.query.as_bytes());
        // An empty cursor counts as absent.
        pairs.into_owned().filter(|(name, text)| name != "cursor" || !text.is_empty())
    }
}

fn check_body(
    document: &Document,
    response: &Value,
    status: StatusCode,
    headers: &HeaderMap,
    received: &[u8],
) -> Result<(), String> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(content) = response.get("content") else {
        let is_empty = received.is_empty() && media_type.is_none();
        return if is_empty { Ok(()) } else { Err("a body is not documented".to_owned()) };
    };
    let media_type = media_type.ok_or("no media type")?;
    let schema = &content.get(media_type).ok_or("the media type is not documented")?["schema"];
    let body: Value = serde_json::from_slice(received).map_err(|error| error.to_string())?;
    if media_type == "application/problem+json" && body["status"] != status.as_u16() {
        return Err("the problem has another status".to_owned());
    }
    document.check(schema, &body, Openness::Closed)
}
