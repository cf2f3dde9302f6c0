//! One file for each group of commands. Each asks the API and says what to print.

pub(crate) mod clients;
pub(crate) mod connections;
pub(crate) mod directory;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod input;
pub(crate) mod keys;
pub(crate) mod seats;
pub(crate) mod sign_ins;
pub(crate) mod tail;
pub(crate) mod tenants;
pub(crate) mod tokens;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::Api;
use crate::auth::Auth;
use crate::cli::{Command, Options};
use crate::doctor;
use crate::environment::Environment;
use crate::error::Error;
use crate::http::Http;
use crate::render::{Column, table};
use crate::target::Target;

/// What a command came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// For programs.
    pub(crate) document: Value,
    /// For people.
    pub(crate) text: String,
    /// Beside it, for people.
    pub(crate) note: Option<String>,
    /// It did what it was told, and what it found is bad.
    pub(crate) failed: bool,
}

impl Shown {
    pub(crate) fn new(document: Value, text: String) -> Self {
        Self { document, text, note: None, failed: false }
    }

    /// A list, with a note when there is more of it.
    pub(crate) fn list(document: Value, columns: &[Column], empty: &str) -> Self {
        let items = document.get("items").and_then(Value::as_array);
        let text = match items {
            Some(items) if !items.is_empty() => table(items, columns),
            Some(_) | None => empty.to_owned(),
        };
        let more = document.get("next_cursor").is_some_and(Value::is_string);
        let note = more.then(|| "There is more: --limit N or --all shows it.".to_owned());
        Self { document, text, note, failed: false }
    }

    /// Something was done that leaves nothing to show.
    pub(crate) fn done(text: String) -> Self {
        Self::new(json!({"done": true}), text)
    }

    /// The JSON document; nothing for a command that has printed all it had to say.
    pub(crate) fn json(&self) -> String {
        if self.document.is_null() { String::new() } else { format!("{:#}", self.document) }
    }
}

/// Does what the command line says.
pub(crate) async fn run(options: Options, environment: &Environment) -> Result<Shown, Error> {
    let Options { url, region, json, timeout, command } = options;
    let url = url.as_deref().or(environment.url.as_deref()).unwrap_or(Target::LOCAL);
    let target = Target::parse(url)?;
    let here = std::env::current_dir();
    let here = here.as_deref().unwrap_or(Path::new("."));
    let auth = Auth::choose(environment, &target, region.as_deref(), here)?;
    let api = Api { http: Http::new(target, auth, Duration::from_secs(timeout))? };
    match command {
        Command::Tenants(command) => tenants::run(&api, command).await,
        Command::Tokens(command) => tokens::run(&api, command).await,
        Command::Connections(command) => connections::run(&api, command).await,
        Command::Seats(command) => seats::run(&api, command).await,
        Command::Users(command) => directory::users(&api, command).await,
        Command::Groups(command) => directory::groups(&api, command).await,
        Command::SignIns(command) => sign_ins::run(&api, command, json).await,
        Command::Activity(command) => directory::activity(&api, command).await,
        Command::Clients(command) => clients::run(&api, command).await,
        Command::Keys(command) => keys::run(&api, command).await,
        Command::Explain(command) => explain::run(&api, command).await,
        Command::Doctor(command) => doctor::run(&api, command).await,
    }
}
