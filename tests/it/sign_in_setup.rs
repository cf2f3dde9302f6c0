//! Connections, our metadata and our keys, through the operator API.

use std::time::Duration;

use axum::http::Method;
use harness::TestApp;
use harness::browser::{BASE, Browser, draft};
use harness::saml::encryption::Encryption;
use harness::saml::keys::KEYS;
use harness::saml::metadata;
use harness::saml::signing::{Signing, sign};
use harness::saml::world::IDP;
use serde_json::{Value, json};

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

async fn metadata_of(test: &TestApp, query: &str) -> String {
    let path = format!("/saml/metadata/acme.com{query}");
    let answer = Browser::default().get(test, &path).await.expect(200);
    let media_type = "application/samlmetadata+xml; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(media_type));
    String::from_utf8(answer.bytes).unwrap()
}

#[tokio::test]
async fn a_connection_shows_both_sides() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    let shown = test.operator(Method::GET, &path, None).await.expect(200).json();
    assert_eq!(shown["status"], "ready");
    assert_eq!(shown["idp"]["entity_id"], IDP);
    assert_eq!(shown["idp"]["sso_url"], "https://idp.example/sso?idp=1");
    assert_eq!(shown["idp"]["certificates"][0]["key"], "RSA 2048");
    assert_eq!(
        shown["sp"],
        json!({
            "entity_id": format!("{BASE}/saml/metadata/acme.com"),
            "acs_url": format!("{BASE}/saml/sso/acme.com"),
            "federated_acs_url": format!("{BASE}/saml/sso/acme.com/federated"),
            "metadata_url": format!("{BASE}/saml/metadata/acme.com"),
            "sso_url": format!("{BASE}/saml/sso/acme.com"),
        })
    );
    let settings = ["jit", "allow_idp_initiated", "sign_requests", "keep_claims"];
    assert_eq!(settings.map(|name| shown[name] == true), [true, false, false, false]);
    let list = format!("/v1/tenants/{}/connections", test.acme.id);
    let list = test.operator(Method::GET, &list, None).await.expect(200).json();
    assert_eq!(list["items"], json!([shown]));

    // A request with settings alone keeps the metadata.
    let changed = json!({"request_binding": "post"});
    let changed = test.operator(Method::PUT, &path, Some(changed)).await.expect(200).json();
    assert_eq!(changed["idp"]["sso_url"], "https://idp.example/sso/post");
    test.operator(Method::DELETE, &path, None).await.expect(204);
    test.operator(Method::GET, &path, None).await.expect(404);
    Browser::default().get(&test, "/saml/sso/acme.com").await.expect(404);
    // The domain is free again, also for another tenant.
    let eve = test.tenant("Eve").await;
    let path = format!("/v1/tenants/{}/connections/acme.com", eve.id);
    test.operator(Method::PUT, &path, Some(json!({}))).await.expect(200);
}

#[tokio::test]
async fn connections_and_tokens_are_listed_in_pages() {
    let test = TestApp::new().await;
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    for domain in ["b.example", "c.example", "a.example"] {
        let path = format!("{tenant}/connections/{domain}");
        test.operator(Method::PUT, &path, Some(json!({}))).await.expect(200);
    }
    test.operator(Method::POST, &format!("{tenant}/scim-tokens"), None).await.expect(201);
    for (list, name, count) in [("connections", "domain", 3), ("scim-tokens", "id", 2)] {
        let all = test.operator(Method::GET, &format!("{tenant}/{list}"), None).await.json();
        assert_eq!(
            (all["items"].as_array().unwrap().len(), &all["next_cursor"]),
            (count, &json!(null))
        );
        let (mut found, mut query) = (Vec::new(), "?limit=1".to_owned());
        loop {
            let path = format!("{tenant}/{list}{query}");
            let page = test.operator(Method::GET, &path, None).await.expect(200).json();
            found.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            assert_eq!(found.last().unwrap()[name], next);
            query = format!("?limit=1&cursor={next}");
        }
        assert_eq!(json!(found), all["items"], "{list}");
    }
}

