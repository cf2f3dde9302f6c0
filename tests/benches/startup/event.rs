//! Events of API Gateway (HTTP API, payload version 2).

use serde_json::{Value, json};

/// Returns a GET with a caller authorised by IAM, which the operator API requires.
pub(crate) fn get(path: &str, headers: &Value) -> String {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "a1", "domainName": "id.example.com",
            "domainPrefix": "id", "requestId": "r1", "routeKey": "$default",
            "stage": "$default", "time": "21/Nov/2026:22:00:00 +0000",
            "timeEpoch": 1_795_300_000_000_i64,
            "http": {
                "method": "GET", "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "bench",
            },
            "authorizer": {"iam": {
                "accessKey": "AKIA", "accountId": "123456789012", "callerId": "c",
                "principalOrgId": "o", "userArn": "arn:aws:iam::123456789012:user/ada",
                "userId": "u",
            }},
        },
        "isBase64Encoded": false,
    })
    .to_string()
}
