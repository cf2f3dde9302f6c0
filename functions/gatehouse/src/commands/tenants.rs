//! `gatehouse tenants`: the customer organisations (`/v1/tenants`).
//!
//! The export is in `export`.

mod export;

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::input;
use crate::api::{Api, Paging, with_query};
use crate::error::Error;
use crate::output::Output;
use crate::render::{Column, fields, text_at, time_at};
use crate::tenant::Tenant;

/// Customer organisations.
#[derive(Debug, Subcommand)]
pub enum Tenants {
    /// List the tenants, oldest first.
    #[command(
        after_help = "Examples:\n  gatehouse tenants list\n  gatehouse tenants list --name Globex\n  gatehouse tenants list --all --json"
    )]
    List {
        /// List only the tenant with this external id.
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// List only tenants with this name, in any letter case.
        #[arg(long)]
        name: Option<String>,
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Create a tenant.
    #[command(after_help = "Example:\n  gatehouse tenants create Globex --external-id customer-17")]
    Create {
        /// Name of the tenant.
        name: String,
        /// Your own id for the tenant; unique.
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// Refuse SCIM attributes that no schema defines, instead of storing them.
        #[arg(long)]
        strict: bool,
    },
    /// Show a tenant.
    #[command(after_help = "Example:\n  gatehouse tenants show customer-17")]
    Show {
        /// Id, external id or name of the tenant.
        tenant: String,
    },
    /// Change the given fields of a tenant; the others stay as they are.
    #[command(
        after_help = "Example:\n  gatehouse tenants update customer-17 --name Initech --strict=false"
    )]
    Update {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// New name.
        #[arg(long)]
        name: Option<String>,
        /// Your own id for the tenant; unique.
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// Remove your own id.
        #[arg(long, conflicts_with = "external_id")]
        no_external_id: bool,
        /// Refuse SCIM attributes that no schema defines, instead of storing them.
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        strict: Option<bool>,
    },
    /// Write all data of a tenant as JSON lines.
    ///
    /// Each line has a `type`: `tenant`, `seats`, `token`, `connection`, `user`, `group`, `member`,
    /// `activity` or `sign_in`. Users and groups are whole SCIM resources. There are no secrets: a
    /// token has only its last four characters. The last line is `{"type":"end",…}` with the
    /// counts; an export without it is incomplete.
    #[command(
        after_help = "Example:\n  gatehouse tenants export customer-17 --output customer-17.jsonl"
    )]
    Export {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// New file, readable by its owner only; default: standard output.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Revoke the SCIM tokens of a tenant and delete all its data.
    #[command(after_help = "Example:\n  gatehouse tenants delete customer-17 --yes")]
    Delete {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(api: &Api, command: Tenants) -> Result<Output, Error> {
    match command {
        Tenants::List { external_id, name, paging } => {
            let parameters = [("external_id", external_id.as_deref()), ("name", name.as_deref())];
            let list = api.list(&with_query("/v1/tenants", &parameters), &paging).await?;
            Ok(Output::list(
                list,
                &COLUMNS,
                "No tenants. Create one: gatehouse tenants create NAME",
            ))
        }
        Tenants::Create { name, external_id, strict } => {
            let body = json!({"name": name, "external_id": external_id, "strict": strict});
            let tenant = api.call("POST", "/v1/tenants", Some(&body)).await?;
            let text = format!(
                "{}\n\nNext, create a SCIM token: gatehouse tokens create {}",
                describe(&tenant),
                text_at(&tenant, "/id")
            );
            Ok(Output::new(tenant, text))
        }
        Tenants::Show { tenant } => {
            let tenant = Tenant::find(api, &tenant).await?.document;
            let text = describe(&tenant);
            Ok(Output::new(tenant, text))
        }
        Tenants::Update { tenant, name, external_id, no_external_id, strict } => {
            let mut changes = Map::new();
            if let Some(name) = name {
                changes.insert("name".to_owned(), name.into());
            }
            if external_id.is_some() || no_external_id {
                changes.insert("external_id".to_owned(), external_id.into());
            }
            if let Some(strict) = strict {
                changes.insert("strict".to_owned(), strict.into());
            }
            if changes.is_empty() {
                return Err(Error::Usage(
                    "nothing to change: name a field, see gatehouse tenants update --help"
                        .to_owned(),
                ));
            }
            let path = Tenant::find(api, &tenant).await?.path("");
            let tenant = api.call("PATCH", &path, Some(&Value::Object(changes))).await?;
            let text = describe(&tenant);
            Ok(Output::new(tenant, text))
        }
        Tenants::Export { tenant, output } => {
            let tenant = Tenant::find(api, &tenant).await?;
            export::run(api, &tenant, output.as_deref()).await
        }
        Tenants::Delete { tenant, yes } => {
            let tenant = Tenant::find(api, &tenant).await?;
            let name = tenant.name();
            let consequence = format!(
                "Deletes the tenant {name} ({}) with its users, groups, connections and tokens.",
                tenant.id
            );
            input::confirm(yes, &consequence, &name)?;
            delete(api, &tenant).await?;
            Ok(Output::done(format!("Deleted the tenant {name} ({}).", tenant.id)))
        }
    }
}

/// Repeats the request until it succeeds. Deleting a large tenant takes longer than the time limit
/// of one request; each request continues where the last one ended.
async fn delete(api: &Api, tenant: &Tenant) -> Result<(), Error> {
    let mut attempts_left = MAX_DELETES;
    loop {
        attempts_left -= 1;
        match api.call("DELETE", &tenant.path(""), None).await {
            // An earlier request completed although its response was lost.
            Ok(_) | Err(Error::NotFound(_)) => return Ok(()),
            Err(Error::Unavailable { .. } | Error::Unreachable { .. }) if attempts_left > 0 => {
                tokio::time::sleep(RETRY_DELAY).await;
            }
            Err(other) => return Err(other),
        }
    }
}

fn describe(tenant: &Value) -> String {
    fields(&[
        ("Name", text_at(tenant, "/name")),
        ("Id", text_at(tenant, "/id")),
        ("External id", text_at(tenant, "/external_id")),
        ("Created", time_at(tenant, "/created_at")),
        ("Strict SCIM", text_at(tenant, "/strict")),
    ])
}

const COLUMNS: [Column; 4] = [
    ("ID", |tenant| text_at(tenant, "/id")),
    ("NAME", |tenant| text_at(tenant, "/name")),
    ("EXTERNAL ID", |tenant| text_at(tenant, "/external_id")),
    ("CREATED", |tenant| time_at(tenant, "/created_at")),
];

/// Requests of one deletion. On AWS each may take half a minute.
const MAX_DELETES: u32 = 20;

const RETRY_DELAY: Duration = Duration::from_secs(1);