#[tokio::test]
async fn an_invalid_connection_is_refused_with_the_reason() {
    let test = TestApp::with_connection(json!({})).await;
    let path = format!("/v1/tenants/{}/connections/other.com", test.acme.id);
    let ours = metadata::usual(&format!("{BASE}/saml/metadata/other.com"));
    for (body, part) in [
        (json!({"idp_metadata_xml": "<html/>"}), "an HTML page"),
        (json!({"idp_metadata_xml": ours}), "our app"),
        (json!({"idp_metadata_xml": "x", "idp_metadata_url": "y"}), "not both"),
        (json!({"clock_skew_seconds": 3600}), "60 to 300"),
        (json!({"request_binding": "artifact"}), "artifact"),
        (json!({"surprise": 1}), "surprise"),
        (json!({"idp_metadata_xml": metadata::usual(IDP), "metadata_key_pem": "x"}), "key"),
        (
            json!({"metadata_key_pem": String::from_utf8(KEYS.idp.public_pem()).unwrap()}),
            "requires the metadata",
        ),
    ] {
        let problem = test.operator(Method::PUT, &path, Some(body.clone())).await.expect(400);
        let detail = problem.text("detail");
        assert!(detail.contains(part), "{body}: {detail}");
    }
    for domain in ["acme", "127.0.0.1", "a_b.com", "%2e%2e"] {
        let path = format!("/v1/tenants/{}/connections/{domain}", test.acme.id);
        test.operator(Method::PUT, &path, Some(json!({}))).await.expect(400);
    }
    let pinned = json!({
        "idp_metadata_xml": metadata::usual(IDP),
        "metadata_key_pem": String::from_utf8(KEYS.idp.public_pem()).unwrap(),
    });
    let problem = test.operator(Method::PUT, &path, Some(pinned)).await.expect(400);
    assert!(problem.text("detail").contains("not signed"));
    test.operator(Method::GET, &path, None).await.expect(404);
}

#[tokio::test]
async fn outdated_metadata_is_refused_if_a_key_is_pinned_and_else_taken_with_a_warning() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    let put = |body| test.operator(Method::PUT, &path, Some(body));
    let until =
        |end: &str| metadata::usual(IDP).replacen(" ID=", &format!(" validUntil=\"{end}\" ID="), 1);
    let id = format!("_m{}", IDP.len());
    let signed = |text: &str| sign(text, &id, &Signing::default());
    let key = String::from_utf8(KEYS.idp.public_pem()).unwrap();
    let pinned = |text: &str| json!({"idp_metadata_xml": text, "metadata_key_pem": key});
    let warnings = |shown: &Value| shown["idp"]["warnings"].to_string();

    let outdated = until("2026-11-20T12:00:00Z");
    let shown = put(json!({"idp_metadata_xml": outdated})).await.expect(200).json();
    assert!(warnings(&shown).contains("valid until 2026-11-20T12:00:00Z"), "{shown}");
    assert_eq!(
        (&shown["status"], &shown["idp"]["valid_until"]),
        (&json!("ready"), &json!("2026-11-20T12:00:00Z"))
    );
    let problem = put(pinned(&signed(&outdated))).await.expect(400).text("detail");
    assert!(problem.contains("valid until 2026-11-20T12:00:00Z"), "{problem}");

    // Trust does not end by itself.
    let soon = signed(&until("2026-11-21T12:00:30Z"));
    let shown = put(pinned(&soon)).await.expect(200).json();
    assert_eq!(shown["idp"]["warnings"], json!([]));
    test.clock.advance(Duration::from_mins(1));
    put(json!({"jit": true})).await.expect(200);
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    browser.respond(&test, &draft(Some(&request)).response()).await.expect(200);
    // Metadata without a key is held against the pinned one.
    let problem = put(json!({"idp_metadata_xml": soon})).await.expect(400).text("detail");
    assert!(problem.contains("valid until"), "{problem}");
}

#[tokio::test]
async fn a_pinned_key_stays_until_a_put_drops_it() {
    let test = TestApp::with_connection(json!({})).await;
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    let put = |body| test.operator(Method::PUT, &path, Some(body));
    let plain = metadata::usual(IDP);
    let signed = sign(&plain, &format!("_m{}", IDP.len()), &Signing::default());
    let key = String::from_utf8(KEYS.idp.public_pem()).unwrap();
    put(json!({"idp_metadata_xml": signed, "metadata_key_pem": key})).await.expect(200);
    put(json!({})).await.expect(200);
    let problem = put(json!({"idp_metadata_xml": plain})).await.expect(400).text("detail");
    assert!(problem.contains("not signed, and a key is pinned"), "{problem}");
    put(json!({"idp_metadata_xml": signed})).await.expect(200);
    put(json!({"idp_metadata_xml": plain})).await.expect(400);
    put(json!({"idp_metadata_xml": plain, "metadata_key_pem": null})).await.expect(200);
    put(json!({"idp_metadata_xml": plain})).await.expect(200);
}

#[tokio::test]
async fn metadata_is_fetched_only_from_public_hosts() {
    let test = TestApp::with_connection(json!({})).await;
    let path = format!("/v1/tenants/{}/connections/other.com", test.acme.id);
    for url in [
        "http://idp.example/metadata",
        "https://127.0.0.1/metadata",
        "https://localhost/metadata",
        "https://169.254.169.254/latest/meta-data/iam/",
        "https://[::ffff:169.254.169.254]/",
        "https://[::1]/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://idp.example:22/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/",
        "https://user:secret@idp.example/",
    ] {
        let body = json!({"idp_metadata_url": url});
        let problem = test.operator(Method::PUT, &path, Some(body)).await.expect(400);
        assert!(problem.text("detail").contains("cannot be read"), "{url}");
    }
    test.operator(Method::GET, &path, None).await.expect(404);
    let refresh = format!("/v1/tenants/{}/connections/acme.com/refresh", test.acme.id);
    test.operator(Method::POST, &refresh, None).await.expect(409);
}

