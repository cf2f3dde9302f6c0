//! Sign-ins that are refused.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::TestApp;
use harness::browser::{Browser, draft, percent_encoded};
use harness::saml::attacks;
use harness::saml::attacks::deputy::{OTHER, SIGNED};
use harness::saml::draft::Draft;
use harness::saml::keys::KEYS;
use harness::saml::metadata;
use harness::saml::signing::Signing;
use harness::saml::world::{IDP, REQUEST, Settings};
use serde_json::json;

async fn refused_with(test: &TestApp, code: &str) {
    let records = test.sign_ins().await;
    let record = records.first().unwrap_or_else(|| panic!("{code} left no record"));
    assert_eq!((&record["code"], &record["succeeded"]), (&json!(code), &json!(false)), "{record}");
}

#[tokio::test]
async fn one_of_a_hundred_equal_responses_signs_in() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    let response = BASE64_STANDARD.encode(draft(Some(&request)).response());
    let mut tasks = tokio::task::JoinSet::new();
    let test = std::sync::Arc::new(test);
    for _ in 0..100 {
        let test = std::sync::Arc::clone(&test);
        let form = browser.form("/saml/sso/acme.com", &[("SAMLResponse", &response)]);
        tasks.spawn(async move { test.send(form).await.status.as_u16() });
    }
    let mut statuses = tasks.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    // They are of one browser: the others are sent to where the first one led.
    assert!(statuses[1..].iter().all(|status| *status == 303), "{statuses:?}");
    let records = test.sign_ins().await;
    let succeeded = records.iter().filter(|record| record["succeeded"] == true).count();
    assert_eq!(succeeded, 1);
    assert_eq!(test.get("/Users").await.json()["totalResults"], 1);
}

#[tokio::test]
async fn a_second_assertion_for_the_same_request_is_refused() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    let mut thief = browser.clone();
    browser.respond(&test, &draft(Some(&request)).response()).await.expect(200);
    let mut second = draft(Some(&request));
    second.assertion_id = "_another".to_owned();
    thief.respond(&test, &second.response()).await.expect(403);
    refused_with(&test, "saml.inresponseto").await;
}

#[tokio::test]
async fn a_response_is_refused_in_another_browser() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let request = Browser::default().begin(&test, "/saml/sso/acme.com").await;
    let response = draft(Some(&request)).response();
    let mut victim = Browser::default();
    victim.respond(&test, &response).await.expect(403);
    refused_with(&test, "saml.inresponseto").await;
    victim.begin(&test, "/saml/sso/acme.com").await;
    victim.respond(&test, &response).await.expect(403);
    assert!(!victim.cookies().contains("session"));
    assert_eq!(test.get("/Users").await.json()["totalResults"], 0);
}

#[tokio::test]
async fn a_pending_sign_in_expires_after_ten_minutes() {
    let test = TestApp::with_connection(json!({"jit": true, "clock_skew_seconds": 300})).await;
    let mut browser = Browser::default();
    test.clock.advance(Duration::from_secs(1));
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    test.clock.advance(Duration::from_secs(595));
    browser.respond(&test, &draft(Some(&request)).response()).await.expect(200);
    let mut late = Browser::default();
    let request = late.begin(&test, "/saml/sso/acme.com").await;
    test.clock.advance(Duration::from_secs(601));
    late.respond(&test, &draft(Some(&request)).response()).await.expect(403);
}

#[tokio::test]
async fn a_refusal_shows_the_person_a_reference_and_the_administrator_the_checks() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    let mut draft = draft(Some(&request));
    draft.conditions = draft.conditions.replace("/saml/metadata/acme.com", "/another-app");
    let page = browser.respond(&test, &draft.response()).await.expect(403);
    let html = String::from_utf8(page.bytes.clone()).unwrap();
    let [record] = test.sign_ins().await.try_into().unwrap();
    assert!(html.contains(record["reference"].as_str().unwrap()), "{html}");
    assert!(!html.contains("another-app") && !html.contains("audience"), "{html}");
    assert_eq!((&record["code"], &record["actor"]), (&json!("saml.audience"), &json!("idp_admin")));
    let checks = record["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["outcome"] == "failed").unwrap();
    assert_eq!(check["id"], "saml.audience");
    assert_eq!(check["expected"], "https://sp.example/saml/metadata/acme.com");
    assert_eq!(check["received"], "https://sp.example/another-app");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script"), "{policy}");
}

