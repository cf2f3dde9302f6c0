//! The demo is created once and found again.

use std::path::PathBuf;

use secrecy::ExposeSecret as _;

use super::{Demo, FILE};
use crate::dynamodb::Dynamo;
use crate::secrets_manager::SecretsManager;
use shared::clock::Clock;
use shared::config::Config;
use shared::runtime::state::AppState;
use shared::secrets::scim_tokens::TOKEN_LIFE;

const BASE_URL: &str = "http://127.0.0.1:7400";

#[tokio::test]
async fn a_later_start_finds_the_same_demo() {
    let (app, directory) = (app().await, directory("same"));
    let first = Demo::prepare(&app, BASE_URL, Some(&directory)).await.unwrap();
    let again = Demo::prepare(&app, BASE_URL, Some(&directory)).await.unwrap();
    assert_eq!(again.tenant, first.tenant);
    assert_eq!(again.operator_key.expose_secret(), first.operator_key.expose_secret());
    assert_eq!(token(&again), token(&first));
    assert_eq!(app.store.tenants(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_killed_start_is_completed_by_the_next() {
    let (app, directory) = (app().await, directory("half_way"));
    let first = Demo::prepare(&app, BASE_URL, Some(&directory)).await.unwrap();
    // As if the first start had been killed before it wrote the token.
    std::fs::remove_file(directory.join(FILE)).unwrap();
    let again = Demo::prepare(&app, BASE_URL, Some(&directory)).await.unwrap();
    assert_eq!(again.tenant, first.tenant);
    assert_ne!(token(&again), token(&first));
}

#[tokio::test]
async fn a_revoked_token_is_replaced() {
    let (app, directory) = (app().await, directory("revoked"));
    let first = Demo::prepare(&app, BASE_URL, Some(&directory)).await.unwrap();
    app.scim_tokens.revoke_all(first.tenant, app.clock.now()).await.unwrap();
    let again = Demo::prepare(&app, BASE_URL, Some(&directory)).await.unwrap();
    assert_eq!(again.tenant, first.tenant);
    assert_ne!(token(&again), token(&first));
}

#[tokio::test]
async fn two_other_tokens_are_kept() {
    let (app, directory) = (app().await, directory("own"));
    let now = app.clock.now();
    let first = Demo::prepare(&app, BASE_URL, Some(&directory)).await.unwrap();
    app.scim_tokens.revoke_all(first.tenant, now).await.unwrap();
    for _ in 0..2 {
        app.scim_tokens.create(first.tenant, now, now + TOKEN_LIFE).await.unwrap();
    }
    let again = Demo::prepare(&app, BASE_URL, Some(&directory)).await.unwrap();
    assert!(again.scim_token.is_none());
    assert_eq!(app.scim_tokens.list(first.tenant, now).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_deleted_tenant_is_created_again() {
    let (app, directory) = (app().await, directory("deleted"));
    let first = Demo::prepare(&app, BASE_URL, Some(&directory)).await.unwrap();
    app.scim_tokens.revoke_all(first.tenant, app.clock.now()).await.unwrap();
    app.store.delete_tenant(first.tenant).await.unwrap();
    let again = Demo::prepare(&app, BASE_URL, Some(&directory)).await.unwrap();
    assert_ne!(again.tenant, first.tenant);
    assert!(again.scim_token.is_some());
}

#[tokio::test]
async fn the_demo_needs_no_directory() {
    let demo = Demo::prepare(&app().await, BASE_URL, None).await.unwrap();
    assert!(demo.scim_token.is_some());
}

async fn app() -> AppState {
    let config = Config::from_lookup(|name| (name == "GATEHOUSE_TABLE").then(|| "table".into()));
    let app = AppState::new(
        config.unwrap(),
        Clock::standing_at("2026-01-01T00:00:00Z".parse().unwrap()),
        Dynamo::memory().unwrap().client(),
        SecretsManager::memory().client(),
    );
    app.store.create_table().await.unwrap();
    app
}

fn token(demo: &Demo) -> &str {
    demo.scim_token.as_ref().unwrap().reveal()
}

fn directory(test: &str) -> PathBuf {
    let name = format!("gatehouse-demo-{test}-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}
