//! A deployment that listens, and the binary that talks to it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use harness::{OPERATOR_KEY, TestApp, openapi};
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::Value;
use shared::clock::Clock;
use shared::{oidc_api, saml_api};
use tokio::net::TcpListener;

/// A deployment on a port of its own.
pub(crate) struct Deployment {
    pub(crate) test: TestApp,
    pub(crate) url: String,
}

impl Deployment {
    /// With one tenant, "Acme", and nothing in it.
    pub(crate) async fn new() -> Self {
        Self::of(TestApp::new().await).await
    }

    /// Of any state. It says that it is the time of the state's clock.
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

    /// In our time, under the URL that it answers at.
    pub(crate) async fn today() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let test = TestApp::with(|config| config.base_url = Some(url.clone())).await;
        let start = test.clock.now();
        test.clock.advance(Clock::system().now().duration_since(start).unsigned_abs());
        serve(listener, router(&test));
        Self { test, url }
    }

    /// Runs the binary as the operator, and expects it to end with this code.
    pub(crate) async fn run(&self, arguments: &str, code: i32) -> Said {
        self.run_with(arguments, "", code).await
    }

    /// The same with something on standard input.
    pub(crate) async fn run_with(&self, arguments: &str, input: &str, code: i32) -> Said {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let said = run(self.command(&words), input).await;
        assert_eq!(said.code, code, "{arguments}\n{}\n{}", said.out, said.err);
        said
    }

    /// Runs it for people and for programs; gives both.
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

/// What the tool and its doctor ask for.
fn router(test: &TestApp) -> Router {
    openapi::router(test.app.clone())
        .merge(saml_api::metadata_router(test.app.clone()))
        .merge(oidc_api::router(test.app.clone()))
}

/// What the binary said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// The value beside a name in text for people.
    pub(crate) fn field(&self, name: &str) -> &str {
        let line = self.out.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no {name}: {}", self.out)).trim_start_matches(name).trim()
    }
}

/// The binary in an environment of its own, with nothing of ours.
pub(crate) fn binary(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    command.args(arguments).env_clear().current_dir(directory("nowhere"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end, beside the servers of the test.
pub(crate) async fn run(mut command: Command, input: &str) -> Said {
    let input = input.to_owned();
    let ran = tokio::task::spawn_blocking(move || -> Output {
        use std::io::Write as _;

        let mut child = command.spawn().unwrap();
        // Who reads nothing may be gone.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    });
    let Output { status, stdout, stderr } = ran.await.unwrap();
    Said {
        code: status.code().unwrap(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// Serves until the test ends.
pub(crate) fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

/// A directory for what a test writes.
pub(crate) fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}
