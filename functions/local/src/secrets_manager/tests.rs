//! The embedded service through the SDK client.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use aws_sdk_secretsmanager::Client;

use super::{OpenSecretsError, SecretsManager};

#[tokio::test]
async fn a_secret_changes_and_keeps_its_previous_version() {
    let client = SecretsManager::memory().client();
    client.create_secret().name("a").secret_string("1").send().await.unwrap();
    client.put_secret_value().secret_id("a").secret_string("2").send().await.unwrap();
    assert_eq!(value(&client, "a").await, "2");
    let previous = client.get_secret_value().secret_id("a").version_stage("AWSPREVIOUS");
    assert_eq!(previous.send().await.unwrap().secret_string(), Some("1"));
}

#[tokio::test]
async fn errors_are_those_of_the_sdk() {
    let client = SecretsManager::memory().client();
    let missing = client.get_secret_value().secret_id("a").send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());
    client.create_secret().name("a").secret_string("1").send().await.unwrap();
    let taken = client.create_secret().name("a").secret_string("1").send().await.unwrap_err();
    assert!(taken.into_service_error().is_resource_exists_exception());
}

#[tokio::test]
async fn an_acknowledged_secret_is_on_the_disk_and_private() {
    let directory = directory("answered");
    let client = SecretsManager::open(&directory).await.unwrap().client();
    client.create_secret().name("a").secret_string("1").send().await.unwrap();

    // The first instance still holds its state; only the file connects the two.
    let other = SecretsManager::open(&directory).await.unwrap().client();
    assert_eq!(value(&other, "a").await, "1");
    let mode = std::fs::metadata(directory.join(super::FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    client.put_secret_value().secret_id("a").secret_string("2").send().await.unwrap();
    let other = SecretsManager::open(&directory).await.unwrap().client();
    assert_eq!(value(&other, "a").await, "2");

    client.delete_secret().secret_id("a").force_delete_without_recovery(true).send().await.unwrap();
    let other = SecretsManager::open(&directory).await.unwrap().client();
    assert!(other.list_secrets().send().await.unwrap().secret_list().is_empty());
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn a_change_that_cannot_be_saved_is_not_acknowledged() {
    let directory = directory("unsaved");
    let client = SecretsManager::open(&directory).await.unwrap().client();
    std::fs::remove_dir_all(directory).unwrap();
    let config = client.config().to_builder();
    let once = aws_sdk_secretsmanager::config::retry::RetryConfig::disabled();
    let client = Client::from_conf(config.retry_config(once).build());
    let refused = client.create_secret().name("a").secret_string("1").send().await.unwrap_err();
    assert!(refused.into_service_error().is_internal_service_error());
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_not_changed() {
    let directory = directory("damaged");
    let file = directory.join(super::FILE);
    std::fs::write(&file, "{").unwrap();
    let error = SecretsManager::open(&directory).await.unwrap_err();
    assert!(matches!(error, OpenSecretsError::Damaged(_)), "{error:?}");
    assert_eq!(std::fs::read(&file).unwrap(), b"{");
    std::fs::remove_dir_all(directory).unwrap();
}

async fn value(client: &Client, name: &str) -> String {
    let output = client.get_secret_value().secret_id(name).send().await.unwrap();
    output.secret_string().unwrap().to_owned()
}

fn directory(name: &str) -> PathBuf {
    let name = format!("gatehouse-secrets-{name}-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}
