//! Tests unusual bodies and headers of SCIM clients over HTTP.

use axum::body::Body;
use axum::http::{Method, Request, header};
use harness::{Answer, TestApp};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const LICENCE: &str = "urn:gatehouse:params:scim:schemas:extension:licence:1.0:User";

#[tokio::test]
async fn a_password_is_accepted_and_not_stored() {
    let test = TestApp::new().await;
    let strict = json!({"name": "Strict", "strict": true});
    let made = test.operator(Method::POST, "/v1/tenants", Some(strict)).await.expect(201);
    let tokens = format!("/v1/tenants/{}/scim-tokens", made.text("id"));
    let strict = test.operator(Method::POST, &tokens, None).await.expect(201).text("token");
    let secret = "correct horse";
    for token in [&test.acme.token, &strict] {
        for (n, body) in [
            json!({"password": secret}),
            json!({format!("{USER}:password"): secret}),
            json!({USER: {"password": secret}}),
            json!({ENTERPRISE: {"password": secret, "department": "R&D"}}),
        ]
        .into_iter()
        .enumerate()
        {
            let mut user = body.clone();
            user["userName"] = format!("user-{n}").into();
            let made = test.scim_as(token, Method::POST, "/Users", Some(user)).await.expect(201);
            let path = format!("/Users/{}", made.text("id"));
            let change = json!({"Operations": [{"op": "replace", "value": body}]});
            let patched = test.scim_as(token, Method::PATCH, &path, Some(change)).await.expect(200);
            let read = test.scim_as(token, Method::GET, &path, None).await.expect(200);
            for answer in [made, patched, read] {
                assert!(!String::from_utf8_lossy(&answer.bytes).contains(secret), "{body}");
            }
        }
    }
}

#[tokio::test]
async fn names_with_urns_and_dots_are_attributes() {
    let test = TestApp::new().await;
    let body = json!({
        "schemas": [USER],
        USER: {"userName": "ada"},
        "name.givenName": "Ada",
        format!("{ENTERPRISE}:department"): "R&D",
        format!("{LICENCE}:license"): "view_only",
    });
    let made = test.post("/Users", body.clone()).await.expect(201);
    let path = format!("/Users/{}", made.text("id"));
    let put = test.scim(Method::PUT, &path, Some(body)).await.expect(200);
    for answer in [made.json(), put.json()] {
        assert_eq!(answer["schemas"], json!([USER, ENTERPRISE, LICENCE]));
        assert_eq!(answer["userName"], "ada");
        assert_eq!(answer["name"]["givenName"], "Ada");
        assert_eq!(answer[ENTERPRISE]["department"], "R&D");
        assert_eq!(answer[LICENCE]["license"], "view_only");
        assert_eq!(answer.get(USER), None);
    }
    let seats = format!("/v1/tenants/{}/seats", test.acme.id);
    assert_eq!(test.operator(Method::GET, &seats, None).await.json()["used"], 0);
}

#[tokio::test]
async fn certificates_are_base64() {
    let test = TestApp::new().await;
    let user = |value: &str| json!({"userName": "ada", "x509Certificates": [{"value": value}]});
    let refused = test.post("/Users", user("not base64!")).await.expect(400);
    assert_eq!(refused.json()["scimType"], "invalidValue");
    let made = test.post("/Users", user("MIIBAA==")).await.expect(201);
    assert_eq!(made.json()["x509Certificates"], json!([{"value": "MIIBAA=="}]));
    let found = test.get("/Users?filter=x509Certificates.value+eq+%22MIIBAA%3D%3D%22").await;
    assert_eq!(found.expect(200).json()["totalResults"], 1);
}

#[tokio::test]
async fn a_group_does_not_contain_itself_but_two_may_contain_each_other() {
    let test = TestApp::new().await;
    let group = async |name: &str| {
        test.post("/Groups", json!({"displayName": name})).await.expect(201).text("id")
    };
    let (a, b) = (group("a").await, group("b").await);
    let path = format!("/Groups/{a}");
    let add = |id: &str| json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    let put = json!({"displayName": "a", "members": [{"value": b}, {"value": a}]});
    for answer in [test.patch(&path, add(&a)).await, test.scim(Method::PUT, &path, Some(put)).await]
    {
        assert_eq!(answer.expect(400).json()["scimType"], "invalidValue");
    }
    assert_eq!(test.get(&path).await.json().get("members"), None);
    test.patch(&path, add(&b)).await.expect(200);
    test.patch(&format!("/Groups/{b}"), add(&a)).await.expect(200);
}

#[tokio::test]
async fn a_search_does_not_need_schemas() {
    let test = TestApp::new().await;
    test.user("ada").await;
    let found = test.post("/Users/.search", json!({"filter": "userName eq \"ada\""})).await;
    assert_eq!(found.expect(200).json()["totalResults"], 1);
    let refused = test.post("/.search", json!({"schemas": [USER]})).await.expect(400);
    assert_eq!(refused.json()["scimType"], "invalidSyntax");
}

#[tokio::test]
async fn a_title_that_looks_like_a_bulk_id_is_not_resolved() {
    let test = TestApp::new().await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "POST", "path": "/Users", "bulkId": "u", "data": {
            "userName": "ada", "title": "bulkId:hello",
        }}],
    });
    let done = test.post("/Bulk", body).await.expect(200).json();
    assert_eq!(done["Operations"][0]["status"], "201");
    let users = test.get("/Users").await.json();
    assert_eq!(users["Resources"][0]["title"], "bulkId:hello");
}

async fn with_header(test: &TestApp, path: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
    let mut request = Request::builder().uri(format!("/scim/v2{path}"));
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    test.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_challenge_has_an_error_only_if_a_token_was_sent() {
    let test = TestApp::new().await;
    let challenge = async |headers: &[(header::HeaderName, &str)]| {
        let answer = with_header(&test, "/Users", headers).await.expect(401);
        assert_eq!(answer.json()["status"], "401");
        answer.header("www-authenticate").unwrap().to_owned()
    };
    let known = format!("Bearer {}", test.acme.token);
    let unknown = format!("Bearer {}x", test.acme.token);
    for none in [&[][..], &[(header::AUTHORIZATION, "Basic YTpi")]] {
        assert_eq!(challenge(none).await, "Bearer realm=\"scim\"");
    }
    for wrong in [
        &[(header::AUTHORIZATION, "Bearer")][..],
        &[(header::AUTHORIZATION, "bearer nonsense")],
        &[(header::AUTHORIZATION, &*unknown)],
        &[(header::AUTHORIZATION, &*known), (header::AUTHORIZATION, &*known)],
    ] {
        assert_eq!(challenge(wrong).await, "Bearer realm=\"scim\", error=\"invalid_token\"");
    }
}

#[tokio::test]
async fn an_answer_with_groups_is_never_not_modified() {
    let test = TestApp::new().await;
    let id = test.user("ada").await;
    let bearer = format!("Bearer {}", test.acme.token);
    let path = format!("/Users/{id}");
    let etag = test.get(&path).await.header("etag").unwrap().to_owned();
    let group = json!({"displayName": "g", "members": [{"value": id}]});
    test.post("/Groups", group).await.expect(201);
    let headers = [(header::AUTHORIZATION, &*bearer), (header::IF_NONE_MATCH, &*etag)];
    with_header(&test, &path, &headers).await.expect(304);
    let path = format!("{path}?attributes=groups");
    let user: Value = with_header(&test, &path, &headers).await.expect(200).json();
    assert_eq!(user["groups"].as_array().unwrap().len(), 1);
}
