//! `local`: Gatehouse on one machine, without AWS.

use std::process::ExitCode;

use clap::Parser as _;
use local::cli::Options;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    local::server::run(Options::parse()).await
}
