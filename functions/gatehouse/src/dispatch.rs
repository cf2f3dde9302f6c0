//! Runs the command that the command line names.

use std::path::Path;
use std::time::Duration;

use crate::api::Api;
use crate::auth::Auth;
use crate::cli::{Command, Options};
use crate::commands::{
    clients, connections, directory, domains, explain, keys, seats, sign_ins, tenants, tokens,
    webhooks,
};
use crate::doctor;
use crate::environment::Environment;
use crate::error::Error;
use crate::http::HttpClient;
use crate::output::Output;
use crate::target::Target;

/// Chooses the deployment and the credentials, then runs the command.
pub(crate) async fn run(options: Options, environment: &Environment) -> Result<Output, Error> {
    let Options { url, region, json, timeout, command } = options;
    let url = url.as_deref().or(environment.url.as_deref()).unwrap_or(Target::LOCAL);
    let target = Target::parse(url)?;
    let directory = std::env::current_dir();
    let directory = directory.as_deref().unwrap_or(Path::new("."));
    let auth = Auth::choose(environment, &target, region.as_deref(), directory)?;
    let api = Api { http: HttpClient::new(target, auth, Duration::from_secs(timeout))? };
    match command {
        Command::Tenants(command) => tenants::run(&api, command).await,
        Command::Tokens(command) => tokens::run(&api, command).await,
        Command::Domains(command) => domains::run(&api, command).await,
        Command::Connections(command) => connections::run(&api, command).await,
        Command::Seats(command) => seats::run(&api, command).await,
        Command::Users(command) => directory::users(&api, command).await,
        Command::Groups(command) => directory::groups(&api, command).await,
        Command::SignIns(command) => sign_ins::run(&api, command, json).await,
        Command::Activity(command) => directory::activity(&api, command).await,
        Command::Clients(command) => clients::run(&api, command).await,
        Command::Webhooks(command) => webhooks::run(&api, command).await,
        Command::Keys(command) => keys::run(&api, command).await,
        Command::Explain(command) => explain::run(&api, command).await,
        Command::Doctor(command) => doctor::run(&api, command).await,
    }
}