#[tokio::test]
async fn a_record_quotes_the_message_of_a_signed_status_only() {
    let test = TestApp::with_connection(json!({})).await;
    let status = "<P:Status><P:StatusCode Value=\"call 555\"><P:StatusCode Value=\
                  \"urn:oasis:names:tc:SAML:2.0:status:RequestDenied\"/></P:StatusCode>\
                  <P:StatusMessage>call 556</P:StatusMessage></P:Status>";
    let unsigned = Draft { status: status.to_owned(), ..draft(None) };
    let signed =
        Draft { sign_assertion: None, sign_response: Some(Signing::default()), ..unsigned.clone() };
    for (draft, quoted) in [(unsigned, false), (signed, true)] {
        let page = Browser::default().respond(&test, &draft.response()).await.expect(403);
        assert!(!String::from_utf8_lossy(&page.bytes).contains("call 55"));
        refused_with(&test, "saml.status").await;
        let record = test.sign_ins().await[0].to_string();
        assert!(record.contains("status:RequestDenied"), "{record}");
        assert_eq!(record.contains("call 555") && record.contains("call 556"), quoted, "{record}");
        assert_eq!(record.contains("call 55"), quoted, "{record}");
    }
}

#[tokio::test]
async fn forms_without_a_response_are_refused() {
    let test = TestApp::with_connection(json!({})).await;
    let good = BASE64_STANDARD.encode(draft(None).response());
    let mut browser = Browser::default();
    for fields in [
        vec![],
        vec![("SAMLResponse", "")],
        vec![("SAMLResponse", "%%%")],
        vec![("SAMLResponse", "PGE+")],
        vec![("samlresponse", good.as_str())],
        vec![("SAMLResponse", good.as_str()), ("SAMLResponse", good.as_str())],
    ] {
        let answer = browser.post(&test, "/saml/sso/acme.com", &fields).await.expect(400);
        assert!(answer.header("content-type").unwrap().starts_with("text/html"));
    }
    let large = "A".repeat(1_100_000);
    browser.post(&test, "/saml/sso/acme.com", &[("SAMLResponse", &large)]).await.expect(413);
    let json = Request::post("/saml/sso/acme.com").header(header::CONTENT_TYPE, "application/json");
    test.send(json.body(Body::from("{}")).unwrap()).await.expect(400);
    for path in ["/saml/sso/other.com", "/saml/sso/not-a-domain", "/saml/sso/other.com/federated"] {
        browser.post(&test, path, &[("SAMLResponse", &good)]).await.expect(404);
    }
    browser.get(&test, "/saml/sso/other.com").await.expect(404);
}

#[tokio::test]
async fn a_response_is_read_only_from_one_form_field() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    let response = draft(Some(&request)).response();
    let field = percent_encoded(&BASE64_STANDARD.encode(&response));
    let pair = format!("SAMLResponse={field}");
    let form = "application/x-www-form-urlencoded";
    let part = format!(
        "--b\r\nContent-Disposition: form-data; name=\"SAMLResponse\"\r\n\r\n{field}\r\n--b--\r\n"
    );
    for (what, query, content_type, body) in [
        ("in the query", format!("?{pair}"), form, String::new()),
        ("as the value of another field", String::new(), form, format!("x={pair}")),
        ("as an upload", String::new(), "multipart/form-data; boundary=b", part),
        ("as text, as any page can post it", String::new(), "text/plain", pair.clone()),
        ("as XML", String::new(), "application/xml", response.clone()),
        ("without a type", String::new(), "", pair.clone()),
        ("twice", String::new(), form, format!("{pair}&{pair}")),
        ("beside an empty one", String::new(), form, format!("{pair}&SAMLResponse=")),
        (
            "beside one whose name is escaped",
            String::new(),
            form,
            format!("{pair}&SAML%52esponse=PGEvPg"),
        ),
        ("by artifact", String::new(), form, "SAMLart=AAQAAA".to_owned()),
    ] {
        let request = Request::post(format!("/saml/sso/acme.com{query}"))
            .header(header::COOKIE, browser.cookies())
            .header(header::CONTENT_TYPE, content_type);
        let answer = test.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, 400, "{what}");
    }
    // A message in the query of a GET is refused without being read.
    let mut bomb = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut bomb, &vec![b'a'; 10_000_000]).unwrap();
    let bomb = percent_encoded(&BASE64_STANDARD.encode(bomb.finish().unwrap()));
    for query in [pair.clone(), format!("SAMLResponse={bomb}"), format!("SAMLRequest={bomb}")] {
        Browser::default().get(&test, &format!("/saml/sso/acme.com?{query}")).await.expect(400);
    }
    assert_eq!(test.get("/Users").await.json()["totalResults"], 0);

    // Line breaks in base64 are usual. None of the requests above consumed the response.
    let wrapped: Vec<String> = BASE64_STANDARD
        .encode(&response)
        .as_bytes()
        .chunks(76)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    let fields = [("SAMLResponse", wrapped.join("\r\n"))];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    browser.post(&test, "/saml/sso/acme.com", &fields).await.expect(200);
}

