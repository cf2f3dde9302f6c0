//! The product under test: performs each step, and compares what happens with the oracle.

mod directory;
mod sign_ins;
mod tokens;

use std::time::Duration;

use axum::http::Method;
use harness::browser::Browser;
use harness::dns::DnsServer;
use harness::oidc::App;
use harness::saml::keys::{KEYS, KeyPair};
use harness::{Tenant as TestTenant, TestApp};
use serde_json::json;

use super::oracle::{Name, Oracle, Provider, Seconds, Settings, Tenant, Time, Trust};
use super::step::{BrowserIndex, Entry, Person, Step};

/// The product and its oracle.
pub(super) struct World {
    test: TestApp,
    dns: DnsServer,
    app: App,
    tenants: [TestTenant; 2],
    browsers: [Browser; 2],
    /// The sign-ins that each browser has the cookies of, the newest last.
    cookies: [Vec<String>; 2],
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
    begun_at: Time,
}

/// A page that asks the person.
struct Page {
    browser: BrowserIndex,
    field: String,
    sign_in: usize,
    name: Name,
    shown_at: Time,
}

#[derive(Clone)]
struct Session {
    sign_in: usize,
    ends_at: Time,
}

struct Code {
    text: String,
    sign_in: usize,
    issued_at: Time,
    /// The grant that it gave.
    grant: Option<usize>,
}

struct Grant {
    sign_in: usize,
    ends_at: Time,
    is_revoked: bool,
    access_token: String,
    access_token_ends_at: Time,
    /// Refresh tokens, each with the time of its redemption.
    refresh_tokens: Vec<(String, Option<Time>)>,
}

/// External ids of the tenants; they look like ids of ours.
const EXTERNAL_IDS: [&str; 2] =
    ["0199d3a0-0000-7000-8000-00000000000a", "0199d3a0-0000-7000-8000-00000000000b"];

const SCOPES_OF_APP: &str = "openid offline_access";

impl World {
    /// A deployment with two tenants, one app and one user; the first tenant has a connection.
    pub(super) async fn new() -> Self {
        let (test, dns) = TestApp::with_dns().await;
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
            cookies: Default::default(),
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
        self.wait(1);
        self.perform(step).await;
        self.probe().await;
    }

    fn wait(&mut self, seconds: Seconds) {
        self.test.clock.advance(Duration::from_secs(seconds.unsigned_abs()));
        self.read_clock();
    }

    /// Tells the oracle the time. A browser that posts a form moves the clock.
    fn read_clock(&mut self) {
        self.oracle.now = self.test.clock.now().as_millisecond();
    }

    async fn perform(&mut self, step: &Step) {
        match step.clone() {
            Step::Wait(seconds) => self.wait(seconds),
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
            Step::Begin { browser, at, choice, count } => {
                self.begin(browser, at, choice, count).await;
            }
            Step::SignIn { browser, at, choice, asserted, redeems } => {
                let (pending, codes) = (self.pending.len(), self.codes.len());
                self.begin(browser, at, choice, 1).await;
                if self.pending.len() > pending {
                    self.wait(1);
                    self.answer(0, None, &asserted).await;
                }
                if redeems && self.codes.len() > codes {
                    self.redeem_code(codes).await;
                }
            }
            Step::Answer { back, other, asserted } => self.answer(back, other, &asserted).await,
            Step::Unasked { browser, name, provider, asserted } => {
                self.answer_unasked(browser, name, provider, &asserted).await;
            }
            Step::Agree { page } => self.agree(page).await,
            Step::Authorize { browser, domain } => {
                if let Some(code) = self.authorize(browser, domain).await {
                    self.codes.push(code);
                }
            }
            Step::Redeem { back, is_used } => self.redeem(back, is_used).await,
            Step::Refresh { grant, back } => self.refresh(grant, back).await,
            Step::EndSessions(whose) => self.end_sessions(whose).await,
        }
    }
}

fn key_of(provider: Provider) -> &'static KeyPair {
    match provider {
        0 => &KEYS.idp_p256,
        1 => &KEYS.sp_previous,
        _ => &KEYS.attacker_p256,
    }
}
