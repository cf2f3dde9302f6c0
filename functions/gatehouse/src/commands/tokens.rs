//! `gatehouse tokens`: the SCIM tokens of a tenant (`/v1/tenants/{tenant}/scim-tokens`).

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::api::{Api, Paging, segment};
use crate::clock;
use crate::error::Error;
use crate::output::Output;
use crate::render::{Column, fields, text_at, time_at};
use crate::tenant::Tenant;

/// SCIM tokens of a tenant.
#[derive(Debug, Subcommand)]
pub enum Tokens {
    /// List the tokens that are neither revoked nor expired, and when each was last used.
    #[command(after_help = "Example:\n  gatehouse tokens list customer-17")]
    List {
        /// Id, external id or name of the tenant.
        tenant: String,
    },
    /// Create a token and print it; it is shown only once.
    ///
    /// A tenant has at most two tokens, so that a token can be replaced without a failed request:
    /// create the second, copy it into the identity provider, and revoke the first when
    /// `gatehouse doctor` says that it is no longer used.
    #[command(
        after_help = "Examples:\n  gatehouse tokens create customer-17\n  gatehouse tokens create customer-17 --days 90\n  gatehouse tokens create customer-17 --json | jq -r .token"
    )]
    Create {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Time at which the token expires; default: in a year.
        #[arg(long, value_name = "TIME", conflicts_with = "days")]
        expires_at: Option<Timestamp>,
        /// Number of days until the token expires.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: Option<u32>,
    },
    /// Revoke a token; it is refused everywhere within a minute.
    #[command(after_help = "Example:\n  gatehouse tokens revoke customer-17 9f1c0a7e52b1d3c4")]
    Revoke {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Id of the token, as in `gatehouse tokens list`.
        id: String,
    },
}

pub(crate) async fn run(api: &Api, command: Tokens) -> Result<Output, Error> {
    match command {
        Tokens::List { tenant } => {
            let path = Tenant::find(api, &tenant).await?.path("/scim-tokens");
            let list = api.list(&path, &Paging::everything()).await?;
            let empty = "No tokens. Create one: gatehouse tokens create TENANT";
            Ok(Output::list(list, &COLUMNS, empty))
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
                ("Token", text_at(&token, "/token")),
                ("Id", text_at(&token, "/id")),
                ("Expires", time_at(&token, "/expires_at")),
            ]);
            let note =
                "Copy the token into the identity provider now: it is not shown again.".to_owned();
            Ok(Output { note: Some(note), ..Output::new(token, text) })
        }
        Tokens::Revoke { tenant, id } => {
            let tenant = Tenant::find(api, &tenant).await?;
            let path = tenant.path(&format!("/scim-tokens/{}", segment(&id)));
            api.call("DELETE", &path, None).await?;
            let name = tenant.name();
            Ok(Output::done(format!(
                "Revoked the token {id} of {name}. It is refused everywhere within a minute."
            )))
        }
    }
}

const COLUMNS: [Column; 6] = [
    ("ID", |token| text_at(token, "/id")),
    ("LAST 4", |token| text_at(token, "/last4")),
    ("CREATED", |token| time_at(token, "/created_at")),
    ("EXPIRES", |token| time_at(token, "/expires_at")),
    ("LAST USED", |token| time_at(token, "/last_used_at")),
    ("BY", |token| text_at(token, "/last_used_by")),
];
