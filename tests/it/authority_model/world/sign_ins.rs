//! Steps of browsers and identity providers.

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::Answer;
use harness::browser::{BASE, percent_encoded, request_id};
use harness::saml::draft::{Draft, authn, bearer, claim, conditions};
use harness::saml::keys::Keys;
use harness::saml::signing::Signing;
use serde_json::Value;

use super::super::oracle::{
    Asserted, Connection, Name, NameId, PROVIDERS, Provider, SECOND, Tenant, Time, Trust, User,
    UserIndex, Verdict,
};
use super::super::step::{BrowserIndex, Entry};
use super::{EXTERNAL_IDS, Page, Pending, SCOPES_OF_APP, Session, World};

impl World {
    /// Begins sign-ins, all before the first answer, and goes on to the identity provider in each.
    pub(super) async fn begin(
        &mut self,
        browser: BrowserIndex,
        entry: Entry,
        choice: usize,
        count: usize,
    ) {
        let (path, names) = self.way_in(entry);
        let answers = self.browsers[browser].get_at_once(&self.test, &path, count).await;
        self.read_clock();
        let Some(index) = choice.checked_rem(names.len()) else {
            for answer in answers {
                assert!(is_refused(&answer), "{entry:?} {}", answer.status);
            }
            return;
        };
        let name = names[index];
        let is_asked = names.len() > 1;
        if !is_asked {
            let begun = answers.iter().map(|answer| self.begun_by(name, answer)).collect();
            self.note_cookies(browser, begun);
        }
        for mut answer in answers {
            if is_asked {
                let link = link_with(&answer.expect(200), &format!("connection={name}"));
                answer = self.browsers[browser].get(&self.test, &link).await;
                self.note_cookies(browser, vec![self.begun_by(name, &answer)]);
            }
            self.ask_provider(browser, entry, name, choice, &answer).await;
        }
    }

    /// The path of an entry, and the connections among which the person chooses.
    fn way_in(&self, entry: Entry) -> (String, Vec<Name>) {
        match entry {
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
        }
    }

    /// The id of the sign-in that an answer of a connection begins.
    fn begun_by(&self, name: Name, answer: &Answer) -> String {
        match self.oracle.connections[name].trust {
            Trust::One(_) => request_id(answer),
            Trust::Federation => between(&answer.body(), "sign_in=", "&"),
        }
    }

    /// Goes on to the identity provider from the answer that began a sign-in. In a federation the
    /// person chooses it, which begins another.
    async fn ask_provider(
        &mut self,
        browser: BrowserIndex,
        entry: Entry,
        name: Name,
        choice: usize,
        answer: &Answer,
    ) {
        let Connection { trust, tenant, .. } = self.oracle.connections[name].clone();
        let (provider, request) = match trust {
            Trust::One(provider) => (provider, request_id(answer)),
            Trust::Federation => {
                let provider = choice % 2;
                let is_counted = self.is_counted(browser, &self.begun_by(name, answer));
                let entity = percent_encoded(PROVIDERS[provider]);
                let link = link_with(answer, &format!("idp={entity}"));
                let answer = self.browsers[browser].get(&self.test, &link).await;
                if !is_counted {
                    assert!(is_refused(&answer), "rule 20: {}", answer.status);
                    return;
                }
                let request = request_id(&answer);
                self.note_cookies(browser, vec![request.clone()]);
                (provider, request)
            }
        };
        self.pending.push(Pending {
            browser,
            request,
            entry,
            tenant,
            name,
            provider,
            is_federated: trust == Trust::Federation,
            begun_at: self.oracle.now,
        });
    }

    pub(super) fn ready_connections_of(&self, tenant: Tenant) -> Vec<Name> {
        let connections = self.oracle.connections.iter();
        let ready = connections
            .filter(|(name, known)| known.tenant == tenant && self.oracle.is_ready(name));
        ready.map(|(name, _)| *name).collect()
    }

    pub(super) fn authorize_query(&self, rest: &str) -> String {
        let scope = SCOPES_OF_APP.replace(' ', "%20");
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let rest = format!(
            "response_type=code&scope={scope}&state=s1&nonce=n1&code_challenge={challenge}\
             &code_challenge_method=S256&{rest}"
        );
        format!("/oauth2/authorize?{}", self.app.query(&rest))
    }

