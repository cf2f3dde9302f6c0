//! Starts a function as Lambda does and reads its CPU time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::runtime_api::RuntimeApi;
use crate::server::Server;
use crate::tls::{Authority, Endpoint};

/// An executable and its request.
pub(crate) struct Function<'a> {
    executable: PathBuf,
    event: String,
    server: &'a Server,
    authority: &'a Authority,
}

impl<'a> Function<'a> {
    /// Returns a function that was built for this processor.
    pub(crate) fn new(
        name: &str,
        event: String,
        server: &'a Server,
        authority: &'a Authority,
    ) -> Self {
        let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/lambda").join(processor);
        Self { executable: packed.join(name).join("bootstrap"), event, server, authority }
    }

    /// Starts the function without a request; returns the CPU time until it asks for one.
    pub(crate) fn first_poll(&self) -> Duration {
        let runtime_api = RuntimeApi::new();
        let process = self.start(&runtime_api, &self.dynamodb(), &self.secrets_manager());
        runtime_api.poll();
        process.stop();
        process.cpu_when_all_are('T')
    }

    /// Starts the function without a request and without answers from Secrets Manager; returns the
    /// CPU time until the answer to its first call of DynamoDB.
    pub(crate) fn first_call(&self) -> Duration {
        let runtime_api = RuntimeApi::new();
        let dynamodb = self.dynamodb();
        let answers = dynamodb.open();
        let process = self.start(&runtime_api, &dynamodb, &self.secrets_manager());
        answers.recv().unwrap();
        process.cpu_when_all_are(WAITING)
    }

    /// Starts the function with a waiting request; returns the CPU time until its answer, and from
    /// there to the answer to a second request.
    pub(crate) fn answers(&self) -> (Duration, Duration) {
        let runtime_api = RuntimeApi::new();
        let (dynamodb, secrets_manager) = (self.dynamodb(), self.secrets_manager());
        dynamodb.open();
        secrets_manager.open();
        runtime_api.invoke(&self.event);
        let process = self.start(&runtime_api, &dynamodb, &secrets_manager);
        self.check(&runtime_api.answer());
        let first = process.cpu_when_all_are(WAITING);
        runtime_api.invoke(&self.event);
        self.check(&runtime_api.answer());
        (first, process.cpu_when_all_are(WAITING).saturating_sub(first))
    }

    /// Starts the function and answers its first request, so that everything is warm.
    pub(crate) fn serve(&self) -> Running {
        let runtime_api = RuntimeApi::new();
        let (dynamodb, secrets_manager) = (self.dynamodb(), self.secrets_manager());
        dynamodb.open();
        secrets_manager.open();
        let process = self.start(&runtime_api, &dynamodb, &secrets_manager);
        let running = Running { runtime_api, process, endpoints: [dynamodb, secrets_manager] };
        self.check(&running.answer(&self.event));
        running
    }

    fn dynamodb(&self) -> Endpoint {
        self.authority.endpoint(self.server.address("/aws/dynamodb_endpoint"))
    }

    fn secrets_manager(&self) -> Endpoint {
        self.authority.endpoint(self.server.address("/aws/secretsmanager_endpoint"))
    }

    /// Starts the executable with the variables that Lambda and the template set.
    fn start(&self, runtime_api: &RuntimeApi, dynamodb: &Endpoint, secrets: &Endpoint) -> Process {
        let mut command = Command::new(&self.executable);
        command
            .env_clear()
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "bench")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .env("AWS_LAMBDA_RUNTIME_API", &runtime_api.address)
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
            .env("AWS_SESSION_TOKEN", "token")
            .env("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb.url)
            .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.url)
            .env("GATEHOUSE_NATIVE_ROOTS", "1")
            .env("SSL_CERT_FILE", &self.authority.trusted)
            .env("GATEHOUSE_STAGE", "local")
            .env("GATEHOUSE_TABLE", self.server.fact("/aws/table"))
            .env("RUST_LOG", "info")
            .stderr(Stdio::null());
        Process(command.spawn().unwrap())
    }

    fn check(&self, answer: &str) {
        let status = serde_json::from_str::<Value>(answer).unwrap()["statusCode"].as_u64();
        assert!(
            status.is_some_and(|status| status < 400),
            "{}: {answer}",
            self.executable.display()
        );
    }
}

/// A function that answers one request after the other.
pub(crate) struct Running {
    runtime_api: RuntimeApi,
    process: Process,
    #[expect(dead_code, reason = "the function calls them as long as it runs")]
    endpoints: [Endpoint; 2],
}

impl Running {
    /// Sends an event; returns the answer.
    pub(crate) fn answer(&self, event: &str) -> String {
        self.runtime_api.invoke(event);
        self.runtime_api.answer()
    }

    /// The CPU time of the process so far. Waits until it has nothing to do.
    pub(crate) fn cpu(&self) -> Duration {
        self.process.cpu_when_all_are(WAITING)
    }
}

/// A process that is killed when it is dropped.
struct Process(Child);

impl Process {
    /// Suspends the process.
    fn stop(&self) {
        kill_process(Pid::from_child(&self.0), Signal::STOP).unwrap();
    }

    /// Waits until all threads are in a state and stay there; returns their CPU time. The kernel adds
    /// the time of a thread when it leaves the processor.
    fn cpu_when_all_are(&self, state: char) -> Duration {
        let (mut before, mut same) = (None, 0);
        while same < 4 {
            thread::sleep(POLL_INTERVAL);
            let now = self.cpu_if_all_are(state);
            same = if now.is_some() && now == before { same + 1 } else { 0 };
            before = now;
        }
        before.unwrap_or_default()
    }

    fn cpu_if_all_are(&self, wanted: char) -> Option<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.0.id())).ok()? {
            let task = task.ok()?.path();
            let stat = fs::read_to_string(task.join("stat")).ok()?;
            let (_, state) = stat.rsplit_once(") ")?;
            if !state.starts_with(wanted) {
                return None;
            }
            let schedstat = fs::read_to_string(task.join("schedstat")).ok()?;
            nanoseconds += schedstat.split(' ').next()?.parse::<u64>().ok()?;
        }
        Some(Duration::from_nanos(nanoseconds))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The state of a waiting thread in `/proc`.
const WAITING: char = 'S';

/// Time between two reads of the state.
const POLL_INTERVAL: Duration = Duration::from_millis(2);
