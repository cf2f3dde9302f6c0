use super::*;

#[track_caller]
fn check(url: &str, reach: Reach, expect: Result<(), GuardedError>) {
    assert_eq!(check_url(url, reach).map(drop), expect, "{url}");
}

#[test]
fn only_https_urls_of_public_hosts_are_fetched() {
    check("https://idp.example/metadata?x=1", Reach::Internet, Ok(()));
    check("https://idp.example:443/metadata", Reach::Internet, Ok(()));
    check("https://8.8.8.8/", Reach::Internet, Ok(()));
    check("https://idp.example:9031/pf/federation_metadata.ping", Reach::Internet, Ok(()));
    check("https://idp.example:8443/realms/a", Reach::Internet, Ok(()));
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
        check(url, Reach::Internet, Err(GuardedError::Url));
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
        check(url, Reach::Internet, Err(GuardedError::NotPublic));
    }
}

#[test]
fn a_laptop_may_also_fetch_from_itself() {
    check("http://127.0.0.1:7400/demo/metadata", Reach::Loopback, Ok(()));
    check("http://localhost:7400/", Reach::Loopback, Ok(()));
    check("http://idp.example/", Reach::Loopback, Err(GuardedError::Url));
    check("https://10.0.0.1/", Reach::Loopback, Err(GuardedError::NotPublic));
    check("http://169.254.169.254/", Reach::Loopback, Err(GuardedError::Url));
}
