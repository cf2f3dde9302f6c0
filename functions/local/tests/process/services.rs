//! The embedded AWS services over TCP: SDKs can call them, web pages cannot.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::AttributeValue::S;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::instance::{Instance, command, http};

#[tokio::test]
async fn the_sdks_work_over_tcp() {
    let instance = Instance::ephemeral();
    let table = instance.fact("/aws/table").to_owned();
    let dynamodb = dynamodb_client(&instance);
    dynamodb
        .put_item()
        .table_name(&table)
        .item("pk", S("a".to_owned()))
        .item("sk", S("b".to_owned()))
        .send()
        .await
        .unwrap();
    let key = dynamodb.get_item().table_name(table).key("pk", S("a".to_owned()));
    assert!(key.key("sk", S("b".to_owned())).send().await.unwrap().item().is_some());

    let secrets = secrets_manager_client(&instance);
    secrets.create_secret().name("a").secret_string("1").send().await.unwrap();
    let secret = secrets.get_secret_value().secret_id("a").send().await.unwrap();
    assert_eq!(secret.secret_string(), Some("1"));
    let missing = secrets.get_secret_value().secret_id("b").send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());
}

#[test]
fn a_web_page_cannot_reach_them() {
    let instance = Instance::ephemeral();
    for (endpoint, target) in [
        ("/aws/dynamodb_endpoint", "DynamoDB_20120810.ListTables"),
        ("/aws/secretsmanager_endpoint", "secretsmanager.ListSecrets"),
    ] {
        let send = |headers: &[(&str, &str)]| {
            let headers = [&[("X-Amz-Target", target)], headers].concat();
            http("POST", instance.fact(endpoint), &headers, "{}").0
        };
        assert_eq!(send(&[]), 200);
        assert_eq!(send(&[("Origin", "https://evil.example")]), 403);
        assert_eq!(send(&[("Origin", "null")]), 403);
        assert_eq!(send(&[("Host", "evil.example")]), 403);
        let preflight = http("OPTIONS", instance.fact(endpoint), &[("Origin", "null")], "");
        assert_eq!(preflight.0, 403);
    }
}

#[test]
fn containers_reach_them_on_the_given_address() {
    let instance = Instance::start(&["--ephemeral", "--aws-address", "0.0.0.0"]);
    assert!(instance.fact("/base_url").starts_with("http://127.0.0.1:"));
    let endpoint = instance.fact("/aws/dynamodb_endpoint");
    assert!(endpoint.starts_with("http://0.0.0.0:"), "{endpoint}");
    let list = ("X-Amz-Target", "DynamoDB_20120810.ListTables");
    for host in ["host.docker.internal:7401", "172.17.0.1:7401"] {
        assert_eq!(http("POST", endpoint, &[list, ("Host", host)], "{}").0, 200, "{host}");
    }
    assert_eq!(http("POST", endpoint, &[list, ("Host", "evil.example")], "{}").0, 403);
}

#[test]
fn an_address_of_another_machine_is_reported() {
    let output = command(&["--ephemeral", "--port", "0", "--aws-address", "203.0.113.1"]).output();
    let output = output.unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("203.0.113.1") && text.contains("--aws-address"), "{text}");
}

#[test]
fn an_unknown_operation_is_the_error_of_the_service() {
    let instance = Instance::ephemeral();
    for (endpoint, target, error) in [
        ("/aws/dynamodb_endpoint", "DynamoDB_20120810.Nonsense", "UnknownOperationException"),
        ("/aws/dynamodb_endpoint", "nonsense", "UnknownOperationException"),
        ("/aws/secretsmanager_endpoint", "secretsmanager.Nonsense", "InvalidAction"),
    ] {
        let url = instance.fact(endpoint);
        let (status, body) = http("POST", url, &[("X-Amz-Target", target)], "{}");
        assert_eq!(status, 400);
        assert!(body.contains(error), "{body}");
    }
}

pub(crate) fn dynamodb_client(instance: &Instance) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::from_conf(
        aws_sdk_dynamodb::Config::builder()
            .behavior_version_latest()
            .http_client(
                Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https(),
            )
            .endpoint_url(instance.fact("/aws/dynamodb_endpoint"))
            .region(aws_sdk_dynamodb::config::Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .build(),
    )
}

pub(crate) fn secrets_manager_client(instance: &Instance) -> aws_sdk_secretsmanager::Client {
    aws_sdk_secretsmanager::Client::from_conf(
        aws_sdk_secretsmanager::Config::builder()
            .behavior_version_latest()
            .http_client(
                Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https(),
            )
            .endpoint_url(instance.fact("/aws/secretsmanager_endpoint"))
            .region(aws_sdk_secretsmanager::config::Region::from_static("eu-west-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .build(),
    )
}
