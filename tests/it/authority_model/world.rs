//! The product under test: performs each step, and compares what happens with the oracle.

use std::time::Duration;

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::browser::{BASE, Browser, request_id};
use harness::dns::{DnsAnswer, DnsServer};
use harness::oidc::{App, claims};
use harness::saml::draft::{Draft, authn, bearer, claim, conditions};
use harness::saml::keys::{KEYS, KeyPair, Keys};
use harness::saml::metadata;
use harness::saml::signing::Signing;
use harness::{Answer, Tenant as TestTenant, TestApp};
use serde_json::{Value, json};

use super::oracle::{
    Asserted, Connection, DAY, Name, NameId, Oracle, PROVIDERS, Provider, SCOPES, Seconds,
    Settings, Tenant, Trust, User, UserIndex, Verdict,
};
use super::step::{BrowserIndex, Entry, Person, Step, Whose};

/// The product and its oracle.
pub(super) struct World {
    test: TestApp,
    dns: DnsServer,
    app: App,
    tenants: [TestTenant; 2],
    browsers: [Browser; 2],
    /// SCIM ids.
    users: Vec<String>,
    pending: Vec<Pending>,
    pages: Vec<Page>,
    sessions: [Option<Session>; 2],
    codes: Vec<Code>,
    grants: Vec<Grant>,
    /// Makes the ids of assertions.
    answers: usize,
    pub(super) oracle: Oracle,
}

/// A sign-in that waits for the answer of an identity provider.
struct Pending {
    browser: BrowserIndex,
    request: String,
    entry: Entry,
    tenant: Tenant,
    name: Name,
    provider: Provider,
    is_federated: bool,
    begun_at: Seconds,
}

/// A page that asks the person.
struct Page {
    browser: BrowserIndex,
    field: String,
    sign_in: usize,
    name: Name,
    shown_at: Seconds,
}

#[derive(Clone)]
struct Session {
    sign_in: usize,
    ends_at: Seconds,
}

struct Code {
    text: String,
    sign_in: usize,
    issued_at: Seconds,
    /// The grant that it gave.
    grant: Option<usize>,
}

struct Grant {
    sign_in: usize,
    ends_at: Seconds,
    is_revoked: bool,
    access_token: String,
    access_token_ends_at: Seconds,
    /// Refresh tokens, each with the time of its redemption.
    refresh_tokens: Vec<(String, Option<Seconds>)>,
}

/// External ids of the tenants; they look like ids of ours.
const EXTERNAL_IDS: [&str; 2] =
    ["0199d3a0-0000-7000-8000-00000000000a", "0199d3a0-0000-7000-8000-00000000000b"];

const SCOPES_OF_APP: &str = "openid offline_access";

impl World {
    /// A deployment with two tenants, one app and one user; the first tenant has a connection.
    pub(super) async fn new() -> Self {
        let dns = DnsServer::start().await;
        let address = dns.address();
        let test = TestApp::with(|config| {
            config.base_url = Some(BASE.to_owned());
            config.dns = Some(address);
        })
        .await;
        test.travel().await;
        let app = test.app(false).await;
        let eve = test.tenant("Eve").await;
        let tenants = [test.acme.clone(), eve];
        for (tenant, external_id) in tenants.iter().zip(EXTERNAL_IDS) {
            let body = json!({"external_id": external_id});
            let path = format!("/v1/tenants/{}", tenant.id);
            test.operator(Method::PATCH, &path, Some(body)).await.expect(200);
        }
        let mut world = Self {
            test,
            dns,
            app,
            tenants,
            browsers: Default::default(),
            users: Vec::new(),
            pending: Vec::new(),
            pages: Vec::new(),
            sessions: [None, None],
            codes: Vec::new(),
            grants: Vec::new(),
            answers: 0,
            oracle: Oracle::default(),
        };
        let settings =
            Settings { enabled: true, jit: false, allow_idp_initiated: false, domains: None };
        let person = Person { user_name: "ada@acme.com", external_id: Some("id-1"), address: None };
        for step in [
            Step::Claim { tenant: 0, domain: "acme.com", by_operator: true },
            Step::Connect { tenant: 0, name: "acme.com", settings, trust: Some(Trust::One(0)) },
            Step::Provision { tenant: 0, person },
        ] {
            world.take(&step).await;
        }
        world
    }

