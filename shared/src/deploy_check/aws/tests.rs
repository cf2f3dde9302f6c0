//! The calls, against a server in the place of AWS.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;

use super::*;

/// URI, headers and body of a request.
type Received = (String, HeaderMap, String);

/// Status, `X-Amz-Function-Error` and body of a response.
type Scripted = (u16, Option<&'static str>, &'static str);

/// The requests that AWS received, and its responses: one after the other, the last one for all
/// that follow.
#[derive(Clone, Default)]
struct Stub {
    received: Arc<Mutex<Vec<Received>>>,
    responses: Arc<Mutex<Vec<Scripted>>>,
}

async fn answer(
    State(stub): State<Stub>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let body = String::from_utf8(body.to_vec()).unwrap();
    stub.received.lock().unwrap().push((uri.to_string(), headers, body));
    let mut responses = stub.responses.lock().unwrap();
    let (status, error, body) =
        if responses.len() > 1 { responses.remove(0) } else { responses[0] };
    let mut headers = HeaderMap::new();
    if let Some(error) = error {
        headers.insert("x-amz-function-error", error.parse().unwrap());
    }
    (StatusCode::from_u16(status).unwrap(), headers, body)
}

async fn aws(responses: &[Scripted]) -> (Aws, Stub) {
    let stub = Stub { responses: Arc::new(Mutex::new(responses.to_vec())), ..Stub::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(stub.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = AwsConfig::from_lookup(|name| {
        let value = match name {
            "AWS_REGION" => "eu-west-1",
            "AWS_ACCESS_KEY_ID" => "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY" => "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "AWS_SESSION_TOKEN" => "session",
            "AWS_ENDPOINT_URL_LAMBDA" | "AWS_ENDPOINT_URL_CODEDEPLOY" => endpoint.as_str(),
            _ => return None,
        };
        Some(value.to_owned())
    });
    let arn = |name: &str| format!("arn:aws:lambda:eu-west-1:123456789012:function:{name}:7");
    let functions = CheckedFunctions {
        scim: arn("scim"),
        admin: arn("admin"),
        saml_acs: arn("acs"),
        saml_metadata: arn("metadata"),
        oidc: arn("oidc"),
        events: arn("events"),
        directory: arn("directory"),
    };
    let clock = Clock::standing_at("2026-01-01T00:00:00Z".parse().unwrap());
    (Aws::new(config.unwrap(), functions, clock).unwrap(), stub)
}

#[tokio::test]
async fn a_function_is_invoked_by_its_version() {
    let (aws, stub) = aws(&[(200, None, r#"{"statusCode":200}"#)]).await;
    let answer = aws.invoke(Function::Oidc, &json!({"version": "2.0"})).await;
    assert_eq!(answer, Ok(json!({"statusCode": 200})));
    let received = stub.received.lock().unwrap();
    let (uri, headers, body) = &received[0];
    assert_eq!(
        uri,
        "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Aoidc%3A7/invocations"
    );
    assert_eq!(body, r#"{"version":"2.0"}"#);
    assert_eq!(headers["x-amz-security-token"], "session");
    assert_eq!(headers["x-amz-date"], "20260101T000000Z");
    let signature = headers["authorization"].to_str().unwrap();
    let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/lambda/aws4_request";
    assert!(signature.starts_with(scope), "{signature}");
}

#[tokio::test]
async fn a_crash_is_reported_without_its_message() {
    let body = r#"{"errorType":"Runtime.ExitError","errorMessage":"Bearer gh_scim_x"}"#;
    let (aws, _) = aws(&[(200, Some("Unhandled"), body)]).await;
    let error = aws.invoke(Function::Scim, &json!({})).await.unwrap_err();
    assert_eq!(error, InvokeError::Crashed("Unhandled Runtime.ExitError".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_is_repeated_and_a_refused_one_is_not() {
    let busy = (429, None, r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"}"#);
    let (busy_twice, stub) = aws(&[busy, busy, (200, None, "{}")]).await;
    assert_eq!(busy_twice.invoke(Function::Scim, &json!({})).await, Ok(json!({})));
    assert_eq!(stub.received.lock().unwrap().len(), 3);

    let denied = (403, None, r#"{"Message":"not authorized to perform lambda:InvokeFunction"}"#);
    let (denied, stub) = aws(&[denied]).await;
    let error = denied.invoke(Function::Scim, &json!({})).await.unwrap_err();
    assert!(error.to_string().contains("status 403: not authorized"), "{error}");
    assert_eq!(stub.received.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_result_is_reported_to_the_deployment_of_the_event() {
    let (aws, stub) = aws(&[(200, None, "{}")]).await;
    let deployment = Deployment { id: "d-1".to_owned(), execution_id: "e-1".to_owned() };
    aws.report(&deployment, Outcome::Failed).await.unwrap();
    aws.report(&deployment, Outcome::Succeeded).await.unwrap();
    let received = stub.received.lock().unwrap();
    for ((uri, headers, body), status) in received.iter().zip(["Failed", "Succeeded"]) {
        assert_eq!(uri, "/");
        assert_eq!(
            headers["x-amz-target"],
            "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus"
        );
        let body: Value = serde_json::from_str(body).unwrap();
        let expected = json!({
            "deploymentId": "d-1", "lifecycleEventHookExecutionId": "e-1", "status": status,
        });
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn the_signature_is_that_of_botocore() {
    let (mut aws, _) = aws(&[(200, None, "{}")]).await;
    aws.config.lambda_endpoint = None;
    let path = format!(
        "{}/2015-03-31/functions/arn%3Aaws%3Alambda%3Afunction%3Ascim%3A7/invocations",
        aws.endpoint(Service::Lambda)
    );
    let mut request = HttpRequest::new(SdkBody::from("{}"));
    request.set_method("POST").unwrap();
    request.set_uri(path).unwrap();
    request.headers_mut().insert("content-type", "application/x-amz-json-1.1");
    sign(&mut request, &aws.config, "lambda", "{}", aws.clock.now()).unwrap();
    let signature = request.headers().get("authorization").unwrap();
    // Computed by botocore for the same request.
    let botocore = "AWS4-HMAC-SHA256 \
                    Credential=AKIDEXAMPLE/20260101/eu-west-1/lambda/aws4_request, \
                    SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, \
                    Signature=cdf29a944f8012fbd127c959f1517c5f87a2dcf7606b953413a8012c1e3dc2c8";
    assert_eq!(signature, botocore);
}
