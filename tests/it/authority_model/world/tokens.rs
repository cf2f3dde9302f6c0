//! Steps of apps, and the questions that are asked after each step.

use harness::oidc::{App, claims};
use serde_json::Value;

use super::super::oracle::{DAY, Name, SECOND, Time};
use super::super::step::BrowserIndex;
use super::{Code, Grant, World};

impl World {
    /// Asks for a code without a page, and compares the answer with what the session allows.
    pub(super) async fn authorize(
        &mut self,
        browser: BrowserIndex,
        domain: Option<Name>,
    ) -> Option<Code> {
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

    pub(super) fn code(&self, text: String, sign_in: usize) -> Code {
        Code { text, sign_in, issued_at: self.oracle.now, grant: None }
    }

    pub(super) async fn redeem(&mut self, back: usize, is_used: bool) {
        let is_meant = |code: &Code| code.grant.is_some() == is_used;
        let codes = self.codes.iter().enumerate().rev();
        let meant: Vec<usize> =
            codes.filter(|(_, code)| is_meant(code)).map(|(index, _)| index).collect();
        if let Some(place) = back.checked_rem(meant.len()) {
            self.redeem_code(meant[place]).await;
        }
    }

    pub(super) async fn redeem_code(&mut self, index: usize) {
        let form = App::redemption(&self.codes[index].text);
        let answer = self.test.form_of(&self.app, "/oauth2/token", &form).await;
        let Code { sign_in, issued_at, grant, .. } = &self.codes[index];
        if let Some(grant) = *grant {
            answer.expect(400);
            self.grants[grant].is_revoked = true;
            return;
        }
        let sign_in = *sign_in;
        if self.oracle.now - issued_at >= 60 * SECOND || !self.oracle.counts(sign_in) {
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

    pub(super) fn take_access_token(&mut self, grant: usize, tokens: &Value) {
        let token = tokens["access_token"].as_str().unwrap().to_owned();
        let Grant { sign_in, ends_at, .. } = self.grants[grant];
        let user = self.oracle.sign_ins[sign_in].user;
        assert_eq!(claims(&token)["sub"], self.users[user]);
        assert!(tokens["expires_in"].as_i64().unwrap() > 0, "rule 18");
        self.grants[grant].access_token_ends_at = (self.oracle.now + 300 * SECOND).min(ends_at);
        self.grants[grant].access_token = token;
    }

    pub(super) fn is_live(&self, grant: &Grant) -> bool {
        !grant.is_revoked && self.has_time(grant.ends_at) && self.oracle.counts(grant.sign_in)
    }

    /// Whether a token is in time: tokens count whole seconds (RFC 7519, `exp`).
    fn has_time(&self, end: Time) -> bool {
        self.oracle.now / SECOND < end / SECOND
    }

    pub(super) async fn refresh(&mut self, grant: usize, back: usize) {
        let Some(grant) = grant.checked_rem(self.grants.len()) else { return };
        let index = self.grants.len() - 1 - grant;
        let count = self.grants[index].refresh_tokens.len();
        let Some(back) = back.checked_rem(count) else { return };
        let place = count - 1 - back;
        let (token, redeemed_at) = self.grants[index].refresh_tokens[place].clone();
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        let answer = self.test.form_of(&self.app, "/oauth2/token", &form).await;
        let now = self.oracle.now;
        if !self.is_live(&self.grants[index]) {
            answer.expect(400);
            return;
        }
        if redeemed_at.is_some_and(|at| now - at > 30 * SECOND) {
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
    pub(super) async fn probe(&mut self) {
        for browser in 0..self.browsers.len() {
            self.authorize(browser, None).await;
        }
        let newest = self.grants.len().saturating_sub(MOST_PROBED);
        for grant in self.grants.iter().skip(newest) {
            let is_live = self.is_live(grant);
            let (refresh_token, _) = grant.refresh_tokens.last().unwrap();
            assert_eq!(self.test.is_active(&self.app, refresh_token).await, is_live);
            let has_time = self.has_time(grant.access_token_ends_at);
            let answer = self.test.userinfo(&grant.access_token).await;
            assert_eq!(answer.status == 200, is_live && has_time, "{}", answer.body());
        }
    }

    /// Redeems every code that is left: one that should be dead must not work.
    pub(in super::super) async fn finish(&mut self) {
        for index in 0..self.codes.len() {
            if self.codes[index].grant.is_none() {
                self.redeem_code(index).await;
            }
        }
    }
}

/// Probing more of the newest grants finds nothing new: they share sign-ins.
const MOST_PROBED: usize = 4;