    /// Performs a step, then asks about everything that could be alive.
    pub(super) async fn take(&mut self, step: &Step) {
        // Rows of the same millisecond have no order.
        self.wait(1).await;
        self.perform(step).await;
        self.probe().await;
    }

    async fn wait(&mut self, seconds: Seconds) {
        let seconds_unsigned = seconds.unsigned_abs();
        self.test.clock.advance(Duration::from_secs(seconds_unsigned));
        self.oracle.now += seconds;
    }

    async fn perform(&mut self, step: &Step) {
        match step.clone() {
            Step::Wait(seconds) => self.wait(seconds).await,
            Step::Claim { tenant, domain, by_operator } => {
                self.claim(tenant, domain, by_operator).await;
            }
            Step::Record { tenant, domain, is_published } => {
                self.publish(tenant, domain, is_published).await;
            }
            Step::Check { tenant, domain } => {
                let answer = self.domain(Method::POST, tenant, &format!("{domain}/check")).await;
                assert_eq!(answer.status, self.oracle.check(tenant, domain));
            }
            Step::DeleteClaim { tenant, domain } => {
                let answer = self.domain(Method::DELETE, tenant, domain).await;
                assert_eq!(answer.status, self.oracle.delete_claim(tenant, domain));
            }
            Step::Connect { tenant, name, settings, trust } => {
                self.connect(tenant, name, settings, trust).await;
            }
            Step::Disconnect { tenant, name } => self.disconnect(tenant, name).await,
            Step::Provision { tenant, person } => self.provision(tenant, &person).await,
            Step::Update { user, person, active } => self.update(user, &person, active).await,
            Step::Remove { user } => self.remove(user).await,
            Step::Unlink { user, name } => self.unlink(user, name).await,
            Step::Begin { browser, at, choice } => self.begin(browser, at, choice).await,
            Step::Answer { pending, other, asserted } => {
                self.answer(pending, other, &asserted).await;
            }
            Step::Unasked { browser, name, provider, asserted } => {
                self.answer_unasked(browser, name, provider, &asserted).await;
            }
            Step::Agree { page } => self.agree(page).await,
            Step::Authorize { browser, domain } => {
                if let Some(code) = self.authorize(browser, domain).await {
                    self.codes.push(code);
                }
            }
            Step::Redeem { code } => self.redeem(code).await,
            Step::Refresh { grant, back } => self.refresh(grant, back).await,
            Step::EndSessions(whose) => self.end_sessions(whose).await,
        }
    }
}

// Domains, connections and users.
impl World {
    async fn operator(
        &self,
        method: Method,
        tenant: Tenant,
        rest: &str,
        body: Option<Value>,
    ) -> Answer {
        let path = format!("/v1/tenants/{}/{rest}", self.tenants[tenant].id);
        self.test.operator(method, &path, body).await
    }

    async fn domain(&self, method: Method, tenant: Tenant, rest: &str) -> Answer {
        self.operator(method, tenant, &format!("domains/{rest}"), None).await
    }

    async fn claim(&mut self, tenant: Tenant, domain: Name, by_operator: bool) {
        let body = if by_operator { json!({"verified_by": "operator"}) } else { json!({}) };
        let path = format!("domains/{domain}");
        let answer = self.operator(Method::PUT, tenant, &path, Some(body)).await;
        let expected = if by_operator {
            self.oracle.verify_by_word(tenant, domain)
        } else {
            self.oracle.claim(tenant, domain);
            200
        };
        assert_eq!(answer.status, expected, "{}", answer.body());
    }

    /// Publishes the record of a claim, or removes it; records of the other tenant stay.
    async fn publish(&mut self, tenant: Tenant, domain: Name, is_published: bool) {
        if is_published && self.oracle.claims.contains_key(&(tenant, domain)) {
            self.oracle.records.insert((tenant, domain));
        } else {
            self.oracle.records.remove(&(tenant, domain));
        }
        let mut values = vec!["v=spf1 -all".to_owned()];
        for holder in [0, 1] {
            if self.oracle.records.contains(&(holder, domain)) {
                let claim = self.domain(Method::GET, holder, domain).await.expect(200).json();
                values.push(claim["txt"]["value"].as_str().unwrap().to_owned());
            }
        }
        self.dns.set(&format!("_gatehouse.{domain}"), DnsAnswer::Txt(values));
    }

