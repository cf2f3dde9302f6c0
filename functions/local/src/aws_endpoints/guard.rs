//! Refuses what a web page could send.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Lets a request pass that a program on this machine sent to this machine.
pub(super) async fn local_only(request: Request, next: Next) -> Response {
    if is_local(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "only for programs on this machine\n").into_response()
    }
}

/// A `Host` has to be there: HTTP/1.1 wants it (RFC 9112 §3.2), and every SDK sends it.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    !headers.contains_key(header::ORIGIN) && host.is_some_and(names_this_machine)
}

/// Whether `host`, with or without a port, is an address or, by its name alone, without a look-up,
/// loopback. An address is reached only if we listen on it, and no name was pointed at it.
fn names_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    // Names under `localhost` never leave the machine (RFC 6761 §6.3). The last one is how a
    // container calls its host; it is no public name, so no page is served from it.
    ["localhost", "host.docker.internal"].iter().any(|local| name.eq_ignore_ascii_case(local))
        || name.to_ascii_lowercase().ends_with(".localhost")
        || is_address(name)
}

fn is_address(host: &str) -> bool {
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
    fn only_a_program_on_this_machine_is_let_in() {
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
