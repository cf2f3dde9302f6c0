//! Bodies over the limit are read to their end before they are refused, since a client that is
//! still sending does not read the response. The refusal has the form of the protocol.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::http::{Request, header};
use futures_util::stream;
use harness::{Answer, OPERATOR_KEY, TestApp};
use serde_json::json;

/// Posts twice the limit in pieces. Checks that all of them are read before the refusal.
async fn refused(test: &TestApp, path: &str, limit: usize, media_type: &str, auth: &str) -> Answer {
    const PIECE: usize = 4_096;
    let pieces = 2 * limit / PIECE;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let body = stream::iter(0..pieces);
    let body = futures_util::StreamExt::map(body, move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Infallible>(Bytes::from_static(&[b'a'; PIECE]))
    });
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, media_type)
        .header(header::AUTHORIZATION, auth)
        .body(Body::from_stream(body))
        .unwrap();
    let answer = test.send(request).await.expect(413);
    assert_eq!(sent.load(Ordering::SeqCst), pieces, "{path} was answered while it was sent");
    answer
}

#[tokio::test]
async fn a_body_over_the_limit_is_read_to_its_end_and_refused_in_the_form_of_the_protocol() {
    let test = TestApp::with_connection(json!({})).await;
    let form = "application/x-www-form-urlencoded";
    let bearer = format!("Bearer {}", test.acme.token);
    let scim = refused(&test, "/scim/v2/Users", 1 << 20, "application/scim+json", &bearer).await;
    let error = scim.json();
    assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(error["status"], "413");

    let operator = format!("Bearer {OPERATOR_KEY}");
    let problem = refused(&test, "/v1/tenants", 1 << 20, "application/json", &operator).await;
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert_eq!(problem.json()["status"], 413);

    for path in ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"] {
        let error = refused(&test, path, 16_384, form, "").await.json();
        let expect = json!({
            "error": "invalid_request",
            "error_description": "the body is too long",
        });
        assert_eq!(error, expect, "{path}");
    }
    let page = refused(&test, "/oauth2/authorize", 16_384, form, "").await;
    assert!(String::from_utf8_lossy(&page.bytes).contains("the body is too long"));
    let page = refused(&test, "/saml/sso/acme.com", 1 << 20, form, "").await;
    assert!(page.header("content-type").is_some_and(|found| found.starts_with("text/html")));
}