    async fn connect(
        &mut self,
        tenant: Tenant,
        name: Name,
        settings: Settings,
        trust: Option<Trust>,
    ) {
        let known = self.oracle.connections.get(name).cloned();
        // A new connection needs metadata.
        let Some(after) = trust.or_else(|| known.as_ref().map(|known| known.trust)) else { return };
        let Settings { enabled, jit, allow_idp_initiated, domains } = &settings;
        let mut body = json!({
            "enabled": enabled,
            "jit": jit,
            "allow_idp_initiated": allow_idp_initiated,
        });
        if let Some(domains) = domains {
            body["domains"] = json!(domains);
        }
        if let Some(trust) = trust {
            body["idp_metadata_xml"] = metadata_of(trust).into();
        }
        let path = format!("connections/{name}");
        let answer = self.operator(Method::PUT, tenant, &path, Some(body)).await;
        let is_taken = known.is_some_and(|known| known.tenant != tenant);
        assert_eq!(answer.status, if is_taken { 409 } else { 200 }, "{}", answer.body());
        if !is_taken {
            self.oracle.change(|oracle| {
                oracle.connections.insert(name, Connection { tenant, settings, trust: after });
            });
        }
    }

    async fn disconnect(&mut self, tenant: Tenant, name: Name) {
        let path = format!("connections/{name}");
        let answer = self.operator(Method::DELETE, tenant, &path, None).await;
        let is_own = self.oracle.connections.get(name).is_some_and(|known| known.tenant == tenant);
        assert_eq!(answer.status, if is_own { 204 } else { 404 });
        if is_own {
            self.oracle.change(|oracle| {
                oracle.connections.remove(name);
            });
        }
    }

    async fn scim(
        &self,
        tenant: Tenant,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        self.test.scim_as(&self.tenants[tenant].token, method, path, body).await
    }

    async fn provision(&mut self, tenant: Tenant, person: &Person) {
        let body = user_document(person, true);
        let answer = self.scim(tenant, Method::POST, "/Users", Some(body)).await;
        if self.oracle.is_name_taken(tenant, person.user_name, None) {
            assert_eq!(answer.status, 409, "{}", answer.body());
        } else {
            let id = answer.expect(201).text("id");
            self.add_user(id, user_of(tenant, person, true));
        }
    }

    fn add_user(&mut self, id: String, user: User) {
        self.users.push(id);
        self.oracle.users.push(user);
    }

    /// A user that is not deleted.
    fn pick_user(&self, number: usize) -> Option<(UserIndex, Tenant, String)> {
        let index = number.checked_rem(self.users.len())?;
        let user = &self.oracle.users[index];
        (!user.is_deleted).then(|| (index, user.tenant, self.users[index].clone()))
    }

    async fn update(&mut self, number: usize, person: &Person, active: bool) {
        let Some((index, tenant, id)) = self.pick_user(number) else { return };
        let body = user_document(person, active);
        let answer = self.scim(tenant, Method::PUT, &format!("/Users/{id}"), Some(body)).await;
        if self.oracle.is_name_taken(tenant, person.user_name, Some(index)) {
            assert_eq!(answer.status, 409, "{}", answer.body());
        } else {
            answer.expect(200);
            self.oracle.replace_user(index, user_of(tenant, person, active));
        }
    }

    async fn remove(&mut self, number: usize) {
        let Some((index, tenant, id)) = self.pick_user(number) else { return };
        self.scim(tenant, Method::DELETE, &format!("/Users/{id}"), None).await.expect(204);
        self.oracle.delete_user(index);
        let id = id.parse().unwrap();
        let tenant = self.tenants[tenant].id.parse().unwrap();
        let links = self.test.app.store.links(tenant, id).await.unwrap();
        assert!(links.is_empty(), "rule 14: {links:?}");
    }

    async fn unlink(&mut self, number: usize, name: Name) {
        let Some((index, tenant, id)) = self.pick_user(number) else { return };
        self.operator(Method::DELETE, tenant, &format!("users/{id}/links/{name}"), None).await;
        self.oracle.unlink(index, name);
    }

