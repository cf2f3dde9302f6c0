//! Runs every command of docs/cli.md, in order, against one deployment.

use std::path::Path;
use std::process::{Command, Stdio};

use harness::browser::{Browser, draft};
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{OPERATOR_KEY, TestApp};
use serde_json::json;

use crate::deployment::{Deployment, directory, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_document_work() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    let response = draft(Some(&request)).response();
    browser.respond(&test, &response).await.expect(200);
    let reference = test.sign_ins().await[0]["reference"].as_str().unwrap().to_owned();
    let deployment = Deployment::of(test).await;

    let folder = directory("document");
    for entry in std::fs::read_dir(&folder).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    std::fs::write(folder.join("response.xml"), response).unwrap();
    std::fs::write(folder.join("idp.xml"), metadata::usual(IDP)).unwrap();

    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let page = std::fs::read_to_string(document).unwrap();
    let blocks: Vec<&str> =
        page.split("\n```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect();
    assert!(blocks.len() > 5, "{}", blocks.len());
    let binary = Path::new(env!("CARGO_BIN_EXE_gatehouse")).parent().unwrap().to_str().unwrap();
    let path = format!("{binary}:{}", std::env::var_os("PATH").unwrap().to_str().unwrap());
    for block in blocks {
        let mut shell = Command::new("bash");
        shell
            .args(["-euo", "pipefail", "-c", block])
            .env_clear()
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env("PATH", &path)
            .env("REFERENCE", &reference)
            .env("GATEHOUSE_URL", &deployment.url)
            .env("GATEHOUSE_OPERATOR_KEY", OPERATOR_KEY);
        let outcome = run(shell, "").await;
        assert_eq!(outcome.code, 0, "{block}\n{}\n{}", outcome.out, outcome.err);
    }
}
