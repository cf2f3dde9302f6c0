//! Sign-in by SAML: from the app to the identity provider and back.

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::TestApp;
use harness::browser::{BASE, Browser, draft, draft_for, request_id, request_xml};
use harness::saml::encryption::Encryption;
use harness::saml::keys::KEYS;
use harness::saml::metadata;
use harness::saml::signing::Signing;
use harness::saml::world::IDP;
use serde_json::json;

#[tokio::test]
async fn a_person_signs_in_and_becomes_a_user() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    let answer = browser.respond(&test, &draft(Some(&request)).response()).await.expect(200);
    assert!(String::from_utf8_lossy(&answer.bytes).contains("You are signed in"));
    assert!(browser.cookies().contains("__Host-gatehouse-session="), "{}", browser.cookies());
    assert!(!browser.cookies().contains("sign-in"), "{}", browser.cookies());

    let users = test.get("/Users").await.json();
    assert_eq!(users["totalResults"], 1);
    let user = &users["Resources"][0];
    assert_eq!(user["userName"], "ada@acme.com");
    assert_eq!(user["name"], json!({"givenName": "Ada", "familyName": "Lovelace"}));

    let [record] = test.sign_ins().await.try_into().unwrap();
    assert_eq!((&record["succeeded"], &record["user"]), (&json!(true), &user["id"]));
    assert_eq!(record["began"], "start");
    assert_eq!(record["claims"], json!(null));
    assert!(!record.to_string().contains("ada@acme.com"), "{record}");
    let outcomes = record["checks"].as_array().unwrap().iter();
    let failed = outcomes.filter(|check| check["outcome"] == "failed").count();
    assert_eq!((record["checks"].as_array().unwrap().len(), failed), (25, 0));
}

#[tokio::test]
async fn the_request_has_our_entity_id_and_acs_url_and_is_bound_to_the_browser() {
    let test = TestApp::with_connection(json!({})).await;
    let answer = Browser::default().get(&test, "/saml/sso/acme.com").await.expect(303);
    assert!(answer.header("location").unwrap().starts_with("https://idp.example/"));
    let cookie = answer.header("set-cookie").unwrap();
    let expected = "Path=/; Max-Age=600; HttpOnly; SameSite=None; Secure";
    assert!(cookie.starts_with("__Host-gatehouse-sign-in-_") && cookie.ends_with(expected));
    let xml = request_xml(&answer);
    for part in [
        "AssertionConsumerServiceURL=\"https://sp.example/saml/sso/acme.com\"",
        ">https://sp.example/saml/metadata/acme.com<",
    ] {
        assert!(xml.contains(part), "{xml}");
    }
    assert_eq!(request_id(&answer).len(), 41);
}

#[tokio::test]
async fn a_signed_request_is_sent_by_either_binding() {
    let settings = json!({"sign_requests": true});
    let test = TestApp::with_connection(settings).await;
    let answer = Browser::default().get(&test, "/saml/sso/acme.com").await.expect(303);
    assert!(answer.header("location").unwrap().contains("&Signature="));

    let settings = json!({"sign_requests": true, "request_binding": "post"});
    test.connect("acme.com", &metadata::usual(IDP), settings).await.expect(200);
    let answer = Browser::default().get(&test, "/saml/sso/acme.com").await.expect(200);
    let html = String::from_utf8(answer.bytes.clone()).unwrap();
    let (_, rest) = html.split_once("name=\"SAMLRequest\" value=\"").unwrap();
    let xml = BASE64_STANDARD.decode(rest.split('"').next().unwrap()).unwrap();
    assert!(String::from_utf8(xml).unwrap().contains("<ds:SignatureValue>"));
    assert!(answer.header("content-security-policy").unwrap().contains("script-src 'sha256-"));
}

#[tokio::test]
async fn every_combination_of_signatures_and_encryption_is_accepted() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    for (sign_response, sign_assertion, encrypt) in [
        (true, false, false),
        (false, true, false),
        (true, true, false),
        (false, true, true),
        (true, false, true),
    ] {
        let mut browser = Browser::default();
        let request = browser.begin(&test, "/saml/sso/acme.com").await;
        let mut draft = draft(Some(&request));
        draft.sign_response = sign_response.then(Signing::default);
        draft.sign_assertion = sign_assertion.then(Signing::default);
        draft.encrypt = encrypt.then(Encryption::default);
        browser.respond(&test, &draft.response()).await.expect(200);
        assert!(
            browser.cookies().contains("session"),
            "{sign_response} {sign_assertion} {encrypt}"
        );
    }
    assert_eq!(test.get("/Users").await.json()["totalResults"], 1);
}