    async fn end_sessions(&mut self, whose: Whose) {
        let (tenant, rest) = match whose {
            Whose::Tenant(tenant) => (tenant, "end-sessions".to_owned()),
            Whose::Connection(name) => {
                let Some(known) = self.oracle.connections.get(name) else { return };
                (known.tenant, format!("connections/{name}/end-sessions"))
            }
            Whose::User(number) => {
                let Some((_, tenant, id)) = self.pick_user(number) else { return };
                (tenant, format!("users/{id}/end-sessions"))
            }
        };
        self.operator(Method::POST, tenant, &rest, None).await.expect(204);
        match whose {
            Whose::Tenant(tenant) => self.oracle.end(|sign_in| sign_in.tenant == tenant),
            Whose::Connection(name) => self.oracle.end(|sign_in| sign_in.connection == name),
            Whose::User(number) => {
                if let Some((index, ..)) = self.pick_user(number) {
                    self.oracle.end(|sign_in| sign_in.user == index);
                }
            }
        }
    }
}

// Sign-ins.
impl World {
    /// Begins a sign-in, and goes on to the identity provider.
    async fn begin(&mut self, browser: BrowserIndex, entry: Entry, choice: usize) {
        let (path, names) = match entry {
            Entry::Domain(domain) => {
                let query = self.authorize_query(&format!("domain={domain}&prompt=select_account"));
                (query, self.oracle.connections_of(domain))
            }
            Entry::Tenant(tenant) => {
                let rest = format!("tenant={}&prompt=select_account", EXTERNAL_IDS[tenant]);
                (self.authorize_query(&rest), self.ready_connections_of(tenant))
            }
            Entry::Connection(name) => {
                let ready = self.oracle.is_ready(name).then_some(name);
                (format!("/saml/sso/{name}"), ready.into_iter().collect())
            }
        };
        let mut answer = self.browsers[browser].get(&self.test, &path).await;
        let Some(index) = choice.checked_rem(names.len()) else {
            assert!(is_refused(&answer), "{entry:?} {}", answer.status);
            return;
        };
        let name = names[index];
        if names.len() > 1 {
            let link = link_with(&answer.expect(200), &format!("connection={name}"));
            answer = self.browsers[browser].get(&self.test, &link).await;
        }
        let Connection { trust, tenant, .. } = self.oracle.connections[name].clone();
        let provider = match trust {
            Trust::One(provider) => provider,
            Trust::Federation => choice % 2,
        };
        if trust == Trust::Federation {
            let entity = harness::browser::percent_encoded(PROVIDERS[provider]);
            let link = link_with(&answer.expect(200), &format!("idp={entity}"));
            answer = self.browsers[browser].get(&self.test, &link).await;
        }
        self.pending.push(Pending {
            browser,
            request: request_id(&answer),
            entry,
            tenant,
            name,
            provider,
            is_federated: trust == Trust::Federation,
            begun_at: self.oracle.now,
        });
    }

    fn ready_connections_of(&self, tenant: Tenant) -> Vec<Name> {
        let connections = self.oracle.connections.iter();
        let ready = connections
            .filter(|(name, known)| known.tenant == tenant && self.oracle.is_ready(name));
        ready.map(|(name, _)| *name).collect()
    }

    fn authorize_query(&self, rest: &str) -> String {
        let scope = SCOPES_OF_APP.replace(' ', "%20");
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let rest = format!(
            "response_type=code&scope={scope}&state=s1&nonce=n1&code_challenge={challenge}\
             &code_challenge_method=S256&{rest}"
        );
        format!("/oauth2/authorize?{}", self.app.query(&rest))
    }

