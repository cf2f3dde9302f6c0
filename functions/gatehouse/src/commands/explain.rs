//! `gatehouse explain`: checks a SAML response against a connection.
//!
//! Accepts the response in the forms in which people have it at hand, and sends it to
//! `POST …/connections/{domain}/explain`.

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::input;
use crate::api::{Api, segment};
use crate::error::Error;
use crate::output::Output;
use crate::render::{fields, text_at};
use crate::sign_in_record;
use crate::tenant::Tenant;

/// Check a SAML response against a connection without signing anyone in.
#[derive(Args, Debug)]
#[command(after_help = "\
The exit code is 0 if the response would be accepted, and 1 if a check fails.

Examples:
  gatehouse explain customer-17 acme.com response.xml
  gatehouse explain customer-17 acme.com --at 2026-11-22T09:30:00Z < response.b64")]
pub struct Explain {
    /// Id, external id or name of the tenant.
    tenant: String,
    /// Domain of the connection.
    domain: String,
    /// The response: XML, the base64 value of the form field `SAMLResponse`, or the whole form data
    /// from the browser's network panel; - reads standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Check the response as of this time, when it arrived; default: now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

pub(crate) async fn run(api: &Api, command: Explain) -> Result<Output, Error> {
    let Explain { tenant, domain, file, at } = command;
    let response = form_field(&input::read(&file)?);
    if response.is_empty() {
        return Err(Error::Usage(format!("{} is empty: it must hold a response", file.display())));
    }
    let mut body = Map::new();
    body.insert("saml_response".to_owned(), response.into());
    if let Some(at) = at {
        body.insert("at".to_owned(), at.to_string().into());
    }
    let tenant = Tenant::find(api, &tenant).await?;
    let path = tenant.path(&format!("/connections/{}/explain", segment(&domain)));
    let explanation = api.call("POST", &path, Some(&Value::Object(body))).await?;
    let accepted = explanation.get("accepted").and_then(Value::as_bool) == Some(true);
    let checks = sign_in_record::checks(&explanation);
    let text = format!("{}\n\n{checks}", summary(&explanation, accepted));
    Ok(Output { failed: !accepted, ..Output::new(explanation, text) })
}

fn summary(explanation: &Value, accepted: bool) -> String {
    if accepted {
        return "The response would be accepted from the browser that asked for it.".to_owned();
    }
    fields(&[
        ("Refused", text_at(explanation, "/code")),
        ("Reason", text_at(explanation, "/message")),
        ("Action by", text_at(explanation, "/actor")),
    ])
}

/// Returns the form field `SAMLResponse` of a response in any of the accepted forms.
fn form_field(text: &str) -> String {
    let text = text.trim().trim_start_matches('\u{feff}');
    if text.starts_with('<') {
        return BASE64_STANDARD.encode(text);
    }
    let mut form = form_urlencoded::parse(text.as_bytes());
    if let Some((_, value)) = form.find(|(name, _)| name == "SAMLResponse") {
        return value.into_owned();
    }
    // A value copied from a form may still be percent-encoded. Base64 contains no percent sign.
    if text.contains('%') {
        return percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::form_field;

    #[test]
    fn a_response_is_accepted_as_xml_as_base64_and_as_form_data() {
        let encoded = "PHg+PC94Pg==";
        for text in [
            "<x></x>",
            "\u{feff}<x></x>\n",
            encoded,
            "PHg%2BPC94Pg%3D%3D",
            "RelayState=a%20b&SAMLResponse=PHg%2BPC94Pg%3D%3D",
        ] {
            assert_eq!(form_field(text), encoded, "{text}");
        }
    }
}
