//! Measures the CPU time that a function takes to start and to answer its first request, and, in
//! `requests`, of each request after that.
//!
//! `make bench` builds the functions and runs this bench. It starts each executable as Lambda does,
//! with a Runtime API and with DynamoDB and Secrets Manager behind TLS 1.3, and fails above the
//! budget. Linux only, on a processor that Lambda has.
//!
//! - First poll: the process is suspended a few microseconds after it has asked for a request.
//! - First DynamoDB call: the call with which the function opens the connection during its start.
//! - First answer: the request exists before the process, as on Lambda. The time includes all work
//!   of the start, such as the handshake with Secrets Manager.
//!
//! CPU time does not include waiting, so a slow network has no influence. Other processes have: they
//! evict caches, which only adds time. The minimum of many starts is therefore compared with the
//! budget; the median of this run is printed in brackets. With `--once` each function starts once and
//! the budgets are ignored.

#![expect(clippy::print_stdout, reason = "a bench prints its table and its result")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a bench that cannot run stops")]
#![expect(clippy::cast_precision_loss, reason = "counts are small")]

mod event;
mod function;
mod http;
mod requests;
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

/// CPU time until the first poll, in milliseconds.
const POLL_BUDGET: f64 = 3.0;
/// CPU time until the end of the first call of DynamoDB, over TLS.
const CALL_BUDGET: f64 = 6.0;
/// CPU time until the first answer, with the second handshake and the work of the request.
const ANSWER_BUDGET: f64 = 8.0;
/// Number of starts for each measurement.
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
    let first_requests = server.first_requests();
    let [(_, scim_request), ..] = first_requests.clone();
    for (name, event) in first_requests {
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
    requests::measure(&server, &authority, scim_request);
    if !over.is_empty() {
        println!("over budget: {}", over.join(", "));
        // `exit` drops nothing, and the server would continue to run.
        drop(server);
        exit(1);
    }
}

/// The minimum and the median of several durations, in milliseconds.
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
