//! Our cookies: sent to this host alone, hidden from scripts, and, with one exception, not sent
//! with forms that other sites post.

use std::time::Duration;

use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderMap, HeaderValue, header};

use crate::http::base_url::BaseUrl;

/// Returns the `Set-Cookie` header of a cookie.
///
/// The prefix `__Host-` makes browsers refuse the cookie from a sibling domain and over http. On
/// a laptop, where everything is http, they would refuse it from us too.
///
/// # Errors
///
/// When `value` has characters that a header cannot hold.
pub fn set(
    base_url: &BaseUrl,
    name: &str,
    value: &str,
    life: Duration,
) -> Result<HeaderValue, InvalidHeaderValue> {
    header_value(base_url, name, value, life, "; SameSite=Lax")
}

/// Returns the `Set-Cookie` header of a cookie that the browser sends also with a form that
/// another site posts: an identity provider's response.
///
/// Browsers accept `SameSite=None` only over TLS. On a laptop the attribute is left out: Chromium
/// then sends the cookie for its first two minutes, and the others send it always. `Lax` would
/// exclude every identity provider that is not on this machine's own address.
///
/// # Errors
///
/// When `value` has characters that a header cannot hold.
pub fn set_for_posts(
    base_url: &BaseUrl,
    name: &str,
    value: &str,
    life: Duration,
) -> Result<HeaderValue, InvalidHeaderValue> {
    let same_site = if base_url.is_https() { "; SameSite=None" } else { "" };
    header_value(base_url, name, value, life, same_site)
}

fn header_value(
    base_url: &BaseUrl,
    name: &str,
    value: &str,
    life: Duration,
    same_site: &str,
) -> Result<HeaderValue, InvalidHeaderValue> {
    let seconds = life.as_secs();
    let name = full_name(base_url, name);
    let secure = if base_url.is_https() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly{same_site}{secure}");
    HeaderValue::from_str(&cookie)
}

/// Returns the cookies whose names begin with `prefix`: the rest of the name, and the value.
pub fn read_all<'a>(
    base_url: &BaseUrl,
    headers: &'a HeaderMap,
    prefix: &str,
) -> Vec<(&'a str, &'a str)> {
    let prefix = full_name(base_url, prefix);
    pairs(headers).filter_map(|(name, value)| Some((name.strip_prefix(&prefix)?, value))).collect()
}

/// Returns the value of a cookie, or `None` if it is there twice: one of the two is not from us.
pub fn read<'a>(base_url: &BaseUrl, headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let name = full_name(base_url, name);
    let mut values = pairs(headers).filter(|(found, _)| *found == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

fn full_name(base_url: &BaseUrl, name: &str) -> String {
    let prefix = if base_url.is_https() { "__Host-" } else { "" };
    format!("{prefix}gatehouse-{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn base_url(url: &str) -> BaseUrl {
        let lookup = |name: &str| match name {
            "GATEHOUSE_TABLE" => Some("t".to_owned()),
            "GATEHOUSE_BASE_URL" => Some(url.to_owned()),
            _ => None,
        };
        let config = Config::from_lookup(lookup).unwrap();
        BaseUrl::of(&config, &HeaderMap::new())
    }

    #[test]
    fn a_cookie_is_bound_to_the_host_over_https() {
        let check = |url: &str, expect: &str| {
            let cookie = set(&base_url(url), "x", "v", Duration::from_mins(1)).unwrap();
            assert_eq!(cookie, expect);
        };
        check(
            "https://id.example",
            "__Host-gatehouse-x=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
        );
        check("http://127.0.0.1:7400", "gatehouse-x=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn a_cookie_for_posts_is_sent_across_sites() {
        let check = |url: &str, expect: &str| {
            let cookie = set_for_posts(&base_url(url), "x", "v", Duration::from_mins(1)).unwrap();
            assert_eq!(cookie, expect);
        };
        check(
            "https://id.example",
            "__Host-gatehouse-x=v; Path=/; Max-Age=60; HttpOnly; SameSite=None; Secure",
        );
        check("http://127.0.0.1:7400", "gatehouse-x=v; Path=/; Max-Age=60; HttpOnly");
    }

    #[test]
    fn a_cookie_that_is_there_twice_counts_as_absent() {
        let check = |headers: &[&str], expect: Option<&str>| {
            let headers = headers.iter().map(|value| (header::COOKIE, value.parse().unwrap()));
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(name, value);
            }
            assert_eq!(read(&base_url("https://id.example"), &map, "x"), expect);
        };
        check(&["a=b; __Host-gatehouse-x=v"], Some("v"));
        check(&["a=b", "__Host-gatehouse-x=v"], Some("v"));
        check(&["gatehouse-x=v"], None);
        check(&["__Host-gatehouse-x=v; __Host-gatehouse-x=w"], None);
        check(&[], None);
    }
}
