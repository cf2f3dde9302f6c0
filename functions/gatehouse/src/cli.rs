//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::clients::Clients;
use crate::commands::connections::Connections;
use crate::commands::directory::{Activity, Groups, Users};
use crate::commands::explain::Explain;
use crate::commands::keys::Keys;
use crate::commands::seats::Seats;
use crate::commands::sign_ins::SignIns;
use crate::commands::tenants::Tenants;
use crate::commands::tokens::Tokens;
use crate::doctor::Doctor;

/// Runs a Gatehouse deployment from the command line, over its operator API.
///
/// A tenant is named by its id, by your own id for it, or by its name.
#[derive(Debug, Parser)]
#[command(name = "gatehouse", version, after_help = AFTER_HELP)]
pub struct Options {
    /// The deployment; without it that of `GATEHOUSE_URL`, and without that the one of `make run`.
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// Its AWS region, where neither the URL nor `AWS_REGION` says it.
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Print JSON, what the API answers, instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// How long to wait for each answer, in seconds.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Customer organisations: list, make, change, export, delete.
    #[command(subcommand)]
    Tenants(Tenants),
    /// SCIM tokens of a tenant: what its identity provider provisions with.
    #[command(subcommand)]
    Tokens(Tokens),
    /// SAML connections of a tenant: whose identity provider signs its people in.
    #[command(subcommand)]
    Connections(Connections),
    /// Licences of a tenant: how many, and what happens when they run out.
    #[command(subcommand)]
    Seats(Seats),
    /// Users that the identity provider put here.
    #[command(subcommand)]
    Users(Users),
    /// Groups that the identity provider put here.
    #[command(subcommand)]
    Groups(Groups),
    /// Sign-ins of the last week: list, look at one, follow.
    #[command(subcommand, name = "sign-ins")]
    SignIns(SignIns),
    /// What happened to a tenant, the newest first.
    Activity(Activity),
    /// Apps that people sign in to.
    #[command(subcommand)]
    Clients(Clients),
    /// Keys of the deployment: show, rotate.
    #[command(subcommand)]
    Keys(Keys),
    /// Checks a SAML response against a connection, without signing anybody in.
    Explain(Explain),
    /// Looks at everything that can be wrong with a deployment.
    Doctor(Doctor),
}

const AFTER_HELP: &str = "\
Who may call:
  On AWS the request is signed with the credentials in the environment:
    eval \"$(aws configure export-credentials --format env)\"
  With `make run` the operator key is read from .gatehouse; elsewhere it is GATEHOUSE_OPERATOR_KEY.

Exit codes:
  0 done   1 refused, or something found   2 command line   3 not let in   4 no such thing
  5 no answer, try again

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

    /// Commands that do something, each with the words that lead to it.
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
    fn every_command_has_an_example_that_it_understands() {
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
