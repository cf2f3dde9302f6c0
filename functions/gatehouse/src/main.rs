//! `gatehouse`: the command line tool of the operator API.

use std::process::ExitCode;

use clap::Parser as _;
use gatehouse::cli::Options;
use gatehouse::environment::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    gatehouse::run(Options::parse(), Environment::read()).await
}