    async fn answer(&mut self, number: usize, other: Option<Provider>, asserted: &Asserted) {
        let Some(index) = number.checked_rem(self.pending.len()) else { return };
        let pending = self.pending.remove(index);
        let Pending { browser, name, is_federated, .. } = pending;
        let provider = other.unwrap_or(pending.provider);
        let is_newest =
            self.pending.iter().skip(index).filter(|p| p.browser == browser).count() < 5;
        let is_open = is_newest
            && provider == pending.provider
            && self.oracle.now - pending.begun_at < 600
            && self.trusts(name, provider, is_federated)
            && self.oracle.connections[name].tenant == pending.tenant;
        let verdict = if is_open {
            self.oracle.judge(name, provider, asserted)
        } else {
            Verdict::Refused("")
        };
        let response =
            self.response(name, is_federated, provider, Some(&pending.request), asserted);
        let answer = self.post_response(browser, name, is_federated, &response).await;
        let Some(user) = self.check_verdict(name, &verdict, &answer).await else {
            return;
        };
        let sign_in = self.oracle.sign_in(name, provider, asserted, user);
        match pending.entry {
            Entry::Domain(domain) if !self.oracle.is_of(sign_in, domain) => {
                assert_eq!(answer.redirected("error").as_deref(), Some("access_denied"));
            }
            Entry::Domain(_) | Entry::Tenant(_) => {
                let text = answer.redirected("code").unwrap_or_else(|| panic!("{}", answer.body()));
                self.start_session(browser, sign_in);
                self.codes.push(self.code(text, sign_in));
            }
            Entry::Connection(_) => {
                if self.is_session_of_another(browser, user) {
                    self.expect_page(browser, name, sign_in, &answer);
                } else {
                    answer.expect(303);
                    self.start_session(browser, sign_in);
                }
            }
        }
    }

    async fn answer_unasked(
        &mut self,
        browser: BrowserIndex,
        name: Name,
        provider: Provider,
        asserted: &Asserted,
    ) {
        let known = self.oracle.connections.get(name);
        let is_federated = known.is_some_and(|known| known.trust == Trust::Federation);
        let is_allowed = known.is_some_and(|known| known.settings.allow_idp_initiated)
            && self.trusts(name, provider, is_federated);
        let verdict = if is_allowed {
            self.oracle.judge(name, provider, asserted)
        } else {
            Verdict::Refused("")
        };
        let response = self.response(name, is_federated, provider, None, asserted);
        let answer = self.post_response(browser, name, is_federated, &response).await;
        if let Some(user) = self.check_verdict(name, &verdict, &answer).await {
            let sign_in = self.oracle.sign_in(name, provider, asserted, user);
            self.expect_page(browser, name, sign_in, &answer);
        }
    }

    fn trusts(&self, name: Name, provider: Provider, is_federated: bool) -> bool {
        let known = self.oracle.connections.get(name);
        self.oracle.is_ready(name)
            && known.is_some_and(|known| {
                known.trust.providers().contains(&provider)
                    && (known.trust == Trust::Federation) == is_federated
            })
    }

    /// The answer must be what the oracle says. Returns the user who signs in.
    async fn check_verdict(
        &mut self,
        name: Name,
        verdict: &Verdict,
        answer: &Answer,
    ) -> Option<UserIndex> {
        let record = match self.oracle.connections.get(name).map(|known| known.tenant) {
            Some(tenant) => {
                let list = self.operator(Method::GET, tenant, "sign-ins?limit=1", None).await;
                list.expect(200).json()["items"][0].clone()
            }
            None => Value::Null,
        };
        match verdict {
            Verdict::Refused(code) => {
                assert!(is_refused(answer), "{} {record}", answer.body());
                if !code.is_empty() {
                    assert_eq!(record["code"], *code, "{record}");
                }
                None
            }
            Verdict::SignsIn(user) => {
                assert!(!is_refused(answer), "{:?} {record}", answer.header("location"));
                assert_eq!(record["user"], self.users[*user], "{record}");
                Some(*user)
            }
            Verdict::Creates(address) => {
                assert!(!is_refused(answer), "{:?} {record}", answer.header("location"));
                let id = record["user"].as_str().unwrap().to_owned();
                assert!(!self.users.contains(&id), "a new user: {record}");
                let tenant = self.oracle.connections[name].tenant;
                self.add_user(
                    id,
                    User {
                        tenant,
                        user_name: (*address).to_owned(),
                        external_id: None,
                        address: Some((*address).to_owned()),
                        active: true,
                        is_deleted: false,
                    },
                );
                Some(self.users.len() - 1)
            }
        }
    }

