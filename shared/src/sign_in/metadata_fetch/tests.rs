use super::*;

#[track_caller]
fn check(url: &str, reach: Reach, expect: &Result<(), FetchError>) {
    assert_eq!(&check_url(url, reach).map(drop), expect, "{url}");
}

#[test]
fn only_https_urls_of_public_hosts_are_fetched() {
    check("https://idp.example/metadata?x=1", Reach::Internet, &Ok(()));
    check("https://idp.example:443/metadata", Reach::Internet, &Ok(()));
    check("https://8.8.8.8/", Reach::Internet, &Ok(()));
    check("https://idp.example:9031/pf/federation_metadata.ping", Reach::Internet, &Ok(()));
    check("https://idp.example:8443/realms/a", Reach::Internet, &Ok(()));
    for url in [
        "http://idp.example/",
        "ftp://idp.example/",
        "file:///etc/passwd",
        "gopher://idp.example/",
        "//idp.example/",
        "/metadata",
        "idp.example",
        "",
        "https://",
        "https://user@idp.example/",
        "https://a:b@idp.example/",
        "https://idp.example:65536/",
        "https://idp.example:/",
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]:80/",
        "https://idp.example:0/",
        "https://idp.example\\@127.0.0.1/",
        "https://idp.example /",
    ] {
        check(url, Reach::Internet, &Err(FetchError::Url));
    }
    for url in [
        "https://127.0.0.1/",
        "https://10.0.0.1:8443/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fd00:ec2::254]/",
        "https://10.0.0.1/",
        "https://0.0.0.0/",
    ] {
        check(url, Reach::Internet, &Err(FetchError::NotPublic));
    }
}

#[test]
fn a_laptop_may_also_fetch_from_itself() {
    check("http://127.0.0.1:7400/demo/metadata", Reach::Loopback, &Ok(()));
    check("http://localhost:7400/", Reach::Loopback, &Ok(()));
    check("http://idp.example/", Reach::Loopback, &Err(FetchError::Url));
    check("https://10.0.0.1/", Reach::Loopback, &Err(FetchError::NotPublic));
    check("http://169.254.169.254/", Reach::Loopback, &Err(FetchError::Url));
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    // Spellings that only a resolver understands, and a name that every machine resolves.
    for name in ["localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1"] {
        let url = format!("https://{name}/");
        let error = fetch(&url, Reach::Internet).await.unwrap_err();
        assert!(matches!(error, FetchError::NotPublic | FetchError::Unreachable), "{name} {error}");
    }
    assert_eq!(fetch("https://localhost/", Reach::Internet).await, Err(FetchError::NotPublic));
}

#[test]
fn a_redirect_may_be_relative() {
    let from: Uri = "https://idp.example:8443/a/b?c=d".parse().unwrap();
    for (reference, expect) in [
        ("https://other.example/", "https://other.example/"),
        ("//other.example/x", "https://other.example/x"),
        ("/x", "https://idp.example:8443/x"),
        ("x/y?z", "https://idp.example:8443/a/x/y?z"),
        ("../x", "https://idp.example:8443/x"),
        ("../../../x", "https://idp.example:8443/x"),
        ("./", "https://idp.example:8443/a/"),
        ("/a/./b/../c?../d", "https://idp.example:8443/a/c?../d"),
        ("?e", "https://idp.example:8443/a/b?e"),
        ("x?u=http://a", "https://idp.example:8443/a/x?u=http://a"),
        ("javascript:alert(1)", "javascript:alert(1)"),
    ] {
        assert_eq!(resolve(&from, reference).as_deref(), Some(expect), "{reference}");
    }
}
