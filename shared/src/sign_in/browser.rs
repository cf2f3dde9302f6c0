//! Binds each sign-in to the browser that started it: a random cookie whose digest is in the
//! table.
//!
//! A response that was stolen from another browser comes without that cookie, and signs nobody in.
//!
//! Of the sign-ins that one browser has under way the newest five count (rule 20). The value of a
//! cookie begins with the time at which it was set, so that neither the order in which a browser
//! sends its cookies nor a read of the table decides which are the newest.

use std::cmp::Reverse;
use std::time::Duration;

use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::error::SignInError;
use crate::http::base_url::BaseUrl;
use crate::http::cookie;
use crate::runtime::state::AppState;
use crate::store::{FoundSignIns, PendingSignIn};
use types::hex::hex;
use types::secret_text::{ENCODED_LENGTH, secret_text};

/// The cookies of the sign-ins that one browser has under way.
pub(crate) struct SignInCookies<'a> {
    newest_first: Vec<SignInCookie<'a>>,
    /// That of the last sign-in that ended.
    ended: Option<SignInCookie<'a>>,
    now: Timestamp,
}

/// The cookie of one sign-in.
struct SignInCookie<'a> {
    id: &'a str,
    secret: &'a str,
    /// The time at which it was set, in milliseconds; 0 if the value does not begin with a time
    /// at which a sign-in can have begun that is still under way.
    set_at: u64,
}

impl<'a> SignInCookies<'a> {
    /// Reads the cookies of a request. Any that do not have the form of ours are left out.
    pub(crate) fn read(base_url: &BaseUrl, headers: &'a HeaderMap, now: Timestamp) -> Self {
        let cookies = cookie::read_all(base_url, headers, PREFIX).into_iter();
        let parsed = |(id, secret): (&'a str, &'a str)| {
            let is_ours = is_id(id) && secret.len() == ENCODED_LENGTH;
            is_ours.then(|| SignInCookie { id, secret, set_at: set_at(secret, now) })
        };
        let mut newest_first: Vec<SignInCookie<'a>> = cookies.filter_map(parsed).collect();
        newest_first.sort_by_key(|cookie| Reverse(cookie.set_at));
        let ended = cookie::read(base_url, headers, ENDED).and_then(|text| text.split_once('.'));
        Self { newest_first, ended: ended.and_then(parsed), now }
    }

    /// Whether the browser has the cookie of a sign-in, whose digest is `expected`.
    fn has(&self, id: &str, expected: Option<&str>) -> bool {
        let expected = expected.unwrap_or_default().as_bytes();
        self.counted().chain(&self.ended).any(|cookie| {
            cookie.id == id && bool::from(digest(cookie.secret).as_bytes().ct_eq(expected))
        })
    }

    /// Returns the cookies that count.
    fn counted(&self) -> impl Iterator<Item = &SignInCookie<'a>> {
        self.newest_first.iter().take(MAX_SIGN_INS)
    }

    /// Returns the time of a new cookie, which is later than that of every other one: the clocks of
    /// two processes may differ.
    fn next_set_at(&self) -> u64 {
        let newest = self.newest_first.first().map_or(0, |newest| newest.set_at);
        milliseconds(self.now).max(newest.saturating_add(1))
    }

    /// Returns the ids of the cookies that no longer count beside a new one.
    fn superseded(&self) -> Vec<String> {
        let others = self.newest_first.iter().skip(MAX_SIGN_INS.saturating_sub(1));
        others.take(MAX_REMOVED).map(|cookie| cookie.id.to_owned()).collect()
    }
}

/// The secret of one browser for one sign-in.
pub(crate) struct Binding {
    secret: SecretString,
    /// Ids of the sign-ins whose cookies are removed when this one is set.
    superseded: Vec<String>,
}

impl Binding {
    /// Makes a binding from randomness that the caller drew, for a browser with these cookies. The
    /// time replaces the first 48 of the 256 bits.
    pub(crate) fn new(cookies: &SignInCookies<'_>, random: &[u8; 32]) -> Self {
        let mut secret = Zeroizing::new(*random);
        let time = cookies.next_set_at().to_be_bytes();
        for (byte, time) in secret.iter_mut().zip(time.into_iter().skip(8 - TIME_BYTES)) {
            *byte = time;
        }
        Self { secret: secret_text("", &secret), superseded: cookies.superseded() }
    }

