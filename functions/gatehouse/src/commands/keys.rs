//! `gatehouse keys`: the keys of the deployment (`/v1/saml-keys` and `/v1/oidc-keys`).

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::api::Api;
use crate::error::Error;
use crate::output::Output;
use crate::render::{Column, fields, table, text_at, time_at};

/// Keys of the deployment.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Show the SAML keys: one signs requests, the other decrypts assertions.
    ///
    /// Creates the keys if there are none yet.
    #[command(after_help = "Example:\n  gatehouse keys show")]
    Show,
    /// Rotate the SAML or the OpenID Connect keys.
    ///
    /// saml: the first call publishes the next keys in our metadata. The second call activates
    /// them. Wait between the calls until the identity providers have read our metadata, and at
    /// least five minutes.
    ///
    /// oidc: the next key signs tokens at once; the previous key stays published. At most once a
    /// day.
    #[command(after_help = "Examples:\n  gatehouse keys rotate oidc\n  gatehouse keys rotate saml")]
    Rotate {
        /// Which keys.
        kind: Kind,
    },
}

/// The purpose of a key.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// Sign SAML requests and decrypt assertions.
    Saml,
    /// Sign tokens for apps.
    Oidc,
}

pub(crate) async fn run(api: &Api, command: Keys) -> Result<Output, Error> {
    match command {
        Keys::Show => Ok(saml_output(api.get("/v1/saml-keys").await?)),
        Keys::Rotate { kind: Kind::Saml } => {
            let keys = api.call("POST", "/v1/saml-keys/rotate", None).await?;
            let has_next = keys.pointer("/signing").and_then(Value::as_array).is_some_and(|keys| {
                keys.iter().any(|key| key.get("state").and_then(Value::as_str) == Some("next"))
            });
            let note = if has_next {
                "The next keys are published. Once the identity providers have read our metadata, \
                 run this command again to activate them."
            } else {
                "The next keys are now active."
            };
            Ok(Output { note: Some(note.to_owned()), ..saml_output(keys) })
        }
        Keys::Rotate { kind: Kind::Oidc } => {
            let keys = api.call("POST", "/v1/oidc-keys/rotate", None).await?;
            let names = keys.as_object().into_iter().flatten();
            let rows: Vec<(&str, String)> = names
                .map(|(name, _)| (name.as_str(), text_at(&keys, &format!("/{name}"))))
                .collect();
            let text = fields(&rows);
            Ok(Output::new(keys, text))
        }
    }
}

fn saml_output(keys: Value) -> Output {
    let mut rows = Vec::new();
    for purpose in ["signing", "encryption"] {
        for key in keys.get(purpose).and_then(Value::as_array).into_iter().flatten() {
            rows.push(json!({"purpose": purpose, "key": key}));
        }
    }
    let text = table(&rows, &COLUMNS);
    Output::new(keys, text)
}

const COLUMNS: [Column; 4] = [
    ("PURPOSE", |row| text_at(row, "/purpose")),
    ("STATE", |row| text_at(row, "/key/state")),
    ("EXPIRES", |row| time_at(row, "/key/not_after")),
    ("FINGERPRINT", |row| text_at(row, "/key/fingerprint")),
];
