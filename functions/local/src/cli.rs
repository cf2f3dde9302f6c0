//! The command lines of `local` and `restore-tenant`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Parser;

use types::ids::TenantId;

/// Run Gatehouse on this machine, with an embedded DynamoDB and Secrets Manager.
///
/// It needs no AWS account and no container. The first start creates the demo tenant Acme. Each
/// start prints its SCIM token and commands to try. Ctrl-C stops it. Acknowledged data is never
/// lost, even if the process is killed.
#[derive(Clone, Debug, Parser)]
#[command(name = "local", version, verbatim_doc_comment, after_help = EXAMPLES)]
pub struct Options {
    /// Port on 127.0.0.1; 0 chooses a free port.
    ///
    /// DynamoDB and Secrets Manager listen on the next two ports, or on free ports if those are
    /// taken.
    #[arg(long, value_name = "N", default_value_t = 7400, verbatim_doc_comment)]
    pub port: u16,

    /// Address on which DynamoDB and Secrets Manager listen, so that functions in containers can
    /// reach them. Docker's bridge on Linux is 172.17.0.1.
    ///
    /// Everyone who can connect to this address can read and change all data.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), verbatim_doc_comment)]
    pub aws_address: IpAddr,

    /// Directory for all data; created if it does not exist.
    #[arg(long, value_name = "DIR", default_value = ".gatehouse", conflicts_with = "ephemeral")]
    pub data: PathBuf,

    /// Keep all data in memory; it is lost at the end.
    #[arg(long)]
    pub ephemeral: bool,

    /// Print one line of JSON instead of text.
    ///
    /// The line is printed once requests are accepted, and nothing else goes to standard output.
    #[arg(long)]
    pub json: bool,

    /// DNS server that is asked for the TXT records of domains; default: that of this machine.
    #[arg(long, value_name = "IP:PORT")]
    pub dns: Option<SocketAddr>,

    /// Limit each tenant to N SCIM requests per second; default: no limit.
    #[arg(long, value_name = "N")]
    pub rate_limit: Option<NonZeroU32>,
}

/// Copy one tenant from a table that was restored to an earlier time into the table in use.
///
/// The tenant must not exist in the table in use: delete it first through the operator API. SCIM
/// tokens, sessions and refresh tokens are not restored: create a new SCIM token afterwards.
#[derive(Clone, Debug, Parser)]
#[command(name = "restore-tenant", version, verbatim_doc_comment)]
pub struct RestoreTenant {
    /// Table to copy from.
    #[arg(long, value_name = "TABLE")]
    pub from: String,

    /// Table to copy to: the stack's output `TableName`.
    #[arg(long, value_name = "TABLE")]
    pub to: String,

    /// Id of the tenant.
    #[arg(long, value_name = "ID")]
    pub tenant: TenantId,
}

const EXAMPLES: &str = "Examples:
  local                       serve on http://127.0.0.1:7400 with data in .gatehouse
  local --ephemeral --port 0  start an empty instance on a free port, for a test
  local --json                print addresses, token and keys as JSON";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Options;

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_those_of_the_readme() {
        let options = Options::try_parse_from(["local"]).unwrap();
        assert_eq!(options.port, 7400);
        assert!(options.aws_address.is_loopback());
        assert_eq!(options.data.to_str(), Some(".gatehouse"));
        assert!(!options.ephemeral && !options.json);
        assert_eq!(options.rate_limit, None);
    }

    #[test]
    fn contradictory_and_invalid_options_are_refused() {
        for arguments in
            [&["--ephemeral", "--data", "x"][..], &["--rate-limit", "0"], &["--port", "70000"]]
        {
            let arguments = std::iter::once(&"local").chain(arguments);
            assert!(Options::try_parse_from(arguments.clone()).is_err(), "{arguments:?}");
        }
    }
}
