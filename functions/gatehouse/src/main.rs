//! `gatehouse`: the command line tool of the operator API.
//!
//! Reads the arguments and the environment variables, and passes them to the library (`lib.rs`),
//! which does everything else.

use std::process::ExitCode;

use gatehouse::environment::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match gatehouse::parse(std::env::args_os().collect()) {
        Ok(options) => gatehouse::run(options, Environment::read()).await,
        Err(code) => code,
    }
}
