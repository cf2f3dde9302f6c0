//! `gatehouse clients`.

use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::{Shown, input};
use crate::api::{Api, Paging, segment};
use crate::error::Error;
use crate::render::{Column, at, fields, time};

/// Apps that people sign in to.
#[derive(Debug, Subcommand)]
pub enum Clients {
    /// Lists them.
    #[command(after_help = "Example:\n  gatehouse clients list")]
    List {
        /// How much.
        #[command(flatten)]
        paging: Paging,
    },
    /// Registers one and prints its secret: the only time that it is shown.
    #[command(
        after_help = "Example:\n  gatehouse clients create Diagrams --redirect-uri https://app.example.com/callback"
    )]
    Create {
        /// What it is called.
        name: String,
        /// Where codes may go, compared byte for byte; give it once for each URL.
        #[arg(long, value_name = "URL", required = true)]
        redirect_uri: Vec<String>,
        /// Where a sign-in goes that the app did not begin.
        #[arg(long, value_name = "URL")]
        initiate_login_uri: Option<String>,
        /// It can keep no secret: it runs in a browser or on a phone.
        #[arg(long)]
        public: bool,
        /// Whether it has to use PKCE; optional only with a secret, for an app that cannot do it.
        #[arg(long, value_name = "HOW")]
        pkce: Option<Pkce>,
    },
    /// Shows one.
    #[command(after_help = "Example:\n  gatehouse clients show app_5f2c0a7e52b1d3c4")]
    Show {
        /// As `gatehouse clients list` shows it.
        client: String,
    },
    /// Changes what is named.
    #[command(
        after_help = "Example:\n  gatehouse clients update app_5f2c0a7e52b1d3c4 --redirect-uri https://app.example.com/new"
    )]
    Update {
        /// As `gatehouse clients list` shows it.
        client: String,
        /// What it is called from now on.
        #[arg(long)]
        name: Option<String>,
        /// All places where codes may go, in the stead of those that are registered.
        #[arg(long, value_name = "URL")]
        redirect_uri: Vec<String>,
        /// Where a sign-in goes that the app did not begin.
        #[arg(long, value_name = "URL")]
        initiate_login_uri: Option<String>,
        /// Takes that place away.
        #[arg(long, conflicts_with = "initiate_login_uri")]
        no_initiate_login_uri: bool,
        /// Whether it has to use PKCE; optional only with a secret, for an app that cannot do it.
        #[arg(long, value_name = "HOW")]
        pkce: Option<Pkce>,
    },
    /// Removes one; its codes and tokens count no more.
    #[command(after_help = "Example:\n  gatehouse clients delete app_5f2c0a7e52b1d3c4 --yes")]
    Delete {
        /// As `gatehouse clients list` shows it.
        client: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// RFC 7636, by S256.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Pkce {
    Required,
    Optional,
}

impl Pkce {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }
}

pub(crate) async fn run(api: &Api, command: Clients) -> Result<Shown, Error> {
    match command {
        Clients::List { paging } => {
            let list = api.list("/v1/clients", &paging).await?;
            let none = "No app: gatehouse clients create NAME --redirect-uri URL";
            Ok(Shown::list(list, &COLUMNS, none))
        }
        Clients::Create { name, redirect_uri, initiate_login_uri, public, pkce } => {
            let mut body = json!({
                "name": name,
                "redirect_uris": redirect_uri,
                "initiate_login_uri": initiate_login_uri,
                "public": public,
            });
            if let (Some(pkce), Value::Object(body)) = (pkce, &mut body) {
                body.insert("pkce".to_owned(), pkce.as_str().into());
            }
            let client = api.call("POST", "/v1/clients", Some(&body)).await?;
            let secret = client.get("client_secret").is_some();
            let note = "The secret is not shown again: put it into the app now.".to_owned();
            let text = shown(&client);
            Ok(Shown { note: secret.then_some(note), ..Shown::new(client, text) })
        }
        Clients::Show { client } => {
            let client = api.get(&path(&client)).await?;
            let text = shown(&client);
            Ok(Shown::new(client, text))
        }
        Clients::Update {
            client,
            name,
            redirect_uri,
            initiate_login_uri,
            no_initiate_login_uri,
            pkce,
        } => {
            let mut change = Map::new();
            if let Some(name) = name {
                change.insert("name".to_owned(), name.into());
            }
            if !redirect_uri.is_empty() {
                change.insert("redirect_uris".to_owned(), redirect_uri.into());
            }
            if initiate_login_uri.is_some() || no_initiate_login_uri {
                change.insert("initiate_login_uri".to_owned(), initiate_login_uri.into());
            }
            if let Some(pkce) = pkce {
                change.insert("pkce".to_owned(), pkce.as_str().into());
            }
            if change.is_empty() {
                return Err(Error::Usage(
                    "nothing to change: see gatehouse clients update --help".to_owned(),
                ));
            }
            let client = api.call("PATCH", &path(&client), Some(&Value::Object(change))).await?;
            let text = shown(&client);
            Ok(Shown::new(client, text))
        }
        Clients::Delete { client, yes } => {
            let name = at(&api.get(&path(&client)).await?, "/name");
            let what =
                format!("Removes the app {name} ({client}): nobody signs in to it any more.");
            input::confirm(yes, &what, &name)?;
            api.call("DELETE", &path(&client), None).await?;
            Ok(Shown::done(format!("Removed {name} ({client}).")))
        }
    }
}

fn path(client: &str) -> String {
    format!("/v1/clients/{}", segment(client))
}

fn shown(client: &Value) -> String {
    let mut rows = vec![("Name", at(client, "/name")), ("Client id", at(client, "/client_id"))];
    if client.get("client_secret").is_some() {
        rows.push(("Secret", at(client, "/client_secret")));
    }
    rows.extend([
        ("Public", at(client, "/public")),
        ("PKCE", at(client, "/pkce")),
        ("Redirect URIs", at(client, "/redirect_uris")),
        ("Login URI", at(client, "/initiate_login_uri")),
        ("Created", time(client, "/created_at")),
    ]);
    fields(&rows)
}

const COLUMNS: [Column; 4] = [
    ("CLIENT ID", |client| at(client, "/client_id")),
    ("NAME", |client| at(client, "/name")),
    ("PUBLIC", |client| at(client, "/public")),
    ("REDIRECT URIS", |client| at(client, "/redirect_uris")),
];
