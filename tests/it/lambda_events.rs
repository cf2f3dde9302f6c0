//! The routers behind events of API Gateway (HTTP API, payload version 2.0).

use axum::body::Body;
use axum::http::Request;
use harness::TestApp;
use http_body_util::BodyExt as _;
use lambda_http::request::LambdaRequest;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Returns an event of API Gateway. A body of type `application/scim+json` is in base64.
fn event(method: &str, path: &str, query: &str, token: &str, body: Option<&str>) -> String {
    use base64::Engine as _;
    let body = body.map(|body| base64::prelude::BASE64_STANDARD.encode(body));
    json!({
        "version": "2.0",
        "routeKey": "ANY /scim/v2/{proxy+}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            "authorization": format!("Bearer {token}"),
            "content-type": "application/scim+json; charset=utf-8",
            "host": "id.example.com",
            "user-agent": "Okta SCIM Client 1.0.0",
        },
        "requestContext": {
            "accountId": "123456789012", "apiId": "a1", "domainName": "id.example.com",
            "domainPrefix": "id", "requestId": "r1", "routeKey": "ANY /scim/v2/{proxy+}",
            "stage": "$default", "time": "21/Nov/2026:22:00:00 +0000", "timeEpoch": 1_795_300_000_000_i64,
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "Okta SCIM Client 1.0.0",
            },
        },
        "body": body,
        "isBase64Encoded": body.is_some(),
    })
    .to_string()
}

/// Converts an event to a request, as the Lambda runtime does.
pub(crate) fn request(event: &str) -> Request<Body> {
    let event: LambdaRequest = serde_json::from_str(event).unwrap();
    let request: lambda_http::Request = shared::runtime::lambda::encode_query(event).into();
    request.map(|body| match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        lambda_http::Body::Empty => Body::empty(),
        other => panic!("a body of a new kind: {other:?}"),
    })
}

async fn send(test: &TestApp, event: &str) -> (u16, Value) {
    let router = shared::scim_api::router(test.app.clone());
    let response = router.oneshot(request(event)).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn a_user_is_created_and_found_through_raw_events() {
    let test = TestApp::new().await;
    let token = test.acme.token.clone();
    let body = json!({"userName": "ada+scim@acme.example", "displayName": "Zoë"}).to_string();
    let create = event("POST", "/scim/v2/Users", "", &token, Some(&body));
    let (status, created) = send(&test, &create).await;
    assert_eq!((status, &created["displayName"]), (201, &json!("Zoë")));

    // The query string arrives as it was sent: `+` is a space, `%2B` is a plus.
    let query = "aadOptscim062020&filter=userName+eq+%22ada%2Bscim%40acme.example%22";
    let (status, found) = send(&test, &event("GET", "/scim/v2/Users", query, &token, None)).await;
    assert_eq!((status, &found["totalResults"]), (200, &json!(1)));

    let path = format!("/scim/v2/Users/{}", created["id"].as_str().unwrap());
    let (status, read) = send(&test, &event("GET", &path, "", &token, None)).await;
    assert_eq!((status, &read["id"]), (200, &created["id"]));
}

#[tokio::test]
async fn a_query_with_characters_that_no_uri_may_have_is_read() {
    let test = TestApp::new().await;
    let token = test.acme.token.clone();
    test.user("Zoë <z>").await;
    for (query, status, total) in [
        ("filter=userName+eq+\"Zo\u{eb}+<z>\"", 200, json!(1)),
        ("filter=userName eq \"zo%c3%ab%20%3Cz%3e\"", 200, json!(1)),
        ("filter=userName+eq+\"a#b\"", 200, json!(0)),
        ("filter=userName+eq+\"a\nb\u{7f}\"", 400, Value::Null),
        ("filter=%zz%\"", 400, Value::Null),
    ] {
        let (seen, body) = send(&test, &event("GET", "/scim/v2/Users", query, &token, None)).await;
        assert_eq!((seen, &body["totalResults"]), (status, &total), "{query}: {body}");
    }
    // Bytes that a signature covers stay as they were sent.
    let sent = "SAMLResponse=a%2bB%3d&RelayState=%C3%A4'()*~&SigAlg=x";
    let request = request(&event("GET", "/saml/sso/acme.example", sent, &token, None));
    assert_eq!(request.uri().query(), Some(sent));
}

#[tokio::test]
async fn the_operator_api_accepts_only_events_with_an_iam_signature() {
    use shared::config::OperatorAuth;
    let test = TestApp::with(|config| config.operator_auth = OperatorAuth::Key).await;
    let mut config = test.app.config.clone();
    config.operator_auth = OperatorAuth::Iam;
    let app = test.with_config(config);
    let unsigned = event("GET", "/v1/tenants", "", harness::OPERATOR_KEY, None);
    let mut signed: Value = serde_json::from_str(&unsigned).unwrap();
    signed["requestContext"]["authorizer"] = json!({"iam": {
        "accessKey": "AKIA", "accountId": "123456789012", "callerId": "c", "principalOrgId": "o",
        "userArn": "arn:aws:iam::123456789012:user/ada", "userId": "u",
    }});
    for (event, status) in [(unsigned, 401), (signed.to_string(), 200)] {
        let router = harness::openapi::router(app.clone());
        let response = router.oneshot(request(&event)).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
    }
}

#[tokio::test]
async fn a_person_signs_in_through_raw_events() {
    use base64::Engine as _;
    use harness::browser::{Browser, draft, percent_encoded};
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    let id = browser.begin(&test, "/saml/sso/acme.com").await;
    let field = base64::prelude::BASE64_STANDARD.encode(draft(Some(&id)).response());
    let body = format!("RelayState=&SAMLResponse={}", percent_encoded(&field));
    let post = event("POST", "/saml/sso/acme.com", "", "", Some(&body));
    let mut post: Value = serde_json::from_str(&post).unwrap();
    post["headers"]["content-type"] = json!("application/x-www-form-urlencoded");
    // API Gateway moves the cookies out of the headers.
    let cookies = format!("unrelated=1; {}", browser.cookies());
    post["cookies"] = cookies.split("; ").collect();
    let router = shared::saml_api::acs_router(test.app.clone());
    let response = router.oneshot(request(&post.to_string())).await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let set: Vec<&str> =
        response.headers().get_all("set-cookie").iter().map(|v| v.to_str().unwrap()).collect();
    assert!(set.iter().any(|cookie| cookie.starts_with("__Host-gatehouse-session=")), "{set:?}");
}
