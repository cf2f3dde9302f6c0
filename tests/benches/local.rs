//! Measures the CPU time per request of the server `local`, over HTTP.
//!
//! `make bench` builds an optimised `local` and runs this bench. It starts the server with its data
//! in memory, loads users and one large group, and prints a table. Compare machines only by ratios
//! within one run. With `--once` there are few users, each request is sent twice, and no results are
//! saved. Linux only: the CPU time is read from `/proc`.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a bench that cannot run stops")]
#![expect(clippy::cast_precision_loss, reason = "counts are small")]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use harness::bench::{self, patch, user};
use serde_json::{Value, json};

#[path = "local/sign_in.rs"]
mod sign_in;

fn main() {
    // Users before the first measurement, all of them members of the large group.
    let users = if bench::once() { 1_100 } else { 10_000 };
    let mut server = Server::start();
    println!("local: start to first answer {:.0} ms", server.started_in.as_secs_f64() * 1e3);
    let ids = load(&mut server, users);
    println!(
        "{users} users and a group of {users} members loaded; resident memory {} MB\n",
        server.resident_kilobytes() / 1024
    );
    println!("{:<36} {:>9} {:>10} {:>9}", "request", "CPU ms", "wall ms", "goal ms");
    let group = server.group(&ids);
    let small = server.group(&ids[..1]);
    let id = |n: usize| ids[(n * 7_919) % ids.len()].as_str();
    let mut report = Report::default();
    report.row(&mut server, "GET user", 0.06, 4_000, |n| Call::get(&format!("/Users/{}", id(n))));
    report.row(&mut server, "filter userName eq", 0.10, 4_000, |n| {
        let n = (n * 7_919) % users;
        Call::get(&format!("/Users?filter=userName+eq+%22user{n}%40bench.example%22"))
    });
    report.row(&mut server, "POST user", 0.20, 2_000, |n| {
        Call::new("POST", "/Users", Some(&user(users + n)))
    });
    report.row(&mut server, "PATCH user", 0.15, 2_000, |n| {
        let body = patch(&json!([{"op": "replace", "path": "title", "value": format!("T{n}")}]));
        Call::new("PATCH", &format!("/Users/{}", id(n)), Some(&body))
    });
    for (name, start) in [("start", 1), ("middle", users / 2), ("end", users - 100)] {
        let path = format!("/Users?startIndex={start}&count=100");
        report
            .row(&mut server, &format!("list 100 at the {name}"), 0.50, 300, |_| Call::get(&path));
    }
    // Adds and removes one member in turn, so that the group keeps its size.
    for (size, group, first) in [(1, &small, "add"), (users, &group, "remove")] {
        let name = format!("add or remove one of a {size}-member group");
        report.row(&mut server, &name, 0.20, 2_000, |n| {
            let adds = (n % 2 == 0) == (first == "add");
            member(group, &ids[1 + n / 2], adds)
        });
    }
    server.connect();
    // The first sign-in creates the user.
    let first = server.responses(1);
    server.call(&first[0]);
    let responses = server.responses(count(500));
    report.row(&mut server, "POST SAML response", None, 500, |n| responses[n].clone());
    println!("\nresident memory {} MB", server.resident_kilobytes() / 1024);
    if !bench::once() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-local.json");
        fs::write(file, Value::from(report.0).to_string()).unwrap();
    }
}

fn member(group: &str, id: &str, adds: bool) -> Call {
    let operation = if adds {
        json!({"op": "add", "path": "members", "value": [{"value": id}]})
    } else {
        json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})
    };
    change(group, &json!([operation]))
}

fn change(group: &str, operations: &Value) -> Call {
    let path = format!("/Groups/{group}?excludedAttributes=members");
    Call::new("PATCH", &path, Some(&patch(operations)))
}

fn load(server: &mut Server, users: usize) -> Vec<String> {
    let mut ids: Vec<String> = (0..users)
        .map(|n| {
            let answer = server.call(&Call::new("POST", "/Users", Some(&user(n))));
            answer["id"].as_str().unwrap().to_owned()
        })
        .collect();
    ids.sort();
    ids
}

/// Returns the number of requests to send: all, or two with `--once`.
fn count(requests: usize) -> usize {
    if bench::once() { 2 } else { requests }
}

#[derive(Default)]
struct Report(Vec<Value>);

