//! `gatehouse webhooks`: the endpoints that events are pushed to (`/v1/webhooks`).

use clap::Subcommand;
use serde_json::{Map, Value};

use super::input;
use crate::api::{Api, Paging, segment};
use crate::error::Error;
use crate::output::Output;
use crate::render::{Column, fields, text_at, time_at};

/// Endpoints that events are pushed to.
#[derive(Debug, Subcommand)]
pub enum Webhooks {
    /// List the webhooks, and whether they are delivered.
    #[command(after_help = "Example:\n  gatehouse webhooks list")]
    List {
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Create a webhook and print its secret, which is shown only once.
    #[command(
        after_help = "Examples:\n  gatehouse webhooks create https://app.example.com/webhooks\n  gatehouse webhooks create https://app.example.com/webhooks --type user.deactivated --type user.deleted"
    )]
    Create {
        /// URL of the endpoint: https, on a public host.
        #[arg(value_name = "URL")]
        endpoint: String,
        /// Type of the events that are sent; repeatable, all without it.
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
        /// Id of a tenant whose events are sent; repeatable, all without it.
        #[arg(long, value_name = "ID")]
        tenant: Vec<String>,
    },
    /// Change the given fields of a webhook, pause or resume it.
    #[command(
        after_help = "Examples:\n  gatehouse webhooks update 7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111 --resume\n  gatehouse webhooks update 7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111 --endpoint https://app.example.com/events"
    )]
    Update {
        /// Id of the webhook, as in `gatehouse webhooks list`.
        webhook: String,
        /// New URL of the endpoint.
        #[arg(long, value_name = "URL")]
        endpoint: Option<String>,
        /// Type of the events that are sent; repeatable, replaces all.
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
        /// Send events of all types.
        #[arg(long, conflicts_with = "types")]
        all_types: bool,
        /// Id of a tenant whose events are sent; repeatable, replaces all.
        #[arg(long, value_name = "ID")]
        tenant: Vec<String>,
        /// Send events of all tenants.
        #[arg(long, conflicts_with = "tenant")]
        all_tenants: bool,
        /// Send nothing until it is resumed.
        #[arg(long)]
        pause: bool,
        /// Go on from where it was paused.
        #[arg(long, conflicts_with = "pause")]
        resume: bool,
    },
    /// Create another secret and print it; for a day, messages are signed by both.
    #[command(
        after_help = "Example:\n  gatehouse webhooks rotate 7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111"
    )]
    Rotate {
        /// Id of the webhook, as in `gatehouse webhooks list`.
        webhook: String,
    },
    /// List the last attempts of a webhook, newest first.
    #[command(
        after_help = "Example:\n  gatehouse webhooks deliveries 7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111"
    )]
    Deliveries {
        /// Id of the webhook, as in `gatehouse webhooks list`.
        webhook: String,
    },
    /// Send one test message now; exit code 1 if it is not accepted.
    #[command(
        after_help = "Example:\n  gatehouse webhooks test 7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111"
    )]
    Test {
        /// Id of the webhook, as in `gatehouse webhooks list`.
        webhook: String,
    },
    /// Delete a webhook, with its secrets.
    #[command(
        after_help = "Example:\n  gatehouse webhooks delete 7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111 --yes"
    )]
    Delete {
        /// Id of the webhook, as in `gatehouse webhooks list`.
        webhook: String,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(api: &Api, command: Webhooks) -> Result<Output, Error> {
    match command {
        Webhooks::List { paging } => {
            let list = api.list("/v1/webhooks", &paging).await?;
            Ok(Output::list(
                list,
                &COLUMNS,
                "No webhooks. Create one: gatehouse webhooks create URL",
            ))
        }
        Webhooks::Create { endpoint, types, tenant } => {
            let mut body = Map::from_iter([("url".to_owned(), endpoint.into())]);
            insert_list(&mut body, "types", types, false);
            insert_list(&mut body, "tenants", tenant, false);
            let webhook = api.call("POST", "/v1/webhooks", Some(&Value::Object(body))).await?;
            Ok(with_secret(webhook, describe))
        }
        Webhooks::Update {
            webhook,
            endpoint,
            types,
            all_types,
            tenant,
            all_tenants,
            pause,
            resume,
        } => {
            let mut patch = Map::new();
            if let Some(endpoint) = endpoint {
                patch.insert("url".to_owned(), endpoint.into());
            }
            insert_list(&mut patch, "types", types, all_types);
            insert_list(&mut patch, "tenants", tenant, all_tenants);
            if pause || resume {
                patch.insert("paused".to_owned(), pause.into());
            }
            if patch.is_empty() {
                return Err(Error::Usage(
                    "nothing to change: name a field, see gatehouse webhooks update --help"
                        .to_owned(),
                ));
            }
            let webhook = api.call("PATCH", &path(&webhook), Some(&Value::Object(patch))).await?;
            let text = describe(&webhook);
            Ok(Output::new(webhook, text))
        }
        Webhooks::Rotate { webhook } => {
            let path = format!("{}/rotate", path(&webhook));
            let rotation = api.call("POST", &path, None).await?;
            Ok(with_secret(rotation, |rotation| {
                fields(&[
                    ("Secret", text_at(rotation, "/secret")),
                    ("Former until", time_at(rotation, "/former_secret_expires_at")),
                ])
            }))
        }
        Webhooks::Deliveries { webhook } => {
            let list = api.get(&format!("{}/deliveries", path(&webhook))).await?;
            Ok(Output::list(list, &ATTEMPTS, "No attempts within the last thirty days."))
        }
        Webhooks::Test { webhook } => {
            let path = format!("{}/test", path(&webhook));
            let outcome = api.call("POST", &path, None).await?;
            let failed = outcome.pointer("/delivered") != Some(&Value::Bool(true));
            let text = fields(&[
                ("Accepted", text_at(&outcome, "/delivered")),
                ("Answer", answer(&outcome)),
                ("Milliseconds", text_at(&outcome, "/duration_ms")),
            ]);
            Ok(Output { failed, ..Output::new(outcome, text) })
        }
        Webhooks::Delete { webhook, yes } => {
            let url = text_at(&api.get(&path(&webhook)).await?, "/url");
            let consequence = format!("Deletes the webhook {webhook} for {url}.");
            input::confirm(yes, &consequence, &webhook)?;
            api.call("DELETE", &path(&webhook), None).await?;
            Ok(Output::done(format!("Deleted the webhook {webhook} for {url}.")))
        }
    }
}

/// Inserts a list that is given, or null for `all`.
fn insert_list(body: &mut Map<String, Value>, name: &str, list: Vec<String>, all: bool) {
    if all {
        body.insert(name.to_owned(), Value::Null);
    } else if !list.is_empty() {
        body.insert(name.to_owned(), list.into());
    }
}

fn with_secret(document: Value, describe: impl Fn(&Value) -> String) -> Output {
    let note = "Copy the secret into the app now: it is not shown again.".to_owned();
    let text = describe(&document);
    Output { note: Some(note), ..Output::new(document, text) }
}

fn path(webhook: &str) -> String {
    format!("/v1/webhooks/{}", segment(webhook))
}

fn describe(webhook: &Value) -> String {
    let mut rows = vec![("Webhook", text_at(webhook, "/id")), ("URL", text_at(webhook, "/url"))];
    if webhook.get("secret").is_some() {
        rows.push(("Secret", text_at(webhook, "/secret")));
    }
    rows.extend([
        ("Types", text_at(webhook, "/types")),
        ("Tenants", text_at(webhook, "/tenants")),
        ("Status", status(webhook)),
        ("Failing since", time_at(webhook, "/failing_since")),
        ("Next attempt", time_at(webhook, "/next_attempt_at")),
        ("Created", time_at(webhook, "/created_at")),
    ]);
    fields(&rows)
}

/// The status, with the reason of a pause.
fn status(webhook: &Value) -> String {
    let status = text_at(webhook, "/status");
    match webhook.pointer("/pause_reason").and_then(Value::as_str) {
        Some(reason) => format!("{status} ({reason})"),
        None => status,
    }
}

/// The status of an answer, or why there was none.
fn answer(attempt: &Value) -> String {
    let has_status = attempt.pointer("/status").is_some_and(Value::is_number);
    text_at(attempt, if has_status { "/status" } else { "/error" })
}

const COLUMNS: [Column; 4] = [
    ("WEBHOOK", |webhook| text_at(webhook, "/id")),
    ("URL", |webhook| text_at(webhook, "/url")),
    ("STATUS", status),
    ("TYPES", |webhook| text_at(webhook, "/types")),
];

const ATTEMPTS: [Column; 4] = [
    ("TIME", |attempt| time_at(attempt, "/at")),
    ("EVENT", |attempt| text_at(attempt, "/event_id")),
    ("TYPE", |attempt| text_at(attempt, "/event_type")),
    ("ANSWER", answer),
];
