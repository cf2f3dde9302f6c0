//! The deployment that is attacked: the tenant Acme with its user Ada, and everybody who would like
//! to be her.

use axum::http::Method;
use harness::browser::{Browser, Idp, named, person};
use harness::dns::{DnsAnswer, DnsServer};
use harness::items::text;
use harness::oidc::{App, GOOD};
use harness::saml::draft::Draft;
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{Tenant, TestApp};
use serde_json::{Value, json};

/// The identity provider that Acme trusts.
pub(super) const ACME: Idp = Idp::at("sso.acme.com", IDP);
/// The one that Acme trusted before.
pub(super) const OLD: Idp = Idp::at("sso.acme.com", "https://old.example/saml");
/// The provider of another connection of Acme, for another domain.
pub(super) const CONTRACTORS: Idp = Idp::at("contractors.com", "https://contractors.example/saml");
/// A member of Acme's federation, for another domain. The federation speaks for Ada's domain too.
pub(super) const MEMBER: Idp =
    Idp { connection: "members.org", issuer: "https://member.example/saml", is_member: true };
/// The provider of another tenant.
pub(super) const EVIL: Idp = Idp::at("evil.com", "https://evil.example/saml");
/// The provider of the tenant that held Ada's domain before Acme proved it. Its connection still
/// has the name of that domain.
pub(super) const FORMER: Idp = Idp::at("acme.com", "https://former.example/saml");

/// Everything that one sign-in gave a browser and an app.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) holder: &'static str,
    pub(super) connection: &'static str,
    pub(super) browser: Browser,
    pub(super) code: String,
    pub(super) access: String,
    pub(super) refresh: String,
}

/// The deployment.
pub(super) struct World {
    pub(super) test: TestApp,
    pub(super) dns: DnsServer,
    pub(super) app: App,
    pub(super) other_app: App,
    pub(super) ada: String,
    pub(super) group: String,
    pub(super) eve: Tenant,
    pub(super) former: Tenant,
    /// Ada's credentials from the provider that Acme trusts.
    pub(super) adas: Credentials,
    /// Credentials that ended when Acme replaced its provider, and when it proved its domain.
    pub(super) ended: Vec<Credentials>,
    /// Credentials of the adversaries' own users.
    pub(super) own: Vec<Credentials>,
}

impl World {
    pub(super) async fn new() -> Self {
        let (test, dns) = TestApp::with_dns().await;
        let (app, other_app) = (test.app(false).await, test.app(false).await);
        let (eve, former) = (test.tenant("Eve").await, test.tenant("Former").await);
        let ada = json!({
            "userName": "ada@acme.com",
            "externalId": "emp-1",
            "emails": [{"value": "ada@acme.com", "primary": true}],
        });
        let ada = test.post("/Users", ada).await.expect(201).text("id");
        let group = json!({"displayName": "Engineers", "members": [{"value": ada}]});
        let group = test.post("/Groups", group).await.expect(201).text("id");
        let none = Credentials {
            holder: "",
            connection: "",
            browser: Browser::default(),
            code: String::new(),
            access: String::new(),
            refresh: String::new(),
        };
        let (ended, own) = (Vec::new(), Vec::new());
        let adas = none;
        let mut world =
            Self { test, dns, app, other_app, ada, group, eve, former, adas, ended, own };
        world.sign_everybody_in().await;
        world
    }

    async fn sign_everybody_in(&mut self) {
        let (acme, former, eve) =
            (self.test.acme.id.clone(), self.former.id.clone(), self.eve.id.clone());
        let as_ada = || named("ada@acme.com", "ada@acme.com");

        self.verify(&former, &["acme.com", "former.com"]).await;
        let domains = json!({"jit": true, "domains": ["acme.com", "former.com"]});
        self.connect(&former, FORMER, domains).await;
        let before_the_domain_moved = self.sign_in("former holder's Ada", FORMER, as_ada()).await;
        self.prove(&acme, "acme.com").await;
        // The connection that lost a domain still speaks for another.
        let frank = named("frank@former.com", "frank@former.com");
        let frank = self.sign_in("former holder's Frank", FORMER, frank).await;

        self.connect(&acme, OLD, json!({"domains": ["acme.com"]})).await;
        let from_old = person("old-1", "ada@acme.com");
        let before_the_provider_changed = self.sign_in("old provider's Ada", OLD, from_old).await;
        self.connect(&acme, ACME, json!({"domains": ["acme.com"]})).await;
        self.adas = self.sign_in("Ada", ACME, person("new-1", "ada@acme.com")).await;

        self.verify(&acme, &["contractors.com", "members.org", "acme.org"]).await;
        self.connect(&acme, CONTRACTORS, json!({"jit": true})).await;
        let federation = json!({
            "jit": true,
            "domains": ["members.org", "acme.com"],
            "member_domains": {MEMBER.issuer: ["members.org"]},
        });
        self.connect(&acme, MEMBER, federation).await;

        self.verify(&eve, &["evil.com"]).await;
        self.connect(&eve, EVIL, json!({"jit": true, "allow_idp_initiated": true})).await;
        let eve = self.sign_in("Eve", EVIL, named("eve@evil.com", "eve@evil.com")).await;
        self.ended = vec![before_the_domain_moved, before_the_provider_changed];
        self.own = vec![frank, eve];
    }

