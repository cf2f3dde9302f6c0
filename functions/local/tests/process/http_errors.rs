//! Requests that no HTTP client of a library sends, over a real connection.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::instance::{Instance, http, split};

#[test]
fn a_malformed_request_is_answered_with_a_body() {
    let instance = Instance::ephemeral();
    let (authority, _) = split(instance.fact("/base_url"));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20));
    for (request, status) in [
        ("GET /a b HTTP/1.1\r\n\r\n", "400"),
        ("nonsense\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nna me: x\r\n\r\n", "400"),
        (&*long, "431"),
    ] {
        let mut connection = TcpStream::connect(authority).unwrap();
        // The server may answer and close before it has read all of a long request.
        let _ = connection.write_all(request.as_bytes());
        let mut answer = String::new();
        let _ = connection.read_to_string(&mut answer);
        let what = &request[..request.len().min(40)];
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {answer}");
        assert!(head.contains("content-type: application/json"), "{what}: {head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert!(body["message"].is_string(), "{what}: {body}");
    }
}

#[test]
fn quotes_in_a_query_may_be_sent_as_they_are() {
    let instance = Instance::ephemeral();
    let bearer = format!("Bearer {}", instance.fact("/scim/token"));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let users = format!("{}/scim/v2/Users", instance.fact("/base_url"));
    let (status, _) = http("POST", &users, &headers, r#"{"userName":"GET /\"{x}\""}"#);
    assert_eq!(status, 201);
    let filter = r#"?filter=userName+eq+"GET+/\"{x}\"""#;
    let (status, body) = http("GET", &format!("{users}{filter}"), &headers, "");
    assert_eq!(status, 200, "{body}");
    let found: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(found["totalResults"], 1, "{body}");
}
