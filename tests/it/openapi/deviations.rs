//! The harness reports responses and requests that deviate from the document.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::routing::any;
use harness::openapi;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::with;

/// Returns what the harness reports about this response to this request.
async fn compare(
    (method, path, sent): (&str, &str, Value),
    (status, media_type, cache): (u16, &'static str, &'static str),
    body: Value,
) -> Result<(), String> {
    let answer = move || async move {
        let answer = Response::builder().status(status);
        let answer = answer.header("content-type", media_type).header("cache-control", cache);
        answer.body(Body::from(body.to_string())).unwrap()
    };
    let router =
        Router::new().route("/v1/tenants", any(answer.clone())).route("/v1/{*rest}", any(answer));
    let request = Request::builder().method(method).uri(path).body(Body::from(sent.to_string()));
    let answered = tokio::spawn(openapi::checked(router).oneshot(request.unwrap()));
    let Err(panic) = answered.await else { return Ok(()) };
    Err(*panic.into_panic().downcast::<String>().unwrap())
}

#[tokio::test]
async fn every_deviation_is_reported() {
    const NEW: &str = r#"{"name": "Globex"}"#;
    const OK: (u16, &str, &str) = (201, "application/json", "no-store");
    let new = || ("POST", "/v1/tenants", serde_json::from_str(NEW).unwrap());
    let id = "019a2c41-7e1b-7c3a-9d52-4b8f0c1d2e3f";
    let created = json!({"id": id, "name": "Globex", "external_id": null, "created_at": "2026-11-21T09:30:00Z", "strict": false});
    let problem = json!({"type": "about:blank", "title": "Conflict", "status": 409, "code": "conflict", "detail": ""});
    let as_problem = |status| (status, "application/problem+json", "no-store");
    assert_eq!(compare(new(), OK, created.clone()).await, Ok(()));
    assert_eq!(compare(new(), as_problem(409), problem.clone()).await, Ok(()));

    let no_name = ("POST", "/v1/tenants", json!({}));
    let limit = ("POST", "/v1/tenants?limit=1", new().2);
    let elsewhere = ("POST", "/v1/elsewhere", new().2);
    for (request, answer, body, words) in [
        (new(), (200, OK.1, OK.2), created.clone(), "the status is not documented"),
        (new(), (201, "text/plain", OK.2), created.clone(), "the media type is not documented"),
        (new(), (201, OK.1, "public"), created.clone(), "no-store"),
        (new(), OK, with(&created, "more", json!(1)), "'more' was unexpected"),
        (new(), OK, with(&created, "id", json!("7")), "at \"/id\""),
        (new(), OK, with(&created, "created_at", json!("today")), "at \"/created_at\""),
        (new(), OK, json!({"id": id}), "is a required property"),
        (new(), as_problem(400), problem.clone(), "has another status"),
        (new(), as_problem(409), with(&problem, "code", json!("odd")), "at \"/code\""),
        (no_name, OK, created.clone(), "\"name\" is a required property"),
        (limit, OK, created.clone(), "the parameter limit is not documented"),
        (("PUT", "/v1/tenants", json!({})), OK, created.clone(), "the operation is not documented"),
        (elsewhere, OK, created.clone(), "the operation is not documented"),
    ] {
        let error = compare(request, answer, body).await.expect_err(words);
        assert!(error.contains(words), "{words}: {error}");
    }
}
