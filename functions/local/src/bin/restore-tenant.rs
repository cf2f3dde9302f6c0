//! `restore-tenant`: copies one tenant from a restored table into the table in use.
//!
//! Reads region and credentials from the environment, in the form that `aws configure
//! export-credentials --format env` prints.

use std::process::ExitCode;

use clap::Parser as _;

use local::cli::RestoreTenant;
use shared::aws::clients::AwsClients;
use shared::clock::Clock;
use shared::config::AwsConfig;
use shared::error_chain::ErrorChain;
use shared::store::{Restored, Store};

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool prints its result"
)]
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match restore(&RestoreTenant::parse()).await {
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("restore-tenant: {}", ErrorChain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn restore(options: &RestoreTenant) -> Result<String, Box<dyn std::error::Error>> {
    let RestoreTenant { from, to, tenant } = options;
    let client = AwsClients::new(&AwsConfig::from_env()?)?.dynamodb;
    let source = Store::new(client.clone(), from);
    let target = Store::new(client, to);
    match target.restore_tenant(&source, *tenant, Clock::system().now()).await? {
        Restored::Done { rows } => Ok(format!("restored {tenant} with {rows} rows")),
        Restored::Absent => Err(format!("{from} has no tenant {tenant}").into()),
        Restored::Exists => {
            Err(format!("{to} already has the tenant {tenant}; delete it first").into())
        }
    }
}
