//! Invalid requests get the documented error and change nothing.

use axum::body::Body;
use axum::http::{Method, Request, header};
use harness::{Answer, TestApp};
use serde_json::{Value, json};

const JSON: &str = "application/scim+json";

async fn raw(
    test: &TestApp,
    method: Method,
    path: &str,
    media_type: &str,
    body: Vec<u8>,
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/scim/v2{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", test.acme.token))
        .header(header::CONTENT_TYPE, media_type)
        .body(Body::from(body));
    test.send(request.unwrap()).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, scim_type: Option<&str>, what: &str) {
    let body = answer.json();
    assert_eq!(answer.status.as_u16(), status, "{what}: {body}");
    assert_eq!(answer.header("content-type"), Some(JSON), "{what}");
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{what}");
    assert_eq!(body["status"], status.to_string(), "{what}");
    assert_eq!(body.get("scimType").and_then(Value::as_str), scim_type, "{what}: {body}");
    assert!(!body["detail"].as_str().unwrap().is_empty(), "{what}");
}

#[tokio::test]
async fn an_invalid_user_is_refused_and_changes_nothing() {
    let test = TestApp::new().await;
    let deep = format!("{{\"userName\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let large = format!("{{\"userName\":\"{}\"}}", "x".repeat(12 * 1024 * 1024));
    let long = format!("{{\"userName\":\"{}\"}}", "x".repeat(600));
    let syntax = Some("invalidSyntax");
    let value = Some("invalidValue");
    let cases: Vec<(&str, Vec<u8>, u16, Option<&str>)> = vec![
        ("nothing", b"".to_vec(), 400, syntax),
        ("cut off", b"{\"userName\":".to_vec(), 400, syntax),
        ("a list", b"[]".to_vec(), 400, syntax),
        ("null", b"null".to_vec(), 400, syntax),
        ("XML", b"<user/>".to_vec(), 400, syntax),
        ("invalid UTF-8", b"{\"userName\":\"\xff\xfe\"}".to_vec(), 400, syntax),
        ("a lone surrogate", br#"{"userName":"\ud800"}"#.to_vec(), 400, syntax),
        ("20,000 deep", deep.into_bytes(), 400, syntax),
        ("12 MB", large.into_bytes(), 413, None),
        ("no userName", b"{\"active\":true}".to_vec(), 400, value),
        ("an empty userName", br#"{"userName":" "}"#.to_vec(), 400, value),
        ("a long userName", long.into_bytes(), 400, value),
        ("NUL", br#"{"userName":"a\u0000b"}"#.to_vec(), 400, value),
        ("userName of a wrong type", br#"{"userName":{"a":1}}"#.to_vec(), 400, value),
        ("active of a wrong type", br#"{"userName":"a","active":"maybe"}"#.to_vec(), 400, value),
        ("name of a wrong type", br#"{"userName":"a","name":"Ada"}"#.to_vec(), 400, value),
        ("a licence of no name", br#"{"userName":"a","urn:gatehouse:params:scim:schemas:extension:licence:1.0:User":{"license":"gold"}}"#.to_vec(), 400, value),
        ("another schema", br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"userName":"a"}"#.to_vec(), 400, syntax),
    ];
    for (what, body, status, scim_type) in cases {
        let answer = raw(&test, Method::POST, "/Users", JSON, body).await;
        refused(&answer, status, scim_type, what);
    }
    assert_eq!(test.get("/Users").await.json()["totalResults"], 0);
}

/// All rows of a change are in one transaction. 40 addresses fit, with everything else that can
/// change.
#[tokio::test]
async fn forty_addresses_can_be_replaced_and_forty_one_are_refused() {
    let test = TestApp::new().await;
    let user = |name: &str, count: u32, active: bool| {
        let emails: Vec<_> =
            (0..count).map(|n| json!({"value": format!("{n}@{name}.example")})).collect();
        json!({"userName": name, "externalId": name, "emails": emails, "active": active})
    };
    let id = test.post("/Users", user("ada", 40, true)).await.expect(201).text("id");
    let path = format!("/Users/{id}");
    test.scim(Method::PUT, &path, Some(user("bob", 40, false))).await.expect(200);
    test.scim(Method::PUT, &path, Some(user("ada", 40, true))).await.expect(200);
    let more = user("ada", 41, true);
    let add = json!({"Operations": [{"op": "add", "path": "emails", "value": [{"value": "x@y"}]}]});
    for (what, answer) in [
        ("POST", test.post("/Users", user("eve", 41, true)).await),
        ("PUT", test.scim(Method::PUT, &path, Some(more)).await),
        ("PATCH", test.scim(Method::PATCH, &path, Some(add)).await),
    ] {
        refused(&answer, 400, Some("invalidValue"), what);
    }
}

#[tokio::test]
async fn media_types_other_than_json_are_refused() {
    let test = TestApp::new().await;
    let body = json!({"userName": "ada"}).to_string().into_bytes();
    for media_type in ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""] {
        let answer = raw(&test, Method::POST, "/Users", media_type, body.clone()).await;
        refused(&answer, 415, None, media_type);
    }
    for media_type in [
        "application/json",
        "application/scim+json; charset=utf-8",
        "APPLICATION/JSON;charset=UTF-8",
    ] {
        raw(&test, Method::POST, "/Users", media_type, body.clone())
            .await
            .expect_one_of(&[201, 409]);
    }
}

#[tokio::test]
async fn malformed_ids_are_not_found() {
    let test = TestApp::new().await;
    let id = test.user("ada").await;
    for odd in [
        "999",
        "..",
        "%2e%2e%2f",
        "%00",
        "%ff%fe",
        "a%2Fb",
        "%27%20or%201=1",
        &id.to_uppercase(),
        &"x".repeat(2_000),
        "%F0%9F%A6%80",
    ] {
        for endpoint in ["Users", "Groups"] {
            let path = format!("/{endpoint}/{odd}");
            refused(&test.get(&path).await, 404, None, &path);
            refused(&test.scim(Method::DELETE, &path, None).await, 404, None, &path);
        }
    }
    test.get(&format!("/Users/{id}")).await.expect(200);
}

#[tokio::test]
async fn filters_outside_the_grammar_or_the_limits_are_refused() {
    let test = TestApp::new().await;
    test.user("ada").await;
    let deep = format!("{}userName+pr{}", "(".repeat(2_000), ")".repeat(2_000));
    let long = format!("userName+eq+%22{}%22", "x".repeat(7_000));
    let terms = vec!["userName+eq+%22a%22"; 150].join("+or+");
    for filter in [
        "userName+eq",
        "userName",
        "userName+zz+%22a%22",
        "userName+eq+%22a",
        "(userName+pr",
        "userName+pr)",
        "and",
        "active+gt+true",
        "userName+eq+%22a%22+and",
        "emails%5Btype+eq+%22work%22",
        "%00",
        &deep,
        &long,
        &terms,
    ] {
        for endpoint in ["/Users", "/Groups"] {
            if endpoint == "/Groups" && filter.contains("active") {
                continue;
            }
            let answer = test.get(&format!("{endpoint}?filter={filter}")).await;
            refused(&answer, 400, Some("invalidFilter"), &filter[..filter.len().min(60)]);
        }
    }
}

#[tokio::test]
async fn paging_never_overflows() {
    let test = TestApp::new().await;
    test.user("ada").await;
    for (query, resources) in [
        ("count=999999999", 1),
        ("startIndex=999999999", 0),
        ("startIndex=18446744073709551615&count=1000", 0),
        ("startIndex=-5&count=10", 1),
        ("startIndex=0", 1),
        ("count=-1", 0),
        ("count=0", 0),
    ] {
        let page = test.get(&format!("/Users?{query}")).await.expect(200).json();
        assert_eq!(page["totalResults"], 1, "{query}");
        assert_eq!(page["Resources"].as_array().unwrap().len(), resources, "{query}");
    }
    for query in ["count=ten", "startIndex=1.5", "startIndex=0x10", "cursor=x", "cursor=AAAA"] {
        let answer = test.get(&format!("/Users?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[tokio::test]
async fn an_invalid_patch_changes_nothing() {
    let test = TestApp::new().await;
    let id = test.user("ada").await;
    let path = format!("/Users/{id}");
    let before = test.get(&path).await.json();
    let many: Vec<Value> = (0..5_000)
        .map(|n| json!({"op": "replace", "path": "title", "value": n.to_string()}))
        .collect();
    let cases = [
        (json!([{"op": "move", "path": "title"}]), 400, Some("invalidSyntax")),
        (json!([{"path": "title", "value": "x"}]), 400, Some("invalidSyntax")),
        (
            json!([{"op": "replace", "path": "emails[broken", "value": "x"}]),
            400,
            Some("invalidPath"),
        ),
        (json!([{"op": "replace", "path": "id", "value": "x"}]), 400, Some("mutability")),
        (json!([{"op": "remove"}]), 400, Some("noTarget")),
        (json!([{"op": "remove", "path": "userName"}]), 400, Some("mutability")),
        (
            json!([{"op": "replace", "path": "active", "value": "perhaps"}]),
            400,
            Some("invalidValue"),
        ),
        (
            json!([
                {"op": "replace", "path": "title", "value": "half done"},
                {"op": "replace", "path": "active", "value": {"a": 1}},
            ]),
            400,
            Some("invalidValue"),
        ),
        (json!(many), 413, None),
        (json!("none"), 400, Some("invalidSyntax")),
    ];
    for (operations, status, scim_type) in cases {
        let what = operations.to_string();
        let answer = test.patch(&path, operations).await;
        refused(&answer, status, scim_type, &what[..what.len().min(90)]);
    }
    assert_eq!(test.get(&path).await.json(), before);
}

#[tokio::test]
async fn a_taken_user_name_is_refused_in_any_letter_case() {
    let test = TestApp::new().await;
    let ada = test.user("ada@Acme.example").await;
    let grace = test.user("grace@acme.example").await;
    let twin = json!({"userName": "ADA@acme.EXAMPLE"});
    refused(&test.post("/Users", twin.clone()).await, 409, Some("uniqueness"), "create");
    let path = format!("/Users/{grace}");
    let put = test.scim(Method::PUT, &path, Some(twin)).await;
    refused(&put, 409, Some("uniqueness"), "replace");
    let rename = json!([{"op": "replace", "path": "userName", "value": "Ada@acme.example"}]);
    refused(&test.patch(&path, rename.clone()).await, 409, Some("uniqueness"), "patch");
    test.patch(&format!("/Users/{ada}"), rename).await.expect(200);
}

#[tokio::test]
async fn a_stale_if_match_is_refused() {
    let test = TestApp::new().await;
    let id = test.user("ada").await;
    let path = format!("/Users/{id}");
    let stale = test.get(&path).await.header("etag").unwrap().to_owned();
    let title = json!([{"op": "replace", "path": "title", "value": "CTO"}]);
    test.patch(&path, title).await.expect(200);
    for (method, body) in [
        (Method::PUT, Some(json!({"userName": "ada"}))),
        (Method::PATCH, Some(json!({"Operations": []}))),
        (Method::DELETE, None),
    ] {
        let request = Request::builder()
            .method(&method)
            .uri(format!("/scim/v2{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", test.acme.token))
            .header(header::IF_MATCH, &stale)
            .body(body.map_or_else(Body::empty, |body: Value| Body::from(body.to_string())));
        refused(&test.send(request.unwrap()).await, 412, None, method.as_str());
    }
    assert_eq!(test.get(&path).await.json()["title"], "CTO");
}

#[tokio::test]
async fn discovery_refuses_writes_and_filters() {
    let test = TestApp::new().await;
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/ResourceTypes/User"] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = test.scim(method.clone(), path, Some(json!({}))).await;
            refused(&answer, 405, None, &format!("{method} {path}"));
        }
    }
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        refused(&test.get(&format!("{path}?filter=id+pr")).await, 403, None, path);
        test.get(&format!("{path}?count=1&unknown=2")).await.expect(200);
    }
    refused(&test.get("/Me").await, 501, None, "/Me");
    refused(&test.get("/Nope").await, 404, None, "/Nope");
}

#[tokio::test]
async fn the_base_url_is_not_found() {
    let test = TestApp::new().await;
    for path in ["", "/", "//", "/?filter=userName+eq+%22ada%22"] {
        refused(&test.get(path).await, 404, None, path);
    }
}

#[tokio::test]
async fn an_invalid_operator_request_is_a_problem() {
    let test = TestApp::new().await;
    let acme = &test.acme.id;
    for (path, status, code) in [
        ("/v1/tenants?limit=-1".to_owned(), 400, "invalid"),
        ("/v1/tenants?limit=many".to_owned(), 400, "invalid"),
        ("/v1/tenants?limit=1&limit=2".to_owned(), 400, "invalid"),
        ("/v1/tenants?limit=0".to_owned(), 400, "invalid"),
        ("/v1/tenants?limit=1001".to_owned(), 400, "invalid"),
        (format!("/v1/tenants?external_id={}", "x".repeat(201)), 400, "invalid"),
        (format!("/v1/tenants/{acme}/users?limit=-1"), 400, "invalid"),
        (format!("/v1/tenants/{acme}/activity?cursor=a&cursor=b"), 400, "invalid"),
        (format!("/v1/tenants/{acme}/activity?cursor=none"), 400, "invalid"),
        (format!("/v1/tenants/{acme}/sign-ins?cursor={}", "x".repeat(2_000)), 400, "invalid"),
        ("/v1/tenants/%ff".to_owned(), 400, "invalid"),
        ("/v1/tenants/%ff/seats".to_owned(), 400, "invalid"),
        ("/v1/tenants/nobody".to_owned(), 404, "not_found"),
    ] {
        let answer = test.operator(Method::GET, &path, None).await.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        let body = answer.json();
        assert_eq!((&body["status"], &body["code"]), (&json!(status), &json!(code)), "{path}");
    }
    let path = format!("/v1/tenants/{acme}/connections/%ff/test");
    let answer = test.operator(Method::POST, &path, None).await.expect(400);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn an_invalid_operator_body_changes_nothing() {
    let test = TestApp::new().await;
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    let read = || test.operator(Method::GET, &tenant, None);
    let before = read().await.json();
    let large = json!({"name": "x".repeat(1_048_576)});
    for (method, path, body, status) in [
        // An array is not a list of fields.
        (Method::POST, "/v1/tenants", json!(["Globex", null, false]), 400),
        (Method::POST, &format!("{tenant}/scim-tokens"), json!([]), 400),
        (Method::PUT, &format!("{tenant}/seats"), json!({"on_join": {"view_only": null}}), 400),
        // A required field cannot be cleared.
        (Method::PATCH, &tenant, json!({"name": null}), 400),
        (Method::PATCH, &tenant, json!({"strict": null}), 400),
        (Method::PATCH, &tenant, json!({"name": "Acme\n"}), 400),
        (Method::PATCH, &tenant, large, 413),
    ] {
        test.operator(method, path, Some(body)).await.expect(status);
    }
    assert_eq!(read().await.json(), before);
    let all = test.operator(Method::GET, "/v1/tenants", None).await.expect(200);
    assert_eq!(all.json()["items"].as_array().unwrap().len(), 1);
}
