//! Values and requests of SCIM clients that go beyond the RFCs.

use axum::body::Body;
use axum::http::{Method, Request, header};
use harness::{Answer, TestApp};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

async fn send(
    test: &TestApp,
    method: Method,
    path: &str,
    headers: &[(header::HeaderName, &str)],
    body: Vec<u8>,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/scim/v2{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", test.acme.token))
        .header(header::CONTENT_TYPE, "application/scim+json");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    test.send(request.body(Body::from(body)).unwrap()).await
}

/// Creates a tenant in strict mode; returns its token.
async fn strict_tenant(test: &TestApp) -> String {
    let strict = json!({"name": "Strict", "strict": true});
    let made = test.operator(Method::POST, "/v1/tenants", Some(strict)).await.expect(201);
    let tokens = format!("/v1/tenants/{}/scim-tokens", made.text("id"));
    test.operator(Method::POST, &tokens, None).await.expect(201).text("token")
}

#[tokio::test]
async fn schemas_is_no_reason_to_refuse_unless_it_names_another_type() {
    let test = TestApp::new().await;
    for (n, schemas) in [
        json!(["urn:scim:schemas:core:1.0"]),
        json!(["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"]),
        json!(["urn:example:nothing"]),
        json!("[]"),
        json!(USER),
        json!({}),
        json!([1]),
        json!([GROUP, USER]),
    ]
    .into_iter()
    .enumerate()
    {
        let user = json!({"schemas": schemas, "userName": format!("user-{n}")});
        let made = test.post("/Users", user).await.expect(201).json();
        assert_eq!(made["schemas"], json!([USER]), "{schemas}");
    }
    for other in [GROUP, "urn:scim:schemas:core:2.0:Group"] {
        let user = json!({"schemas": [other], "userName": "ada"});
        let refused = test.post("/Users", user).await.expect(400).json();
        assert_eq!(refused["scimType"], "invalidSyntax", "{other}");
    }
}

#[tokio::test]
async fn a_plain_value_in_a_list_or_an_object_or_their_text_is_the_value() {
    let test = TestApp::new().await;
    let path = format!("/Users/{}", test.user("ada").await);
    for wrapped in [
        json!([{"$ref": null, "value": "CTO"}]),
        json!({"value": "CTO"}),
        json!(["CTO"]),
        json!("[{\"$ref\":null,\"value\":\"CTO\"}]"),
        json!("{\"value\":\"CTO\"}"),
    ] {
        let clear = json!([{"op": "remove", "path": "title"}]);
        test.patch(&path, clear).await.expect(200);
        let set = json!([{"op": "Replace", "path": "title", "value": wrapped}]);
        let patched = test.patch(&path, set).await.expect(200).json();
        assert_eq!(patched["title"], "CTO", "{wrapped}");
        let put = json!({"userName": "ada", "title": wrapped});
        let put = test.scim(Method::PUT, &path, Some(put)).await.expect(200).json();
        assert_eq!(put["title"], "CTO", "{wrapped}");
    }
    let off = json!([{"op": "Replace", "path": "active", "value": "[{\"value\":\"False\"}]"}]);
    assert_eq!(test.patch(&path, off).await.expect(200).json()["active"], false);
    for text in ["{\"id\":\"1\",\"value\":\"25\"}", "[1]", "{CTO}", "[\"a\"]"] {
        let set = json!([{"op": "replace", "path": "title", "value": text}]);
        assert_eq!(test.patch(&path, set).await.expect(200).json()["title"], text);
    }
}

#[tokio::test]
async fn a_blank_address_is_none_and_a_duplicate_passes_on_that_it_is_primary() {
    let test = TestApp::new().await;
    let body = json!({"userName": "ada", "emails": [
        {"type": "work", "value": "", "primary": true},
        {"type": "home", "value": "a@b"},
        {"type": "Home", "value": "A@b", "primary": true},
    ], "phoneNumbers": [{"type": "mobile", "value": null}]});
    let made = test.post("/Users", body.clone()).await.expect(201);
    let path = format!("/Users/{}", made.text("id"));
    let put = test.scim(Method::PUT, &path, Some(body)).await.expect(200);
    for user in [made.json(), put.json()] {
        let home = json!([{"type": "home", "value": "a@b", "primary": true}]);
        assert_eq!(user["emails"], home);
        assert_eq!(user.get("phoneNumbers"), None);
    }
}

#[tokio::test]
async fn a_large_whole_number_is_kept_as_written() {
    let test = TestApp::new().await;
    let large = "123456789012345678901234567890";
    let body = format!("{{\"userName\":\"ada\",\"externalId\":{large},\"badge\":{large}}}");
    let made = send(&test, Method::POST, "/Users", &[], body.into_bytes()).await.expect(201);
    let path = format!("/Users/{}", made.text("id"));
    let read = test.get(&path).await;
    let document = String::from_utf8_lossy(&read.bytes).into_owned();
    assert!(document.contains(&format!("\"externalId\":\"{large}\"")), "{document}");
    assert!(document.contains(&format!("\"badge\":{large}")), "{document}");
    for attribute in ["externalId", "badge"] {
        let found = test.get(&format!("/Users?filter={attribute}%20eq%20{large}")).await;
        assert_eq!(found.expect(200).json()["totalResults"], 1, "{attribute}");
    }
}

#[tokio::test]
async fn names_are_limited_in_characters_of_any_script() {
    let test = TestApp::new().await;
    for letter in ["a", "é", "張", "\u{1f600}"] {
        let name = letter.repeat(256);
        let body = json!({
            "userName": name,
            "displayName": name,
            "externalId": name,
            "emails": [{"value": format!("{}@b.example", letter.repeat(200))}],
        });
        let made = test.post("/Users", body.clone()).await.expect(201);
        test.post("/Users", body).await.expect(409);
        let filter = format!("userName eq \"{name}\"");
        let found = test.post("/Users/.search", json!({"filter": filter})).await.expect(200).json();
        assert_eq!(found["Resources"][0]["id"], made.json()["id"], "{letter}");
        let group = json!({"displayName": name});
        test.post("/Groups", group.clone()).await.expect(201);
        test.post("/Groups", group).await.expect(409);
        let long = json!({"userName": letter.repeat(513)});
        test.post("/Users", long).await.expect(400);
    }
}

#[tokio::test]
async fn the_groups_of_a_user_have_names() {
    let test = TestApp::new().await;
    let id = test.user("ada").await;
    for name in ["Staff", "Board"] {
        let group = json!({"displayName": name, "members": [{"value": id}]});
        test.post("/Groups", group).await.expect(201);
    }
    let user = test.get(&format!("/Users/{id}?attributes=groups.display")).await.json();
    let mut names: Vec<&str> =
        user["groups"].as_array().unwrap().iter().map(|g| g["display"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Board", "Staff"]);
    for (filter, total) in [("groups.display eq \"staff\"", 1), ("groups.display eq \"x\"", 0)] {
        let found = test.post("/Users/.search", json!({"filter": filter})).await.expect(200);
        assert_eq!(found.json()["totalResults"], total, "{filter}");
    }
}

#[tokio::test]
async fn a_group_is_created_without_the_members_that_do_not_exist_but_not_in_strict_mode() {
    let test = TestApp::new().await;
    let ada = test.user("ada").await;
    let gone = test.user("bob").await;
    test.scim(Method::DELETE, &format!("/Users/{gone}"), None).await.expect(204);
    let group = |name: &str| json!({"displayName": name, "members": [{"value": gone}, {"value": ada}, {"value": "x"}]});
    let made = test.post("/Groups", group("a")).await.expect(201).json();
    assert_eq!(made["members"].as_array().unwrap().len(), 1);
    assert_eq!(made["members"][0]["value"], *ada);
    let strict = strict_tenant(&test).await;
    let answer = test.scim_as(&strict, Method::POST, "/Groups", Some(group("b"))).await;
    assert_eq!(answer.expect(400).json()["scimType"], "invalidValue");
}

#[tokio::test]
async fn a_compressed_body_is_refused_and_a_byte_order_mark_ignored() {
    let test = TestApp::new().await;
    let user = json!({"userName": "ada"}).to_string().into_bytes();
    for coding in ["gzip", "br", "identity, gzip"] {
        let headers = [(header::CONTENT_ENCODING, coding)];
        let refused = send(&test, Method::POST, "/Users", &headers, user.clone()).await.expect(415);
        assert_eq!(refused.header("accept-encoding"), Some("identity"));
        assert_eq!(refused.json()["status"], "415");
    }
    let marked = [b"\xef\xbb\xbf".as_slice(), &user].concat();
    let headers = [(header::CONTENT_ENCODING, "identity")];
    send(&test, Method::POST, "/Users", &headers, marked).await.expect(201);
}

#[tokio::test]
async fn a_change_with_if_none_match_changes_no_version_that_it_names() {
    let test = TestApp::new().await;
    let path = format!("/Users/{}", test.user("ada").await);
    let etag = test.get(&path).await.header("etag").unwrap().to_owned();
    let body = json!({"userName": "bob"}).to_string().into_bytes();
    for tags in ["*", &etag] {
        for method in [Method::PUT, Method::DELETE] {
            let headers = [(header::IF_NONE_MATCH, tags)];
            send(&test, method, &path, &headers, body.clone()).await.expect(412);
        }
    }
    assert_eq!(test.get(&path).await.json()["userName"], "ada");
    let headers = [(header::IF_NONE_MATCH, "W/\"99\"")];
    send(&test, Method::PUT, &path, &headers, body).await.expect(200);
}

#[tokio::test]
async fn a_plus_stays_a_plus_beside_encoded_blanks() {
    let test = TestApp::new().await;
    test.user("a+b@acme.example").await;
    test.user("a b@acme.example").await;
    for (query, name) in [
        ("userName%20eq%20%22a+b%40acme.example%22", "a+b@acme.example"),
        ("userName%20eq%20%22a%2Bb%40acme.example%22", "a+b@acme.example"),
        ("userName+eq+%22a%2Bb%40acme.example%22", "a+b@acme.example"),
        ("userName+eq+%22a+b%40acme.example%22", "a b@acme.example"),
        ("userName+eq+%22a%20b%40acme.example%22", "a b@acme.example"),
    ] {
        let found: Value = test.get(&format!("/Users?filter={query}")).await.expect(200).json();
        assert_eq!(found["Resources"][0]["userName"], name, "{query}");
    }
}
