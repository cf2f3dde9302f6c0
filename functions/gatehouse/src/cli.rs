//! The command line: global options and the list of commands.
//!
//! Only parses. The options of a command are declared in its file under `commands`; `dispatch` runs
//! it.

use clap::{Parser, Subcommand};

use crate::commands::clients::Clients;
use crate::commands::connections::Connections;
use crate::commands::directory::{Activity, Groups, Users};
use crate::commands::domains::Domains;
use crate::commands::explain::Explain;
use crate::commands::keys::Keys;
use crate::commands::seats::Seats;
use crate::commands::sign_ins::SignIns;
use crate::commands::tenants::Tenants;
use crate::commands::tokens::Tokens;
use crate::commands::webhooks::Webhooks;
use crate::doctor::Doctor;

/// Manage a Gatehouse deployment over its operator API.
///
/// Wherever a command takes a TENANT, give its id, your external id for it, or its name.
#[derive(Debug, Parser)]
#[command(name = "gatehouse", version, after_help = AFTER_HELP)]
pub struct Options {
    /// URL of the deployment; default: `GATEHOUSE_URL`, else the one of `make run`.
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// AWS region of the deployment, if neither the URL nor `AWS_REGION` contains it.
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Print the JSON of the API instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Time limit of each request, in seconds.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manage tenants, your customer organisations.
    #[command(subcommand)]
    Tenants(Tenants),
    /// Manage the SCIM tokens of a tenant.
    #[command(subcommand)]
    Tokens(Tokens),
    /// Manage the domains of a tenant.
    #[command(subcommand)]
    Domains(Domains),
    /// Manage the SAML connections of a tenant to its identity provider.
    #[command(subcommand)]
    Connections(Connections),
    /// Manage the licences of a tenant.
    #[command(subcommand)]
    Seats(Seats),
    /// List or show the users of a tenant.
    #[command(subcommand)]
    Users(Users),
    /// List the groups of a tenant and their members.
    #[command(subcommand)]
    Groups(Groups),
    /// List, show or follow the sign-ins of the last week.
    #[command(subcommand, name = "sign-ins")]
    SignIns(SignIns),
    /// List the activity log of a tenant, newest first.
    Activity(Activity),
    /// Manage the apps that people sign in to.
    #[command(subcommand)]
    Clients(Clients),
    /// Manage the endpoints that events are pushed to.
    #[command(subcommand)]
    Webhooks(Webhooks),
    /// Show or rotate the keys of the deployment.
    #[command(subcommand)]
    Keys(Keys),
    /// Check a SAML response against a connection without signing anyone in.
    Explain(Explain),
    /// Check a deployment for problems.
    Doctor(Doctor),
}

const AFTER_HELP: &str = "\
Credentials:
  For a deployment on AWS, export AWS credentials; requests are signed with them:
    eval \"$(aws configure export-credentials --format env)\"
  For `make run`, the operator key is read from .gatehouse in this folder or above it.
  For any other deployment, set GATEHOUSE_OPERATOR_KEY.

Exit codes:
  0  success
  1  the request was rejected, or a check failed
  2  wrong command line
  3  missing or refused credentials
  4  not found
  5  no response; try again

Examples:
  gatehouse tenants create Globex --external-id customer-17
  gatehouse sign-ins tail customer-17 --failed
  gatehouse doctor";

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _, Parser as _};

    use super::Options;

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    /// Collects the commands without subcommands, each with its full name and its help text.
    fn leaves(command: &Command, words: &str, found: &mut Vec<(String, String)>) {
        let words = format!("{words} {}", command.get_name()).trim().to_owned();
        if command.get_subcommands().next().is_none() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            found.push((words, help));
            return;
        }
        for below in command.get_subcommands() {
            leaves(below, &words, found);
        }
    }

    #[test]
    fn every_command_shows_an_example_that_it_accepts() {
        let mut found = Vec::new();
        leaves(&Options::command(), "", &mut found);
        assert!(found.len() > 25, "{}", found.len());
        for (words, help) in found {
            let examples = help.lines().filter_map(|line| line.strip_prefix("  gatehouse "));
            let mut count = 0;
            for example in examples {
                let example = example.split(['<', '>', '|']).next().unwrap();
                let parts = ["gatehouse"].into_iter().chain(example.split_whitespace());
                let parsed = Options::try_parse_from(parts);
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
                assert!(format!("gatehouse {example}").starts_with(&words), "{words}: {example}");
                count += 1;
            }
            assert!(count > 0, "{words} has no example");
        }
    }
}