#[tokio::test]
async fn a_ciphertext_of_another_tenant_reveals_nothing_on_the_page_or_in_the_record() {
    let test = TestApp::with_connection(json!({"jit": true, "keep_claims": true})).await;
    let mut browser = Browser::with_pending_sign_in(&test, REQUEST).await;
    let mut told = std::collections::HashSet::new();
    for attack in attacks::all() {
        if !attack.name.starts_with("another tenant's") || !attack.name.ends_with(SIGNED) {
            continue;
        }
        let response = String::from_utf8(attack.response).unwrap();
        let page = browser.respond(&test, &response).await.expect(403);
        let records = test.sign_ins().await;
        let mut record = records.first().unwrap().clone();
        assert_eq!(record["code"], "saml.enc", "{}", attack.name);
        assert!(!record.to_string().contains(OTHER), "{}: {record}", attack.name);
        let reference = record["reference"].as_str().unwrap().to_owned();
        for own in ["id", "at", "reference"] {
            record[own] = json!(null);
        }
        // The size is that of the request.
        record["checks"][0]["received"] = json!(null);
        told.insert((
            String::from_utf8_lossy(&page.bytes).replace(&reference, ""),
            record.to_string(),
        ));
    }
    assert_eq!(told.len(), 1, "{told:?}");
}

/// Makes a deployment that trusts every key of the generated responses, and a browser that started
/// the sign-in that they answer.
async fn world(settings: &Settings) -> (TestApp, Browser) {
    let settings = json!({
        "jit": true,
        "allow_idp_initiated": settings.idp_initiated,
        "require_signed": settings.signed,
        "authn_contexts": settings.contexts,
        "require_email": settings.require_email,
    });
    let test = TestApp::with_connection(settings.clone()).await;
    let keys = [&KEYS.idp_p256, &KEYS.idp, &KEYS.idp_next, &KEYS.idp_p384, &KEYS.expired];
    let keys = keys.map(|pair| metadata::key("use=\"signing\"", pair)).concat();
    let xml = metadata::entity(IDP, &metadata::descriptor(&keys, &metadata::services()));
    test.connect("acme.com", &xml, settings).await.expect(200);
    let browser = Browser::with_pending_sign_in(&test, REQUEST).await;
    (test, browser)
}

#[tokio::test]
async fn the_unmodified_responses_of_the_attack_corpus_are_accepted() {
    let (test, mut browser) = world(&Settings::default()).await;
    browser.respond(&test, &Draft::default().response()).await.expect(200);
}

#[tokio::test]
async fn every_attack_of_the_corpus_is_refused_by_the_whole_service() {
    let mut worlds = HashMap::new();
    let mut tried = 0;
    for attack in attacks::all() {
        // Decryption keys are not a setting of a connection.
        if !attack.settings.decrypts {
            continue;
        }
        let connection = Settings { request_open: true, ..attack.settings.clone() };
        let key = format!("{connection:?}");
        if !worlds.contains_key(&key) {
            worlds.insert(key.clone(), world(&connection).await);
        }
        let (test, begun) = &worlds[&key];
        let mut browser =
            if attack.settings.request_open { begun.clone() } else { Browser::default() };
        let field = BASE64_STANDARD.encode(&attack.response);
        let answer = browser.post(test, "/saml/sso/acme.com", &[("SAMLResponse", &field)]).await;
        let refused = matches!(answer.status.as_u16(), 400 | 403 | 413);
        assert!(refused, "{}: {}", attack.name, answer.status);
        assert!(!browser.cookies().contains("session"), "{}", attack.name);
        let html = String::from_utf8(answer.bytes).unwrap();
        assert!(!html.contains("evil.example") && !html.contains("saml:"), "{}", attack.name);
        tried += 1;
    }
    assert!(tried > 100, "{tried}");
    for (test, _) in worlds.values() {
        assert_eq!(test.get("/Users").await.json()["totalResults"], 0);
    }
}

