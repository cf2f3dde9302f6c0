//! Every command in the documents works.
//!
//! - Blocks marked `sh` are run, in order and in one shell for each document, against a new
//!   deployment.
//! - A block marked `console` either starts with a line that says what it needs, and then its
//!   commands must parse; or `commands` names the test that runs each command, or why none does.
//! - Commands within a line are looked up in `commands` too.

mod commands;
mod links;
mod logging;
mod provider_move;
mod variables;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::oidc::{App, GOOD, REDIRECT_URI, VERIFIER};
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{OPERATOR_KEY, TestApp, openapi};
use serde_json::{Value, json};
use shared::{oidc_api, saml_api, scim_api};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::commands::{assert_is_executed, assert_parses};
use crate::tidy::{files, text, workspace};

/// A fenced block of a document.
struct Block {
    line: usize,
    /// The word after the opening fence.
    kind: String,
    text: String,
}

/// Returns the documents of the root folder and of `docs`.
fn documents() -> Vec<String> {
    let root = fs::read_dir(workspace()).unwrap();
    let root = root.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let docs = files("docs").into_iter().map(|file| file.to_str().unwrap().to_owned());
    let mut documents: Vec<_> = root
        .chain(docs)
        .filter(|name| name.rsplit_once('.').is_some_and(|(_, kind)| kind == "md"))
        .collect();
    documents.sort();
    assert!(documents.len() > 8, "{documents:?}");
    documents
}

fn blocks(document: &str) -> Vec<Block> {
    let text = fs::read_to_string(workspace().join(document)).unwrap();
    let mut found: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (line, content) in (1..).zip(text.lines()) {
        // In a list, a block is indented.
        let content = content.trim_start();
        match content.strip_prefix("```") {
            Some(kind) if !is_open => {
                found.push(Block { line, kind: kind.to_owned(), text: String::new() });
            }
            None if is_open => {
                let block = found.last_mut().unwrap();
                block.text.push_str(content);
                block.text.push('\n');
            }
            Some(_) | None => {}
        }
        is_open ^= content.starts_with("```");
    }
    assert!(!is_open, "{document}: a block has no end");
    found
}

/// The first line of a block whose commands no test can run.
const NEEDS: [&str; 2] = ["# Needs an AWS account.", "# Needs Docker."];

/// Documents whose `sh` blocks are run by the test of another package.
const ELSEWHERE_WHOLE: [(&str, &str); 1] =
    [("docs/cli.md", "functions/gatehouse/tests/cli/documents.rs")];

