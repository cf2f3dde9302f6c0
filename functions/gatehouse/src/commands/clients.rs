//! `gatehouse clients`: the apps that people sign in to (`/v1/clients`).

use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::input;
use crate::api::{Api, Paging, segment};
use crate::error::Error;
use crate::output::Output;
use crate::render::{Column, fields, text_at, time_at};

/// Apps that people sign in to.
#[derive(Debug, Subcommand)]
pub enum Clients {
    /// List the apps.
    #[command(after_help = "Example:\n  gatehouse clients list")]
    List {
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Register an app and print its secret, which is shown only once.
    #[command(
        after_help = "Examples:\n  gatehouse clients create Diagrams --redirect-uri https://app.example.com/callback\n  gatehouse clients create Phone --public --redirect-uri com.example.app:/callback\n  gatehouse clients create Pages --public --redirect-uri https://pages.example.com/ --web-origin https://pages.example.com"
    )]
    Create {
        /// Name of the app.
        name: String,
        /// URI that may receive authorization codes, compared byte for byte; repeatable. That of a
        /// public app may have a private-use scheme, as in the examples, and the port of its loopback
        /// address may differ.
        #[arg(long, value_name = "URI", required = true)]
        redirect_uri: Vec<String>,
        /// URI that the browser may be sent to after a sign-out that the app asks for; repeatable.
        #[arg(long, value_name = "URI")]
        post_logout_redirect_uri: Vec<String>,
        /// Origin of pages whose scripts redeem codes, as in the examples; repeatable, for a public app
        /// only.
        #[arg(long, value_name = "ORIGIN")]
        web_origin: Vec<String>,
        /// URL of the app that starts a sign-in, for sign-ins that the app did not start.
        #[arg(long, value_name = "URL")]
        initiate_login_uri: Option<String>,
        /// The app cannot keep a secret, because it runs in a browser or on a phone.
        #[arg(long)]
        public: bool,
        /// Whether the app must use PKCE; optional only for an app that has a secret and does not
        /// support PKCE.
        #[arg(long, value_name = "RULE")]
        pkce: Option<Pkce>,
    },
    /// Show an app.
    #[command(after_help = "Example:\n  gatehouse clients show app_5f2c0a7e52b1d3c4")]
    Show {
        /// Client id, as in `gatehouse clients list`.
        client: String,
    },
    /// Change the given fields of an app; the others stay as they are.
    #[command(
        after_help = "Example:\n  gatehouse clients update app_5f2c0a7e52b1d3c4 --redirect-uri https://app.example.com/new"
    )]
    Update {
        /// Client id, as in `gatehouse clients list`.
        client: String,
        /// New name.
        #[arg(long)]
        name: Option<String>,
        /// URI that may receive authorization codes; repeatable, replaces all registered URIs.
        #[arg(long, value_name = "URI")]
        redirect_uri: Vec<String>,
        /// URI that the browser may be sent to after a sign-out; repeatable, replaces all.
        #[arg(long, value_name = "URI")]
        post_logout_redirect_uri: Vec<String>,
        /// Remove the URIs that the browser may be sent to after a sign-out.
        #[arg(long, conflicts_with = "post_logout_redirect_uri")]
        no_post_logout_redirect_uris: bool,
        /// Origin of pages whose scripts redeem codes; repeatable, replaces all.
        #[arg(long, value_name = "ORIGIN")]
        web_origin: Vec<String>,
        /// Remove the origins of pages whose scripts redeem codes.
        #[arg(long, conflicts_with = "web_origin")]
        no_web_origins: bool,
        /// URL of the app that starts a sign-in, for sign-ins that the app did not start.
        #[arg(long, value_name = "URL")]
        initiate_login_uri: Option<String>,
        /// Remove the URL that starts a sign-in.
        #[arg(long, conflicts_with = "initiate_login_uri")]
        no_initiate_login_uri: bool,
        /// Whether the app must use PKCE; optional only for an app that has a secret and does not
        /// support PKCE.
        #[arg(long, value_name = "RULE")]
        pkce: Option<Pkce>,
    },
    /// Delete an app; its codes and tokens become invalid.
    #[command(after_help = "Example:\n  gatehouse clients delete app_5f2c0a7e52b1d3c4 --yes")]
    Delete {
        /// Client id, as in `gatehouse clients list`.
        client: String,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
}

/// Whether an app must use PKCE (RFC 7636) with the method S256.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Pkce {
    /// A request without PKCE is refused.
    Required,
    /// A request without PKCE is accepted.
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