    fn expect_page(&mut self, browser: BrowserIndex, name: Name, sign_in: usize, answer: &Answer) {
        assert_eq!(answer.status, 200, "rule 19: a page asks");
        let field = between(&answer.body(), "name=\"sign_in\" value=\"", "\"");
        let shown_at = self.oracle.now;
        self.pages.push(Page { browser, field, sign_in, name, shown_at });
    }

    async fn agree(&mut self, number: usize) {
        let Some(index) = number.checked_rem(self.pages.len()) else { return };
        let Page { browser, field, sign_in, name, shown_at } = self.pages.remove(index);
        let path = format!("/saml/sso/{name}/continue");
        let answer = self.browsers[browser].post(&self.test, &path, &[("sign_in", &field)]).await;
        if self.oracle.counts(sign_in) && self.oracle.now - shown_at < 600 {
            answer.expect(303);
            self.start_session(browser, sign_in);
        } else {
            assert!(is_refused(&answer), "{}", answer.body());
        }
    }

    fn start_session(&mut self, browser: BrowserIndex, sign_in: usize) {
        let ends_at = self.end(sign_in, 12 * 3_600);
        self.sessions[browser] = Some(Session { sign_in, ends_at });
    }

    fn end(&self, sign_in: usize, life: Seconds) -> Seconds {
        let end = self.oracle.now + life;
        self.oracle.sign_ins[sign_in].ends_at.map_or(end, |limit| end.min(limit))
    }

    fn live_session(&self, browser: BrowserIndex) -> Option<&Session> {
        let session = self.sessions[browser].as_ref();
        session.filter(|session| {
            self.oracle.now < session.ends_at && self.oracle.counts(session.sign_in)
        })
    }

    fn is_session_of_another(&self, browser: BrowserIndex, user: UserIndex) -> bool {
        let session = self.live_session(browser);
        session.is_some_and(|session| self.oracle.sign_ins[session.sign_in].user != user)
    }

    async fn post_response(
        &mut self,
        browser: BrowserIndex,
        name: Name,
        is_federated: bool,
        response: &str,
    ) -> Answer {
        let field = BASE64_STANDARD.encode(response);
        let path = acs_path(name, is_federated);
        let fields = [("SAMLResponse", field.as_str())];
        self.browsers[browser].post(&self.test, &path, &fields).await
    }

    fn response(
        &mut self,
        name: Name,
        is_federated: bool,
        provider: Provider,
        request: Option<&str>,
        asserted: &Asserted,
    ) -> String {
        self.answers += 1;
        let now = self.test.clock.now().as_second();
        let at = |seconds: i64| jiff::Timestamp::from_second(now + seconds).unwrap().to_string();
        let acs = format!("{BASE}{}", acs_path(name, is_federated));
        let audience = format!("{BASE}/saml/metadata/{name}");
        let session_end = asserted.ends_in.map(at);
        let mut statements = Vec::new();
        if let Some(mail) = asserted.mail {
            statements.push(claim("mail", &[&escaped(mail)]));
        }
        if let Some(id) = asserted.subject_id {
            statements.push(claim("urn:oasis:names:tc:SAML:attribute:subject-id", &[id]));
        }
        let signing = match provider {
            0 => Signing::by(|keys: &Keys| &keys.idp_p256, ECDSA),
            1 => Signing::by(|keys: &Keys| &keys.sp_previous, RSA),
            _ => Signing::by(|keys: &Keys| &keys.attacker_p256, ECDSA),
        };
        let draft = Draft {
            assertion_id: format!("_answer{}", self.answers),
            response_issuer: Some(PROVIDERS[provider].to_owned()),
            issuer: PROVIDERS[provider].to_owned(),
            issued: at(0),
            destination: Some(acs.clone()),
            in_response_to: request.map(str::to_owned),
            name_id: name_id_xml(asserted.name_id),
            confirmations: bearer(Some(&acs), Some(&at(298)), request, ""),
            conditions: conditions(Some(&at(-5)), Some(&at(3600)), &[&[audience.as_str()]]),
            authn: authn(&at(0), session_end.as_deref()),
            claims: statements,
            sign_assertion: Some(signing),
            ..Draft::default()
        };
        draft.response()
    }
}

