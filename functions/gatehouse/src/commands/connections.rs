//! `gatehouse connections`.

mod settings;
mod view;

use clap::Subcommand;
use serde_json::{Value, json};

pub(crate) use self::settings::Settings;
use super::{Shown, input};
use crate::api::{Api, Paging, segment};
use crate::error::Error;
use crate::render::{at, fields, shown, time};
use crate::tenant::Tenant;

/// SAML connections of a tenant.
#[derive(Debug, Subcommand)]
pub enum Connections {
    /// Lists them.
    #[command(after_help = "Example:\n  gatehouse connections list customer-17")]
    List {
        /// Id, external id or name.
        tenant: String,
    },
    /// Shows both sides, with certificates and warnings.
    #[command(after_help = "Example:\n  gatehouse connections show customer-17 acme.com")]
    Show {
        /// Id, external id or name.
        tenant: String,
        /// The domain that names it.
        domain: String,
    },
    /// Makes one, or changes what is named; the rest stays as it is.
    #[command(
        after_help = "Examples:\n  gatehouse connections set customer-17 acme.com\n  gatehouse connections set customer-17 acme.com --metadata-url https://idp.acme.com/metadata --jit\n  gatehouse connections set customer-17 acme.com --metadata-file idp.xml --enabled=false"
    )]
    Set {
        /// Id, external id or name.
        tenant: String,
        /// The domain that names it; no other tenant can have it.
        domain: String,
        /// What it is to be.
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Makes a link, for one browser and an hour, that tries it and signs nobody in.
    #[command(after_help = "Example:\n  gatehouse connections test customer-17 acme.com")]
    Test {
        /// Id, external id or name.
        tenant: String,
        /// The domain that names it.
        domain: String,
    },
    /// Reads the metadata of one again.
    #[command(after_help = "Example:\n  gatehouse connections refresh customer-17 acme.com")]
    Refresh {
        /// Id, external id or name.
        tenant: String,
        /// The domain that names it.
        domain: String,
    },
    /// Reads again whatever metadata of any tenant is older than twelve hours.
    #[command(after_help = "Example:\n  gatehouse connections refresh-all")]
    RefreshAll,
    /// Deletes one: nobody signs in by it any more.
    #[command(after_help = "Example:\n  gatehouse connections delete customer-17 acme.com --yes")]
    Delete {
        /// Id, external id or name.
        tenant: String,
        /// The domain that names it.
        domain: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(api: &Api, command: Connections) -> Result<Shown, Error> {
    match command {
        Connections::List { tenant } => {
            let path = Tenant::find(api, &tenant).await?.path("/connections");
            let list = api.list(&path, &Paging::everything()).await?;
            let none = "No connection: gatehouse connections set TENANT DOMAIN";
            Ok(Shown::list(list, &view::COLUMNS, none))
        }
        Connections::Show { tenant, domain } => {
            let connection = api.get(&path(api, &tenant, &domain, "").await?).await?;
            let text = view::whole(&connection);
            Ok(Shown::new(connection, text))
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
            let text = view::whole(&connection);
            Ok(Shown { note: view::next_step(&connection), ..Shown::new(connection, text) })
        }
        Connections::Test { tenant, domain } => {
            let path = path(api, &tenant, &domain, "/test").await?;
            let link = api.call("POST", &path, None).await?;
            let text =
                fields(&[("Open once", at(&link, "/url")), ("Until", time(&link, "/expires_at"))]);
            Ok(Shown::new(link, text))
        }
        Connections::Refresh { tenant, domain } => {
            let path = path(api, &tenant, &domain, "/refresh").await?;
            let connection = api.call("POST", &path, None).await?;
            let text = view::whole(&connection);
            Ok(Shown::new(connection, text))
        }
        Connections::RefreshAll => refresh_all(api).await,
        Connections::Delete { tenant, domain, yes } => {
            let what = format!("Deletes the connection {domain}: nobody signs in by it any more.");
            let path = path(api, &tenant, &domain, "").await?;
            api.get(&path).await?;
            input::confirm(yes, &what, &domain)?;
            api.call("DELETE", &path, None).await?;
            Ok(Shown::done(format!("Deleted the connection {domain}.")))
        }
    }
}

async fn path(api: &Api, tenant: &str, domain: &str, rest: &str) -> Result<String, Error> {
    let tenant = Tenant::find(api, tenant).await?;
    Ok(tenant.path(&format!("/connections/{}{rest}", segment(domain))))
}

async fn refresh_all(api: &Api) -> Result<Shown, Error> {
    let (mut refreshed, mut failed) = (Vec::new(), Vec::new());
    let mut path = "/v1/connections/refresh".to_owned();
    loop {
        let round = api.call("POST", &path, None).await?;
        let list = |name: &str| round.get(name).and_then(Value::as_array).cloned();
        refreshed.extend(list("refreshed").unwrap_or_default());
        failed.extend(list("failed").unwrap_or_default());
        match round.get("next_cursor").and_then(Value::as_str) {
            Some(cursor) => path = format!("/v1/connections/refresh?cursor={}", segment(cursor)),
            None => break,
        }
    }
    let mut lines: Vec<String> =
        refreshed.iter().map(|domain| format!("read    {}", shown(domain))).collect();
    lines.extend(
        failed.iter().map(|one| format!("failed  {}: {}", at(one, "/domain"), at(one, "/reason"))),
    );
    if lines.is_empty() {
        lines.push("Nothing was older than twelve hours.".to_owned());
    }
    let document = json!({"refreshed": refreshed, "failed": failed});
    Ok(Shown { failed: !failed.is_empty(), ..Shown::new(document, lines.join("\n")) })
}
