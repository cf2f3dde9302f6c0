//! `gatehouse sign-ins`.

use std::num::NonZeroU32;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Shown, tail};
use crate::api::{Api, Paging};
use crate::error::Error;
use crate::render::{Column, at, fields, table, time};
use crate::tenant::Tenant;

/// Sign-ins of the last week.
#[derive(Debug, Subcommand)]
pub enum SignIns {
    /// Lists them, the newest first.
    #[command(
        after_help = "Examples:\n  gatehouse sign-ins list customer-17\n  gatehouse sign-ins list customer-17 --failed --all"
    )]
    List {
        /// Id, external id or name.
        tenant: String,
        /// Only those that failed.
        #[arg(long)]
        failed: bool,
        /// How much to look through.
        #[command(flatten)]
        paging: Paging,
    },
    /// Shows one with all its checks, by the reference that the person was told.
    #[command(after_help = "Example:\n  gatehouse sign-ins show customer-17 7KQ2-M9XV")]
    Show {
        /// Id, external id or name.
        tenant: String,
        /// The reference, or the record's id.
        reference: String,
    },
    /// Follows them as they come, the newest last, until Ctrl-C.
    ///
    /// With --json, one line for each.
    #[command(
        after_help = "Examples:\n  gatehouse sign-ins tail customer-17\n  gatehouse sign-ins tail customer-17 --failed --json"
    )]
    Tail {
        /// Id, external id or name.
        tenant: String,
        /// Only those that failed.
        #[arg(long)]
        failed: bool,
        /// Begin with so many of the past.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=100))]
        last: u32,
        /// How often to look, in seconds.
        #[arg(long, value_name = "SECONDS", default_value = "2")]
        every: NonZeroU32,
    },
}

pub(crate) async fn run(api: &Api, command: SignIns, json: bool) -> Result<Shown, Error> {
    match command {
        SignIns::List { tenant, failed, paging } => {
            let path = Tenant::find(api, &tenant).await?.path("/sign-ins");
            let mut list = api.list(&path, &paging).await?;
            if failed && let Some(Value::Array(items)) = list.get_mut("items") {
                items.retain(has_failed);
            }
            Ok(Shown::list(list, &COLUMNS, "No such sign-in within the last week."))
        }
        SignIns::Show { tenant, reference } => {
            let tenant = Tenant::find(api, &tenant).await?;
            let record = find(api, &tenant, &reference).await?;
            let text = whole(&record);
            Ok(Shown::new(record, text))
        }
        SignIns::Tail { tenant, failed, last, every } => {
            let tenant = Tenant::find(api, &tenant).await?;
            let tail = tail::Tail { failed, last: last as usize, every, json };
            tail.follow(api, &tenant).await
        }
    }
}

/// Goes through the week until it is there.
async fn find(api: &Api, tenant: &Tenant, reference: &str) -> Result<Value, Error> {
    let wanted = folded(reference);
    let mut cursor = None;
    loop {
        let page = api.page(&tenant.path("/sign-ins"), cursor.as_deref(), usize::MAX).await?;
        let is_it = |record: &&Value| {
            folded(&at(record, "/reference")) == wanted || at(record, "/id") == reference
        };
        if let Some(record) = page.items.iter().find(is_it) {
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

/// A reference as a person may write it down: Crockford's base 32 has no I, L and O.
fn folded(reference: &str) -> String {
    let letters = reference.chars().filter(char::is_ascii_alphanumeric);
    let letters = letters.map(|letter| match letter.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    });
    letters.collect()
}

pub(crate) fn has_failed(record: &Value) -> bool {
    record.get("succeeded").and_then(Value::as_bool) == Some(false)
}

/// The whole record for people.
fn whole(record: &Value) -> String {
    let mut rows = vec![
        ("Reference", at(record, "/reference")),
        ("When", time(record, "/at")),
        ("Connection", at(record, "/domain")),
        ("Began by", at(record, "/began")),
        ("Result", result(record)),
    ];
    if has_failed(record) {
        rows.extend([("Why", at(record, "/message")), ("Who acts", at(record, "/actor"))]);
    } else {
        rows.push(("User", at(record, "/user")));
    }
    format!("{}\n\n{}", fields(&rows), checks(record))
}

/// The checks, those that failed with what was expected and received.
pub(crate) fn checks(record: &Value) -> String {
    let mut rows = Vec::new();
    for check in record.get("checks").and_then(Value::as_array).into_iter().flatten() {
        rows.push(check.clone());
        let outcome = check.get("outcome").and_then(Value::as_str);
        if matches!(outcome, Some("failed" | "warning")) {
            for name in ["expected", "received"] {
                let value = at(check, &format!("/{name}"));
                rows.push(json!({"outcome": "", "title": format!("  {name}: {value}")}));
            }
        }
    }
    table(&rows, &CHECKS)
}

fn result(record: &Value) -> String {
    if has_failed(record) { at(record, "/code") } else { "signed in".to_owned() }
}

pub(crate) const COLUMNS: [Column; 5] = [
    ("WHEN", |record| time(record, "/at")),
    ("REFERENCE", |record| at(record, "/reference")),
    ("RESULT", result),
    ("CONNECTION", |record| at(record, "/domain")),
    ("BEGAN BY", |record| at(record, "/began")),
];

const CHECKS: [Column; 3] = [
    ("OUTCOME", |check| at(check, "/outcome").replace('_', " ")),
    ("CHECK", |check| if check.get("id").is_some() { at(check, "/id") } else { String::new() }),
    ("", |check| at(check, "/title")),
];
