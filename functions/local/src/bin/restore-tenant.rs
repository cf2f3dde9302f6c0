//! `restore-tenant`: brings one tenant back from a restore of the table to an earlier time.
//!
//! Takes region and credentials from the environment, as `aws configure export-credentials
//! --format env` prints them.

use std::process::ExitCode;

use clap::Parser;
use shared::aws::AwsClients;
use shared::clock::Clock;
use shared::config::AwsConfig;
use shared::ids::TenantId;
use shared::store::{Restored, Store};

/// Copies one tenant from a table that was restored to an earlier time into the table in use.
///
/// The tenant must not exist in the table in use: delete it first through the operator API. SCIM
/// tokens, sessions and refresh tokens do not come back; make the tenant a new SCIM token
/// afterwards.
#[derive(Debug, Parser)]
#[command(name = "restore-tenant", version, verbatim_doc_comment)]
struct Options {
    /// Table to copy from.
    #[arg(long, value_name = "TABLE")]
    from: String,

    /// Table to copy to: the stack's output `TableName`.
    #[arg(long, value_name = "TABLE")]
    to: String,

    /// Id of the tenant.
    #[arg(long, value_name = "ID")]
    tenant: TenantId,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool that says how it went")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match restore(&Options::parse()).await {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("restore-tenant: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn restore(options: &Options) -> Result<String, Box<dyn std::error::Error>> {
    let Options { from, to, tenant } = options;
    let client = AwsClients::new(&AwsConfig::from_env()?)?.dynamodb;
    let source = Store::new(client.clone(), from);
    let target = Store::new(client, to);
    match target.restore_tenant(&source, *tenant, Clock::system().now()).await? {
        Restored::Done { rows } => Ok(format!("{tenant} is back, with {rows} rows")),
        Restored::Absent => Err(format!("{from} has no tenant {tenant}").into()),
        Restored::Exists => Err(format!("{to} has the tenant {tenant}; delete it first").into()),
    }
}
