//! CPU that a function takes to start, and to answer its first request.
//!
//! `make bench` packs the functions and runs this, which starts each executable as Lambda does,
//! with a Runtime API and with DynamoDB and Secrets Manager behind TLS 1.3, on this machine. It
//! fails above the budget. Linux only, on a processor that Lambda has.
//!
//! A process is stopped when it has asked for its first request, so what is counted up to there is
//! that and a few microseconds. Its first call of DynamoDB is the one by which it opens the connection
//! while it starts. The first answer is to a request that is there before the process is, as on Lambda,
//! and comes with all that the process does meanwhile, the handshake with Secrets Manager too. Time
//! that a process waits is in none of them, so a slow network is not either. What others do on the
//! machine is: it empties caches, and only ever adds. So the least of many starts is what a function
//! costs and has a budget; the median, in brackets, is what it cost here. With `--once` each is
//! started once and no budget counts.

#![expect(clippy::print_stdout, reason = "a bench prints its table and its verdict")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a bench that cannot run stops")]

mod event;
mod function;
mod http;
mod runtime_api;
mod server;
mod tls;

use std::fmt;
use std::path::Path;
use std::process::exit;
use std::time::Duration;

use harness::bench;

use crate::function::Function;
use crate::server::Server;
use crate::tls::Authority;

/// CPU up to the first poll, in milliseconds.
const POLL_BUDGET: f64 = 3.0;
/// CPU up to the end of the first call of DynamoDB, over TLS.
const CALL_BUDGET: f64 = 6.0;
/// CPU up to the first answer: the second handshake, and what the request itself does.
const ANSWER_BUDGET: f64 = 8.0;
/// Starts of each kind.
const RUNS: usize = 41;

fn main() {
    let runs = if bench::once() { 1 } else { RUNS };
    let server = Server::start();
    let authority = Authority::new(Path::new(env!("CARGO_TARGET_TMPDIR")));
    println!("CPU in milliseconds, each function that API Gateway calls");
    println!(
        "{:<15} {:>20} {:>24} {:>20} {:>13}",
        "least (median)",
        "to first poll",
        "to first DynamoDB call",
        "to first answer",
        "next answer"
    );
    let mut over = Vec::new();
    for (name, event) in server.first_requests() {
        let function = Function::new(name, event, &server, &authority);
        let poll = Spread::of((0..runs).map(|_| function.first_poll()).collect());
        let call = Spread::of((0..runs).map(|_| function.first_call()).collect());
        let (first, next) = (0..runs).map(|_| function.answers()).unzip();
        let (first, next) = (Spread::of(first), Spread::of(next));
        println!(
            "{name:<15} {poll:>12} of {POLL_BUDGET:.2} {call:>16} of {CALL_BUDGET:.2} {first:>12} of {ANSWER_BUDGET:.2} {next:>13}"
        );
        let within =
            poll.least <= POLL_BUDGET && call.least <= CALL_BUDGET && first.least <= ANSWER_BUDGET;
        if !within && !bench::once() {
            over.push(name);
        }
    }
    if !over.is_empty() {
        println!("over budget: {}", over.join(", "));
        // Nothing is dropped on the way out, and it would go on running.
        drop(server);
        exit(1);
    }
}

/// The same thing, done many times; in milliseconds.
struct Spread {
    least: f64,
    median: f64,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let milliseconds = |time: &Duration| time.as_secs_f64() * 1e3;
        Self { least: milliseconds(&times[0]), median: milliseconds(&times[times.len() / 2]) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.2} ({:.2})", self.least, self.median))
    }
}
