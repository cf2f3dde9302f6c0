//! `gatehouse tenants`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::{Shown, export, input};
use crate::api::{Api, Paging};
use crate::error::Error;
use crate::render::{Column, at, fields, time};
use crate::tenant::Tenant;

/// Customer organisations.
#[derive(Debug, Subcommand)]
pub enum Tenants {
    /// Lists them, the oldest first.
    #[command(
        after_help = "Examples:\n  gatehouse tenants list\n  gatehouse tenants list --all --json"
    )]
    List {
        /// How much.
        #[command(flatten)]
        paging: Paging,
    },
    /// Makes one.
    #[command(after_help = "Example:\n  gatehouse tenants create Globex --external-id customer-17")]
    Create {
        /// What it is called.
        name: String,
        /// Your own id for it; no two tenants have the same.
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// Let SCIM refuse what the standard does not define.
        #[arg(long)]
        strict: bool,
    },
    /// Shows one.
    #[command(after_help = "Example:\n  gatehouse tenants show customer-17")]
    Show {
        /// Id, external id or name.
        tenant: String,
    },
    /// Changes what is named.
    #[command(
        after_help = "Example:\n  gatehouse tenants update customer-17 --name Initech --strict=false"
    )]
    Update {
        /// Id, external id or name.
        tenant: String,
        /// What it is called from now on.
        #[arg(long)]
        name: Option<String>,
        /// Your own id for it.
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// Takes your own id away.
        #[arg(long, conflicts_with = "external_id")]
        no_external_id: bool,
        /// Whether SCIM refuses what the standard does not define.
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        strict: Option<bool>,
    },
    /// Writes all that is stored of one, as JSON lines.
    ///
    /// Each line has a `type`: `tenant`, `seats`, `token`, `connection`, `user`, `group`, `member`,
    /// `activity`, `sign_in`. Users and groups are whole SCIM resources. Secrets are not in it: of a token only
    /// its last four characters are known. The last line is `{"type":"end",…}` with the counts; an
    /// export without it is not whole.
    #[command(
        after_help = "Example:\n  gatehouse tenants export customer-17 --output customer-17.jsonl"
    )]
    Export {
        /// Id, external id or name.
        tenant: String,
        /// A new file, readable by you alone; standard output without it.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Revokes its tokens and deletes all its data.
    #[command(after_help = "Example:\n  gatehouse tenants delete customer-17 --yes")]
    Delete {
        /// Id, external id or name.
        tenant: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(api: &Api, command: Tenants) -> Result<Shown, Error> {
    match command {
        Tenants::List { paging } => {
            let list = api.list("/v1/tenants", &paging).await?;
            Ok(Shown::list(list, &COLUMNS, "No tenant yet: gatehouse tenants create NAME"))
        }
        Tenants::Create { name, external_id, strict } => {
            let body = json!({"name": name, "external_id": external_id, "strict": strict});
            let tenant = api.call("POST", "/v1/tenants", Some(&body)).await?;
            let text = format!(
                "{}\n\nNext, a SCIM token: gatehouse tokens create {}",
                shown(&tenant),
                at(&tenant, "/id")
            );
            Ok(Shown::new(tenant, text))
        }
        Tenants::Show { tenant } => {
            let tenant = Tenant::find(api, &tenant).await?.document;
            let text = shown(&tenant);
            Ok(Shown::new(tenant, text))
        }
        Tenants::Update { tenant, name, external_id, no_external_id, strict } => {
            let mut change = Map::new();
            if let Some(name) = name {
                change.insert("name".to_owned(), name.into());
            }
            if external_id.is_some() || no_external_id {
                change.insert("external_id".to_owned(), external_id.into());
            }
            if let Some(strict) = strict {
                change.insert("strict".to_owned(), strict.into());
            }
            if change.is_empty() {
                return Err(Error::Usage(
                    "nothing to change: see gatehouse tenants update --help".to_owned(),
                ));
            }
            let path = Tenant::find(api, &tenant).await?.path("");
            let tenant = api.call("PATCH", &path, Some(&Value::Object(change))).await?;
            let text = shown(&tenant);
            Ok(Shown::new(tenant, text))
        }
        Tenants::Export { tenant, output } => {
            let tenant = Tenant::find(api, &tenant).await?;
            export::run(api, &tenant, output.as_deref()).await
        }
        Tenants::Delete { tenant, yes } => {
            let tenant = Tenant::find(api, &tenant).await?;
            let name = tenant.name();
            let what = format!(
                "Deletes tenant {name} ({}): its users, groups, connections and tokens.",
                tenant.id
            );
            input::confirm(yes, &what, &name)?;
            delete(api, &tenant).await?;
            Ok(Shown::done(format!("Deleted {name} ({}).", tenant.id)))
        }
    }
}

/// A large tenant takes longer than a request may: each goes on where the last one ended.
async fn delete(api: &Api, tenant: &Tenant) -> Result<(), Error> {
    let mut left = MOST_DELETES;
    loop {
        left -= 1;
        match api.call("DELETE", &tenant.path(""), None).await {
            // Gone since an answer that never came.
            Ok(_) | Err(Error::NotFound(_)) => return Ok(()),
            Err(Error::Unavailable { .. } | Error::Unreachable { .. }) if left > 0 => {
                tokio::time::sleep(BEFORE_THE_NEXT).await;
            }
            Err(other) => return Err(other),
        }
    }
}

fn shown(tenant: &Value) -> String {
    fields(&[
        ("Name", at(tenant, "/name")),
        ("Id", at(tenant, "/id")),
        ("External id", at(tenant, "/external_id")),
        ("Created", time(tenant, "/created_at")),
        ("Strict SCIM", at(tenant, "/strict")),
    ])
}

const COLUMNS: [Column; 4] = [
    ("ID", |tenant| at(tenant, "/id")),
    ("NAME", |tenant| at(tenant, "/name")),
    ("EXTERNAL ID", |tenant| at(tenant, "/external_id")),
    ("CREATED", |tenant| time(tenant, "/created_at")),
];

/// Each may take half a minute on AWS.
const MOST_DELETES: u32 = 20;

const BEFORE_THE_NEXT: Duration = Duration::from_secs(1);
