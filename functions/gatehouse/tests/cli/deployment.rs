//! A deployment on a local port, and the binary that calls it.
//!
//! The binary runs with an empty environment and outside of the checkout, so that nothing of the
//! caller, such as the operator key of a `make run`, reaches a test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use harness::{OPERATOR_KEY, TestApp, openapi};
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::Value;
use tokio::net::TcpListener;

use shared::clock::Clock;
use shared::{oidc_api, saml_api};

/// A deployment on a free port.
pub(crate) struct Deployment {
    pub(crate) test: TestApp,
    pub(crate) url: String,
}

impl Deployment {
    /// A deployment with one empty tenant, "Acme".
    pub(crate) async fn new() -> Self {
        Self::of(TestApp::new().await).await
    }

    /// A deployment with the state of `test`. Its header `Date` follows the clock of `test`.
    pub(crate) async fn of(test: TestApp) -> Self {
        let clock = test.clock.clone();
        let dated = from_fn(move |request: Request, next: Next| {
            let now = DateTimePrinter::new().timestamp_to_rfc9110_string(&clock.now()).unwrap();
            async move {
                let mut response = next.run(request).await;
                response.headers_mut().insert(header::DATE, HeaderValue::from_str(&now).unwrap());
                response
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        serve(listener, router(&test).layer(dated));
        Self { test, url }
    }

    /// A deployment whose clock shows the current time, and whose base URL is its address.
    pub(crate) async fn today() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let test = TestApp::with(|config| config.base_url = Some(url.clone())).await;
        let start = test.clock.now();
        test.clock.advance(Clock::system().now().duration_since(start).unsigned_abs());
        serve(listener, router(&test));
        Self { test, url }
    }

    /// Runs the binary as the operator and expects this exit code.
    pub(crate) async fn run(&self, arguments: &str, code: i32) -> Outcome {
        self.run_with(arguments, "", code).await
    }

    /// The same, with standard input.
    pub(crate) async fn run_with(&self, arguments: &str, input: &str, code: i32) -> Outcome {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let outcome = run(self.command(&words), input).await;
        assert_eq!(outcome.code, code, "{arguments}\n{}\n{}", outcome.out, outcome.err);
        outcome
    }

    /// Runs the command without and with `--json`. Returns the text and the JSON.
    pub(crate) async fn both(&self, arguments: &str) -> (String, Value) {
        let text = self.run(arguments, 0).await;
        assert!(serde_json::from_str::<Value>(&text.out).is_err(), "{arguments}: {}", text.out);
        let json = self.run(&format!("{arguments} --json"), 0).await;
        (text.out, json.json())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = binary(arguments);
        command.env("GATEHOUSE_URL", &self.url).env("GATEHOUSE_OPERATOR_KEY", OPERATOR_KEY);
        command
    }
}

/// The routes that the tool calls.
fn router(test: &TestApp) -> Router {
    openapi::router(test.app.clone())
        .merge(saml_api::metadata_router(test.app.clone()))
        .merge(oidc_api::router(test.app.clone()))
}

/// Exit code and output of the binary.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// The value beside a name in the text output.
    pub(crate) fn field(&self, name: &str) -> &str {
        let line = self.out.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no {name}: {}", self.out)).trim_start_matches(name).trim()
    }
}

/// The binary with an empty environment, in the root folder: no checkout, and so no `.gatehouse`,
/// is above it.
pub(crate) fn binary(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    command.args(arguments).env_clear().current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end while the servers of the test run on.
pub(crate) async fn run(mut command: Command, input: &str) -> Outcome {
    let input = input.to_owned();
    let ran = tokio::task::spawn_blocking(move || -> Output {
        use std::io::Write as _;

        let mut child = command.spawn().unwrap();
        // A command that reads no input may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    });
    let Output { status, stdout, stderr } = ran.await.unwrap();
    Outcome {
        code: status.code().unwrap(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// Serves in the background until the test ends.
pub(crate) fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

/// A directory for the files of a test.
pub(crate) fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}
