//! A browser that signs in by SAML, and the responses of its identity provider.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use oidc::purpose::Purpose;
use saml::authn_request::decode_redirect;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shared::secrets::SecretName;
use shared::store::{PendingSignIn, Stage};
use types::hex::hex;

use crate::dns::DnsServer;
use crate::saml::draft::{Draft, at, authn, bearer, claim, conditions};
use crate::saml::keys::{KEYS, KeyPair};
use crate::saml::metadata;
use crate::saml::world::{IDP, now};
use crate::{Answer, TestApp};

/// Our base URL in tests.
pub const BASE: &str = "https://sp.example";

/// An identity provider at a connection of ours.
#[derive(Clone, Copy, Debug)]
pub struct Idp {
    /// Name of the connection.
    pub connection: &'static str,
    /// Entity id of the identity provider.
    pub issuer: &'static str,
    /// Whether it is a member of a federation.
    pub is_member: bool,
}

impl Idp {
    /// The identity provider [`IDP`] at `acme.com`.
    pub const USUAL: Self = Self::at("acme.com", IDP);

    /// Names the only identity provider of a connection.
    pub const fn at(connection: &'static str, issuer: &'static str) -> Self {
        Self { connection, issuer, is_member: false }
    }

    /// The path of our assertion consumer service for it.
    pub fn acs(&self) -> String {
        let rest = if self.is_member { "/federated" } else { "" };
        format!("/saml/sso/{}{rest}", self.connection)
    }

    /// Drafts a valid response of it; unsolicited without a request.
    pub fn draft(&self, request: Option<&str>) -> Draft {
        let entity_id = format!("{BASE}/saml/metadata/{}", self.connection);
        Draft {
            issuer: self.issuer.to_owned(),
            response_issuer: Some(self.issuer.to_owned()),
            ..draft_for(&format!("{BASE}{}", self.acs()), &entity_id, request)
        }
    }
}

/// A browser with its cookies.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    cookies: Vec<(String, String)>,
}

impl Browser {
    /// Makes a browser that started the sign-in with this id at `acme.com` of the first tenant.
    ///
    /// # Panics
    ///
    /// If the table refuses the sign-in.
    pub async fn with_pending_sign_in(test: &TestApp, id: &str) -> Self {
        let secret = "s".repeat(43);
        let pending = PendingSignIn {
            id: id.to_owned(),
            tenant: test.acme.id.parse().expect("a tenant"),
            domain: "acme.com".parse().expect("a domain"),
            purpose: Purpose::Start { target: None },
            stage: Stage::Asked(IDP.to_owned()),
            browser: Some(hex(&Sha256::digest(&secret))),
            session: None,
            expires_at: Timestamp::MAX,
        };
        test.app.store.create_pending_sign_in(&pending).await.expect("a sign-in");
        Self { cookies: vec![(format!("__Host-gatehouse-sign-in-{id}"), secret)] }
    }

    /// Returns the cookies as `name=value; …`.
    pub fn cookies(&self) -> String {
        let pairs: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// Adds the cookies of another browser, as answers to requests sent at the same time do.
    pub fn add_cookies(&mut self, other: &Self) {
        self.cookies.extend(other.cookies.iter().cloned());
    }

    /// Loses all cookies but those with such names.
    pub fn keep_cookies(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.cookies.retain(|(name, _)| is_kept(name));
    }

    /// Opens a page.
    pub async fn get(&mut self, test: &TestApp, path: &str) -> Answer {
        let request = Request::builder().method(Method::GET).uri(path.trim_start_matches(BASE));
        let request = request.header(header::COOKIE, self.cookies());
        let answer = test.send(request.body(Body::empty()).expect("a request")).await;
        self.remember(&answer);
        answer
    }

    /// Opens a page several times, sending every request before the first answer arrives.
    pub async fn get_at_once(&mut self, test: &TestApp, path: &str, count: usize) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(count);
        for _ in 0..count {
            // Requests are received one after the other.
            test.clock.advance(Duration::from_millis(1));
            answers.push(self.clone().get(test, path).await);
        }
        for answer in &answers {
            self.remember(answer);
        }
        answers
    }

