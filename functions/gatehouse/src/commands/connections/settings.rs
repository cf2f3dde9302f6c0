//! The options of `gatehouse connections set`, and the request body they make.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::commands::input;
use crate::error::Error;

/// The options of `gatehouse connections set`.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Settings {
    /// URL of the identity provider's metadata, read now and at every refresh; https and public.
    #[arg(long, value_name = "URL")]
    metadata_url: Option<String>,
    /// File with the identity provider's metadata; - reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "metadata_url")]
    metadata_file: Option<PathBuf>,
    /// PEM file with the public key or certificate that must have signed the metadata.
    #[arg(long, value_name = "FILE")]
    metadata_key: Option<PathBuf>,
    /// Domain that the connection may speak for, once it is verified; repeat it for several. They
    /// replace the listed ones.
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<String>,
    /// List no domains: the connection speaks for the domain that it is named after.
    #[arg(long, conflicts_with = "domains")]
    no_domains: bool,
    /// Domain that a member of a federation may speak for in place of the scopes of its metadata;
    /// repeat it for several. They replace the listed ones of all members.
    #[arg(long = "member-domain", value_name = "ENTITY_ID=DOMAIN", value_parser = member_domain)]
    member_domains: Vec<(String, String)>,
    /// List no domains of members: each speaks for the scopes of its metadata.
    #[arg(long, conflicts_with = "member_domains")]
    no_member_domains: bool,
    /// Allow sign-in through this connection.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    enabled: Option<bool>,
    /// Create an unknown user at the first sign-in.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    jit: Option<bool>,
    /// Accept sign-ins that start at the identity provider; the user confirms them on a page.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    allow_idp_initiated: Option<bool>,
    /// Sign requests even if the identity provider does not ask for it.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sign_requests: Option<bool>,
    /// SAML binding of requests.
    #[arg(long, value_name = "BINDING")]
    request_binding: Option<Binding>,
    /// Accepted difference between the two clocks, 60 to 300.
    #[arg(long, value_name = "SECONDS")]
    clock_skew_seconds: Option<u16>,
    /// Part of a response that must be signed.
    #[arg(long, value_name = "PART")]
    require_signed: Option<SignedPart>,
    /// URI of an accepted authentication context class; repeat it for several. "any" accepts every
    /// class.
    #[arg(long = "authn-context", value_name = "URI")]
    authn_contexts: Vec<String>,
    /// Request the authentication context classes that an app asks for from the identity provider.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    forward_acr_values: Option<bool>,
    /// Refuse sign-ins without an e-mail address.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    require_email: Option<bool>,
    /// SAML attribute that holds the groups of users whom SCIM does not manage.
    #[arg(long, value_name = "NAME")]
    group_attribute: Option<String>,
    /// Read the groups from the attributes that usually hold them.
    #[arg(long, conflicts_with = "group_attribute")]
    no_group_attribute: bool,
    /// Keep the identity provider's statements about the user in the records of sign-ins.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    keep_claims: Option<bool>,
    /// Client id of the app that a sign-in opens which no app began; without one, the user chooses
    /// among several apps.
    #[arg(long, value_name = "CLIENT_ID")]
    default_app: Option<String>,
    /// Let the user choose among several apps.
    #[arg(long, conflicts_with = "default_app")]
    no_default_app: bool,
}

/// The SAML bindings HTTP-Redirect and HTTP-POST (SAML bindings §3.4 and §3.5).
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

/// The part of a response that must be signed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SignedPart {
    Either,
    Response,
    Assertion,
    Both,
}

impl SignedPart {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Either => "either",
            Self::Response => "response",
            Self::Assertion => "assertion",
            Self::Both => "both",
        }
    }
}

impl Settings {
    /// Returns the body of the PUT: the settings of the connection, overridden by the options. A
    /// PUT resets a setting that its body omits.
    pub(super) fn body(&self, before: Option<&Value>) -> Result<Value, Error> {
        let mut body = Map::new();
        for name in SETTINGS {
            if let Some(value) = before.and_then(|before| before.get(name)) {
                body.insert(name.to_owned(), value.clone());
            }
        }
        // A GET returns each domain with its state, a PUT accepts the names.
        if let Some(listed) = before.and_then(|before| before.get("domains")?.as_array()) {
            let names = listed.iter().filter_map(|listed| listed.get("domain").cloned());
            body.insert("domains".to_owned(), names.collect());
        }
        if self.no_domains {
            body.remove("domains");
        }
        if self.no_group_attribute {
            body.remove("group_attribute");
        }
        if self.no_default_app {
            body.remove("default_app");
        }
        for (name, value) in self.options()? {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        }
        Ok(Value::Object(body))
    }

    fn options(&self) -> Result<[(&'static str, Option<Value>); 18], Error> {
        let file = |path: &Option<PathBuf>| path.as_deref().map(input::read).transpose();
        let flag = |value: Option<bool>| value.map(Value::from);
        Ok([
            ("idp_metadata_url", self.metadata_url.clone().map(Value::from)),
            ("idp_metadata_xml", file(&self.metadata_file)?.map(Value::from)),
            ("metadata_key_pem", file(&self.metadata_key)?.map(Value::from)),
            ("domains", (!self.domains.is_empty()).then(|| self.domains.clone().into())),
            ("member_domains", self.member_domains()),
            ("enabled", flag(self.enabled)),
            ("jit", flag(self.jit)),
            ("allow_idp_initiated", flag(self.allow_idp_initiated)),
            ("sign_requests", flag(self.sign_requests)),
            ("request_binding", self.request_binding.map(|binding| binding.as_str().into())),
            ("clock_skew_seconds", self.clock_skew_seconds.map(Value::from)),
            ("require_signed", self.require_signed.map(|part| part.as_str().into())),
            ("authn_contexts", self.authn_contexts()),
            ("forward_acr_values", flag(self.forward_acr_values)),
            ("require_email", flag(self.require_email)),
            ("group_attribute", self.group_attribute.clone().map(Value::from)),
            ("keep_claims", flag(self.keep_claims)),
            ("default_app", self.default_app.clone().map(Value::from)),
        ])
    }

    /// Returns the domains of each named member; none of any with `--no-member-domains`.
    fn member_domains(&self) -> Option<Value> {
        let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (entity_id, domain) in &self.member_domains {
            members.entry(entity_id).or_default().push(domain);
        }
        (self.no_member_domains || !members.is_empty()).then(|| json!(members))
    }

    /// Returns the named classes; `any` alone gives the empty list.
    fn authn_contexts(&self) -> Option<Value> {
        let named = self.authn_contexts.iter().filter(|uri| *uri != "any");
        (!self.authn_contexts.is_empty()).then(|| named.cloned().collect())
    }
}

/// Parses `ENTITY_ID=DOMAIN`. An entity id is a URI and may contain `=`, a domain cannot.
fn member_domain(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((entity_id, domain)) if !entity_id.is_empty() && !domain.is_empty() => {
            Ok((entity_id.to_owned(), domain.to_owned()))
        }
        Some(_) | None => Err("must be ENTITY_ID=DOMAIN".to_owned()),
    }
}

/// Settings that a GET returns and a PUT accepts.
const SETTINGS: [&str; 14] = [
    "member_domains",
    "enabled",
    "jit",
    "allow_idp_initiated",
    "sign_requests",
    "request_binding",
    "clock_skew_seconds",
    "require_signed",
    "authn_contexts",
    "forward_acr_values",
    "require_email",
    "group_attribute",
    "keep_claims",
    "default_app",
];
