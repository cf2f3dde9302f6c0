//! Sends requests to routers in this process, or to a running server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// One tenant of one server.
pub(crate) struct Target {
    service: Service,
    prefix: String,
    /// The tenant's SCIM token.
    pub(crate) token: String,
}

enum Service {
    Router(Router),
    Remote(String),
}

/// An answer.
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Returns the value of the first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Target {
    /// A router in this process that serves SCIM below `prefix`.
    pub(crate) fn router(router: Router, prefix: &str, token: String) -> Self {
        Self { service: Service::Router(router), prefix: prefix.to_owned(), token }
    }

    /// A server at an `http://` base URL.
    pub(crate) fn remote(base_url: &str, token: String) -> Result<Self, String> {
        let rest =
            base_url.strip_prefix("http://").ok_or("the base URL must start with http://")?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_end_matches('/');
        let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { service: Service::Remote(authority.to_owned()), prefix, token })
    }

    /// Sends a request with exactly these headers.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, String> {
        let path = format!("{}{path}", self.prefix);
        match &self.service {
            Service::Router(router) => {
                in_process(router.clone(), method, &path, headers, body).await
            }
            Service::Remote(authority) => {
                over_tcp(authority, method, &path, headers, body).map_err(|error| error.to_string())
            }
        }
    }
}

async fn in_process(
    router: Router,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: Option<Vec<u8>>,
) -> Result<Answer, String> {
    // API Gateway passes the target on encoded, and so does the server for one machine.
    let path = path.replace('"', "%22");
    let mut request =
        Request::builder().method(method).uri(path).header("host", "gatehouse.example");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request =
        request.body(Body::from(body.unwrap_or_default())).map_err(|error| error.to_string())?;
    let Ok(response) = router.oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes().to_vec();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), lossy(value.as_bytes())))
        .collect();
    Ok(Answer { status: parts.status.as_u16(), headers, body })
}

/// Sends a request over HTTP/1.1, on a connection of its own and with no header that the trace does
/// not name but `Host`, `Connection` and `Content-Length`. An HTTP client would add others.
fn over_tcp(
    authority: &str,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: Option<Vec<u8>>,
) -> Result<Answer, std::io::Error> {
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(Duration::from_secs(15)))?;
    let mut head = vec![
        format!("{method} {path} HTTP/1.1"),
        format!("Host: {authority}"),
        "Connection: close".to_owned(),
    ];
    head.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    if body.is_some() || matches!(method, "POST" | "PUT" | "PATCH") {
        head.push(format!("Content-Length: {}", body.as_ref().map_or(0, Vec::len)));
    }
    stream.write_all(format!("{}\r\n\r\n", head.join("\r\n")).as_bytes())?;
    stream.write_all(&body.unwrap_or_default())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    read(&bytes).ok_or_else(|| std::io::Error::other("not an HTTP/1.1 answer"))
}

fn read(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = bytes.split_at_checked(end + 4)?;
    let head = lossy(head);
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let answer = Answer { status, headers, body: body.to_vec() };
    match answer.header("transfer-encoding") {
        Some("chunked") => Some(Answer { body: decode_chunks(body)?, ..answer }),
        _ => Some(answer),
    }
}

/// Joins the chunks of a body (RFC 9112 §7.1).
fn decode_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let (size, after) = rest.split_at_checked(end)?;
        let size = usize::from_str_radix(lossy(size).split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let (chunk, after) = after.get(2..)?.split_at_checked(size)?;
        body.extend_from_slice(chunk);
        rest = after.get(2..)?;
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
