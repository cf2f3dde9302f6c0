//! `gatehouse sign-ins`: the sign-ins of the last week (`/v1/tenants/{tenant}/sign-ins`).
//!
//! The format of a record is in `sign_in_record`; `tail` follows new records.

mod tail;

use std::num::NonZeroU32;

use clap::Subcommand;
use serde_json::Value;

use self::tail::Tail;
use crate::api::{Api, Paging, with_query};
use crate::error::Error;
use crate::output::Output;
use crate::render::{Column, text_at, time_at};
use crate::sign_in_record::{describe, result};
use crate::tenant::Tenant;

/// Sign-ins of the last week.
#[derive(Debug, Subcommand)]
pub enum SignIns {
    /// List the sign-ins, newest first.
    #[command(
        after_help = "Examples:\n  gatehouse sign-ins list customer-17\n  gatehouse sign-ins list customer-17 --failed --all\n  gatehouse sign-ins list customer-17 --code saml.audience"
    )]
    List {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// List failed sign-ins only.
        #[arg(long, conflicts_with = "succeeded")]
        failed: bool,
        /// List successful sign-ins only.
        #[arg(long)]
        succeeded: bool,
        /// List only sign-ins of the user with this id.
        #[arg(long, value_name = "ID")]
        user: Option<String>,
        /// List only sign-ins that failed with this code, such as `saml.audience`.
        #[arg(long)]
        code: Option<String>,
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a sign-in and all its checks, by the reference on the user's error page.
    #[command(after_help = "Example:\n  gatehouse sign-ins show customer-17 7KQ2-M9XV")]
    Show {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Reference or id of the sign-in.
        reference: String,
    },
    /// Print new sign-ins as they happen, until Ctrl-C.
    ///
    /// With --json, each sign-in is one line of JSON.
    #[command(
        after_help = "Examples:\n  gatehouse sign-ins tail customer-17\n  gatehouse sign-ins tail customer-17 --failed --json"
    )]
    Tail {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Print failed sign-ins only.
        #[arg(long)]
        failed: bool,
        /// Number of past sign-ins to print first.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=100))]
        last: u32,
        /// Seconds between two requests.
        #[arg(long, value_name = "SECONDS", default_value = "2")]
        every: NonZeroU32,
    },
}

pub(crate) async fn run(api: &Api, command: SignIns, json: bool) -> Result<Output, Error> {
    match command {
        SignIns::List { tenant, failed, succeeded, user, code, paging } => {
            let outcome = (failed || succeeded).then_some(if failed { "false" } else { "true" });
            let parameters =
                [("succeeded", outcome), ("user", user.as_deref()), ("code", code.as_deref())];
            let path = Tenant::find(api, &tenant).await?.path("/sign-ins");
            let list = api.list(&with_query(&path, &parameters), &paging).await?;
            let is_filtered = parameters.iter().any(|(_, value)| value.is_some());
            let empty = if is_filtered { "No such sign-ins." } else { "No sign-ins." };
            Ok(Output::list(list, &COLUMNS, empty))
        }
        SignIns::Show { tenant, reference } => {
            let tenant = Tenant::find(api, &tenant).await?;
            let record = find(api, &tenant, &reference).await?;
            let text = describe(&record);
            Ok(Output::new(record, text))
        }
        SignIns::Tail { tenant, failed, last, every } => {
            let tenant = Tenant::find(api, &tenant).await?;
            Tail { failed, last: last as usize, every, json }.follow(api, &tenant).await
        }
    }
}

/// Searches the sign-ins of the last week for a reference or an id.
async fn find(api: &Api, tenant: &Tenant, reference: &str) -> Result<Value, Error> {
    let wanted = normalize(reference);
    let mut cursor = None;
    loop {
        let page = api.page(&tenant.path("/sign-ins"), cursor.as_deref(), usize::MAX).await?;
        let matches = |record: &&Value| {
            normalize(&text_at(record, "/reference")) == wanted
                || text_at(record, "/id") == reference
        };
        if let Some(record) = page.items.iter().find(matches) {
            return Ok(record.clone());
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            let name = tenant.name();
            return Err(Error::NotFound(format!(
                "{name} has no sign-in with the reference {reference:?} within the last week"
            )));
        }
    }
}

/// Undoes what people change when they write a reference down: letter case, separators, and the
/// letters I, L and O, which Crockford's base 32 does not have.
fn normalize(reference: &str) -> String {
    let letters = reference.chars().filter(char::is_ascii_alphanumeric);
    let letters = letters.map(|letter| match letter.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    });
    letters.collect()
}

const COLUMNS: [Column; 5] = [
    ("TIME", |record| time_at(record, "/at")),
    ("REFERENCE", |record| text_at(record, "/reference")),
    ("RESULT", result),
    ("CONNECTION", |record| text_at(record, "/domain")),
    ("STARTED BY", |record| text_at(record, "/began")),
];
