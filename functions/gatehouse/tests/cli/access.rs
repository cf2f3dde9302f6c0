//! Access: credentials, signatures, unreachable deployments, and their errors.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use harness::OPERATOR_KEY;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::deployment::{Deployment, Outcome, binary, directory, run, serve};
use types::hex::hex;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_and_not_printed() {
    let deployment = Deployment::new().await;
    let with_key = |json: bool| {
        let mut command = deployment.command(if json {
            &["tenants", "list", "--json"]
        } else {
            &["tenants", "list"]
        });
        command.env("GATEHOUSE_OPERATOR_KEY", "not-the-key");
        command
    };
    let outcome = run(with_key(false), "").await;
    assert_eq!((outcome.code, outcome.out.as_str()), (3, ""));
    assert!(
        outcome.err.contains("the key in GATEHOUSE_OPERATOR_KEY was refused"),
        "{}",
        outcome.err
    );
    assert!(!outcome.err.contains("not-the-key"));
    let outcome = run(with_key(true), "").await;
    let error: Value = serde_json::from_str(&outcome.err).unwrap();
    assert_eq!(
        (&error["error"]["code"], &error["error"]["exit_code"]),
        (&"refused".into(), &3.into())
    );
    assert!(error["error"]["advice"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_for_an_unknown_tenant_says_how_to_list_tenants() {
    let deployment = Deployment::new().await;
    for command in ["tenants show Nobody", "tokens list 01938c2e-0000-7000-8000-000000000000"] {
        let outcome = deployment.run(command, 4).await;
        assert!(outcome.err.contains("gatehouse tenants list"), "{}", outcome.err);
        assert_eq!(outcome.out, "");
    }
}

async fn run_against(url: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let mut command = binary(arguments);
    command.env("GATEHOUSE_URL", url).envs(variables.iter().copied());
    run(command, "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_for_an_unreachable_deployment_says_what_to_check() {
    // No process listens on a port that was just released.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let key = [("GATEHOUSE_OPERATOR_KEY", "k")];
    let outcome = run_against(&url, &["tenants", "list"], &key).await;
    assert_eq!(outcome.code, 5);
    assert!(
        outcome.err.contains("Connection refused") && outcome.err.contains("--url"),
        "{}",
        outcome.err
    );

    // A server that accepts the connection and does not respond.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let outcome = run_against(&url, &["tenants", "list", "--timeout", "1"], &key).await;
    assert_eq!(outcome.code, 5);
    assert!(outcome.err.contains("no response within 1 s"), "{}", outcome.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_gatehouse_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let hits = Arc::new(Mutex::new(Vec::new()));
    let seen = hits.clone();
    serve(
        listener,
        Router::new().fallback(move |request: Request| async move {
            seen.lock().unwrap().push(request.uri().to_string());
            match request.uri().query() {
                // Following the redirect would send the key.
                Some(_) => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")], ""),
                None => (StatusCode::OK, [(header::LOCATION, "")], "<html>"),
            }
        }),
    );
    let key = [("GATEHOUSE_OPERATOR_KEY", "k")];
    let outcome = run_against(&url, &["tenants", "list"], &key).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("responded with 302"), "{}", outcome.err);
    let outcome = run_against(&url, &["keys", "show"], &key).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("a body that is not the operator API's"), "{}", outcome.err);
    assert_eq!(*hits.lock().unwrap(), ["/v1/tenants?limit=100", "/v1/saml-keys"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_make_run_is_found_in_the_folder_and_above() {
    let deployment = Deployment::new().await;
    let project = directory("project");
    std::fs::create_dir_all(project.join(".gatehouse")).unwrap();
    std::fs::create_dir_all(project.join("below/it")).unwrap();
    std::fs::write(project.join(".gatehouse/operator-key"), format!("{OPERATOR_KEY}\n")).unwrap();
    for folder in [project.clone(), project.join("below/it")] {
        let mut command = binary(&["tenants", "list", "--url", &deployment.url]);
        command.current_dir(folder);
        let outcome = run(command, "").await;
        assert!(outcome.code == 0 && outcome.out.contains("Acme"), "{}", outcome.err);
    }
    // The key is not sent to another machine.
    let mut command = binary(&["tenants", "list", "--url", "https://id.example.com"]);
    command.current_dir(project);
    let outcome = run(command, "").await;
    assert_eq!(outcome.code, 3);
    assert!(outcome.err.contains("aws configure export-credentials"), "{}", outcome.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_command_line_ends_with_exit_code_2() {
    for arguments in [
        &["tenants"][..],
        &["tenants", "list", "--limit", "0"],
        &["tenants", "list", "--url", "id.example.com"],
        &["tenants", "list", "--url", "http://id.example.com"],
        &["seats", "set", "Acme", "--seats", "-1"],
        &["nonsense"],
    ] {
        let outcome = run(binary(arguments), "").await;
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.err);
        assert!(outcome.err.contains("--help") || outcome.err.contains("https"), "{}", outcome.err);
        let with_json = run(binary(&[arguments, &["--json"]].concat()), "").await;
        let error: Value = serde_json::from_str(&with_json.err).unwrap();
        assert_eq!((&error["error"]["code"], with_json.code), (&"usage".into(), 2), "{error}");
    }
    let help = run(binary(&["--help"]), "").await;
    assert!(help.code == 0 && help.out.contains("Exit codes:"), "{}", help.out);
}

/// A request that a stand-in for API Gateway received.
#[derive(Clone, Debug, Default)]
struct Received {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(known, _)| known == name).unwrap().1
    }

    fn header_is(&self, name: &str, value: &str) -> bool {
        self.headers.iter().any(|(known, is)| known == name && is == value)
    }

    /// Computes the `Authorization` header that Signature Version 4 requires for this request. It
    /// follows the description of AWS and shares no code with the tool.
    fn signature(&self, region: &str) -> String {
        let date = self.header("x-amz-date");
        let signed = self.header("authorization").split("SignedHeaders=").nth(1).unwrap();
        let signed = signed.split(',').next().unwrap();
        let lines = signed.split(';').map(|name| [name, ":", self.header(name), "\n"].concat());
        let headers: String = lines.collect();
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let mut query: Vec<&str> = query.split('&').collect();
        query.sort_unstable();
        let canonical = [
            self.method.as_str(),
            // The canonical path is encoded twice.
            &path.replace('%', "%25"),
            &query.join("&"),
            &headers,
            signed,
            &hex(&Sha256::digest(&self.body)),
        ]
        .join("\n");
        let day = &date[..8];
        let scope = format!("{day}/{region}/execute-api/aws4_request");
        let text =
            format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        let mut key = format!("AWS4{SECRET}").into_bytes();
        for part in [day, region, "execute-api", "aws4_request", &text] {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(part.as_bytes());
            key = mac.finalize().into_bytes().to_vec();
        }
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={signed}, Signature={}",
            hex(&key)
        )
    }
}

/// Runs the tool with AWS credentials. Returns the requests that a stand-in for API Gateway
/// received.
async fn receive(arguments: &[&str], variables: &[(&str, &str)]) -> Vec<Received> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let received = Arc::new(Mutex::new(Vec::new()));
    let receiving = received.clone();
    serve(
        listener,
        Router::new().fallback(move |request: Request| async move {
            let (parts, body) = request.into_parts();
            let headers = parts.headers.iter();
            let headers = headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
            let (method, target) = (parts.method.to_string(), parts.uri.to_string());
            receiving.lock().unwrap().push(Received { method, target, headers, body });
            r#"{"id":"01938c2e-0000-7000-8000-000000000000","items":[],"next_cursor":null}"#
        }),
    );
    let outcome = run_against(&format!("http://{address}"), arguments, variables).await;
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    received.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_signed_as_api_gateway_requires() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", "a/session+token=="),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
    ];
    let tenant = "01938c2e-0000-7000-8000-000000000000";
    for (arguments, method, target) in [
        (
            &["tenants", "list", "--cursor", "a b/=&~"][..],
            "GET",
            "/v1/tenants?limit=100&cursor=a%20b%2F%3D%26~",
        ),
        (&["tenants", "create", "Globex"], "POST", "/v1/tenants"),
        (
            &["connections", "show", tenant, "a b/c"],
            "GET",
            "/v1/tenants/01938c2e-0000-7000-8000-000000000000/connections/a%20b%2Fc",
        ),
    ] {
        let received = receive(arguments, &variables).await;
        let last = received.last().unwrap();
        assert_eq!((last.method.as_str(), last.target.as_str()), (method, target));
        for request in &received {
            assert_eq!(request.header("authorization"), request.signature("eu-central-1"));
            let signed = request.header("authorization");
            for name in ["host", "x-amz-date", "x-amz-security-token"] {
                assert!(signed.contains(name), "{name}: {signed}");
            }
            assert_eq!(request.header("x-amz-security-token"), "a/session+token==");
        }
        assert_eq!(last.method == "POST", last.header_is("content-type", "application/json"));
    }
    let elsewhere = ["tenants", "list", "--region", "us-east-1"];
    let received = receive(&elsewhere, &variables).await;
    assert_eq!(received[0].header("authorization"), received[0].signature("us-east-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_through_the_configured_proxy() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let (mut connection, _) = proxy.accept().await.unwrap();
        let mut first = [0; 32];
        connection.read_exact(&mut first).await.unwrap();
        String::from_utf8_lossy(&first).into_owned()
    });
    let variables = [("GATEHOUSE_OPERATOR_KEY", "k"), ("HTTPS_PROXY", url.as_str())];
    let outcome = run_against("https://id.example.com", &["tenants", "list"], &variables).await;
    assert_eq!(outcome.code, 5, "{}", outcome.err);
    assert!(heard.await.unwrap().starts_with("CONNECT id.example.com:443 "));
}
