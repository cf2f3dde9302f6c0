use proptest::prelude::*;

use super::*;

#[test]
fn urls_that_all_programs_read_alike_can_be_registered() {
    for url in [
        "https://app.example/cb",
        "https://app.example",
        "https://app.example?x=1",
        "https://app.example:8443/a/b%20c?x=1&y=/../",
        "http://127.0.0.1:3000/cb",
        "http://[::1]:3000/cb",
        "http://localhost/cb",
    ] {
        assert_eq!(AppUrl::parse(url).map(String::from), Ok(url.to_owned()));
    }
}

#[test]
fn urls_that_programs_may_read_differently_cannot_be_registered() {
    for url in [
        "",
        "app.example/cb",
        "//app.example/cb",
        "http://app.example/cb",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://localhost@evil.example/",
        "HTTPS://app.example/cb",
        "https://App.example/cb",
        "https://app.example/cb#x",
        "https://user@app.example/cb",
        "https://app.example:x/cb",
        "https://app.example:0/cb",
        "https://app.example:99999/cb",
        "https:///cb",
        "https://",
        "https://*.app.example/cb",
        "https://app.example/*",
        "https://app.example/a/../cb",
        "https://app.example/a/%2E%2e/cb",
        "https://app.example\\@evil.example/",
        "https://app.example/ cb",
        "https://app.example/\r\nLocation: x",
        "https://äpp.example/cb",
        "https://app%2eexample/cb",
        "https://[::1/cb",
        "https://[x]/cb",
        "javascript://app.example/%0aalert(1)",
        "javascript:alert(1)",
        "data:text/html,x",
    ] {
        assert!(AppUrl::parse(url).is_err(), "{url}");
    }
    assert!(AppUrl::parse(&format!("https://app.example/{}", "a".repeat(2_048))).is_err());
}

#[test]
fn pages_with_plain_paths_can_be_asked_for() {
    for url in [
        "https://app.example",
        "https://app.example?x=//evil.example/../",
        "https://app.example/",
        "https://app.example/a/",
        "https://app.example/a/b%20c?x=%",
        "https://app.example/a.b/...;v=1",
        "https://app.example/100%25",
        "https://app.example/files/a%2Fb",
    ] {
        assert_eq!(AppUrl::parse_page(url).map(String::from), Ok(url.to_owned()));
    }
}

#[test]
fn pages_whose_path_programs_may_read_differently_cannot_be_asked_for() {
    for path in [
        "//",
        "//evil.example",
        "/a//b",
        "/a//",
        "/;//evil.example",
        "/;/evil.example",
        "/%2Fevil.example",
        "/%252fevil.example",
        "/%5cevil.example",
        "/%255cevil.example",
        "/a/./b",
        "/a/.",
        "/a/..",
        "/a/../b",
        "/a/%2e%2E/b",
        "/a/%252e./b",
        "/a/..%2fb",
        "/a%2f..%2f../b",
        "/a/..;x/b",
        "/a/..%3bx/b",
        "/a/%00",
        "/a/%0d%0aLocation:x",
        "/a%",
        "/a%2",
        "/a%zz",
    ] {
        let url = format!("https://app.example{path}");
        assert!(AppUrl::parse_page(&url).is_err(), "{url}");
    }
}

proptest! {
    /// Decodes and resolves the path of a page as sloppily as a program might.
    #[test]
    fn a_page_never_leaves_the_folder_that_it_names(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "/", "//", ".", "..", "%2e", "%2E", "%252e", "%2f", "%2F", "%252F", "\\",
                "%5c", "%255C", ";", "%3b", "a", "evil.example", "?", "@", ":", "%", "25", "#",
            ]),
            0..10,
        )
    ) {
        let url = format!("https://app.example/app/{}", parts.concat());
        if let Ok(page) = AppUrl::parse_page(&url) {
            prop_assert_eq!(page.origin(), "https://app.example");
            let path = &url["https://app.example".len()..];
            let mut path = path.split('?').next().unwrap().to_owned();
            for _ in 0..6 {
                prop_assert!(resolved(&path).starts_with("/app/"), "{} {}", url, path);
                prop_assert!(!path.contains("//"), "{}", url);
                path = percent_decode(path.as_bytes()).decode_utf8_lossy().into_owned();
            }
        }
    }
}

