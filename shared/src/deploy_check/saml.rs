//! The SAML steps: a sign-in with a response that the check signs itself; and the OpenID Connect
//! discovery.

use serde_json::json;

use super::canary::Canary;
use super::event::Request;
use super::response::FunctionResponse;
use super::{Check, CheckError, Function, Invoke};
use crate::built_in_idp::{self, KeyPair, Person, Response};
use crate::clock::random_bytes;
use saml::authn_request::decode_redirect;
use saml::names::{ASSERTION, METADATA, PROTOCOL};
use saml::xml::{StrictDocument, encode_base64, required_child, text_of};

/// The addresses of the service provider, for the identity provider.
struct ServiceProvider {
    entity_id: String,
    acs_url: String,
}

impl<I: Invoke + Sync> Check<'_, I> {
    /// Sets up a connection, signs in, and posts responses that must be refused.
    pub(super) async fn saml_round_trip(&self, canary: &Canary) -> Result<(), CheckError> {
        let no_key = |_| CheckError::new(CONNECT, "a key of the identity provider", "none");
        let (_, key) =
            KeyPair::generate("Gatehouse deployment check", self.clock.now()).map_err(no_key)?;
        let sp = self.connect(canary, &key).await?;
        self.check_metadata(canary, &sp).await?;
        let (request, cookies) = self.start(canary, &sp).await?;

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
            ids: [random_id()?, random_id()?],
        };
        let signed = response
            .signed_xml(&key)
            .ok_or_else(|| CheckError::new(SIGN_IN, "a signed response", "none"))?;

        // The responses to refuse come first: after a sign-in the request is consumed, and every
        // response is refused.
        let tampered = signed.replace(&email, &format!("alan@{}", canary.domain));
        self.expect_refusal("saml.tampered", canary, &cookies, &tampered).await?;
        let (before, after) = signed.split_once("<ds:Signature").unwrap_or_default();
        let (_, after) = after.split_once("</ds:Signature>").unwrap_or_default();
        self.expect_refusal("saml.unsigned", canary, &cookies, &format!("{before}{after}")).await?;
        self.expect_refusal("saml.another-browser", canary, &[], &signed).await?;

        let posted = self.post(SIGN_IN, canary, &cookies, &signed).await?;
        // A redirect to an app, or a page when there is no app.
        let posted = posted.expect_one_of(SIGN_IN, &[200, 302, 303])?;
        if !has_session(&posted) {
            return Err(CheckError::new(SIGN_IN, "a session", "no session cookie"));
        }
        self.check_replay(canary, &cookies, &signed).await
    }

    /// Posts the response again, which must give nothing. The browser is sent to where the first one
    /// led, and has no session.
    async fn check_replay(
        &self,
        canary: &Canary,
        cookies: &[String],
        response: &str,
    ) -> Result<(), CheckError> {
        let step = "saml.replay";
        let posted = self.post(step, canary, cookies, response).await?.expect(step, 303)?;
        if has_session(&posted) {
            return Err(CheckError::new(step, "no session", "a session cookie"));
        }
        let location = posted.header("location").unwrap_or_default();
        let (path, _) = location.split_once('?').unwrap_or_default();
        if !path.ends_with(&format!("/saml/sso/{}/resume", canary.domain)) {
            return Err(CheckError::new(step, "a redirect to our own page", "another"));
        }
        Ok(())
    }

    async fn connect(&self, canary: &Canary, key: &KeyPair) -> Result<ServiceProvider, CheckError> {
        let domain = format!("/v1/tenants/{}/domains/{}", canary.tenant, canary.domain);
        let put = Request::operator("PUT", domain).json(&json!({"verified_by": "operator"}));
        self.send(CONNECT, Function::Admin, put).await?.expect(CONNECT, 200)?;
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

    /// Checks that the metadata contains the addresses that the operator API shows.
    async fn check_metadata(
        &self,
        canary: &Canary,
        sp: &ServiceProvider,
    ) -> Result<(), CheckError> {
        let step = "saml.metadata";
        let get = Request::open("GET", format!("/saml/metadata/{}", canary.domain));
        let shown = self.send(step, Function::SamlMetadata, get).await?.expect(step, 200)?;
        let tree = StrictDocument::parse(shown.body.as_bytes())
            .map_err(|fault| CheckError::new(step, "metadata", fault.to_string()))?;
        let root = tree
            .root_of(METADATA, "EntityDescriptor")
            .map_err(|fault| CheckError::new(step, "an EntityDescriptor", fault.to_string()))?;
        let entity_id = root.attribute("entityID").unwrap_or_default();
        expect_same(step, "entityID", &sp.entity_id, entity_id)?;
        let acs_url = root
            .descendants()
            .find(|node| node.has_tag_name((METADATA, "AssertionConsumerService")))
            .and_then(|service| service.attribute("Location"))
            .unwrap_or_default();
        expect_same(step, "AssertionConsumerService", &sp.acs_url, acs_url)
    }

    /// Starts a sign-in. Returns the id of the authentication request, and the cookies that bind it
    /// to this browser.
    async fn start(
        &self,
        canary: &Canary,
        sp: &ServiceProvider,
    ) -> Result<(String, Vec<String>), CheckError> {
        let step = "saml.start";
        let get = Request::browser("GET", format!("/saml/sso/{}", canary.domain), &[]);
        let sent = self.send(step, Function::SamlAcs, get).await?.expect(step, 303)?;
        let query = sent
            .header("location")
            .and_then(|location| location.strip_prefix(SSO_URL)?.strip_prefix('?'))
            .ok_or_else(|| CheckError::new(step, format!("a redirect to {SSO_URL}"), "another"))?;
        let message = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "SAMLRequest")
            .and_then(|(_, value)| decode_redirect(&value).ok())
            .ok_or_else(|| CheckError::new(step, "a SAMLRequest", "none"))?;
        let unreadable = |fault: saml::xml::XmlError| {
            CheckError::new(step, "an AuthnRequest", fault.to_string())
        };
        let tree = StrictDocument::parse(&message).map_err(unreadable)?;
        let root = tree.root_of(PROTOCOL, "AuthnRequest").map_err(unreadable)?;
        let issuer =
            required_child(root, ASSERTION, "Issuer").and_then(text_of).map_err(unreadable)?;
        expect_same(step, "Issuer", &sp.entity_id, &issuer)?;
        let acs_url = root.attribute("AssertionConsumerServiceURL").unwrap_or_default();
        expect_same(step, "AssertionConsumerServiceURL", &sp.acs_url, acs_url)?;
        let id = root.attribute("ID").unwrap_or_default().to_owned();
        Ok((id, sent.cookies()))
    }

    async fn post(
        &self,
        step: &'static str,
        canary: &Canary,
        cookies: &[String],
        response: &str,
    ) -> Result<FunctionResponse, CheckError> {
        let path = format!("/saml/sso/{}", canary.domain);
        let field = encode_base64(response.as_bytes());
        let post = Request::browser("POST", path, cookies).form(&[("SAMLResponse", &field)]);
        self.send(step, Function::SamlAcs, post).await
    }

    /// Posts a response that must be refused.
    async fn expect_refusal(
        &self,
        step: &'static str,
        canary: &Canary,
        cookies: &[String],
        response: &str,
    ) -> Result<(), CheckError> {
        let posted = self.post(step, canary, cookies, response).await?.expect(step, 403)?;
        if has_session(&posted) {
            return Err(CheckError::new(step, "no session", "a session cookie"));
        }
        Ok(())
    }

    /// Checks the documents that apps discover the provider by.
    pub(super) async fn check_discovery(&self) -> Result<(), CheckError> {
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

fn has_session(response: &FunctionResponse) -> bool {
    response.cookies().iter().any(|cookie| {
        let (name, value) = cookie.split_once('=').unwrap_or_default();
        name.ends_with("gatehouse-session") && !value.is_empty()
    })
}

fn expect_same(
    step: &'static str,
    what: &str,
    expected: &str,
    received: &str,
) -> Result<(), CheckError> {
    if expected == received {
        return Ok(());
    }
    Err(CheckError::new(step, format!("{what} {expected}"), format!("{what} {received}")))
}

fn random_id() -> Result<[u8; 20], CheckError> {
    random_bytes().map_err(|_| CheckError::new(SIGN_IN, "randomness", "none"))
}

const CONNECT: &str = "saml.connection";
const SIGN_IN: &str = "saml.sign-in";

/// Addresses of the identity provider. They do not exist (RFC 6761 §6.4), and no step follows them.
const IDP: &str = "https://idp.gatehouse.invalid/metadata";
const SSO_URL: &str = "https://idp.gatehouse.invalid/sso";