    /// Verifies domains by the word of the operator.
    async fn verify(&self, tenant: &str, domains: &[&str]) {
        for domain in domains {
            self.test.verify_domain(tenant, domain).await;
        }
    }

    /// Publishes the record of a tenant's claim, and none of another tenant, and checks it.
    pub(super) async fn prove(&self, tenant: &str, domain: &str) {
        let path = format!("/v1/tenants/{tenant}/domains/{domain}");
        let claim = self.operator(Method::PUT, &path, Some(json!({}))).await;
        let record = claim["txt"]["value"].as_str().unwrap().to_owned();
        let name = claim["txt"]["name"].as_str().unwrap();
        self.dns.set(name, DnsAnswer::Txt(vec![record]));
        let checked = self.operator(Method::POST, &format!("{path}/check"), None).await;
        assert_eq!(checked["state"], "verified");
    }

    /// Creates or replaces a connection.
    pub(super) async fn connect(&self, tenant: &str, idp: Idp, mut settings: Value) {
        let own = metadata::usual(idp.issuer);
        let another = metadata::usual("https://another.example/saml");
        let xml =
            if idp.is_member { metadata::federation(&format!("{own}{another}")) } else { own };
        settings["idp_metadata_xml"] = xml.into();
        let path = format!("/v1/tenants/{tenant}/connections/{}", idp.connection);
        self.operator(Method::PUT, &path, Some(settings)).await;
    }

    /// Sends a request to the operator API that succeeds.
    pub(super) async fn operator(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.test.operator(method, path, body).await;
        answer.expect_one_of(&[200, 201, 204]).json()
    }

    /// Changes Ada by her provisioning client.
    pub(super) async fn patch_ada(&self, operations: Value) {
        self.test.patch(&format!("/Users/{}", self.ada), operations).await.expect(200);
    }

    /// Signs in to the app: once for tokens, and from the session once more for a code.
    pub(super) async fn sign_in(
        &self,
        holder: &'static str,
        idp: Idp,
        change: impl FnOnce(&mut Draft),
    ) -> Credentials {
        let mut browser = Browser::default();
        let rest = GOOD.replace("domain=acme.com", &format!("connection={}", idp.connection));
        let rest = rest.replace("scope=openid", "scope=openid+email+offline_access");
        let path = format!("/oauth2/authorize?{}", self.app.query(&rest));
        let answer = browser.sign_in(&self.test, &path, idp, change).await.expect(303);
        let form = App::redemption(&answer.redirected("code").unwrap());
        let tokens = self.test.form_of(&self.app, "/oauth2/token", &form).await.expect(200).json();
        let again = browser.get(&self.test, &path).await.expect(303);
        Credentials {
            holder,
            connection: idp.connection,
            browser,
            code: again.redirected("code").unwrap(),
            access: tokens["access_token"].as_str().unwrap().to_owned(),
            refresh: tokens["refresh_token"].as_str().unwrap().to_owned(),
        }
    }

    /// Which of the credentials still count. A code and a refresh token are used by this.
    pub(super) async fn uses(&self, credentials: &Credentials) -> [(&'static str, bool); 6] {
        let Credentials { connection, browser, code, access, refresh, .. } = credentials;
        let (test, app) = (&self.test, &self.app);
        let rest = GOOD.replace("domain=acme.com", &format!("connection={connection}&prompt=none"));
        let path = format!("/oauth2/authorize?{}", app.query(&rest));
        let silent = browser.clone().get(test, &path).await.expect(303);
        let userinfo = test.userinfo(access).await.status == 200;
        let is_active = [test.is_active(app, access).await, test.is_active(app, refresh).await];
        let redeem =
            async |form: &str| test.form_of(app, "/oauth2/token", form).await.status == 200;
        [
            ("session", silent.redirected("code").is_some()),
            ("userinfo", userinfo),
            ("access token", is_active[0]),
            ("refresh token", is_active[1]),
            ("code", redeem(&App::redemption(code)).await),
            ("refresh", redeem(&format!("grant_type=refresh_token&refresh_token={refresh}")).await),
        ]
    }

    /// Texts that only Acme's own people may see.
    pub(super) fn secrets(&self) -> [&str; 4] {
        [&self.test.acme.id, &self.ada, &self.group, "emp-1"]
    }

    /// The rows of Acme that no adversary may change: all but records of refusals and assertions
    /// that were consumed.
    pub(super) async fn rows_of_acme(&self) -> Vec<Value> {
        let may_grow = ["S", "RA"].map(|kind| format!("{}#{kind}", self.test.acme.id));
        let mut rows = self.test.items().await;
        rows.retain(|row| {
            let pk = text(row, "pk");
            pk.starts_with(&self.test.acme.id) && !may_grow.contains(&pk)
        });
        rows
    }
}
