//! `gatehouse explain`.

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Shown, input, sign_ins};
use crate::api::{Api, segment};
use crate::error::Error;
use crate::render::{at, fields};
use crate::tenant::Tenant;

/// Checks a SAML response against a connection, without signing anybody in.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit code 0 means that it would have been accepted, 1 that a check failed.

Examples:
  gatehouse explain customer-17 acme.com response.xml
  gatehouse explain customer-17 acme.com --at 2026-11-22T09:30:00Z < response.b64")]
pub struct Explain {
    /// Id, external id or name.
    tenant: String,
    /// The domain that names the connection.
    domain: String,
    /// The response: XML, the base64 of the field `SAMLResponse`, or the whole form as a browser's
    /// network panel shows it. - is standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Judge it as of this time, when it arrived; now without it.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

pub(crate) async fn run(api: &Api, command: Explain) -> Result<Shown, Error> {
    let Explain { tenant, domain, file, at: moment } = command;
    let field = field(&input::read(&file)?);
    if field.is_empty() {
        return Err(Error::Usage(format!("{} is empty: there is no response", file.display())));
    }
    let mut body = Map::new();
    body.insert("saml_response".to_owned(), field.into());
    if let Some(moment) = moment {
        body.insert("at".to_owned(), moment.to_string().into());
    }
    let tenant = Tenant::find(api, &tenant).await?;
    let path = tenant.path(&format!("/connections/{}/explain", segment(&domain)));
    let verdict = api.call("POST", &path, Some(&Value::Object(body))).await?;
    let accepted = verdict.get("accepted").and_then(Value::as_bool) == Some(true);
    let text = format!("{}\n\n{}", summary(&verdict, accepted), sign_ins::checks(&verdict));
    Ok(Shown { failed: !accepted, ..Shown::new(verdict, text) })
}

fn summary(verdict: &Value, accepted: bool) -> String {
    if accepted {
        return "It would be accepted, by the browser that asked for it.".to_owned();
    }
    fields(&[
        ("Refused", at(verdict, "/code")),
        ("Why", at(verdict, "/message")),
        ("Who acts", at(verdict, "/actor")),
    ])
}

/// The form field, from whatever a person has at hand.
fn field(text: &str) -> String {
    let text = text.trim().trim_start_matches('\u{feff}');
    if text.starts_with('<') {
        return BASE64_STANDARD.encode(text);
    }
    let mut form = form_urlencoded::parse(text.as_bytes());
    if let Some((_, value)) = form.find(|(name, _)| name == "SAMLResponse") {
        return value.into_owned();
    }
    // Copied out of a form, it may still be percent-encoded; base64 itself has no percent sign.
    if text.contains('%') {
        return percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_response_is_taken_in_every_form_that_people_have_it_in() {
        let encoded = "PHg+PC94Pg==";
        for text in [
            "<x></x>",
            "\u{feff}<x></x>\n",
            encoded,
            "PHg%2BPC94Pg%3D%3D",
            "RelayState=a%20b&SAMLResponse=PHg%2BPC94Pg%3D%3D",
        ] {
            assert_eq!(field(text), encoded, "{text}");
        }
    }
}
