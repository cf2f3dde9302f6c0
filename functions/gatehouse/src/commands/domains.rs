//! `gatehouse domains`: the domains that a tenant claims (`/v1/tenants/{tenant}/domains`).
//!
//! A connection signs people in only with addresses of domains that its tenant has verified.

use clap::Subcommand;
use serde_json::{Value, json};

use super::input;
use crate::api::{Api, Paging, segment};
use crate::error::Error;
use crate::output::Output;
use crate::render::{Column, fields, text_at, time_at};
use crate::tenant::Tenant;

/// Domains of a tenant.
#[derive(Debug, Subcommand)]
pub enum Domains {
    /// List the domains of a tenant.
    #[command(after_help = "Example:\n  gatehouse domains list customer-17")]
    List {
        /// Id, external id or name of the tenant.
        tenant: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Claim a domain, and show the TXT record that the customer publishes to prove it.
    #[command(
        after_help = "Examples:\n  gatehouse domains add customer-17 globex.example\n  gatehouse domains add customer-17 globex.example --by-operator"
    )]
    Add {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// The domain.
        domain: String,
        /// Verify the domain by your word, because you know that it is the customer's.
        #[arg(long)]
        by_operator: bool,
    },
    /// Ask DNS for the record of a domain now.
    #[command(after_help = "Example:\n  gatehouse domains check customer-17 globex.example")]
    Check {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// The domain.
        domain: String,
    },
    /// Give a domain up. Sessions of people with addresses in it end.
    #[command(after_help = "Example:\n  gatehouse domains delete customer-17 globex.example --yes")]
    Delete {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// The domain.
        domain: String,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(api: &Api, command: Domains) -> Result<Output, Error> {
    match command {
        Domains::List { tenant, paging } => {
            let path = Tenant::find(api, &tenant).await?.path("/domains");
            let document = api.list(&path, &paging).await?;
            Ok(Output::list(document, &COLUMNS, "The tenant claims no domain."))
        }
        Domains::Add { tenant, domain, by_operator } => {
            let path = path(api, &tenant, &domain, "").await?;
            let body = if by_operator { json!({"verified_by": "operator"}) } else { json!({}) };
            Ok(shown(api.call("PUT", &path, Some(&body)).await?))
        }
        Domains::Check { tenant, domain } => {
            let path = path(api, &tenant, &domain, "/check").await?;
            let shown = shown(api.call("POST", &path, None).await?);
            let is_verified = shown.document.get("state").is_some_and(|state| state == "verified");
            Ok(Output { failed: !is_verified, ..shown })
        }
        Domains::Delete { tenant, domain, yes } => {
            let consequence =
                format!("Gives up {domain}; people with addresses in it can no longer sign in.");
            let path = path(api, &tenant, &domain, "").await?;
            api.get(&path).await?;
            input::confirm(yes, &consequence, &domain)?;
            api.call("DELETE", &path, None).await?;
            Ok(Output::done(format!("Gave up the domain {domain}.")))
        }
    }
}

async fn path(api: &Api, tenant: &str, domain: &str, rest: &str) -> Result<String, Error> {
    let tenant = Tenant::find(api, tenant).await?;
    Ok(tenant.path(&format!("/domains/{}{rest}", segment(domain))))
}

fn shown(domain: Value) -> Output {
    let text = fields(&[
        ("Domain", text_at(&domain, "/domain")),
        ("State", text_at(&domain, "/state")),
        ("Verified by", text_at(&domain, "/verified_by")),
        ("TXT record", text_at(&domain, "/txt/name")),
        ("Value", text_at(&domain, "/txt/value")),
    ]);
    let is_pending = domain.get("state").is_some_and(|state| state == "pending");
    let note = is_pending.then(|| {
        "Let the customer publish the TXT record, then run `gatehouse domains check`.".to_owned()
    });
    Output { note, ..Output::new(domain, text) }
}

const COLUMNS: [Column; 4] = [
    ("DOMAIN", |row| text_at(row, "/domain")),
    ("STATE", |row| text_at(row, "/state")),
    ("VERIFIED BY", |row| text_at(row, "/verified_by")),
    ("CHECKED", |row| time_at(row, "/checked_at")),
];
