//! Prepares sign-ins of one person, each with a new response that is signed for its request.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::browser::{draft_for, percent_encoded};
use harness::saml::draft::{authn, bearer, conditions};
use harness::saml::metadata;
use harness::saml::world::IDP;
use jiff::Timestamp;
use saml::authn_request::decode_redirect;
use serde_json::json;
use shared::clock::Clock;

use super::{Call, Server};

/// A connection of the demo tenant.
const DOMAIN: &str = "bench.example";

/// The domain of the person's address.
const ADDRESSES: &str = "acme.com";

impl Server {
    /// Creates the connection, which trusts the identity provider of the tests, and verifies the
    /// domain that it speaks for.
    pub(super) fn connect(&mut self) {
        let tenant = self.facts["tenant"]["id"].as_str().unwrap();
        let tenant = format!("/v1/tenants/{tenant}");
        let key = self.facts["operator_key"].as_str().unwrap();
        let headers = format!("authorization: Bearer {key}\r\ncontent-type: application/json");
        let word = json!({"verified_by": "operator"});
        let settings = json!({
            "idp_metadata_xml": metadata::usual(IDP),
            "jit": true,
            "domains": [ADDRESSES],
        });
        for (path, body) in [
            (format!("{tenant}/domains/{ADDRESSES}"), word),
            (format!("{tenant}/connections/{DOMAIN}"), settings),
        ] {
            self.call(&Call::raw("PUT", &path, &headers, &body.to_string()));
        }
    }

    /// Begins sign-ins; returns the request with the signed response for each.
    pub(super) fn responses(&mut self, count: usize) -> Vec<Call> {
        (0..count).map(|_| self.response()).collect()
    }

    fn response(&mut self) -> Call {
        let begun = self.exchange(&Call::raw("GET", &format!("/saml/sso/{DOMAIN}"), "", ""));
        let cookie = begun.header("set-cookie").split(';').next().unwrap();
        let field = begun.header("location").split_once("SAMLRequest=").unwrap().1;
        let field = field.split('&').next().unwrap();
        let field = field.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        let request = String::from_utf8(decode_redirect(&field).unwrap()).unwrap();
        let id = request.split_once(" ID=\"").unwrap().1.split('"').next().unwrap();

        let response = sign_response(self.facts["base_url"].as_str().unwrap(), id);
        let field = percent_encoded(&BASE64_STANDARD.encode(response));
        let headers =
            format!("cookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded");
        Call::raw(
            "POST",
            &format!("/saml/sso/{DOMAIN}"),
            &headers,
            &format!("SAMLResponse={field}"),
        )
    }
}

/// Returns a response, issued now, to the request with this id.
fn sign_response(base_url: &str, id: &str) -> String {
    let now = Clock::system().now().as_second();
    let at = |seconds| Timestamp::from_second(now + seconds).unwrap().to_string();
    let acs = format!("{base_url}/saml/sso/{DOMAIN}");
    let entity_id = format!("{base_url}/saml/metadata/{DOMAIN}");
    let mut draft = draft_for(&acs, &entity_id, Some(id));
    draft.issued = at(-2);
    draft.confirmations = bearer(Some(&acs), Some(&at(298)), Some(id), "");
    draft.conditions = conditions(Some(&at(-5)), Some(&at(3600)), &[&[&entity_id]]);
    draft.authn = authn(&at(-10), None);
    draft.response()
}
