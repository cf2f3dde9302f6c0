//! Every command in the documents works.
//!
//! A block that is marked `sh` is run, in its document's order, against a fresh deployment. One
//! that is marked `console` shows what starts a server or needs an AWS account, and is not.

use std::fs;
use std::process::Command;

use harness::{OPERATOR_KEY, TestApp};
use shared::{oidc_api, operator_api, saml_api, scim_api};
use tokio::net::TcpListener;

use crate::tidy::workspace;

/// The blocks of a document that are marked `sh`.
fn commands(document: &str) -> Vec<String> {
    let text = fs::read_to_string(workspace().join(document)).unwrap();
    let blocks = text.split("\n```sh\n").skip(1);
    blocks.map(|block| block.split("\n```").next().unwrap().to_owned()).collect()
}

async fn check(document: &str) {
    let deployment = TestApp::new().await;
    let app = &deployment.app;
    let router = scim_api::router(app.clone())
        .merge(operator_api::router(app.clone()))
        .merge(saml_api::acs_router(app.clone()))
        .merge(saml_api::metadata_router(app.clone()))
        .merge(oidc_api::router(app.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let commands = commands(document);
    assert!(!commands.is_empty(), "{document} has no commands");
    for command in commands {
        let mut shell = Command::new("bash");
        shell
            .args(["-euo", "pipefail", "-c", &command])
            .env("BASE", &base)
            .env("TOKEN", &deployment.acme.token)
            .env("TENANT", &deployment.acme.id)
            .env("OPERATOR_KEY", OPERATOR_KEY);
        let output = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
        assert!(
            output.status.success(),
            "{document}:\n{command}\n{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
    }
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_readme_work() {
    check("README.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_scim_document_work() {
    check("docs/scim.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_operator_document_work() {
    check("docs/operator-api.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_sign_in_document_work() {
    check("docs/sign-in.md").await;
}
