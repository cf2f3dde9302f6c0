//! `gatehouse connections`: the SAML connections of a tenant (`/v1/tenants/{tenant}/connections`).
//!
//! The options of `set` are in `settings`, the text for people in `view`.

mod settings;
mod view;

use std::collections::BTreeMap;

use clap::Subcommand;
use serde_json::{Value, json};

pub(crate) use self::settings::Settings;
use super::input;
use crate::api::{Api, Paging, segment};
use crate::error::Error;
use crate::output::Output;
use crate::render::{fields, text_at, time_at, to_text};
use crate::tenant::Tenant;

/// SAML connections of a tenant.
#[derive(Debug, Subcommand)]
pub enum Connections {
    /// List the connections.
    #[command(after_help = "Example:\n  gatehouse connections list customer-17")]
    List {
        /// Id, external id or name of the tenant.
        tenant: String,
    },
    /// Show both sides of a connection, with certificates and warnings.
    #[command(after_help = "Example:\n  gatehouse connections show customer-17 acme.com")]
    Show {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Domain of the connection.
        domain: String,
    },
    /// Create a connection, or change the given settings of one; the others stay as they are.
    #[command(
        after_help = "Examples:\n  gatehouse connections set customer-17 acme.com\n  gatehouse connections set customer-17 acme.com --metadata-url https://idp.acme.com/metadata --jit\n  gatehouse connections set customer-17 acme.com --metadata-file idp.xml --enabled=false\n  gatehouse connections set customer-17 acme.com --domain acme.com --domain acme.de"
    )]
    Set {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Domain of the connection; it belongs to one tenant only.
        domain: String,
        /// The settings to change.
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Create a link that tests a connection in one browser, within an hour, without signing anyone
    /// in. It leads to a page with a button.
    #[command(after_help = "Example:\n  gatehouse connections test customer-17 acme.com")]
    Test {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Domain of the connection.
        domain: String,
    },
    /// Read the metadata of a connection from its URL again.
    #[command(after_help = "Example:\n  gatehouse connections refresh customer-17 acme.com")]
    Refresh {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Domain of the connection.
        domain: String,
    },
    /// Read all metadata that is older than twelve hours again, and check the domains that are due,
    /// of all tenants.
    #[command(after_help = "Example:\n  gatehouse connections refresh-all")]
    RefreshAll,
    /// Delete a connection; sign-in through it ends.
    #[command(after_help = "Example:\n  gatehouse connections delete customer-17 acme.com --yes")]
    Delete {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Domain of the connection.
        domain: String,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(api: &Api, command: Connections) -> Result<Output, Error> {
    match command {
        Connections::List { tenant } => {
            let path = Tenant::find(api, &tenant).await?.path("/connections");
            let list = api.list(&path, &Paging::everything()).await?;
            let empty = "No connections. Create one: gatehouse connections set TENANT DOMAIN";
            Ok(Output::list(list, &view::COLUMNS, empty))
        }
        Connections::Show { tenant, domain } => {
            let connection = api.get(&path(api, &tenant, &domain, "").await?).await?;
            let text = view::describe(&connection);
            Ok(Output::new(connection, text))
        }
        Connections::Set { tenant, domain, settings } => {
            let path = path(api, &tenant, &domain, "").await?;
            let before = match api.get(&path).await {
                Ok(connection) => Some(connection),
                Err(Error::NotFound(_)) => None,
                Err(other) => return Err(other),
            };
            let body = settings.body(before.as_ref())?;
            let connection = api.call("PUT", &path, Some(&body)).await?;
            let text = view::describe(&connection);
            Ok(Output { note: view::next_step(&connection), ..Output::new(connection, text) })
        }
        Connections::Test { tenant, domain } => {
            let path = path(api, &tenant, &domain, "/test").await?;
            let link = api.call("POST", &path, None).await?;
            let text = fields(&[
                ("Open", text_at(&link, "/url")),
                ("Expires", time_at(&link, "/expires_at")),
            ]);
            Ok(Output::new(link, text))
        }
        Connections::Refresh { tenant, domain } => {
            let path = path(api, &tenant, &domain, "/refresh").await?;
            let connection = api.call("POST", &path, None).await?;
            let text = view::describe(&connection);
            Ok(Output::new(connection, text))
        }
        Connections::RefreshAll => refresh_all(api).await,
        Connections::Delete { tenant, domain, yes } => {
            let consequence = format!("Deletes the connection {domain}; sign-in through it ends.");
            let path = path(api, &tenant, &domain, "").await?;
            api.get(&path).await?;
            input::confirm(yes, &consequence, &domain)?;
            api.call("DELETE", &path, None).await?;
            Ok(Output::done(format!("Deleted the connection {domain}.")))
        }
    }
}

async fn path(api: &Api, tenant: &str, domain: &str, rest: &str) -> Result<String, Error> {
    let tenant = Tenant::find(api, tenant).await?;
    Ok(tenant.path(&format!("/connections/{}{rest}", segment(domain))))
}

/// Repeats the call until the round over all connections is complete.
async fn refresh_all(api: &Api) -> Result<Output, Error> {
    let mut round: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut path = "/v1/connections/refresh".to_owned();
    loop {
        let part = api.call("POST", &path, None).await?;
        for name in [REFRESHED, FAILED, CHECKED, UNCHECKED] {
            let list = part.get(name).and_then(Value::as_array).cloned();
            round.entry(name).or_default().extend(list.unwrap_or_default());
        }
        match part.get("next_cursor").and_then(Value::as_str) {
            Some(cursor) => path = format!("/v1/connections/refresh?cursor={}", segment(cursor)),
            None => break,
        }
    }
    let list = |name: &str| round.get(name).map_or(&[][..], Vec::as_slice);
    let done = |label: &'static str, name| {
        list(name).iter().map(move |domain| format!("{label}  {}", to_text(domain)))
    };
    let failed = |label: &'static str, name| {
        list(name).iter().map(move |failure| {
            format!("{label}  {}: {}", text_at(failure, "/domain"), text_at(failure, "/reason"))
        })
    };
    let mut lines: Vec<String> = done("read      ", REFRESHED).collect();
    lines.extend(failed("failed    ", FAILED));
    lines.extend(done("checked   ", CHECKED));
    lines.extend(failed("unchecked ", UNCHECKED));
    if lines.is_empty() {
        lines.push("No metadata is older than twelve hours, and no domain is due.".to_owned());
    }
    let has_failed = !list(FAILED).is_empty() || !list(UNCHECKED).is_empty();
    Ok(Output { failed: has_failed, ..Output::new(json!(round), lines.join("\n")) })
}

const REFRESHED: &str = "refreshed";
const FAILED: &str = "failed";
const CHECKED: &str = "checked_domains";
const UNCHECKED: &str = "unchecked_domains";
