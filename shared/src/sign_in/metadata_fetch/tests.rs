use super::*;

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