// Codes and tokens.
impl World {
    /// Asks for a code without a page, and compares the answer with what the session allows.
    async fn authorize(&mut self, browser: BrowserIndex, domain: Option<Name>) -> Option<Code> {
        let named = domain.map(|domain| format!("&domain={domain}")).unwrap_or_default();
        let path = self.authorize_query(&format!("prompt=none{named}"));
        let answer = self.browsers[browser].get(&self.test, &path).await;
        let session = self.live_session(browser).cloned();
        let session = session.filter(|session| {
            domain.is_none_or(|domain| self.oracle.is_of(session.sign_in, domain))
        });
        let code = answer.redirected("code");
        assert_eq!(code.is_some(), session.is_some(), "{:?} {domain:?}", answer.header("location"));
        Some(self.code(code?, session?.sign_in))
    }

    fn code(&self, text: String, sign_in: usize) -> Code {
        Code { text, sign_in, issued_at: self.oracle.now, grant: None }
    }

    async fn redeem(&mut self, number: usize) {
        let Some(index) = number.checked_rem(self.codes.len()) else { return };
        let form = App::redemption(&self.codes[index].text);
        let answer = self.test.form_of(&self.app, "/oauth2/token", &form).await;
        let Code { sign_in, issued_at, grant, .. } = &self.codes[index];
        if let Some(grant) = *grant {
            answer.expect(400);
            self.grants[grant].is_revoked = true;
            return;
        }
        let sign_in = *sign_in;
        if self.oracle.now - issued_at >= 60 || !self.oracle.counts(sign_in) {
            answer.expect(400);
            return;
        }
        let tokens = answer.expect(200).json();
        let issued_at = *issued_at;
        let ends_at = {
            let end = issued_at + 7 * DAY;
            self.oracle.sign_ins[sign_in].ends_at.map_or(end, |limit| end.min(limit))
        };
        self.codes[index].grant = Some(self.grants.len());
        self.grants.push(Grant {
            sign_in,
            ends_at,
            is_revoked: false,
            access_token: String::new(),
            access_token_ends_at: 0,
            refresh_tokens: vec![(tokens["refresh_token"].as_str().unwrap().to_owned(), None)],
        });
        self.take_access_token(self.grants.len() - 1, &tokens);
    }

    fn take_access_token(&mut self, grant: usize, tokens: &Value) {
        let token = tokens["access_token"].as_str().unwrap().to_owned();
        let Grant { sign_in, ends_at, .. } = self.grants[grant];
        let user = self.oracle.sign_ins[sign_in].user;
        assert_eq!(claims(&token)["sub"], self.users[user]);
        assert!(tokens["expires_in"].as_i64().unwrap() > 0, "rule 18");
        self.grants[grant].access_token_ends_at = (self.oracle.now + 300).min(ends_at);
        self.grants[grant].access_token = token;
    }

    fn is_live(&self, grant: &Grant) -> bool {
        !grant.is_revoked && self.oracle.now < grant.ends_at && self.oracle.counts(grant.sign_in)
    }

    async fn refresh(&mut self, number: usize, back: usize) {
        let Some(index) = number.checked_rem(self.grants.len()) else { return };
        let count = self.grants[index].refresh_tokens.len();
        let Some(place) = count.checked_sub(back + 1) else { return };
        let (token, redeemed_at) = self.grants[index].refresh_tokens[place].clone();
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        let answer = self.test.form_of(&self.app, "/oauth2/token", &form).await;
        let now = self.oracle.now;
        if !self.is_live(&self.grants[index]) {
            answer.expect(400);
            return;
        }
        if redeemed_at.is_some_and(|at| now - at > 30) {
            answer.expect(400);
            self.grants[index].is_revoked = true;
            return;
        }
        let tokens = answer.expect(200).json();
        let next = tokens["refresh_token"].as_str().unwrap().to_owned();
        let refresh_tokens = &mut self.grants[index].refresh_tokens;
        if redeemed_at.is_some() {
            assert_eq!(refresh_tokens[place + 1].0, next, "rule 17: the same successor");
        } else {
            refresh_tokens[place].1 = Some(now);
            refresh_tokens.push((next, None));
        }
        self.take_access_token(index, &tokens);
    }