    /// Posts a form.
    pub async fn post(&mut self, test: &TestApp, path: &str, fields: &[(&str, &str)]) -> Answer {
        // Records from the same millisecond have no order.
        test.clock.advance(Duration::from_millis(1));
        let answer = test.send(self.form(path, fields)).await;
        self.remember(&answer);
        answer
    }

    /// Makes the request that posts a form.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> Request<Body> {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", percent_encoded(value)))
            .collect();
        Request::builder()
            .method(Method::POST)
            .uri(path.trim_start_matches(BASE))
            .header(header::COOKIE, self.cookies())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(fields.join("&")))
            .expect("a request")
    }

    /// Starts a sign-in and returns the id of the request to the identity provider.
    pub async fn begin(&mut self, test: &TestApp, path: &str) -> String {
        request_id(&self.get(test, path).await)
    }

    /// Opens the link that tests a connection and presses the button of its page.
    pub async fn begin_test(&mut self, test: &TestApp, link: &str) -> Answer {
        let led = self.get(test, link).await.expect(303);
        let page = led.header("location").expect("a page").to_owned();
        self.get(test, &page).await.expect(200);
        self.post(test, &page, &[]).await
    }

    /// Posts a response to the connection `acme.com`.
    pub async fn respond(&mut self, test: &TestApp, response: &str) -> Answer {
        let field = BASE64_STANDARD.encode(response);
        self.post(test, "/saml/sso/acme.com", &[("SAMLResponse", &field)]).await
    }

    /// Starts a sign-in at `path` and posts the response of an identity provider to it, after a
    /// change.
    pub async fn sign_in(
        &mut self,
        test: &TestApp,
        path: &str,
        idp: Idp,
        change: impl FnOnce(&mut Draft),
    ) -> Answer {
        let request = self.begin(test, path).await;
        let mut draft = idp.draft(Some(&request));
        change(&mut draft);
        let field = BASE64_STANDARD.encode(draft.response());
        self.post(test, &idp.acs(), &[("SAMLResponse", &field)]).await
    }

    /// Whether the browser has a session of ours.
    pub fn has_session(&self) -> bool {
        self.cookies.iter().any(|(name, _)| name.ends_with("gatehouse-session"))
    }

    fn remember(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let text = cookie.to_str().expect("a cookie");
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').expect("a cookie");
            self.cookies.retain(|(known, _)| known != name);
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

/// Returns the id of the request in a redirect to an identity provider.
pub fn request_id(answer: &Answer) -> String {
    let xml = request_xml(answer);
    let (_, rest) = xml.split_once(" ID=\"").expect("an ID");
    rest.split('"').next().expect("an ID").to_owned()
}

/// Returns the request in a redirect to an identity provider.
pub fn request_xml(answer: &Answer) -> String {
    let location = answer.header("location").expect("a redirect");
    let (_, rest) = location.split_once("SAMLRequest=").expect("a SAMLRequest");
    let field = rest.split('&').next().unwrap_or_default();
    let field = field.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    String::from_utf8(decode_redirect(&field).expect("a request")).expect("UTF-8")
}

/// Encodes a text for a query or a form.
pub fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;

    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

impl TestApp {
    /// Makes a deployment at the time of the generated responses, whose tenant trusts [`IDP`] for
    /// `acme.com`, with these settings.
    pub async fn with_connection(settings: Value) -> Self {
        let test = Self::with(|config| config.base_url = Some(BASE.to_owned())).await;
        test.travel().await;
        test.connect("acme.com", &metadata::usual(IDP), settings).await.expect(200);
        test
    }

    /// Makes a deployment at the time of the generated responses that asks a DNS server of the test.
    pub async fn with_dns() -> (Self, DnsServer) {
        let dns = DnsServer::start().await;
        let address = dns.address();
        let test = Self::with(|config| {
            config.base_url = Some(BASE.to_owned());
            config.dns = Some(address);
        })
        .await;
        test.travel().await;
        (test, dns)
    }

    /// Advances the clock to the time of the generated responses and stores keys that are quick to
    /// make.
    pub async fn travel(&self) {
        let start: Timestamp = self.clock.now();
        self.clock.advance(now().duration_since(start).unsigned_abs());
        let keys = json!({"signing": [key_json(&KEYS.sp)], "encryption": [key_json(&KEYS.sp)]});
        let keys = SecretString::from(keys.to_string());
        self.app.secrets.put(SecretName::SamlKeys, &keys).await.expect("keys");
    }

    /// Creates or replaces a connection of the first tenant.
    pub async fn connect(&self, domain: &str, xml: &str, settings: Value) -> Answer {
        let mut body = settings;
        body["idp_metadata_xml"] = xml.into();
        self.verify_domain(&self.acme.id, domain).await;
        let path = format!("/v1/tenants/{}/connections/{domain}", self.acme.id);
        self.operator(Method::PUT, &path, Some(body)).await
    }

    /// Signs in with a new browser at the URL of a connection, with a changed response.
    pub async fn sign_in_at(&self, idp: Idp, change: impl FnOnce(&mut Draft)) -> (Browser, Answer) {
        let mut browser = Browser::default();
        let path = format!("/saml/sso/{}", idp.connection);
        let answer = browser.sign_in(self, &path, idp, change).await;
        (browser, answer)
    }

    /// Lists the records of the first tenant's sign-ins.
    pub async fn sign_ins(&self) -> Vec<Value> {
        let path = format!("/v1/tenants/{}/sign-ins", self.acme.id);
        let list = self.operator(Method::GET, &path, None).await.expect(200).json();
        list["items"].as_array().expect("a list").clone()
    }
}

fn key_json(pair: &KeyPair) -> Value {
    json!({
        "state": "current",
        "created_at": "2026-01-01T00:00:00Z",
        "private_key_pem": String::from_utf8(pair.private_pem()).expect("PEM"),
        "certificate": pair.certificate_base64(),
    })
}

/// Changes a response to a person with this persistent `NameID` and this address.
pub fn person<'a>(name_id: &'a str, email: &'a str) -> impl FnOnce(&mut Draft) + 'a {
    move |draft| {
        draft.name_id = format!(
            "<A:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">{name_id}</A:NameID>"
        );
        draft.claims = vec![claim("email", &[email])];
    }
}

/// Changes a response to a person whose `NameID`, of no particular format, and whose e-mail
/// attribute are these.
pub fn named<'a>(name_id: &'a str, email: &'a str) -> impl FnOnce(&mut Draft) + 'a {
    move |draft| {
        draft.name_id = format!("<A:NameID>{name_id}</A:NameID>");
        draft.claims = vec![claim("email", &[email])];
    }
}

/// Drafts a valid response of [`IDP`] for `acme.com`; unsolicited without a request.
pub fn draft(request: Option<&str>) -> Draft {
    draft_for(
        &format!("{BASE}/saml/sso/acme.com"),
        &format!("{BASE}/saml/metadata/acme.com"),
        request,
    )
}

/// Drafts the response to a request that is answered `seconds` after the time of verification.
pub fn later_draft(request: &str, seconds: i64) -> Draft {
    let (acs, entity_id) =
        (format!("{BASE}/saml/sso/acme.com"), format!("{BASE}/saml/metadata/acme.com"));
    let at = |offset: i64| at(seconds + offset);
    Draft {
        issued: at(-2),
        confirmations: bearer(Some(&acs), Some(&at(298)), Some(request), ""),
        conditions: conditions(Some(&at(-5)), Some(&at(3600)), &[&[&entity_id]]),
        authn: authn(&at(-10), None),
        ..draft(Some(request))
    }
}

/// Drafts the same response for other URLs of ours.
pub fn draft_for(acs: &str, entity_id: &str, request: Option<&str>) -> Draft {
    Draft {
        assertion_id: request.map_or_else(|| "_unasked".to_owned(), |id| format!("_a{id}")),
        destination: Some(acs.to_owned()),
        in_response_to: request.map(str::to_owned),
        confirmations: bearer(Some(acs), Some(&at(298)), request, ""),
        conditions: conditions(Some(&at(-5)), Some(&at(3600)), &[&[entity_id]]),
        authn: authn(&at(-10), None),
        ..Draft::default()
    }
}