    /// Returns the digest that the table stores.
    pub(crate) fn digest(&self) -> String {
        digest(self.secret.expose_secret())
    }

    /// Sets the cookie of the sign-in `id`, and removes those that no longer count. With
    /// `is_posted`, the browser sends it also with a form that the identity provider's page posts.
    pub(crate) fn set_cookie(
        &self,
        base_url: &BaseUrl,
        id: &str,
        is_posted: bool,
        response: &mut Response,
    ) -> Result<(), InvalidHeaderValue> {
        let name = format!("{PREFIX}{id}");
        let secret = self.secret.expose_secret();
        let cookie = if is_posted {
            cookie::set_for_posts(base_url, &name, secret, LIFE)?
        } else {
            cookie::set(base_url, &name, secret, LIFE)?
        };
        response.headers_mut().append(header::SET_COOKIE, cookie);
        for id in &self.superseded {
            remove_cookie(base_url, id, response);
        }
        Ok(())
    }
}

/// Replaces the cookie of a sign-in by that of the last one that ended, by which the browser is known
/// if it posts the same form again.
pub(crate) fn end_sign_in(
    base_url: &BaseUrl,
    headers: &HeaderMap,
    id: &str,
    response: &mut Response,
) -> Result<(), InvalidHeaderValue> {
    let cookies = cookie::read_all(base_url, headers, PREFIX);
    if let Some((_, secret)) = cookies.into_iter().find(|(known, _)| *known == id) {
        let value = format!("{id}.{secret}");
        let cookie = cookie::set_for_posts(base_url, ENDED, &value, LIFE)?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    remove_cookie(base_url, id, response);
    Ok(())
}

/// Removes the cookie of a sign-in that is over or does not count.
fn remove_cookie(base_url: &BaseUrl, id: &str, response: &mut Response) {
    let name = format!("{PREFIX}{id}");
    if let Ok(cookie) = cookie::set_for_posts(base_url, &name, "", Duration::ZERO) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Returns the pending sign-ins that this browser has the cookies of, the newest first.
pub(crate) async fn pending_sign_ins(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Vec<PendingSignIn>, SignInError> {
    Ok(sign_ins(app, base_url, headers, now).await?.open)
}

/// Returns the sign-ins that this browser has the cookies of, the newest first: those under way, and
/// those of them that have ended, as has the last one.
pub(crate) async fn sign_ins(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<FoundSignIns, SignInError> {
    let cookies = SignInCookies::read(base_url, headers, now);
    let ids: Vec<&str> = cookies.counted().chain(&cookies.ended).map(|cookie| cookie.id).collect();
    let mut found = app.store.sign_ins(&ids, now).await?;
    found.open.retain(|open| cookies.has(&open.id, open.browser.as_deref()));
    found.ended.retain(|ended| cookies.has(&ended.id, ended.browser.as_deref()));
    found.open.sort_by_key(|open| ids.iter().position(|id| *id == open.id));
    Ok(found)
}

/// Returns the time that the value of a cookie begins with, in milliseconds.
///
/// 0, which is older than any, if no sign-in that is still under way can have begun then: the value
/// is not ours, or a version set it whose values do not begin with a time.
fn set_at(secret: &str, now: Timestamp) -> u64 {
    let text = secret.get(..TIME_CHARS).unwrap_or_default();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let time = bytes.iter().fold(0, |time, byte| (time << 8) | u64::from(*byte));
    let at = Duration::from_millis(time);
    let now = Duration::from_millis(milliseconds(now));
    let is_under_way = at <= now + CLOCK_DIFFERENCE && now < at + LIFE + CLOCK_DIFFERENCE;
    if is_under_way { time } else { 0 }
}

fn milliseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_millisecond()).unwrap_or_default()
}

/// Whether `text` has the form of our ids. Nothing else becomes a key of the table.
fn is_id(text: &str) -> bool {
    text.len() == 41
        && text.strip_prefix('_').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}

/// The time that a person may take at the identity provider.
pub(crate) const LIFE: Duration = Duration::from_mins(10);

/// The greatest difference between the clocks of two processes that is expected.
const CLOCK_DIFFERENCE: Duration = Duration::from_mins(1);

const PREFIX: &str = "sign-in-";

/// The cookie of the last sign-in that ended: its id and its secret.
const ENDED: &str = "ended";

/// Length of the time at the beginning of a cookie's value: until the year 10889.
const TIME_BYTES: usize = 6;
/// The same in base64url, without bits of the secret.
const TIME_CHARS: usize = 8;

/// The sign-ins of one browser that count. Bounds the rows that one request reads.
const MAX_SIGN_INS: usize = 5;

/// Bounds the headers of one response. A browser with more cookies loses them with the next ones.
const MAX_REMOVED: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(count: usize) -> String {
        let cookie = |n| format!("__Host-gatehouse-sign-in-_{n:040x}={}; ", "s".repeat(43));
        (0..count).map(cookie).collect()
    }

    fn read(text: &str, check: impl FnOnce(&SignInCookies<'_>)) {
        let headers = HeaderMap::from_iter([(header::COOKIE, text.parse().unwrap())]);
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        check(&SignInCookies::read(&BaseUrl::for_test("https://id.example"), &headers, now));
    }

    fn set(cookies: &SignInCookies<'_>, id: usize) -> (String, usize) {
        let mut response = Response::default();
        let id = format!("_{id:040x}");
        let base_url = BaseUrl::for_test("https://id.example");
        let binding = Binding::new(cookies, &[0xff; 32]);
        binding.set_cookie(&base_url, &id, true, &mut response).unwrap();
        let lines = response.headers().get_all(header::SET_COOKIE);
        let mut lines = lines.iter().map(|line| line.to_str().unwrap().to_owned());
        let first = lines.next().unwrap();
        let removed = lines.inspect(|line| assert!(line.contains("Max-Age=0"), "{line}"));
        (first.split(';').next().unwrap().to_owned(), removed.count())
    }

    #[test]
    fn a_new_cookie_is_newer_than_all_others_in_any_order_and_at_a_standing_clock() {
        let mut text = String::new();
        for n in 0..21 {
            let mut pair = String::new();
            read(&text, |cookies| (pair, _) = set(cookies, n));
            // The newest is now first and now last.
            text = if n % 2 == 0 { format!("{pair}; {text}") } else { format!("{text}; {pair}") };
            let id = format!("_{n:040x}");
            read(&text, |cookies| assert_eq!(cookies.counted().next().unwrap().id, id));
        }
        read(&text, |cookies| {
            let counted: Vec<&str> = cookies.counted().map(|cookie| cookie.id).collect();
            let expected: Vec<String> = (16..21).rev().map(|n| format!("_{n:040x}")).collect();
            assert_eq!(counted, expected);
        });
    }

    #[test]
    fn the_answer_that_sets_a_cookie_removes_those_beyond_five() {
        for (had, removed) in [(0, 0), (4, 0), (5, 1), (12, 8), (200, MAX_REMOVED)] {
            read(&cookies(had), |cookies| assert_eq!(set(cookies, 999).1, removed, "{had}"));
        }
    }

    #[test]
    fn cookies_that_we_did_not_set_cost_five_rows_and_are_older_than_ours() {
        let garbage = cookies(200);
        let mut pair = String::new();
        read(&garbage, |cookies| {
            assert_eq!(cookies.counted().count(), MAX_SIGN_INS);
            (pair, _) = set(cookies, 999);
        });
        read(&format!("{garbage}{pair}"), |cookies| {
            assert_eq!(cookies.counted().next().unwrap().id, format!("_{:040x}", 999));
        });
        read(&"__Host-gatehouse-sign-in-x=y; ".repeat(200), |cookies| {
            assert_eq!(cookies.counted().count(), 0);
        });
    }

    #[test]
    fn a_time_counts_only_while_a_sign_in_of_it_can_be_under_way() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let check = |seconds: i64, is_counted: bool| {
            let time = now.as_millisecond() + seconds * 1_000;
            let bytes = [&time.to_be_bytes()[2..], &[0xff; 26]].concat();
            let secret = BASE64_URL_SAFE_NO_PAD.encode(bytes);
            assert_eq!(set_at(&secret, now) == time.unsigned_abs(), is_counted, "{seconds}");
        };
        check(0, true);
        check(-600, true);
        check(-700, false);
        check(59, true);
        check(120, false);
        assert_eq!(set_at("", now), 0);
        assert_eq!(set_at(&"%".repeat(43), now), 0);
        assert_eq!(set_at(&"\u{e4}".repeat(22), now), 0);
    }
}
