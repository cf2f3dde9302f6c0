//! `gatehouse tokens`.

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Shown;
use crate::api::{Api, Paging, segment};
use crate::clock;
use crate::error::Error;
use crate::render::{Column, at, fields, time};
use crate::tenant::Tenant;

/// SCIM tokens of a tenant.
#[derive(Debug, Subcommand)]
pub enum Tokens {
    /// Lists the live ones.
    #[command(after_help = "Example:\n  gatehouse tokens list customer-17")]
    List {
        /// Id, external id or name.
        tenant: String,
    },
    /// Makes one and prints it: the only time that it is shown.
    ///
    /// A tenant has at most two, so that one can be replaced without a failed request: make the
    /// second, put it into the identity provider, revoke the first.
    #[command(
        after_help = "Examples:\n  gatehouse tokens create customer-17\n  gatehouse tokens create customer-17 --days 90\n  gatehouse tokens create customer-17 --json | jq -r .token"
    )]
    Create {
        /// Id, external id or name.
        tenant: String,
        /// Until when it is good; a year without it.
        #[arg(long, value_name = "TIME", conflicts_with = "days")]
        expires_at: Option<Timestamp>,
        /// How many days it is good.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: Option<u32>,
    },
    /// Revokes one: refused everywhere within a minute.
    #[command(after_help = "Example:\n  gatehouse tokens revoke customer-17 9f1c0a7e52b1d3c4")]
    Revoke {
        /// Id, external id or name.
        tenant: String,
        /// As `gatehouse tokens list` shows it.
        id: String,
    },
}

pub(crate) async fn run(api: &Api, command: Tokens) -> Result<Shown, Error> {
    match command {
        Tokens::List { tenant } => {
            let path = Tenant::find(api, &tenant).await?.path("/scim-tokens");
            let list = api.list(&path, &Paging::everything()).await?;
            let none = "No live token: gatehouse tokens create TENANT";
            Ok(Shown::list(list, &COLUMNS, none))
        }
        Tokens::Create { tenant, expires_at, days } => {
            let path = Tenant::find(api, &tenant).await?.path("/scim-tokens");
            let after = |days: u32| {
                let life = SignedDuration::from_hours(24 * i64::from(days));
                clock::now().saturating_add(life).ok()
            };
            let expires_at = expires_at.or_else(|| days.and_then(after));
            let body = expires_at.map(|expires_at| json!({"expires_at": expires_at}));
            let token = api.call("POST", &path, body.as_ref()).await?;
            let text = fields(&[
                ("Token", at(&token, "/token")),
                ("Id", at(&token, "/id")),
                ("Expires", time(&token, "/expires_at")),
            ]);
            let note = "It is not shown again: put it into the identity provider now.".to_owned();
            Ok(Shown { note: Some(note), ..Shown::new(token, text) })
        }
        Tokens::Revoke { tenant, id } => {
            let tenant = Tenant::find(api, &tenant).await?;
            let path = tenant.path(&format!("/scim-tokens/{}", segment(&id)));
            api.call("DELETE", &path, None).await?;
            let text =
                format!("Revoked {id} of {}: refused everywhere within a minute.", tenant.name());
            Ok(Shown::done(text))
        }
    }
}

const COLUMNS: [Column; 4] = [
    ("ID", |token| at(token, "/id")),
    ("ENDS IN", |token| at(token, "/last4")),
    ("CREATED", |token| time(token, "/created_at")),
    ("EXPIRES", |token| time(token, "/expires_at")),
];
