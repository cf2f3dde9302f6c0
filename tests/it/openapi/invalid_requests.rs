//! Requests that the document forbids are refused. The harness checks the reverse: requests that
//! succeed are valid by the document.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request};
use harness::TestApp;
use harness::openapi::{Document, Openness};
use serde_json::{Value, json};

use super::{operations, with};

/// Values of all types, many of them invalid, for fields and parameters.
fn odd_values() -> Vec<Value> {
    let long = |length| Value::from("é".repeat(length));
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(59),
        json!(301),
        json!(65_596),
        json!(1_000_000_001),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("a\nb"),
        json!("\u{85}"),
        json!("true"),
        json!("7"),
        json!("2030-01-01"),
        long(200),
        long(201),
        long(2_100),
        json!([]),
        json!(["x"]),
        json!(vec!["https://app.example/"; 21]),
        json!({}),
        json!({"grant": null}),
    ]
}

#[tokio::test]
async fn a_body_that_the_document_forbids_is_refused() {
    let document = Document::ours();
    let mut refused = 0;
    for operation in operations() {
        let (Some(body), Some((_, example))) = (operation.body(), operation.examples().next())
        else {
            continue;
        };
        let test = TestApp::with_connection(json!({})).await;
        let properties = &document.resolved(&body["schema"])["properties"];
        let mut bodies = odd_values();
        bodies.push(json!([example["name"]]));
        bodies.extend(odd_values().into_iter().map(|value| with(example, "no_such", value)));
        for name in properties.as_object().unwrap().keys() {
            bodies.extend(odd_values().into_iter().map(|value| with(example, name, value)));
        }
        for body_sent in bodies {
            let valid = document.check(&body["schema"], &body_sent, Openness::AsWritten);
            let answer = operation.send(&test, "", Some(body_sent.clone())).await;
            if valid.is_err() {
                assert_eq!(answer.status, 400, "{}: {body_sent}", operation.id());
                refused += 1;
            }
        }
    }
    assert!(refused > 500, "{refused}");
}

#[tokio::test]
async fn a_parameter_that_the_document_forbids_is_refused() {
    let test = TestApp::new().await;
    let mut refused = 0;
    for operation in operations() {
        for parameter in operation.parameters().filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            let schema = Document::ours().resolved(&parameter["schema"]);
            for value in
                ["0", "1", "1000", "1001", "-1", "1.5", "x", "TRUE", "%C2%85", &"x".repeat(201)]
            {
                let typed = serde_json::from_str(value).ok().filter(|_| schema["type"] != "string");
                let typed = typed.unwrap_or_else(|| Value::from(value.replace("%C2%85", "\u{85}")));
                let valid = Document::ours().check(schema, &typed, Openness::AsWritten).is_ok();
                let answer = operation.send(&test, &format!("?{name}={value}"), None).await;
                if !valid {
                    // The group in the path does not exist, which may be noticed first.
                    let answer = answer.expect_one_of(&[400, 404]);
                    assert!(answer.status == 400 || operation.path.contains("{group}"));
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 80, "{refused}");
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_with_the_known_ones_on_every_route() {
    let test = TestApp::new().await;
    for operation in operations() {
        let known = operation.parameters().filter(|parameter| parameter["in"] == "query");
        let known: BTreeSet<_> =
            known.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        for unknown in ["no_such", "Limit", "limit%20"] {
            let body = operation.examples().next().map(|(_, example)| example.clone());
            let answer = operation.send(&test, &format!("?{unknown}=1"), body).await.expect(400);
            assert_eq!(answer.text("code"), "invalid", "{}", operation.id());
            let detail = answer.text("detail");
            let name = unknown.replace("%20", " ");
            let (named, listed) = detail.split_once("; this request has ").unwrap();
            assert_eq!(named, format!("unknown query parameter \"{name}\""));
            let listed: BTreeSet<_> =
                listed.split(", ").filter(|&parameter| parameter != "none").collect();
            assert_eq!(listed, known, "{}", operation.id());
        }
    }
}

#[tokio::test]
async fn the_caller_is_authenticated_before_the_query_is_read() {
    let test = TestApp::new().await;
    for path in ["/v1/tenants?no_such=1", "/v1/saml-keys?no_such=1"] {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        test.send(request).await.expect(401);
    }
    test.operator(Method::GET, "/v1/no-such-path?no_such=1", None).await.expect(404);
    test.operator(Method::PUT, "/v1/tenants?no_such=1", None).await.expect(405);
}

#[tokio::test]
async fn limits_count_characters() {
    let test = TestApp::new().await;
    for name in ["é".repeat(200), "😀".repeat(200), "Ⅷ \u{202e}".to_owned()] {
        let body = json!({"name": name, "external_id": name});
        let made = test.operator(Method::POST, "/v1/tenants", Some(body)).await.expect(201);
        let path = format!("/v1/tenants/{}", made.text("id"));
        let found = test.operator(Method::GET, &path, None);
        assert_eq!(found.await.expect(200).text("external_id"), name);
    }
}