/// Returns the commands of a `console` block: the text after `$ `, with continuation lines.
fn commands(block: &str) -> Vec<String> {
    let joined = block.replace("\\\n", " ");
    let commands = joined.lines().filter_map(|line| line.strip_prefix("$ "));
    commands.map(|command| command.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Fails unless the `sh` blocks get a value for the exported variable.
fn assert_is_set(place: &str, assignment: &str) {
    let (name, _) = assignment.split_once('=').unwrap();
    let this = text("tests/it/documents.rs".as_ref()).unwrap();
    let given = this.split("shell.envs([").last().unwrap().split("]);").next().unwrap();
    assert!(given.contains(&format!("(\"{name}\", ")), "{place}: no test sets {name}");
}

#[test]
fn every_block_is_run_or_says_what_it_needs() {
    for document in documents() {
        for Block { line, kind, text: block } in blocks(&document) {
            let place = format!("{document}:{line}");
            let commands = commands(&block);
            match kind.as_str() {
                "sh" | "json" | "js" | "mermaid" | "text" => {
                    assert!(commands.is_empty(), "{place}: commands belong into a `console` block");
                }
                "console" => {
                    assert!(!commands.is_empty(), "{place}: no command");
                    let needs = NEEDS.iter().any(|needs| block.starts_with(&format!("{needs}\n")));
                    for command in commands {
                        match command.strip_prefix("export ") {
                            _ if needs => assert_parses(&place, &command, true),
                            Some(assignment) => assert_is_set(&place, assignment),
                            None => assert_is_executed(&place, &command),
                        }
                    }
                }
                _ => panic!("{place}: unknown kind of block `{kind}`"),
            }
        }
    }
}

/// The acceptance suite runs every program of the folder.
#[test]
fn every_javascript_block_is_a_whole_program_that_a_test_runs() {
    let suite = text("tests/acceptance/suites/sign_in_samples.py".as_ref()).unwrap();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut programs = files("docs/sample-app/node");
    for program in &programs {
        let name = program.file_name().unwrap().to_str().unwrap();
        assert!(suite.contains(&format!("\"{name}\"")), "no test runs {name}");
    }
    for document in documents() {
        for block in blocks(&document).into_iter().filter(|block| block.kind == "js") {
            let is_shown = |program: &PathBuf| words(&text(program).unwrap()) == words(&block.text);
            let shown = programs.iter().position(is_shown);
            let shown = shown.unwrap_or_else(|| panic!("{document}:{}: is no program", block.line));
            programs.remove(shown);
        }
    }
    assert!(programs.is_empty(), "no document shows {programs:?}");
}

#[test]
fn every_error_of_the_openid_provider_is_in_the_document() {
    let page = text("docs/sign-in.md".as_ref()).unwrap();
    let (_, section) = page.split_once("\n## Handle errors\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let source = text("shared/oidc/src/error.rs".as_ref()).unwrap();
    let codes = source.split("=> \"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let codes: Vec<&str> = codes.collect();
    assert!(codes.len() > 10, "{codes:?}");
    for code in codes {
        assert!(section.contains(&format!("| `{code}` |")), "{code}");
    }
}

async fn run(document: &str) {
    let commands: Vec<_> =
        blocks(document).into_iter().filter(|block| block.kind == "sh").collect();
    if let Some((_, test)) = ELSEWHERE_WHOLE.iter().find(|(whole, _)| *whole == document) {
        assert!(text(test.as_ref()).unwrap().contains(document), "{test}");
        return;
    }
    if commands.is_empty() {
        return;
    }
    let deployment = TestApp::with_connection(json!({"jit": true})).await;
    let app = deployment.app(false).await;
    let user = deployment.user("ada@acme.com").await;
    let scopes = GOOD.replace("scope=openid", "scope=openid+offline_access");
    let code = deployment.sign_in(&app, &user, &scopes).await.code;
    let tokens = deployment.tokens(&app, &user, &scopes).await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap().to_owned();
    let (base, server) = serve(&deployment).await;
    // The feed is read with a token of an app, which another document shows how to get.
    let token = match document {
        "docs/events.md" => deployment.directory_token(&app).await,
        _ => deployment.acme.token.clone(),
    };
    let App { client_id, client_secret } = app;
    let script: String = commands.into_iter().map(|block| block.text + "\n").collect();
    let settings = json!({"jit": true, "idp_metadata_xml": metadata::usual(IDP)});
    let mut shell = shell("every-document", &script, &settings);
    shell.envs([
        ("BASE", base),
        ("TOKEN", token),
        ("TENANT", deployment.acme.id.clone()),
        ("OPERATOR_KEY", OPERATOR_KEY.to_owned()),
        ("CLIENT_ID", client_id),
        ("CLIENT_SECRET", client_secret.unwrap()),
        ("REDIRECT_URI", REDIRECT_URI.to_owned()),
        ("CODE", code),
        ("VERIFIER", VERIFIER.to_owned()),
        ("REFRESH_TOKEN", refresh_token),
        ("USER_ID", user),
    ]);
    execute(shell, document).await;
    server.abort();
}

/// Serves a deployment on loopback, where the commands reach it.
async fn serve(deployment: &TestApp) -> (String, JoinHandle<std::io::Result<()>>) {
    let state = deployment.app.clone();
    let router = scim_api::router(state.clone())
        .merge(openapi::router(state.clone()))
        .merge(openapi::directory_router(state.clone()))
        .merge(saml_api::acs_router(state.clone()))
        .merge(saml_api::metadata_router(state.clone()))
        .merge(oidc_api::router(state));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (base, tokio::spawn(async move { axum::serve(listener, router).await }))
}

/// Makes a shell for a script, in a folder that has the file `connection.json`.
fn shell(folder: &str, script: &str, connection: &Value) -> Command {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("connection.json"), connection.to_string()).unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-euxo", "pipefail", "-c", script]).current_dir(folder);
    // Without the variables of the caller, such as a proxy, and without its configuration files.
    shell.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    shell
}

/// Runs a script that succeeds; returns what it prints.
async fn execute(mut shell: Command, document: &str) -> String {
    let output = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{document}:\n{printed}\n{errors}");
    printed
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_works() {
    for document in documents() {
        run(&document).await;
    }
}
