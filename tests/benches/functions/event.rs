//! Events of API Gateway (HTTP API, payload version 2).

use serde_json::{Value, json};

/// Returns a GET with a caller authorised by IAM, which the operator API requires.
pub(crate) fn get(path: &str, headers: &Value) -> String {
    request("GET", path, headers, None)
}

/// Returns a request with such a caller. `path` may have a query.
pub(crate) fn request(
    method: &str,
    path_and_query: &str,
    headers: &Value,
    body: Option<&Value>,
) -> String {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "a1", "domainName": "id.example.com",
            "domainPrefix": "id", "requestId": "r1", "routeKey": "$default",
            "stage": "$default", "time": "21/Nov/2026:22:00:00 +0000",
            "timeEpoch": 1_795_300_000_000_i64,
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "bench",
            },
            "authorizer": {"iam": {
                "accessKey": "AKIA", "accountId": "123456789012", "callerId": "c",
                "principalOrgId": "o", "userArn": "arn:aws:iam::123456789012:user/ada",
                "userId": "u",
            }},
        },
        "body": body.map(ToString::to_string),
        "isBase64Encoded": false,
    })
    .to_string()
}