    pub(super) async fn answer(
        &mut self,
        back: usize,
        other: Option<Provider>,
        asserted: &Asserted,
    ) {
        let Some(back) = back.checked_rem(self.pending.len()) else { return };
        let pending = self.pending.remove(self.pending.len() - 1 - back);
        let Pending { browser, name, is_federated, .. } = pending;
        let provider = other.unwrap_or(pending.provider);
        let is_open = self.is_counted(browser, &pending.request)
            && provider == pending.provider
            && self.oracle.now - pending.begun_at < 600 * SECOND
            && self.trusts(name, provider)
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
        let asks = matches!(pending.entry, Entry::Connection(_))
            && self.is_session_of_another(browser, user);
        if !asks {
            self.forget_cookie(browser, &pending.request);
        }
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
                if asks {
                    self.expect_page(browser, name, sign_in, &answer);
                } else {
                    answer.expect(303);
                    self.start_session(browser, sign_in);
                }
            }
        }
    }

    pub(super) async fn answer_unasked(
        &mut self,
        browser: BrowserIndex,
        name: Name,
        provider: Provider,
        asserted: &Asserted,
    ) {
        let known = self.oracle.connections.get(name);
        let is_federated = known.is_some_and(|known| known.trust == Trust::Federation);
        let is_allowed = known.is_some_and(|known| known.settings.allow_idp_initiated)
            && self.trusts(name, provider);
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

    pub(super) fn trusts(&self, name: Name, provider: Provider) -> bool {
        let known = self.oracle.connections.get(name);
        self.oracle.is_ready(name)
            && known.is_some_and(|known| known.trust.providers().contains(&provider))
    }

    /// The answer must be what the oracle says. Returns the user who signs in.
    pub(super) async fn check_verdict(
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
                        is_of_sign_in: true,
                    },
                );
                Some(self.users.len() - 1)
            }
        }
    }

    pub(super) fn expect_page(
        &mut self,
        browser: BrowserIndex,
        name: Name,
        sign_in: usize,
        answer: &Answer,
    ) {
        assert_eq!(answer.status, 200, "rule 19: a page asks");
        let field = between(&answer.body(), "name=\"sign_in\" value=\"", "\"");
        let shown_at = self.oracle.now;
        self.note_cookies(browser, vec![field.clone()]);
        self.pages.push(Page { browser, field, sign_in, name, shown_at });
    }

    pub(super) async fn agree(&mut self, number: usize) {
        let Some(index) = number.checked_rem(self.pages.len()) else { return };
        let Page { browser, field, sign_in, name, shown_at } = self.pages.remove(index);
        let path = format!("/saml/sso/{name}/continue");
        let answer = self.post(browser, &path, &[("sign_in", &field)]).await;
        let is_open = self.is_counted(browser, &field) && self.oracle.now - shown_at < 600 * SECOND;
        if is_open && self.oracle.is_ready(name) {
            self.forget_cookie(browser, &field);
        }
        if is_open && self.oracle.counts(sign_in) {
            answer.expect(303);
            self.start_session(browser, sign_in);
        } else {
            assert!(is_refused(&answer), "{}", answer.body());
        }
    }

    /// Notes the cookies that a browser got by requests which it sent at once. Each answer removes
    /// those that the browser had then and that do not count beside the new one.
    fn note_cookies(&mut self, browser: BrowserIndex, begun: Vec<String>) {
        let cookies = &mut self.cookies[browser];
        let older = cookies.len().saturating_sub(MOST_COUNTED - 1);
        cookies.drain(..older);
        cookies.extend(begun);
    }

    /// Whether a sign-in is one of the newest of its browser (rule 20).
    fn is_counted(&self, browser: BrowserIndex, id: &str) -> bool {
        self.cookies[browser].iter().rev().take(MOST_COUNTED).any(|known| known == id)
    }

    fn forget_cookie(&mut self, browser: BrowserIndex, id: &str) {
        self.cookies[browser].retain(|known| known != id);
    }

    pub(super) fn start_session(&mut self, browser: BrowserIndex, sign_in: usize) {
        let ends_at = self.end(sign_in, 12 * 3_600 * SECOND);
        self.sessions[browser] = Some(Session { sign_in, ends_at });
    }

    pub(super) fn end(&self, sign_in: usize, life: Time) -> Time {
        let end = self.oracle.now + life;
        self.oracle.sign_ins[sign_in].ends_at.map_or(end, |limit| end.min(limit))
    }

    pub(super) fn live_session(&self, browser: BrowserIndex) -> Option<&Session> {
        let session = self.sessions[browser].as_ref();
        session.filter(|session| {
            self.oracle.now < session.ends_at && self.oracle.counts(session.sign_in)
        })
    }

    pub(super) fn is_session_of_another(&self, browser: BrowserIndex, user: UserIndex) -> bool {
        let session = self.live_session(browser);
        session.is_some_and(|session| self.oracle.sign_ins[session.sign_in].user != user)
    }

    pub(super) async fn post_response(
        &mut self,
        browser: BrowserIndex,
        name: Name,
        is_federated: bool,
        response: &str,
    ) -> Answer {
        let field = BASE64_STANDARD.encode(response);
        let path = acs_path(name, is_federated);
        let fields = [("SAMLResponse", field.as_str())];
        self.post(browser, &path, &fields).await
    }

    async fn post(&mut self, browser: BrowserIndex, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.browsers[browser].post(&self.test, path, fields).await;
        self.read_clock();
        answer
    }

    pub(super) fn response(
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

/// Sign-ins of one browser that count (rule 20).
const MOST_COUNTED: usize = 5;

const ECDSA: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const RSA: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

fn acs_path(name: Name, is_federated: bool) -> String {
    format!("/saml/sso/{name}{}", if is_federated { "/federated" } else { "" })
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
