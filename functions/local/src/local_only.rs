//! Middleware that accepts requests of programs on this machine and refuses those of web pages.
//!
//! A request with an `Origin` comes from a page. A `Host` that is not this machine comes from a
//! page whose name was pointed at loopback after it was loaded (DNS rebinding). Pure, apart from
//! calling the next handler.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Passes a request on if it has no `Origin` and its `Host` is this machine.
pub(crate) async fn local_only(request: Request, next: Next) -> Response {
    if is_local(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "only programs on this machine may send this request\n")
            .into_response()
    }
}

/// A missing `Host` is refused: HTTP/1.1 requires it (RFC 9112 §3.2), and every SDK sends it.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    !headers.contains_key(header::ORIGIN) && host.is_some_and(is_this_machine)
}

/// Whether `host`, with or without a port, is an IP address or a name of loopback. No name is
/// looked up. A request with an address reaches us only if we listen on it, and involves no rebound
/// name.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    // Names under `localhost` never leave the machine (RFC 6761 §6.3). A container reaches its host
    // as `host.docker.internal`, which is no public name: no page can have it.
    ["localhost", "host.docker.internal"].iter().any(|local| name.eq_ignore_ascii_case(local))
        || name.to_ascii_lowercase().ends_with(".localhost")
        || is_ip_address(name)
}

fn is_ip_address(host: &str) -> bool {
    let inside_brackets = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inside_brackets {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => host.parse::<Ipv4Addr>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::is_local;

    fn check(host: Option<&'static str>, origin: Option<&'static str>, expected: bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        assert_eq!(is_local(&headers), expected, "{host:?} {origin:?}");
    }

    #[test]
    fn only_requests_of_programs_on_this_machine_pass() {
        check(Some("127.0.0.1:7401"), None, true);
        check(Some("127.0.0.1"), None, true);
        check(Some("LocalHost:1"), None, true);
        check(Some("dynamodb.localhost:7401"), None, true);
        check(Some("[::1]:7401"), None, true);
        check(Some("host.docker.internal:7401"), None, true);
        check(Some("172.17.0.1:7401"), None, true);

        check(None, None, false);
        check(Some(""), None, false);
        check(Some("evil.example"), None, false);
        check(Some("evil.example:7401"), None, false);
        check(Some("127.0.0.1.evil.example:7401"), None, false);
        check(Some("localhost.evil.example"), None, false);
        check(Some("notlocalhost"), None, false);
        check(Some("127.0.0.1:evil"), None, false);
        check(Some("[::1"), None, false);
        check(Some("[evil.example]:7401"), None, false);
        check(Some("2130706433:7401"), None, false);

        check(Some("127.0.0.1:7401"), Some("https://evil.example"), false);
        check(Some("127.0.0.1:7401"), Some("http://127.0.0.1:7401"), false);
        check(Some("172.17.0.1:7401"), Some("http://172.17.0.1:8000"), false);
        check(Some("127.0.0.1:7401"), Some("null"), false);
        check(Some("127.0.0.1:7401"), Some(""), false);
    }
}