/// Removes dot segments (RFC 3986 §5.2.4), after taking `\` for `/` and cutting at `;`.
fn resolved(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment.split(';').next().unwrap() {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[test]
fn parameters_are_added_to_the_existing_query() {
    let check = |url: &str, expect: &str| {
        let with = AppUrl::parse(url).unwrap().with([("state", "a b&c=\"")]);
        assert_eq!(with, expect);
    };
    check("https://app.example/cb", "https://app.example/cb?state=a+b%26c%3D%22");
    check("https://app.example/cb?x=1", "https://app.example/cb?x=1&state=a+b%26c%3D%22");
}

#[test]
fn an_origin_ends_where_the_path_or_the_query_begins() {
    let check = |url: &str, expect: &str| {
        assert_eq!(AppUrl::parse(url).unwrap().origin(), expect);
    };
    check("https://app.example", "https://app.example");
    check("https://app.example?x=/", "https://app.example");
    check("http://127.0.0.1:3000/cb", "http://127.0.0.1:3000");
}

#[test]
fn a_redirect_uri_is_a_url_or_has_a_private_use_scheme() {
    for uri in ["https://app.example/cb", "http://127.0.0.1/cb", "com.example.app:/cb"] {
        assert_eq!(RedirectUri::parse(uri).map(String::from), Ok(uri.to_owned()));
    }
    for uri in [
        "",
        "/cb",
        "app.example/cb:x",
        "myapp:/cb",
        "myapp://cb",
        "HTTPS://app.example/cb",
        "http://app.example/cb",
        "javascript:alert(1)",
        "javascript://app.example/%0aalert(1)",
        "data:text/html,x",
        "file:///cb",
        "about:blank",
        "blob:https://app.example/x",
        "ws://127.0.0.1/cb",
        "intent://cb#Intent;scheme=com.example.app;end",
    ] {
        assert!(RedirectUri::parse(uri).is_err(), "{uri}");
    }
    let source = |uri| RedirectUri::parse(uri).unwrap().source_expression();
    assert_eq!(source("https://app.example:8443/cb?x=1"), "https://app.example:8443");
    assert_eq!(source("com.example.app://cb/x"), "com.example.app:");
    assert_eq!(source("http://[::1]:51004/cb"), "http:");
    let action = |uri| RedirectUri::parse(uri).unwrap().form_action();
    assert_eq!(action("https://app.example/cb"), "https://app.example https:");
    assert_eq!(
        action("http://127.0.0.1:3000/cb"),
        "http://127.0.0.1:3000 https: http://127.0.0.1:* http://localhost:*"
    );
}

#[test]
fn only_the_port_of_a_loopback_address_may_vary() {
    let equal = |one, other| {
        let [one, other] = [one, other].map(|uri| RedirectUri::parse(uri).unwrap());
        assert_eq!(
            one.equals_but_for_loopback_port(&other),
            other.equals_but_for_loopback_port(&one)
        );
        one.equals_but_for_loopback_port(&other)
    };
    for (one, other) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"),
        ("http://127.0.0.1:3000/cb", "http://127.0.0.1:51004/cb"),
        ("http://[::1]/cb?x=1", "http://[::1]:51004/cb?x=1"),
        ("http://127.0.0.1", "http://127.0.0.1:1"),
    ] {
        assert!(equal(one, other), "{one} {other}");
    }
    for (one, other) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/other"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb/"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?x=1"),
        ("http://127.0.0.1/cb", "http://127.0.0.2:51004/cb"),
        ("http://127.0.0.1/cb", "http://[::1]:51004/cb"),
        ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb"),
        ("https://127.0.0.1/cb", "https://127.0.0.1:51004/cb"),
        ("http://localhost/cb", "http://localhost:51004/cb"),
        ("http://127.0.0.1/cb", "http://localhost:51004/cb"),
        ("https://app.example/cb", "https://app.example:444/cb"),
        ("com.example.app://cb", "com.example.app://cb:51004"),
    ] {
        assert!(!equal(one, other), "{one} {other}");
    }
}