    /// Asks about every session, and about the newest tokens.
    async fn probe(&mut self) {
        for browser in 0..self.browsers.len() {
            self.authorize(browser, None).await;
        }
        let newest = self.grants.len().saturating_sub(MOST_PROBED);
        for grant in self.grants.iter().skip(newest) {
            let is_live = self.is_live(grant);
            let (refresh_token, _) = grant.refresh_tokens.last().unwrap();
            assert_eq!(self.test.is_active(&self.app, refresh_token).await, is_live);
            let has_time = self.oracle.now < grant.access_token_ends_at;
            let answer = self.test.userinfo(&grant.access_token).await;
            assert_eq!(answer.status == 200, is_live && has_time, "{}", answer.body());
        }
    }

    /// Redeems every code that is left: one that should be dead must not work.
    pub(super) async fn finish(&mut self) {
        for index in 0..self.codes.len() {
            if self.codes[index].grant.is_none() {
                self.redeem(index).await;
            }
        }
    }
}

/// Probing more of the newest grants finds nothing new: they share sign-ins.
const MOST_PROBED: usize = 4;

const ECDSA: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const RSA: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

fn acs_path(name: Name, is_federated: bool) -> String {
    format!("/saml/sso/{name}{}", if is_federated { "/federated" } else { "" })
}

fn key_of(provider: Provider) -> &'static KeyPair {
    match provider {
        0 => &KEYS.idp_p256,
        1 => &KEYS.sp_previous,
        _ => &KEYS.attacker_p256,
    }
}

fn metadata_of(trust: Trust) -> String {
    let role = |provider: Provider| {
        metadata::descriptor(
            &metadata::key("use=\"signing\"", key_of(provider)),
            &metadata::services(),
        )
    };
    match trust {
        Trust::One(provider) => metadata::entity(PROVIDERS[provider], &role(provider)),
        Trust::Federation => {
            let members = trust.providers().into_iter().map(|provider| {
                let scope = format!(
                    "<md:Extensions><shibmd:Scope xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\" \
                     regexp=\"false\">{}</shibmd:Scope></md:Extensions>",
                    SCOPES[provider]
                );
                let xml = metadata::entity(PROVIDERS[provider], &format!("{scope}{}", role(provider)));
                xml.replacen("ID=\"_m", &format!("ID=\"_m{provider}"), 1)
            });
            metadata::federation(&members.collect::<String>())
        }
    }
}

fn name_id_xml(name_id: NameId) -> String {
    let (format, value) = match name_id {
        NameId::Persistent(value) => ("2.0:nameid-format:persistent", value),
        NameId::Address(value) => ("1.1:nameid-format:emailAddress", value),
        NameId::Transient => ("2.0:nameid-format:transient", "_t1"),
    };
    let value = escaped(value);
    format!("<A:NameID Format=\"urn:oasis:names:tc:SAML:{format}\">{value}</A:NameID>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn user_document(person: &Person, active: bool) -> Value {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": person.user_name,
        "active": active,
    });
    if let Some(id) = person.external_id {
        body["externalId"] = id.into();
    }
    if let Some(address) = person.address {
        body["emails"] = json!([{"value": address, "primary": true}]);
    }
    body
}

fn user_of(tenant: Tenant, person: &Person, active: bool) -> User {
    User {
        tenant,
        user_name: person.user_name.to_owned(),
        external_id: person.external_id,
        address: person.address.map(str::to_owned),
        active,
        is_deleted: false,
    }
}

/// Whether nobody is signed in: a page says so, or the app gets an error.
fn is_refused(answer: &Answer) -> bool {
    answer.status.as_u16() >= 400 || answer.redirected("error").is_some()
}

/// The link of a page whose address has this part.
fn link_with(page: &Answer, part: &str) -> String {
    let html = page.body();
    let links = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut links = links.map(|link| link.replace("&#38;", "&").replace("&amp;", "&"));
    let is_meant = |link: &String| link.split(['?', '&']).any(|pair| pair == part);
    links.find(is_meant).unwrap_or_else(|| panic!("no link with {part}: {html}"))
}

fn between(text: &str, before: &str, after: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before}: {text}"));
    rest.split(after).next().unwrap().to_owned()
}