#[tokio::test]
async fn the_issuer_chooses_the_member_of_a_federation() {
    let test = TestApp::with_connection(json!({})).await;
    let other = "https://other.example/saml";
    let role = metadata::descriptor(
        &metadata::key("use=\"signing\"", &KEYS.idp_next),
        &metadata::services(),
    );
    let members = format!("{}{}", metadata::usual(IDP), metadata::entity(other, &role));
    let members = members.replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "");
    let xml = metadata::federation(&members);
    let settings = json!({"jit": true, "member_domains": {other: ["acme.com"]}});
    let shown = test.connect("acme.com", &xml, settings).await.expect(200).json();
    assert_eq!(shown["federation"].as_array().unwrap().len(), 2);

    let mut browser = Browser::default();
    let page = browser.get(&test, "/saml/sso/acme.com").await.expect(200);
    let html = String::from_utf8(page.bytes).unwrap();
    let links: Vec<String> = html
        .match_indices("href=\"")
        .map(|(at, _)| {
            html[at + 6..].split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&")
        })
        .collect();
    assert_eq!(links.len(), 2, "{html}");
    let link = links.iter().find(|link| link.contains("other")).unwrap();
    let request = browser.begin(&test, link).await;

    let acs = format!("{BASE}/saml/sso/acme.com/federated");
    let entity_id = format!("{BASE}/saml/metadata/acme.com");
    let mut draft = draft_for(&acs, &entity_id, Some(&request));
    // A member that was not asked.
    let stranger = BASE64_STANDARD.encode(draft.response());
    browser.post(&test, &acs, &[("SAMLResponse", &stranger)]).await.expect(403);
    draft.issuer = other.to_owned();
    draft.response_issuer = Some(other.to_owned());
    // The asked member, signed with the key of another.
    let forged = BASE64_STANDARD.encode(draft.response());
    browser.post(&test, &acs, &[("SAMLResponse", &forged)]).await.expect(403);
    draft.sign_assertion = Some(Signing { key: |keys| &keys.idp_next, ..Signing::default() });
    let good = BASE64_STANDARD.encode(draft.response());
    // Its destination is the other ACS.
    browser.post(&test, "/saml/sso/acme.com", &[("SAMLResponse", &good)]).await.expect(403);
    browser.post(&test, &acs, &[("SAMLResponse", &good)]).await.expect(200);
    assert!(browser.cookies().contains("session"));
}

#[tokio::test]
async fn a_test_signs_nobody_in_and_creates_no_user() {
    let test = TestApp::with_connection(json!({"jit": true, "keep_claims": true})).await;
    let path = format!("/v1/tenants/{}/connections/acme.com/test", test.acme.id);
    let url = test.operator(Method::POST, &path, None).await.expect(201).text("url");
    let mut browser = Browser::default();
    let request = request_id(&browser.begin_test(&test, &url).await.expect(303));
    Browser::default().get(&test, &url).await.expect(400);
    let page = browser.respond(&test, &draft(Some(&request)).response()).await.expect(200);
    assert!(String::from_utf8_lossy(&page.bytes).contains("The connection works"));
    assert!(!browser.cookies().contains("session"), "{}", browser.cookies());
    assert_eq!(test.get("/Users").await.json()["totalResults"], 0);
    let [record] = test.sign_ins().await.try_into().unwrap();
    assert_eq!(record["began"], "test");
    assert_eq!(record["claims"]["subject"]["value"], "ada@acme.com");
}

#[tokio::test]
async fn opening_the_link_of_a_test_uses_nothing_up_and_its_button_works_in_one_browser() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let path = format!("/v1/tenants/{}/connections/acme.com/test", test.acme.id);
    let url = test.operator(Method::POST, &path, None).await.expect(201).text("url");
    let rows = test.rows().await;
    let button = format!("{url}/begin");
    for _ in 0..2 {
        // A mail scanner, and everybody who has the link.
        let led = Browser::default().get(&test, &url).await.expect(303);
        assert_eq!((led.header("location"), led.header("set-cookie")), (Some(&*button), None));
        let page = Browser::default().get(&test, &button).await.expect(200);
        assert!(page.body().contains("Begin the test sign-in"), "{}", page.body());
        assert_eq!((page.header("set-cookie"), test.rows().await), (None, rows.clone()));
    }
    let mut browser = Browser::default();
    browser.begin_test(&test, &url).await.expect(303);
    // The button again: in this browser it begins the test again, elsewhere it was used.
    let request = request_id(&browser.post(&test, &button, &[]).await.expect(303));
    for answer in [
        Browser::default().post(&test, &button, &[]).await,
        Browser::default().get(&test, &button).await,
        Browser::default().get(&test, &url).await,
    ] {
        assert!(answer.expect(400).body().contains("Ask for a new link"));
    }
    let tested = browser.respond(&test, &draft(Some(&request)).response()).await.expect(200);
    assert!(tested.body().contains("The connection works"));
}