#[tokio::test]
async fn our_metadata_names_attributes_as_requested_and_is_signed_on_request() {
    let test = TestApp::with_connection(json!({})).await;
    let plain = metadata_of(&test, "").await;
    assert!(plain.contains(&format!("entityID=\"{BASE}/saml/metadata/acme.com\"")), "{plain}");
    assert!(plain.contains("User.Email") && !plain.contains("urn:oid:"), "{plain}");
    assert!(plain.contains("AuthnRequestsSigned=\"false\""), "{plain}");
    assert_eq!(count(&plain, "<ds:SignatureValue>"), 0);
    let oid = metadata_of(&test, "?naming=oid").await;
    assert!(oid.contains("urn:oid:") && !oid.contains("User.Email"), "{oid}");
    assert_eq!(count(&metadata_of(&test, "?signed=1").await, "<ds:SignatureValue>"), 1);
    Browser::default().get(&test, "/saml/metadata/other").await.expect(404);
}

#[tokio::test]
async fn keys_are_rotated_without_a_failed_sign_in() {
    let test = TestApp::with_connection(json!({"jit": true, "sign_requests": true})).await;
    let rotate = || test.operator(Method::POST, "/v1/saml-keys/rotate", None);
    let encrypted = async || {
        let mut browser = Browser::default();
        let request = browser.begin(&test, "/saml/sso/acme.com").await;
        let mut draft = draft(Some(&request));
        draft.encrypt = Some(Encryption::default());
        browser.respond(&test, &draft.response()).await.expect(200);
    };
    let states = |keys: &Value| -> Vec<String> {
        let keys = keys["encryption"].as_array().unwrap().iter();
        keys.map(|key| key["state"].as_str().unwrap().to_owned()).collect()
    };
    let before = metadata_of(&test, "").await;
    assert_eq!(
        count(&before, "<md:KeyDescriptor") + count(&before, "<KeyDescriptor"),
        2,
        "{before}"
    );

    assert_eq!(states(&rotate().await.expect(200).json()), ["current", "next"]);
    encrypted().await;
    // Not every process knows the next key yet, so it is not published for encryption.
    let at_once = metadata_of(&test, "").await;
    assert_eq!(count(&at_once, "KeyDescriptor use=\"encryption\""), 1, "{at_once}");
    test.clock.advance(Duration::from_secs(121));
    let during = metadata_of(&test, "").await;
    assert_eq!(count(&during, "KeyDescriptor use=\"signing\""), 2, "{during}");
    assert_eq!(count(&during, "KeyDescriptor use=\"encryption\""), 2, "{during}");
    // Not every process knows the next keys yet.
    rotate().await.expect(409);
    test.clock.advance(Duration::from_mins(3));
    assert_eq!(states(&rotate().await.expect(200).json()), ["current", "previous"]);
    let after = metadata_of(&test, "").await;
    assert_eq!(count(&after, "KeyDescriptor use=\"signing\""), 2, "{after}");
    assert_eq!(count(&after, "KeyDescriptor use=\"encryption\""), 1, "{after}");
    assert_ne!(before, after);
    // A response encrypted for the previous key still works. (The responses are five minutes old.)
    encrypted().await;
}

#[tokio::test]
async fn keys_are_created_with_the_first_connection() {
    let test = TestApp::new().await;
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    test.operator(Method::PUT, &path, Some(json!({}))).await.expect(200);
    let metadata = metadata_of(&test, "").await;
    assert_eq!(count(&metadata, "X509Certificate>"), 4, "{metadata}");
    let keys = test.operator(Method::GET, "/v1/saml-keys", None).await.expect(200).json();
    assert_eq!(
        (&keys["signing"][0]["state"], keys["signing"].as_array().unwrap().len()),
        (&json!("current"), 1)
    );
    assert!(!keys.to_string().contains("PRIVATE"));
}

#[tokio::test]
async fn deleting_a_tenant_frees_its_domains() {
    let test = TestApp::with_connection(json!({})).await;
    let path = format!("/v1/tenants/{}", test.acme.id);
    test.operator(Method::DELETE, &path, None).await.expect(204);
    Browser::default().get(&test, "/saml/sso/acme.com").await.expect(404);
    let eve = test.tenant("Eve").await;
    let path = format!("/v1/tenants/{}/connections/acme.com", eve.id);
    test.operator(Method::PUT, &path, Some(json!({}))).await.expect(200);
}
