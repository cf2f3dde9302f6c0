//! A started `local`, and a minimal HTTP client for it.
//!
//! The process has an empty environment and needs no free port of a fixed number, so that nothing
//! of the caller reaches a test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::Value;

/// A running process; killed on drop.
pub(crate) struct Instance {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// The line of `--json`.
    pub(crate) facts: Value,
}

impl Instance {
    /// Starts with empty data in memory.
    pub(crate) fn ephemeral() -> Self {
        Self::start(&["--ephemeral"])
    }

    /// Starts with the data in `directory`.
    pub(crate) fn on(directory: &Path) -> Self {
        Self::start(&["--data", directory.to_str().unwrap()])
    }

    /// Starts with `arguments` and `--json`.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).args(["--json", "--port", "0"]).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        Self { child, stdout, facts: serde_json::from_str(&line).unwrap() }
    }

    /// Returns a value of the `--json` line, by JSON pointer.
    pub(crate) fn fact(&self, pointer: &str) -> &str {
        self.facts.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    /// Sends SIGKILL and waits for the end.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal, by its name in kill(1).
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Waits for the end. Returns the status and the rest of standard output.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary with `arguments` and an empty environment; its output is captured.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.args(arguments).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Creates an empty directory for a test.
pub(crate) fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

/// Sends a request, with a `Host` unless `headers` has one. Returns status and body.
pub(crate) fn http(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    try_http(method, url, headers, body).unwrap()
}

/// Like [`http`], for a server that may have ended: `None` if there is no response.
pub(crate) fn try_http(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(u16, String)> {
    let (authority, path) = split(url);
    let host = (!headers.iter().any(|(name, _)| *name == "Host")).then_some(("Host", authority));
    let length = body.len().to_string();
    let own = [("Connection", "close"), ("Content-Length", length.as_str())];
    let headers: String = host
        .iter()
        .chain(&own)
        .chain(headers)
        .flat_map(|(name, value)| [name, ": ", value, "\r\n"])
        .collect();
    let request = format!("{method} {path} HTTP/1.1\r\n{headers}\r\n{body}");
    let mut connection = TcpStream::connect(authority).ok()?;
    connection.write_all(request.as_bytes()).ok()?;
    let mut response = String::new();
    connection.read_to_string(&mut response).ok()?;
    let (head, body) = response.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().unwrap(), body.to_owned()))
}

/// Splits an `http` URL into authority and path.
pub(crate) fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap();
    let slash = rest.find('/').unwrap_or(rest.len());
    (&rest[..slash], if slash == rest.len() { "/" } else { &rest[slash..] })
}
