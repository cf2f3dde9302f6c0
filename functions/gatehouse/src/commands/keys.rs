//! `gatehouse keys`.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::Shown;
use crate::api::Api;
use crate::error::Error;
use crate::render::{Column, at, fields, table, time};

/// Keys of the deployment.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Shows the SAML keys: one pair signs requests, another decrypts assertions.
    ///
    /// They are made if there are none yet.
    #[command(after_help = "Example:\n  gatehouse keys show")]
    Show,
    /// Rotates the keys of one kind.
    ///
    /// saml: the first time publishes the next keys in our metadata; again, five minutes later at
    /// the earliest and better after the providers have read it, lets them take over.
    ///
    /// oidc: the next key signs tokens from now on, the previous one stays published; once a day
    /// at most.
    #[command(after_help = "Examples:\n  gatehouse keys rotate oidc\n  gatehouse keys rotate saml")]
    Rotate {
        /// Which.
        kind: Kind,
    },
}

/// What keys are for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// Signing requests and decrypting assertions.
    Saml,
    /// Signing tokens for apps.
    Oidc,
}

pub(crate) async fn run(api: &Api, command: Keys) -> Result<Shown, Error> {
    match command {
        Keys::Show => Ok(saml(api.get("/v1/saml-keys").await?)),
        Keys::Rotate { kind: Kind::Saml } => {
            let keys = api.call("POST", "/v1/saml-keys/rotate", None).await?;
            let published =
                keys.pointer("/signing").and_then(Value::as_array).is_some_and(|keys| {
                    keys.iter().any(|key| key.get("state").and_then(Value::as_str) == Some("next"))
                });
            let note = if published {
                "The next keys are published. Run this again once the providers have read our metadata."
            } else {
                "The next keys have taken over."
            };
            Ok(Shown { note: Some(note.to_owned()), ..saml(keys) })
        }
        Keys::Rotate { kind: Kind::Oidc } => {
            let keys = api.call("POST", "/v1/oidc-keys/rotate", None).await?;
            let rows: Vec<(&str, String)> = match &keys {
                Value::Object(names) => names
                    .iter()
                    .map(|(name, _)| (name.as_str(), at(&keys, &format!("/{name}"))))
                    .collect(),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_) => Vec::new(),
            };
            let text = fields(&rows);
            Ok(Shown::new(keys, text))
        }
    }
}

fn saml(keys: Value) -> Shown {
    let mut rows = Vec::new();
    for kind in ["signing", "encryption"] {
        for key in keys.get(kind).and_then(Value::as_array).into_iter().flatten() {
            rows.push(json!({"kind": kind, "key": key}));
        }
    }
    let text = table(&rows, &COLUMNS);
    Shown::new(keys, text)
}

const COLUMNS: [Column; 4] = [
    ("FOR", |row| at(row, "/kind")),
    ("STATE", |row| at(row, "/key/state")),
    ("UNTIL", |row| time(row, "/key/not_after")),
    ("FINGERPRINT", |row| at(row, "/key/fingerprint")),
];