impl Report {
    fn row(
        &mut self,
        server: &mut Server,
        name: &str,
        goal_ms: impl Into<Option<f64>>,
        requests: usize,
        call: impl Fn(usize) -> Call,
    ) {
        let requests = count(requests);
        let calls: Vec<Call> = (0..requests).map(call).collect();
        let (cpu, started) = (server.cpu(), Instant::now());
        for call in &calls {
            server.call(call);
        }
        let each = |spent: Duration| spent.as_secs_f64() * 1e3 / requests as f64;
        let (cpu_ms, wall_ms) = (each(server.cpu().saturating_sub(cpu)), each(started.elapsed()));
        let goal_ms: Option<f64> = goal_ms.into();
        let goal = goal_ms.map_or_else(|| "-".to_owned(), |goal| format!("{goal:.2}"));
        println!("{name:<36} {cpu_ms:>9.3} {wall_ms:>10.3} {goal:>9}");
        self.0.push(
            json!({"request": name, "cpu_ms": cpu_ms, "wall_ms": wall_ms, "goal_ms": goal_ms}),
        );
    }
}

#[derive(Clone)]
struct Call(String);

impl Call {
    fn raw(method: &str, path: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let headers = if headers.is_empty() { String::new() } else { format!("{headers}\r\n") };
        Self(format!(
            "{method} {path} HTTP/1.1\r\n{headers}content-length: {length}\r\nHOST\r\n\r\n{body}"
        ))
    }

    fn get(path: &str) -> Self {
        Self::new("GET", path, None)
    }

    fn new(method: &str, path: &str, body: Option<&Value>) -> Self {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let path = path.replace(' ', "%20").replace('"', "%22");
        let mut request = format!("{method} /scim/v2{path} HTTP/1.1\r\n");
        write!(
            request,
            "content-type: application/scim+json\r\ncontent-length: {}\r\n",
            body.len()
        )
        .unwrap();
        Self(format!("{request}AUTH\r\n\r\n{body}"))
    }
}

/// An answer with its header lines.
struct Reply {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Reply {
    /// Returns the value of a header, which must exist.
    fn header(&self, name: &str) -> &str {
        let of = |line: &&String| {
            line.split_once(':').is_some_and(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        self.headers.iter().find(of).unwrap().split_once(':').unwrap().1.trim()
    }
}

struct Server {
    process: Child,
    connection: BufReader<TcpStream>,
    /// The JSON that the server has printed.
    facts: Value,
    host: String,
    headers: String,
    started_in: Duration,
}

impl Server {
    fn start() -> Self {
        let started = Instant::now();
        let mut process = Command::new(bench::local())
            .args(["--ephemeral", "--port", "0", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let facts: Value = serde_json::from_str(&line).unwrap();
        let address = facts["base_url"].as_str().unwrap().trim_start_matches("http://").to_owned();
        let token = facts["scim"]["token"].as_str().unwrap();
        let connection = TcpStream::connect(&address).unwrap();
        connection.set_nodelay(true).unwrap();
        let host = format!("host: {address}");
        let headers = format!("{host}\r\nauthorization: Bearer {token}");
        let connection = BufReader::new(connection);
        let started_in = Duration::ZERO;
        let mut server = Self { process, connection, facts, host, headers, started_in };
        server.call(&Call::get("/ServiceProviderConfig"));
        server.started_in = started.elapsed();
        server
    }

    /// Sends a request that must succeed; returns its JSON, or null if the body is not JSON.
    fn call(&mut self, call: &Call) -> Value {
        let Reply { status, body, .. } = self.exchange(call);
        assert!((200..400).contains(&status), "{status} {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap_or_default()
    }

    fn exchange(&mut self, call: &Call) -> Reply {
        let line = |text: &str| format!("\r\n{text}\r\n");
        let request = call.0.replacen(&line("AUTH"), &line(&self.headers), 1);
        let request = request.replacen(&line("HOST"), &line(&self.host), 1);
        self.connection.get_mut().write_all(request.as_bytes()).unwrap();
        let mut status = String::new();
        self.connection.read_line(&mut status).unwrap();
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        let mut reply = Reply { status, headers: Vec::new(), body: Vec::new() };
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.connection.read_line(&mut line).unwrap();
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            reply.headers.push(line.to_owned());
        }
        reply.body = vec![0; length];
        self.connection.read_exact(&mut reply.body).unwrap();
        reply
    }

    fn group(&mut self, ids: &[String]) -> String {
        let name = format!("group of {}", ids.len());
        let members: Vec<Value> =
            ids[..ids.len().min(1_000)].iter().map(|id| json!({"value": id})).collect();
        let body = json!({"displayName": name, "members": members});
        let path = "/Groups?excludedAttributes=members";
        let made = self.call(&Call::new("POST", path, Some(&body)));
        let group = made["id"].as_str().unwrap().to_owned();
        for chunk in ids.get(1_000..).unwrap_or_default().chunks(1_000) {
            let members: Vec<Value> = chunk.iter().map(|id| json!({"value": id})).collect();
            self.call(&change(
                &group,
                &json!([{"op": "add", "path": "members", "value": members}]),
            ));
        }
        group
    }

    /// Returns the CPU time of all threads of the server.
    fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let nanoseconds = tasks.filter_map(|task| {
            let schedstat = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            schedstat.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    fn resident_kilobytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
