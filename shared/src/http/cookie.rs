//! Our cookies: for this host alone, out of reach of scripts, and but for one kind not sent along
//! with what other sites post.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

use crate::http::base_url::BaseUrl;

/// `Set-Cookie` of one cookie. `value` has to be of characters that need no quotes.
///
/// The prefix `__Host-` makes browsers refuse the cookie from a sibling domain and over http; on
/// a laptop, where all is http, they would refuse it from us.
pub fn set(base_url: &BaseUrl, name: &str, value: &str, life: Duration) -> Option<HeaderValue> {
    written(base_url, name, value, life, "; SameSite=Lax")
}

/// `Set-Cookie` of a cookie that is sent along also with what another site posts: an identity
/// provider's answer.
///
/// Browsers take `SameSite=None` only over TLS. Without the attribute, on a laptop, Chromium sends a
/// cookie along for its first two minutes, and the others send it always; `Lax` would keep every
/// identity provider out but one on this machine's own address.
pub fn set_for_posts(
    base_url: &BaseUrl,
    name: &str,
    value: &str,
    life: Duration,
) -> Option<HeaderValue> {
    written(base_url, name, value, life, if base_url.is_https() { "; SameSite=None" } else { "" })
}

fn written(
    base_url: &BaseUrl,
    name: &str,
    value: &str,
    life: Duration,
    same_site: &str,
) -> Option<HeaderValue> {
    let seconds = life.as_secs();
    let name = full_name(base_url, name);
    let secure = if base_url.is_https() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly{same_site}{secure}");
    HeaderValue::from_str(&cookie).ok()
}

/// All cookies whose names begin with `prefix`, by the rest of the name.
pub fn read_all<'a>(
    base_url: &BaseUrl,
    headers: &'a HeaderMap,
    prefix: &str,
) -> Vec<(&'a str, &'a str)> {
    let prefix = full_name(base_url, prefix);
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.filter_map(|(name, value)| Some((name.strip_prefix(&prefix)?, value))).collect()
}

/// The one value of a cookie; two are none, since one of them is not from us.
pub fn read<'a>(base_url: &BaseUrl, headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let name = full_name(base_url, name);
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
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
    fn a_cookie_is_bound_to_the_host_where_that_can_be() {
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
    fn a_cookie_comes_back_with_an_identity_providers_form() {
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
    fn a_cookie_counts_if_it_is_there_once() {
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
