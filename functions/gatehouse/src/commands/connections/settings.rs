//! What a connection is to be.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use crate::commands::input;
use crate::error::Error;

/// The options of `gatehouse connections set`.
#[derive(Args, Debug)]
pub struct Settings {
    /// Where the provider's metadata is: https, of a public host; read now and at every refresh.
    #[arg(long, value_name = "URL")]
    metadata_url: Option<String>,
    /// The provider's metadata itself; - is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "metadata_url")]
    metadata_file: Option<PathBuf>,
    /// A public key or certificate, in PEM, that must have signed the metadata.
    #[arg(long, value_name = "FILE")]
    metadata_key: Option<PathBuf>,
    /// People may sign in.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    enabled: Option<bool>,
    /// Whoever is unknown becomes a user at the first sign-in.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    jit: Option<bool>,
    /// Responses that nobody asked for lead to a page with one button.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    allow_idp_initiated: Option<bool>,
    /// Requests are signed even if the provider does not want it.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sign_requests: Option<bool>,
    /// How requests are sent.
    #[arg(long, value_name = "HOW")]
    request_binding: Option<Binding>,
    /// How far the provider's clock may be off, 60 to 300.
    #[arg(long, value_name = "SECONDS")]
    clock_skew_seconds: Option<u16>,
    /// Records of sign-ins keep what the provider said about the person.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    keep_claims: Option<bool>,
}

/// SAML bindings §3.4 and §3.5.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Binding {
    Redirect,
    Post,
}

impl Binding {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Post => "post",
        }
    }
}

impl Settings {
    /// The body of the PUT. A PUT takes a setting that it does not name for that of a new
    /// connection, so those that the connection has go with it.
    pub(super) fn body(&self, before: Option<&Value>) -> Result<Value, Error> {
        let mut body = Map::new();
        for name in SETTINGS {
            if let Some(value) = before.and_then(|before| before.get(name)) {
                body.insert(name.to_owned(), value.clone());
            }
        }
        for (name, value) in self.named()? {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        }
        Ok(Value::Object(body))
    }

    fn named(&self) -> Result<[(&'static str, Option<Value>); 10], Error> {
        let file = |path: &Option<PathBuf>| path.as_deref().map(input::read).transpose();
        let flag = |value: Option<bool>| value.map(Value::from);
        Ok([
            ("idp_metadata_url", self.metadata_url.clone().map(Value::from)),
            ("idp_metadata_xml", file(&self.metadata_file)?.map(Value::from)),
            ("metadata_key_pem", file(&self.metadata_key)?.map(Value::from)),
            ("enabled", flag(self.enabled)),
            ("jit", flag(self.jit)),
            ("allow_idp_initiated", flag(self.allow_idp_initiated)),
            ("sign_requests", flag(self.sign_requests)),
            ("request_binding", self.request_binding.map(|binding| binding.as_str().into())),
            ("clock_skew_seconds", self.clock_skew_seconds.map(Value::from)),
            ("keep_claims", flag(self.keep_claims)),
        ])
    }
}

/// Settings that a connection shows and a PUT takes.
const SETTINGS: [&str; 7] = [
    "enabled",
    "jit",
    "allow_idp_initiated",
    "sign_requests",
    "request_binding",
    "clock_skew_seconds",
    "keep_claims",
];