pub(crate) async fn run(api: &Api, command: Clients) -> Result<Output, Error> {
    match command {
        Clients::List { paging } => {
            let list = api.list("/v1/clients", &paging).await?;
            let empty = "No apps. Register one: gatehouse clients create NAME --redirect-uri URL";
            Ok(Output::list(list, &COLUMNS, empty))
        }
        Clients::Create {
            name,
            redirect_uri,
            post_logout_redirect_uri,
            web_origin,
            initiate_login_uri,
            public,
            pkce,
        } => {
            let mut body = json!({
                "name": name,
                "redirect_uris": redirect_uri,
                "post_logout_redirect_uris": post_logout_redirect_uri,
                "web_origins": web_origin,
                "initiate_login_uri": initiate_login_uri,
                "public": public,
            });
            if let (Some(pkce), Value::Object(body)) = (pkce, &mut body) {
                body.insert("pkce".to_owned(), pkce.as_str().into());
            }
            let client = api.call("POST", "/v1/clients", Some(&body)).await?;
            let has_secret = client.get("client_secret").is_some();
            let note = "Copy the secret into the app now: it is not shown again.".to_owned();
            let text = describe(&client);
            Ok(Output { note: has_secret.then_some(note), ..Output::new(client, text) })
        }
        Clients::Show { client } => {
            let client = api.get(&path(&client)).await?;
            let text = describe(&client);
            Ok(Output::new(client, text))
        }
        Clients::Update {
            client,
            name,
            redirect_uri,
            post_logout_redirect_uri,
            no_post_logout_redirect_uris,
            web_origin,
            no_web_origins,
            initiate_login_uri,
            no_initiate_login_uri,
            pkce,
        } => {
            let mut patch = Map::new();
            if let Some(name) = name {
                patch.insert("name".to_owned(), name.into());
            }
            if !redirect_uri.is_empty() {
                patch.insert("redirect_uris".to_owned(), redirect_uri.into());
            }
            if !post_logout_redirect_uri.is_empty() || no_post_logout_redirect_uris {
                let uris = post_logout_redirect_uri.into();
                patch.insert("post_logout_redirect_uris".to_owned(), uris);
            }
            if !web_origin.is_empty() || no_web_origins {
                patch.insert("web_origins".to_owned(), web_origin.into());
            }
            if initiate_login_uri.is_some() || no_initiate_login_uri {
                patch.insert("initiate_login_uri".to_owned(), initiate_login_uri.into());
            }
            if let Some(pkce) = pkce {
                patch.insert("pkce".to_owned(), pkce.as_str().into());
            }
            if patch.is_empty() {
                return Err(Error::Usage(
                    "nothing to change: name a field, see gatehouse clients update --help"
                        .to_owned(),
                ));
            }
            let client = api.call("PATCH", &path(&client), Some(&Value::Object(patch))).await?;
            let text = describe(&client);
            Ok(Output::new(client, text))
        }
        Clients::Delete { client, yes } => {
            let name = text_at(&api.get(&path(&client)).await?, "/name");
            let consequence =
                format!("Deletes the app {name} ({client}); its sign-ins and tokens end.");
            input::confirm(yes, &consequence, &name)?;
            api.call("DELETE", &path(&client), None).await?;
            Ok(Output::done(format!("Deleted the app {name} ({client}).")))
        }
    }
}

fn path(client: &str) -> String {
    format!("/v1/clients/{}", segment(client))
}

fn describe(client: &Value) -> String {
    let mut rows = vec![
        ("Name", text_at(client, "/name")),
        ("Issuer", text_at(client, "/issuer")),
        ("Client id", text_at(client, "/client_id")),
    ];
    if client.get("client_secret").is_some() {
        rows.push(("Secret", text_at(client, "/client_secret")));
    }
    rows.extend([
        ("Public", text_at(client, "/public")),
        ("PKCE", text_at(client, "/pkce")),
        ("Redirect URIs", text_at(client, "/redirect_uris")),
        ("Sign-out URIs", text_at(client, "/post_logout_redirect_uris")),
        ("Web origins", text_at(client, "/web_origins")),
        ("Login URI", text_at(client, "/initiate_login_uri")),
        ("Created", time_at(client, "/created_at")),
    ]);
    fields(&rows)
}

const COLUMNS: [Column; 4] = [
    ("CLIENT ID", |client| text_at(client, "/client_id")),
    ("NAME", |client| text_at(client, "/name")),
    ("PUBLIC", |client| text_at(client, "/public")),
    ("REDIRECT URIS", |client| text_at(client, "/redirect_uris")),
];
