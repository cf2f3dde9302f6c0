//! Who is let in, and what is said when nobody is.

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
use types::hex::hex;

use crate::deployment::{Deployment, Said, binary, directory, run, serve};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_and_not_repeated() {
    let here = Deployment::new().await;
    let with_key = |json: bool| {
        let mut command =
            here.command(if json { &["tenants", "list", "--json"] } else { &["tenants", "list"] });
        command.env("GATEHOUSE_OPERATOR_KEY", "not-the-key");
        command
    };
    let said = run(with_key(false), "").await;
    assert_eq!((said.code, said.out.as_str()), (3, ""));
    assert!(said.err.contains("the key in GATEHOUSE_OPERATOR_KEY was refused"), "{}", said.err);
    assert!(!said.err.contains("not-the-key"));
    let said = run(with_key(true), "").await;
    let error: Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!(
        (&error["error"]["code"], &error["error"]["exit_code"]),
        (&"refused".into(), &3.into())
    );
    assert!(error["error"]["advice"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_tenant_is_said_with_where_to_look() {
    let here = Deployment::new().await;
    for command in ["tenants show Nobody", "tokens list 01938c2e-0000-7000-8000-000000000000"] {
        let said = here.run(command, 4).await;
        assert!(said.err.contains("gatehouse tenants list"), "{}", said.err);
        assert_eq!(said.out, "");
    }
}

async fn tried(url: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = binary(arguments);
    command.env("GATEHOUSE_URL", url).envs(variables.iter().copied());
    run(command, "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_does_not_answer_is_said_to() {
    // Nobody listens on a port that was just given back.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let key = [("GATEHOUSE_OPERATOR_KEY", "k")];
    let said = tried(&url, &["tenants", "list"], &key).await;
    assert_eq!(said.code, 5);
    assert!(said.err.contains("Connection refused") && said.err.contains("--url"), "{}", said.err);

    // One that takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let said = tried(&url, &["tenants", "list", "--timeout", "1"], &key).await;
    assert_eq!(said.code, 5);
    assert!(said.err.contains("no answer within 1 s"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_gatehouse_is_not_taken_for_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let hits = Arc::new(Mutex::new(Vec::new()));
    let seen = hits.clone();
    serve(
        listener,
        Router::new().fallback(move |request: Request| async move {
            seen.lock().unwrap().push(request.uri().to_string());
            match request.uri().query() {
                // A redirect would take the key along.
                Some(_) => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")], ""),
                None => (StatusCode::OK, [(header::LOCATION, "")], "<html>"),
            }
        }),
    );
    let key = [("GATEHOUSE_OPERATOR_KEY", "k")];
    let said = tried(&url, &["tenants", "list"], &key).await;
    assert_eq!(said.code, 1);
    assert!(said.err.contains("answered 302"), "{}", said.err);
    let said = tried(&url, &["keys", "show"], &key).await;
    assert_eq!(said.code, 1);
    assert!(said.err.contains("something that is not the operator API's"), "{}", said.err);
    assert_eq!(*hits.lock().unwrap(), ["/v1/tenants?limit=100", "/v1/saml-keys"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_on_this_machine_is_found_with_its_key() {
    let here = Deployment::new().await;
    let project = directory("project");
    std::fs::create_dir_all(project.join(".gatehouse")).unwrap();
    std::fs::create_dir_all(project.join("below/it")).unwrap();
    std::fs::write(project.join(".gatehouse/operator-key"), format!("{OPERATOR_KEY}\n")).unwrap();
    for folder in [project.clone(), project.join("below/it")] {
        let mut command = binary(&["tenants", "list", "--url", &here.url]);
        command.current_dir(folder);
        let said = run(command, "").await;
        assert!(said.code == 0 && said.out.contains("Acme"), "{}", said.err);
    }
    // It stays on this machine.
    let mut command = binary(&["tenants", "list", "--url", "https://id.example.com"]);
    command.current_dir(project);
    let said = run(command, "").await;
    assert_eq!(said.code, 3);
    assert!(said.err.contains("aws configure export-credentials"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_ends_with_two() {
    for arguments in [
        &["tenants"][..],
        &["tenants", "list", "--limit", "0"],
        &["tenants", "list", "--url", "id.example.com"],
        &["tenants", "list", "--url", "http://id.example.com"],
        &["seats", "set", "Acme", "--seats", "-1"],
        &["nonsense"],
    ] {
        let said = run(binary(arguments), "").await;
        assert_eq!(said.code, 2, "{arguments:?}: {}", said.err);
        assert!(!said.err.is_empty(), "{arguments:?}");
    }
    let help = run(binary(&["--help"]), "").await;
    assert!(help.code == 0 && help.out.contains("Exit codes:"), "{}", help.out);
}

/// What came to a server in API Gateway's place.
#[derive(Clone, Debug, Default)]
struct Heard {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(known, _)| known == name).unwrap().1
    }

    fn header_is(&self, name: &str, value: &str) -> bool {
        self.headers.iter().any(|(known, is)| known == name && is == value)
    }

    /// The `Authorization` that Signature Version 4 demands for this request: by AWS's description
    /// of it, and by nothing that the tool itself uses.
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
            // Encoded once more than it is sent.
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

/// What one run with AWS credentials sends to a server in API Gateway's place.
async fn signed(arguments: &[&str], variables: &[(&str, &str)]) -> Vec<Heard> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
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
            hearing.lock().unwrap().push(Heard { method, target, headers, body });
            r#"{"id":"01938c2e-0000-7000-8000-000000000000","items":[],"next_cursor":null}"#
        }),
    );
    let said = tried(&format!("http://{address}"), arguments, variables).await;
    assert_eq!(said.code, 0, "{}", said.err);
    heard.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_signed_as_api_gateway_demands() {
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
        let heard = signed(arguments, &variables).await;
        let last = heard.last().unwrap();
        assert_eq!((last.method.as_str(), last.target.as_str()), (method, target));
        for request in &heard {
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
    let heard = signed(&elsewhere, &variables).await;
    assert_eq!(heard[0].header("authorization"), heard[0].signature("us-east-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_out_goes_through_a_proxy_where_there_is_one() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let (mut connection, _) = proxy.accept().await.unwrap();
        let mut first = [0; 32];
        connection.read_exact(&mut first).await.unwrap();
        String::from_utf8_lossy(&first).into_owned()
    });
    let variables = [("GATEHOUSE_OPERATOR_KEY", "k"), ("HTTPS_PROXY", url.as_str())];
    let said = tried("https://id.example.com", &["tenants", "list"], &variables).await;
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(heard.await.unwrap().starts_with("CONNECT id.example.com:443 "));
}
