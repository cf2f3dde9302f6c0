//! Measures the CPU time per request inside the released function `scim`: what Lambda bills.
//!
//! One process answers many requests of each kind, and the mean is printed beside its goal. Other
//! processes evict caches, which adds time: compare only within one run. With `--once` each request
//! is sent twice.

use harness::bench::{self, patch, user};
use serde_json::{Value, json};

use crate::event;
use crate::function::{Function, Running};
use crate::server::Server;
use crate::tls::Authority;

/// Users before the first measurement.
const USERS: usize = 1_000;

/// Requests of each kind.
const REQUESTS: usize = 1_000;

/// Prints the table of all requests. `first_request` warms the function up.
pub(crate) fn measure(server: &Server, authority: &Authority, first_request: String) {
    let users = if bench::once() { 120 } else { USERS };
    let ids: Vec<String> = (0..users).map(|n| created(server, "/Users", &user(n))).collect();
    let group = created(server, "/Groups", &json!({"displayName": "bench"}));
    let function = Function::new("scim", first_request, server, authority);
    let calls = Calls { bearer: format!("Bearer {}", server.fact("/scim/token")) };
    let mut table = Table { running: function.serve(), over: Vec::new() };
    println!("\n{:<28} {:>12} {:>9}", "requests of scim", "CPU µs", "goal µs");
    let id = |n: usize| ids[(n * 7_919) % ids.len()].as_str();
    table.row("get", 150, |n| calls.get(&format!("/Users/{}", id(n))));
    table.row("filter userName", 220, |n| {
        let n = (n * 7_919) % users;
        calls.get(&format!("/Users?filter=userName+eq+%22user{n}%40bench.example%22"))
    });
    table.row("create", 220, |n| calls.send("POST", "/Users", &user(users + n)));
    table.row("PATCH", 280, |n| {
        let title = json!([{"op": "replace", "path": "title", "value": format!("T{n}")}]);
        calls.send("PATCH", &format!("/Users/{}", id(n)), &patch(&title))
    });
    table.row("list 100", 700, |_| calls.get("/Users?startIndex=1&count=100"));
    let path = format!("/Groups/{group}?excludedAttributes=members");
    table.row("add or remove a member", 450, |n| {
        let id = &ids[(n / 2) % ids.len()];
        let operation = if n % 2 == 0 {
            json!({"op": "add", "path": "members", "value": [{"value": id}]})
        } else {
            json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})
        };
        calls.send("PATCH", &path, &patch(&json!([operation])))
    });
    let stranger = Calls { bearer: "Bearer nobody".to_owned() };
    table.row("401", 40, |_| stranger.get("/Users"));
    if !table.over.is_empty() {
        println!("over the goal: {}", table.over.join(", "));
    }
}

/// Creates a resource at the server itself; returns its id.
fn created(server: &Server, path: &str, body: &Value) -> String {
    server.scim("POST", path, body)["id"].as_str().unwrap().to_owned()
}

struct Table {
    running: Running,
    over: Vec<&'static str>,
}

impl Table {
    /// Sends requests of one kind, and prints their mean CPU time.
    fn row(&mut self, name: &'static str, goal: u32, event: impl Fn(usize) -> String) {
        let requests = if bench::once() { 2 } else { REQUESTS };
        let events: Vec<String> = (0..requests).map(event).collect();
        let before = self.running.cpu();
        for event in &events {
            let answer = self.running.answer(event);
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let is_expected = if name == "401" {
                answer["statusCode"] == 401
            } else {
                answer["statusCode"].as_u64().is_some_and(|status| status < 300)
            };
            assert!(is_expected, "{name}: {answer}");
        }
        let spent = self.running.cpu().saturating_sub(before);
        let each = spent.as_secs_f64() * 1e6 / requests as f64;
        println!("{name:<28} {each:>12.0} {goal:>9}");
        if each > f64::from(goal) && !bench::once() {
            self.over.push(name);
        }
    }
}

/// Makes events of one client.
struct Calls {
    bearer: String,
}

impl Calls {
    fn get(&self, path: &str) -> String {
        event::get(&format!("/scim/v2{path}"), &self.headers())
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> String {
        event::request(method, &format!("/scim/v2{path}"), &self.headers(), Some(body))
    }

    fn headers(&self) -> Value {
        json!({
            "host": "id.example.com",
            "authorization": self.bearer,
            "content-type": "application/scim+json",
        })
    }
}
