//! The SAML round trip: somebody signs in, with a response that an identity provider of our own
//! has signed; and the discovery documents.

use serde_json::json;

use super::answer::Answer;
use super::canary::Canary;
use super::event::Request;
use super::{Check, Failure, Function, Invoke};
use crate::built_in_idp::{self, KeyPair, Person, Response};
use crate::clock::random_bytes;
use saml::authn_request::decode_redirect;
use saml::names::{ASSERTION, METADATA, PROTOCOL};
use saml::xml::{StrictDocument, encode_base64, required_child, text_of};

/// What we are called by the identity provider.
struct ServiceProvider {
    entity_id: String,
    acs_url: String,
}

impl<I: Invoke + Sync> Check<'_, I> {
    /// Sets up a connection, signs somebody in by it, and tries what must be refused.
    pub(super) async fn saml_round_trip(&self, canary: &Canary) -> Result<(), Failure> {
        let no_key = |_| Failure::new(CONNECT, "a key of the identity provider", "none");
        let (_, key) =
            KeyPair::generate("Gatehouse deployment check", self.clock.now()).map_err(no_key)?;
        let sp = self.connect(canary, &key).await?;
        self.sp_metadata(canary, &sp).await?;
        let (request, cookies) = self.begin(canary, &sp).await?;

        let email = format!("grace@{}", canary.domain);
        let person =
            Person { given_name: "Grace", family_name: "Hopper", email: &email, groups: &[] };
        let response = Response {
            idp: IDP,
            person: &person,
            in_response_to: &request,
            audience: &sp.entity_id,
            acs_url: &sp.acs_url,
            now: self.clock.now(),
            ids: [random()?, random()?],
        };
        let signed = response
            .signed_xml(&key)
            .ok_or_else(|| Failure::new(SIGN_IN, "a signed response", "none"))?;

        // First what must not pass: afterwards the request is used up, and everything is refused.
        let tampered = signed.replace(&email, &format!("alan@{}", canary.domain));
        self.refused("saml.tampered", canary, &cookies, &tampered).await?;
        let (before, after) = signed.split_once("<ds:Signature").unwrap_or_default();
        let (_, after) = after.split_once("</ds:Signature>").unwrap_or_default();
        self.refused("saml.unsigned", canary, &cookies, &format!("{before}{after}")).await?;
        self.refused("saml.another-browser", canary, &[], &signed).await?;

        let answer = self.post(SIGN_IN, canary, &cookies, &signed).await?;
        // To an app, or to a page when there is none.
        let answer = answer.expect_one_of(SIGN_IN, &[200, 302, 303])?;
        if !has_session(&answer) {
            return Err(Failure::new(SIGN_IN, "a session", "no session cookie"));
        }
        self.refused("saml.replay", canary, &cookies, &signed).await
    }

    async fn connect(&self, canary: &Canary, key: &KeyPair) -> Result<ServiceProvider, Failure> {
        let path = format!("/v1/tenants/{}/connections/{}", canary.tenant, canary.domain);
        let xml = built_in_idp::metadata(IDP, SSO_URL, key.certificate());
        let body = json!({"idp_metadata_xml": xml, "jit": true});
        let put = Request::operator("PUT", path).json(&body);
        let set = self.send(CONNECT, Function::Admin, put).await?.expect(CONNECT, 200)?;
        Ok(ServiceProvider {
            entity_id: set.text(CONNECT, "/sp/entity_id")?,
            acs_url: set.text(CONNECT, "/sp/acs_url")?,
        })
    }

    /// Our metadata is what the operator API says that it is.
    async fn sp_metadata(&self, canary: &Canary, sp: &ServiceProvider) -> Result<(), Failure> {
        let step = "saml.metadata";
        let get = Request::open("GET", format!("/saml/metadata/{}", canary.domain));
        let shown = self.send(step, Function::SamlMetadata, get).await?.expect(step, 200)?;
        let tree = StrictDocument::parse(shown.body.as_bytes())
            .map_err(|fault| Failure::new(step, "metadata", fault.to_string()))?;
        let root = tree
            .root_of(METADATA, "EntityDescriptor")
            .map_err(|fault| Failure::new(step, "an EntityDescriptor", fault.to_string()))?;
        let entity_id = root.attribute("entityID").unwrap_or_default();
        same(step, "entityID", &sp.entity_id, entity_id)?;
        let acs_url = root
            .descendants()
            .find(|node| node.has_tag_name((METADATA, "AssertionConsumerService")))
            .and_then(|service| service.attribute("Location"))
            .unwrap_or_default();
        same(step, "AssertionConsumerService", &sp.acs_url, acs_url)
    }

    /// Begins a sign-in: the id of the request that goes to the identity provider, and the cookies
    /// that bind it to this browser.
    async fn begin(
        &self,
        canary: &Canary,
        sp: &ServiceProvider,
    ) -> Result<(String, Vec<String>), Failure> {
        let step = "saml.start";
        let get = Request::browser("GET", format!("/saml/sso/{}", canary.domain), &[]);
        let sent = self.send(step, Function::SamlAcs, get).await?.expect(step, 303)?;
        let query = sent
            .header("location")
            .and_then(|location| location.strip_prefix(SSO_URL)?.strip_prefix('?'))
            .ok_or_else(|| Failure::new(step, format!("a redirect to {SSO_URL}"), "another"))?;
        let message = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "SAMLRequest")
            .and_then(|(_, value)| decode_redirect(&value).ok())
            .ok_or_else(|| Failure::new(step, "a SAMLRequest", "none"))?;
        let unreadable =
            |fault: saml::xml::XmlError| Failure::new(step, "an AuthnRequest", fault.to_string());
        let tree = StrictDocument::parse(&message).map_err(unreadable)?;
        let root = tree.root_of(PROTOCOL, "AuthnRequest").map_err(unreadable)?;
        let issuer =
            required_child(root, ASSERTION, "Issuer").and_then(text_of).map_err(unreadable)?;
        same(step, "Issuer", &sp.entity_id, &issuer)?;
        let acs_url = root.attribute("AssertionConsumerServiceURL").unwrap_or_default();
        same(step, "AssertionConsumerServiceURL", &sp.acs_url, acs_url)?;
        let id = root.attribute("ID").unwrap_or_default().to_owned();
        Ok((id, sent.cookies()))
    }

    async fn post(
        &self,
        step: &'static str,
        canary: &Canary,
        cookies: &[String],
        response: &str,
    ) -> Result<Answer, Failure> {
        let path = format!("/saml/sso/{}", canary.domain);
        let field = encode_base64(response.as_bytes());
        let post = Request::browser("POST", path, cookies).form("SAMLResponse", &field);
        self.send(step, Function::SamlAcs, post).await
    }

    /// Posts a response that must sign nobody in.
    async fn refused(
        &self,
        step: &'static str,
        canary: &Canary,
        cookies: &[String],
        response: &str,
    ) -> Result<(), Failure> {
        let answer = self.post(step, canary, cookies, response).await?.expect(step, 403)?;
        if has_session(&answer) {
            return Err(Failure::new(step, "no session", "a session cookie"));
        }
        Ok(())
    }

    /// What apps find us by.
    pub(super) async fn discovery(&self) -> Result<(), Failure> {
        let step = "oidc.discovery";
        let get = Request::open("GET", "/.well-known/openid-configuration");
        let document = self.send(step, Function::Oidc, get).await?.expect(step, 200)?;
        let issuer = document.text(step, "/issuer")?;
        document.expect_value(step, "/jwks_uri", &json!(format!("{issuer}/oauth2/jwks")))?;

        let step = "oidc.jwks";
        let get = Request::open("GET", "/oauth2/jwks");
        let keys = self.send(step, Function::Oidc, get).await?.expect(step, 200)?;
        let keys = keys.expect_value(step, "/keys/0/alg", &json!("RS256"))?;
        keys.text(step, "/keys/0/n").map(drop)
    }
}

fn has_session(answer: &Answer) -> bool {
    answer.cookies().iter().any(|cookie| {
        let (name, value) = cookie.split_once('=').unwrap_or_default();
        name.ends_with("gatehouse-session") && !value.is_empty()
    })
}

fn same(step: &'static str, what: &str, expected: &str, received: &str) -> Result<(), Failure> {
    if expected == received {
        return Ok(());
    }
    Err(Failure::new(step, format!("{what} {expected}"), format!("{what} {received}")))
}

fn random() -> Result<[u8; 20], Failure> {
    random_bytes().map_err(|_| Failure::new(SIGN_IN, "randomness", "none"))
}

const CONNECT: &str = "saml.connection";
const SIGN_IN: &str = "saml.sign-in";

/// The identity provider: addresses that lead nowhere (RFC 6761 §6.4), since nobody follows them.
const IDP: &str = "https://idp.gatehouse.invalid/metadata";
const SSO_URL: &str = "https://idp.gatehouse.invalid/sso";
