//! Attacks on every route. A route without one fails the test.

use super::world::{ACME, CONTRACTORS, Credentials, EVIL, FORMER, MEMBER, OLD, World};
use crate::sign_in_provider_initiated::sign_in_field;
use crate::tenant_isolation::{operator_routes, scim_routes};
use axum::body::Body;
use axum::http::{Method, Request, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::Answer;
use harness::browser::{Browser, Idp, named, person, request_id};
use harness::oidc::{App, GOOD};
use harness::saml::draft::Draft;
use harness::saml::signing::Signing;
use oidc::handle::{Handle, HandleKind};

/// Tries every route with the credentials of every adversary. Returns the number of requests.
pub(super) async fn attack(world: &World, after: &str) -> usize {
    let attack = Attack { world, after };
    let mut count = attack.scim().await;
    for route in shared::oidc_api::ROUTES {
        count += attack.oidc(route).await;
    }
    for route in shared::saml_api::ROUTES.iter().chain(&shared::saml_api::METADATA_ROUTES) {
        count += attack.saml(route).await;
    }
    // Last: an operator may end the sessions of the adversaries' own tenants.
    count + attack.operator().await
}

struct Attack<'a> {
    world: &'a World,
    /// The transition before it, for messages.
    after: &'a str,
}

impl Attack<'_> {
    /// Fails if an answer shows anything of Acme.
    fn assert_shows_nothing(&self, answer: &Answer, what: &str) {
        let headers = format!("{:?}", answer.headers);
        let body = String::from_utf8_lossy(&answer.bytes);
        for secret in self.world.secrets() {
            let shown = headers.contains(secret) || body.contains(secret);
            assert!(!shown, "after {}: {what}: {} {body}", self.after, answer.status);
        }
    }

    fn assert_refused(&self, answer: &Answer, what: &str) {
        self.assert_shows_nothing(answer, what);
        let body = String::from_utf8_lossy(&answer.bytes);
        let is_refused = answer.status.is_client_error();
        assert!(is_refused, "after {}: {what}: {} {body}", self.after, answer.status);
    }

    /// The SCIM client of another tenant, with Acme's ids.
    async fn scim(&self) -> usize {
        let world = self.world;
        let routes = scim_routes();
        let count = routes.len();
        for (method, route, body) in routes {
            let path = route.replace("{user}", &world.ada).replace("{group}", &world.group);
            let what = format!("{method} {path}");
            let answer = world.test.scim_as(&world.eve.token, method, &path, body).await;
            if route.contains('{') {
                self.assert_refused(&answer, &what);
            } else {
                self.assert_shows_nothing(&answer, &what);
            }
        }
        count
    }

    /// The operator API, with Acme's ids beneath another tenant.
    async fn operator(&self) -> usize {
        let world = self.world;
        let mut count = 0;
        for (method, route, body) in operator_routes() {
            let route = acmes(world, route);
            // An operator who deletes a tenant means that tenant.
            if !route.contains("{tenant}") || method == Method::DELETE && route.ends_with('}') {
                continue;
            }
            for tenant in [&world.eve.id, &world.former.id] {
                let path = route.replace("{tenant}", tenant);
                let answer = world.test.operator(method.clone(), &path, body.clone()).await;
                let what = format!("{method} {path}");
                if [&world.ada, &world.group].iter().any(|id| path.contains(id.as_str()))
                    || path.contains(ACME.connection)
                {
                    self.assert_is_elsewhere(&answer, &what);
                } else {
                    self.assert_shows_nothing(&answer, &what);
                }
                count += 1;
            }
        }
        count
    }

    /// Refused; or, for a connection that no longer exists, an ordinary answer about a new one.
    fn assert_is_elsewhere(&self, answer: &Answer, what: &str) {
        if answer.status.is_client_error() {
            self.assert_refused(answer, what);
        } else {
            self.assert_shows_nothing(answer, what);
            let is_free = ["ConnectionDeleted", "TenantDeleted"].contains(&self.after);
            assert!(is_free && what.contains(ACME.connection), "after {}: {what}", self.after);
        }
    }

    /// Everybody but Ada who has credentials.
    fn adversaries(&self) -> impl Iterator<Item = &Credentials> {
        self.world.own.iter().chain(&self.world.ended)
    }

    /// A handle or token of an adversary that names Acme instead of its own tenant.
    fn renamed(&self, text: &str) -> String {
        let World { eve, former, test, .. } = self.world;
        text.replace(&eve.id, &test.acme.id).replace(&former.id, &test.acme.id)
    }

    async fn oidc(&self, route: &str) -> usize {
        match route {
            "/.well-known/openid-configuration"
            | "/.well-known/oauth-authorization-server"
            | "/oauth2/jwks" => {
                let answer = self.world.test.browse(route, None).await.expect(200);
                self.assert_shows_nothing(&answer, route);
                1
            }
            "/oauth2/authorize" => self.authorize().await,
            "/oauth2/token" => self.token().await,
            "/oauth2/userinfo" => self.userinfo().await,
            "/oauth2/introspect" | "/oauth2/revoke" => self.introspect_and_revoke(route).await,
            "/oauth2/lookup" => self.lookup().await,
            "/oauth2/logout" => self.logout().await,
            _ => panic!("no attack on {route}"),
        }
    }

    /// The session of an adversary never answers a request for Acme.
    async fn authorize(&self) -> usize {
        let World { test, app, .. } = self.world;
        let mut count = 0;
        let mut assert_no_code = |answer: &Answer, what: &str| {
            assert_eq!(answer.redirected("code"), None, "after {}: {what}", self.after);
            count += 1;
        };
        let asks = |organisation: &str| GOOD.replace("domain=acme.com", organisation);
        for adversary in self.adversaries() {
            let (holder, cookies) = (adversary.holder, adversary.browser.cookies());
            for organisation in [
                "domain=acme.com&prompt=none",
                "login_hint=ada%40acme.com&prompt=none",
                &format!("tenant={}&prompt=none", test.acme.id),
                &format!("connection={}", ACME.connection),
            ] {
                let query = app.query(&asks(organisation));
                let answer = test.authorize(&query, Some(&cookies)).await;
                assert_no_code(&answer, &format!("{holder} asks with {organisation}"));
            }
            let silent = app.query(&asks("domain=acme.com&prompt=none"));
            let form = Request::builder()
                .method(Method::POST)
                .uri("/oauth2/authorize")
                .header(header::COOKIE, &cookies)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(silent));
            assert_no_code(&test.send(form.unwrap()).await, &format!("{holder} asks by a form"));
            // A session of another tenant by its name: without an organisation any would do.
            let any = app.query(&asks("prompt=none"));
            let renamed = test.authorize(&any, Some(&self.renamed(&cookies))).await;
            assert_no_code(&renamed, &format!("{holder} renames the cookie"));
        }
        count
    }

    /// A code or refresh token never works for another app, nor when it names another tenant, nor
    /// when it has ended.
    async fn token(&self) -> usize {
        let World { test, app, other_app, adas, .. } = self.world;
        let refresh = |token: &str| format!("grant_type=refresh_token&refresh_token={token}");
        let mut forms =
            vec![(other_app, App::redemption(&adas.code)), (other_app, refresh(&adas.refresh))];
        for adversary in self.adversaries() {
            forms.push((app, App::redemption(&self.renamed(&adversary.code))));
            forms.push((app, refresh(&self.renamed(&adversary.refresh))));
        }
        for adversary in &self.world.ended {
            forms.push((app, App::redemption(&adversary.code)));
            forms.push((app, refresh(&adversary.refresh)));
        }
        for (app, form) in &forms {
            let answer = test.form_of(app, "/oauth2/token", form).await;
            self.assert_refused(&answer, form);
        }
        forms.len()
    }

    async fn userinfo(&self) -> usize {
        let World { test, own, ended, .. } = self.world;
        for adversary in own {
            let answer = test.userinfo(&adversary.access).await.expect(200);
            self.assert_shows_nothing(&answer, adversary.holder);
        }
        for adversary in ended {
            let answer = test.userinfo(&adversary.access).await;
            self.assert_refused(&answer, adversary.holder);
        }
        for adversary in self.adversaries() {
            // Not by header and cookie together either.
            let cookie = test.browse("/oauth2/userinfo", Some(&adversary.browser.cookies())).await;
            self.assert_refused(&cookie, adversary.holder);
            for handle in [&adversary.refresh, &adversary.code] {
                let answer = test.userinfo(&self.renamed(handle)).await;
                self.assert_refused(&answer, adversary.holder);
            }
        }
        own.len() + ended.len() + 3 * (own.len() + ended.len())
    }

    async fn introspect_and_revoke(&self, route: &str) -> usize {
        let World { test, app, other_app, adas, ended, .. } = self.world;
        let mut count = 0;
        for token in [&adas.access, &adas.refresh, &adas.code] {
            let form = format!("token={token}");
            let answer = test.form_of(other_app, route, &form).await;
            self.assert_shows_nothing(&answer, route);
            assert!(!test.is_active(other_app, token).await, "after {}: {route}", self.after);
            test.form(route, None, &form).await.expect(401);
            count += 3;
        }
        for adversary in ended {
            for token in [&adversary.access, &adversary.refresh] {
                assert!(!test.is_active(app, token).await, "{}", adversary.holder);
                count += 1;
            }
        }
        for adversary in self.adversaries() {
            let renamed = self.renamed(&adversary.refresh);
            // A holder may revoke its own token, which is no attack.
            if renamed == adversary.refresh {
                continue;
            }
            let form = format!("token={renamed}");
            let answer = test.form_of(app, route, &form).await;
            self.assert_shows_nothing(&answer, route);
            count += 1;
        }
        count
    }

    /// An app is never led to an adversary.
    async fn lookup(&self) -> usize {
        let World { test, app, eve, former, .. } = self.world;
        for hint in ["ada@acme.com", "acme.com", "ada@sso.acme.com"] {
            let form = format!("login_hint={hint}");
            let answer = test.form_of(app, "/oauth2/lookup", &form).await.expect(200);
            let body = String::from_utf8_lossy(&answer.bytes);
            let leads = [eve, former].iter().any(|tenant| body.contains(&tenant.id));
            assert!(!leads, "after {}: {hint}: {body}", self.after);
        }
        3
    }

    /// An adversary's session and tokens never end the session of Ada.
    async fn logout(&self) -> usize {
        let World { test, adas, .. } = self.world;
        let cookies = adas.browser.cookies();
        let session = cookies.split("gatehouse-session=").nth(1).and_then(|text| {
            Handle::parse(HandleKind::Session, text.split(';').next().unwrap_or_default())
        });
        let session = session.unwrap();
        let stored = async || test.app.store.session(session.tenant(), &session.digest()).await;
        let before = stored().await.unwrap();
        let mut count = 0;
        for adversary in self.adversaries() {
            let path = format!("/oauth2/logout?id_token_hint={}", adversary.access);
            let renamed = self.renamed(&adversary.browser.cookies());
            for cookies in [&renamed, &cookies] {
                let answer = test.browse(&path, Some(cookies)).await.expect(200);
                self.assert_shows_nothing(&answer, adversary.holder);
                count += 1;
            }
        }
        assert_eq!(stored().await.unwrap(), before, "after {}: logout", self.after);
        count
    }

    async fn saml(&self, route: &str) -> usize {
        match route {
            "/saml/sso/{domain}" => self.consumer(false).await,
            "/saml/sso/{domain}/federated" => self.consumer(true).await,
            "/saml/sso/{domain}/with" => self.with().await,
            "/saml/sso/{domain}/continue" => self.agree().await,
            "/saml/sso/{domain}/resume" => self.resume().await,
            "/saml/sso/{domain}/test/{id}" => self.test_link("").await,
            "/saml/sso/{domain}/test/{id}/begin" => self.test_link("/begin").await,
            "/saml/metadata/{domain}" => {
                let path = format!("/saml/metadata/{}", ACME.connection);
                let answer = self.world.test.browse(&path, None).await;
                self.assert_shows_nothing(&answer, &path);
                1
            }
            _ => panic!("no attack on {route}"),
        }
    }

    /// Every adversary's provider says that somebody is Ada, at its own connection and at Acme's.
    async fn consumer(&self, is_federated: bool) -> usize {
        let mut count = 0;
        let providers = [CONTRACTORS, EVIL, FORMER, OLD, MEMBER];
        let own = providers.into_iter().filter(|idp| idp.is_member == is_federated);
        let at_acme =
            |idp: Idp| Idp { is_member: is_federated, connection: ACME.connection, ..idp };
        for idp in own {
            for lure in LURES {
                self.try_to_be_ada(idp, lure, |_| {}).await;
                count += 1;
            }
        }
        for idp in providers.map(at_acme) {
            self.try_to_be_ada(idp, LURES[0], |_| {}).await;
            count += 1;
        }
        // The name of the trusted provider, with another key or none.
        for signing in [Some(Signing { key: |keys| &keys.attacker, ..Signing::default() }), None] {
            let idp = at_acme(ACME);
            self.try_to_be_ada(idp, LURES[0], |draft| draft.sign_assertion = signing).await;
            count += 1;
        }
        count
    }

    async fn try_to_be_ada(&self, idp: Idp, lure: Lure, change: impl FnOnce(&mut Draft)) {
        let test = &self.world.test;
        let mut browser = Browser::default();
        let begun = browser.get(test, &format!("/saml/sso/{}", idp.connection)).await;
        let request = begun.header("location").is_some().then(|| request_id(&begun));
        let mut draft = idp.draft(request.as_deref());
        match lure {
            Lure::Address(address) => named(address, address)(&mut draft),
            Lure::Id(id, address) => person(id, address)(&mut draft),
        }
        change(&mut draft);
        let field = BASE64_STANDARD.encode(draft.response());
        let answer = browser.post(test, &idp.acs(), &[("SAMLResponse", &field)]).await;
        let what = format!("{idp:?} says {lure:?}");
        self.assert_refused(&answer, &what);
        assert!(!browser.has_session(), "after {}: {what}", self.after);
    }

    /// The choice of a member, from a sign-in of another browser.
    async fn with(&self) -> usize {
        let test = &self.world.test;
        let mut victim = Browser::default();
        let begun = victim.get(test, "/saml/sso/members.org").await;
        let id = begun.header("location").is_some().then(|| request_id(&begun));
        let id = id.unwrap_or_else(|| "_0".to_owned());
        for name in [ACME.connection, EVIL.connection, MEMBER.connection] {
            let query = format!("sign_in={id}&idp=https%3A%2F%2Fevil.example%2Fsaml");
            let path = format!("/saml/sso/{name}/with?{query}");
            let answer = self.world.own[1].browser.clone().get(test, &path).await;
            self.assert_refused(&answer, &path);
        }
        3
    }

    /// The button of a sign-in at the adversary's own connection, pressed at Acme's.
    async fn agree(&self) -> usize {
        let test = &self.world.test;
        let mut browser = Browser::default();
        let mut draft = EVIL.draft(None);
        named("eve@evil.com", "eve@evil.com")(&mut draft);
        draft.assertion_id = format!("_unasked-{}", self.after);
        let field = BASE64_STANDARD.encode(draft.response());
        let page = browser.post(test, &EVIL.acs(), &[("SAMLResponse", &field)]).await.expect(200);
        let sign_in = sign_in_field(&page.bytes);
        for name in [ACME.connection, CONTRACTORS.connection] {
            let path = format!("/saml/sso/{name}/continue");
            let answer = browser.post(test, &path, &[("sign_in", &sign_in)]).await;
            self.assert_refused(&answer, &path);
            assert!(!browser.has_session());
        }
        2
    }

    /// A sign-in of another browser, and one that ended at the adversary's own connection, resumed at
    /// Acme's.
    async fn resume(&self) -> usize {
        let test = &self.world.test;
        let mut victim = Browser::default();
        let begun = victim.get(test, "/saml/sso/acme.com").await;
        let id = begun.header("location").is_some().then(|| request_id(&begun));
        let id = id.unwrap_or_else(|| "_0".to_owned());
        let mut eve = Browser::default();
        let begun = eve.get(test, &format!("/saml/sso/{}", EVIL.connection)).await.expect(303);
        let own = request_id(&begun);
        let mut draft = EVIL.draft(Some(&own));
        named("eve@evil.com", "eve@evil.com")(&mut draft);
        let field = BASE64_STANDARD.encode(draft.response());
        eve.post(test, &EVIL.acs(), &[("SAMLResponse", &field)]).await;
        for name in [ACME.connection, CONTRACTORS.connection] {
            for id in [&id, &own] {
                let path = format!("/saml/sso/{name}/resume?sign_in={id}");
                let answer = eve.get(test, &path).await;
                self.assert_refused(&answer, &path);
            }
        }
        4
    }

    /// The link of a test of the adversary's own connection, opened at Acme's, and its button.
    async fn test_link(&self, rest: &str) -> usize {
        let test = &self.world.test;
        let path = format!("/v1/tenants/{}/connections/evil.com/test", self.world.eve.id);
        let url = self.world.operator(Method::POST, &path, None).await;
        let id = url["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        for name in [ACME.connection, CONTRACTORS.connection] {
            let path = format!("/saml/sso/{name}/test/{id}{rest}");
            let answer = Browser::default().get(test, &path).await;
            self.assert_refused(&answer, &path);
            let answer = Browser::default().post(test, &path, &[]).await;
            self.assert_refused(&answer, &path);
        }
        4
    }
}

/// A route of the operator API with Acme's ids in place of all but the tenant.
pub(super) fn acmes(world: &World, route: &str) -> String {
    route
        .replace("connections/acme.com", &format!("connections/{}", ACME.connection))
        .replace("links/acme.com", &format!("links/{}", ACME.connection))
        .replace("{user}", &world.ada)
        .replace("{group}", &world.group)
}

/// What an adversary's provider says about the person.
#[derive(Clone, Copy, Debug)]
enum Lure {
    /// A `NameID` and an e-mail attribute with this address.
    Address(&'static str),
    /// A persistent `NameID`, and an e-mail attribute.
    Id(&'static str, &'static str),
}

/// Ada's address, her identifiers at the directory and at each provider, with her address.
const LURES: [Lure; 5] = [
    Lure::Address("ada@acme.com"),
    Lure::Address("ADA@ACME.COM"),
    Lure::Id("emp-1", "ada@acme.com"),
    Lure::Id("new-1", "ada@acme.com"),
    Lure::Id("old-1", "x@acme.com"),
];
