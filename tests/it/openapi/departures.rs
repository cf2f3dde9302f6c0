//! The harness sees an API that is not as the document says.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::routing::any;
use harness::openapi;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::with;

/// What the harness says of an API that answers a request to this route so.
async fn verdict(
    (method, path, sent): (&str, &str, Value),
    (status, media_type, cache): (u16, &'static str, &'static str),
    got: Value,
) -> Result<(), String> {
    let answer = move || async move {
        let answer = Response::builder().status(status);
        let answer = answer.header("content-type", media_type).header("cache-control", cache);
        answer.body(Body::from(got.to_string())).unwrap()
    };
    let router =
        Router::new().route("/v1/tenants", any(answer.clone())).route("/v1/{*rest}", any(answer));
    let request = Request::builder().method(method).uri(path).body(Body::from(sent.to_string()));
    let answered = tokio::spawn(openapi::held(router).oneshot(request.unwrap()));
    let Err(panic) = answered.await else { return Ok(()) };
    Err(*panic.into_panic().downcast::<String>().unwrap())
}

#[tokio::test]
async fn a_departure_from_it_is_found() {
    const NEW: &str = r#"{"name": "Globex"}"#;
    const OK: (u16, &str, &str) = (201, "application/json", "no-store");
    let new = || ("POST", "/v1/tenants", serde_json::from_str(NEW).unwrap());
    let id = "019a2c41-7e1b-7c3a-9d52-4b8f0c1d2e3f";
    let made = json!({"id": id, "name": "Globex", "external_id": null, "created_at": "2026-11-21T09:30:00Z", "strict": false});
    let problem = json!({"type": "about:blank", "title": "Conflict", "status": 409, "code": "conflict", "detail": ""});
    let as_problem = |status| (status, "application/problem+json", "no-store");
    assert_eq!(verdict(new(), OK, made.clone()).await, Ok(()));
    assert_eq!(verdict(new(), as_problem(409), problem.clone()).await, Ok(()));

    let no_name = ("POST", "/v1/tenants", json!({}));
    let limit = ("POST", "/v1/tenants?limit=1", new().2);
    let elsewhere = ("POST", "/v1/elsewhere", new().2);
    for (request, answer, body, words) in [
        (new(), (200, OK.1, OK.2), made.clone(), "the status is not documented"),
        (new(), (201, "text/plain", OK.2), made.clone(), "the media type is not documented"),
        (new(), (201, OK.1, "public"), made.clone(), "no-store"),
        (new(), OK, with(&made, "more", json!(1)), "'more' was unexpected"),
        (new(), OK, with(&made, "id", json!("7")), "at \"/id\""),
        (new(), OK, with(&made, "created_at", json!("today")), "at \"/created_at\""),
        (new(), OK, json!({"id": id}), "is a required property"),
        (new(), as_problem(400), problem.clone(), "of another status"),
        (new(), as_problem(409), with(&problem, "code", json!("odd")), "at \"/code\""),
        (no_name, OK, made.clone(), "\"name\" is a required property"),
        (limit, OK, made.clone(), "the parameter limit is not documented"),
        (("PUT", "/v1/tenants", json!({})), OK, made.clone(), "the operation is not documented"),
        (elsewhere, OK, made.clone(), "the operation is not documented"),
    ] {
        let fault = verdict(request, answer, body).await.expect_err(words);
        assert!(fault.contains(words), "{words}: {fault}");
    }
}