/// URLs of other sites, written in many ways.
fn open_redirects() -> Vec<String> {
    let mut payloads = Vec::new();
    for host in ["evil.example", "app.example.evil.example", "app.example@evil.example"] {
        for start in [
            "https://",
            "http://",
            "//",
            "///",
            "////",
            "/\\",
            "\\\\",
            "https:",
            "https:/",
            "https:///",
            "https:\\\\",
            "HTTPS://",
            " https://",
            "\thttps://",
            "https://\t",
            "%68ttps://",
            "http:",
            "ftp://",
            "data:text/html,",
            "javascript:",
            "jav\tascript:",
            "vbscript:",
            "file://",
            "blob:https://",
            "view-source:https://",
            "x:",
            "?https://",
            "#https://",
            "/%2f",
            "/%5c",
            "/.",
            "./",
            "../",
        ] {
            payloads.push(format!("{start}{host}/"));
        }
    }
    let others = [
        "https://app.example:8443/welcome",
        "https://app.example//evil.example",
        "https://app.example/a/../welcome",
        "https://app.example/./welcome",
        "https://app.example/%2e%2e/welcome",
        "https://app.example/%2fevil.example",
        "https://app.example/%252fevil.example",
        "https://app.example/%5cevil.example",
        "https://app.example/a/..;/welcome",
        "http://app.example/welcome",
        "https://app.example.",
        "https://app.exampl\u{435}/",
        "https://appxexample/",
        "https://evil.example#https://app.example/",
        "https://evil.example?https://app.example/",
        "https://evil.example\\https://app.example/",
        "https://[::1]/",
        "https://127.0.0.1/",
        "https://user@app.example/",
        "https://app.example\n/",
        "https://\u{202e}app.example/",
        "https://app.example\u{3002}evil/",
        "null",
        "undefined",
        "0",
    ];
    payloads.extend(others.map(str::to_owned));
    payloads
}

#[tokio::test]
async fn a_sign_in_leads_only_to_targets_of_an_app() {
    let settings = json!({"jit": true, "allow_idp_initiated": true});
    let test = TestApp::with_connection(settings).await;
    let app = json!({
        "name": "App",
        "redirect_uris": ["https://app.example/callback"],
        "initiate_login_uri": "https://app.example/login",
    });
    test.operator(Method::POST, "/v1/clients", Some(app)).await.expect(201);
    let payloads = open_redirects();
    assert!(payloads.len() >= 100, "{}", payloads.len());
    for target in payloads {
        let query = percent_encoded(&target);
        let path = format!("/saml/sso/acme.com?target={query}");
        let answer = Browser::default().get(&test, &path).await.expect(400);
        assert_eq!(answer.header("location"), None, "{target:?}");
    }
    // The same as the RelayState of an unsolicited response: the app is opened without it.
    for (count, target) in open_redirects().into_iter().enumerate().step_by(10) {
        let mut draft = draft(None);
        draft.assertion_id = format!("_unasked{count}");
        let field = BASE64_STANDARD.encode(draft.response());
        let fields = [("SAMLResponse", field.as_str()), ("RelayState", target.as_str())];
        let mut browser = Browser::default();
        let page = browser.post(&test, "/saml/sso/acme.com", &fields).await.expect(200);
        let html = String::from_utf8(page.bytes).unwrap();
        let (_, rest) = html.split_once("name=\"sign_in\" value=\"").unwrap();
        let id = rest.split('"').next().unwrap();
        let fields = [("sign_in", id)];
        let sent = browser.post(&test, "/saml/sso/acme.com/continue", &fields).await;
        let location = sent.header("location").unwrap();
        assert!(location.starts_with("https://app.example/login?"), "{location}");
        assert!(!location.contains("target_link_uri"), "{target:?} {location}");
    }
    // A page of the app is a target.
    let target = percent_encoded("https://app.example/welcome");
    let path = format!("/saml/sso/acme.com?target={target}");
    let mut browser = Browser::default();
    let request = browser.begin(&test, &path).await;
    let sent = browser.respond(&test, &draft(Some(&request)).response()).await;
    let location = sent.header("location").unwrap();
    assert!(location.contains("target_link_uri=https%3A%2F%2Fapp.example%2Fwelcome"), "{location}");
}

#[tokio::test]
async fn a_disabled_or_unfinished_connection_signs_nobody_in() {
    let test = TestApp::with_connection(json!({"enabled": false})).await;
    let mut browser = Browser::default();
    browser.get(&test, "/saml/sso/acme.com").await.expect(404);
    browser.respond(&test, &draft(None).response()).await.expect(404);
    let path = format!("/v1/tenants/{}/connections/empty.example", test.acme.id);
    let shown = test.operator(Method::PUT, &path, Some(json!({}))).await.expect(200).json();
    assert_eq!(shown["status"], "waiting_for_metadata");
    browser.get(&test, "/saml/sso/empty.example").await.expect(404);
}
