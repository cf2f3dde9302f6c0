//! Domains and addresses that are wrong or too many: each is refused with a reason, in a bounded
//! number of calls, and nothing is written.

use axum::http::Method;
use harness::browser::{BASE, Browser, Idp, named};
use harness::dns::{DnsAnswer, DnsServer};
use harness::items::text;
use harness::saml::draft::{Draft, claim};
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{Answer, TestApp};
use local::dynamodb::{CallLog, Dynamo, client_over};
use serde_json::{Value, json};

/// A deployment with a connection, whose calls of the table are counted.
async fn deployment() -> (TestApp, CallLog<Dynamo>, DnsServer) {
    let dns = DnsServer::start().await;
    let address = dns.address();
    let calls = CallLog::over(Dynamo::memory().unwrap());
    let test = TestApp::over(client_over(calls.clone()), |config| {
        config.base_url = Some(BASE.to_owned());
        config.dns = Some(address);
    })
    .await;
    test.travel().await;
    test.connect("acme.com", &metadata::usual(IDP), json!({"jit": true})).await.expect(200);
    (test, calls, dns)
}

/// Sends a request to the operator API that is refused with a reason and writes nothing.
async fn refused(
    (test, calls): (&TestApp, &CallLog<Dynamo>),
    method: Method,
    path: &str,
    body: Value,
    status: u16,
) -> String {
    let before = test.items().await;
    calls.take();
    let answer = test.operator(method, path, Some(body)).await.expect(status);
    assert!(calls.take().len() <= 10, "{path}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    assert_eq!(test.items().await, before, "{path}");
    answer.text("detail")
}

/// Names that are not DNS names, or are not in their ASCII form.
const NO_DNS_NAMES: [&str; 18] = [
    "acme",
    ".acme.com",
    "acme.com.",
    "acme..com",
    "-acme.com",
    "acme-.com",
    "a_b.com",
    "a%20b.com",
    "acme.com%0A",
    "acme.com%00",
    "*.acme.com",
    "127.0.0.1",
    "acme.com:443",
    "ada%40acme.com",
    // A name in its own letters; one half and half; full-width letters; and two other dots.
    "b%C3%BCcher.example",
    "xn--bcher-kva.b%C3%BCcher.example",
    "%EF%BD%81cme.com",
    "acme%E3%80%82com",
];

#[tokio::test]
async fn a_domain_that_is_no_dns_name_is_refused_everywhere() {
    let (test, calls, _dns) = deployment().await;
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    let long = format!("{}.example", ["a"; 130].join("."));
    let label = format!("{}.com", "a".repeat(64));
    for name in NO_DNS_NAMES.into_iter().chain(["acme%EF%BC%8Ecom", &long, &label]) {
        let world = (&test, &calls);
        for body in [json!({}), json!({"verified_by": "operator"})] {
            let path = format!("{tenant}/domains/{name}");
            let detail = refused(world, Method::PUT, &path, body, 400).await;
            assert!(detail.contains("not a DNS name"), "{name}: {detail}");
        }
        let path = format!("{tenant}/connections/{name}");
        refused(world, Method::PUT, &path, json!({}), 400).await;
        let path = format!("{tenant}/connections/acme.com");
        let plain = percent_decoded(name);
        for body in
            [json!({"domains": ["acme.com", plain]}), json!({"member_domains": {IDP: [plain]}})]
        {
            refused(world, Method::PUT, &path, body, 400).await;
        }
    }
    // The ASCII form of a name is a name, in either letter case.
    for name in ["xn--bcher-kva.example", "XN--BCHER-KVA.example"] {
        let path = format!("{tenant}/domains/{name}");
        let claimed = test.operator(Method::PUT, &path, Some(json!({}))).await.expect(200);
        assert_eq!(claimed.text("domain"), "xn--bcher-kva.example");
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits: Vec<u8> = rest.by_ref().take(2).collect();
            let digits = String::from_utf8(digits).unwrap();
            bytes.push(u8::from_str_radix(&digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Rule 4, for names of other scripts too.
#[tokio::test]
async fn nobody_gets_a_domain_of_everybody_by_word() {
    let (test, calls, _dns) = deployment().await;
    for name in ["co.uk", "github.io", "gmail.com", "GMAIL.com", "googlemail.com", "xn--55qx5d.cn"]
    {
        let path = format!("/v1/tenants/{}/domains/{name}", test.acme.id);
        let word = json!({"verified_by": "operator"});
        let detail = refused((&test, &calls), Method::PUT, &path, word, 400).await;
        assert!(detail.contains("everybody"), "{name}: {detail}");
    }
}

#[tokio::test]
async fn three_hundred_domains_at_once_are_refused() {
    let (test, calls, _dns) = deployment().await;
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    let many: Vec<String> = (0..300).map(|n| format!("d{n}.example")).collect();
    let members: serde_json::Map<String, Value> =
        (0..1_001).map(|n| (format!("https://idp{n}.example/"), json!(["acme.com"]))).collect();
    for body in [
        json!({"domains": many}),
        json!({"member_domains": {IDP: many}}),
        json!({"member_domains": members}),
    ] {
        let detail = refused((&test, &calls), Method::PUT, &path, body, 400).await;
        assert!(detail.contains("at most 100 items"), "{detail}");
    }
}

/// Copies the rows of one domain or connection under other names, as if they had been made.
async fn multiply(test: &TestApp, name: &str, count: usize) {
    let rows: Vec<Value> = test.items().await;
    let of_name = rows.iter().filter(|row| {
        let (pk, sk) = (text(row, "pk"), text(row, "sk"));
        let is_named = sk.split_once('#').is_some_and(|(_, rest)| rest == name);
        is_named && pk.ends_with("#T") || pk == format!("DOM#{name}")
    });
    let of_name: Vec<String> = of_name.map(ToString::to_string).collect();
    assert!(of_name.len() >= 2, "{of_name:?}");
    for n in 0..count {
        let other = format!("d{n}.example");
        let copies = of_name.iter().map(|row| row.replace(name, &other));
        let copies: Vec<Value> = copies.map(|row| serde_json::from_str(&row).unwrap()).collect();
        test.put_items(&copies).await;
    }
}

#[tokio::test]
async fn a_tenant_claims_three_hundred_domains_and_no_more() {
    let (test, calls, _dns) = deployment().await;
    test.verify_domain(&test.acme.id, "copy.example").await;
    multiply(&test, "copy.example", 298).await;
    let list = format!("/v1/tenants/{}/domains", test.acme.id);
    let path = format!("{list}/one-more.example");
    for body in [json!({}), json!({"verified_by": "operator"})] {
        let detail = refused((&test, &calls), Method::PUT, &path, body, 409).await;
        assert!(detail.contains("300 domains"), "{detail}");
    }
    // One that is claimed already may be claimed again.
    test.operator(Method::PUT, &format!("{list}/d7.example"), Some(json!({}))).await.expect(200);
}

/// All connections of a tenant lose a domain, however many there are: earlier versions had no limit.
#[tokio::test]
async fn a_lost_domain_is_taken_from_every_one_of_many_connections() {
    let (test, calls, dns) = deployment().await;
    test.verify_domain(&test.acme.id, "lost.example").await;
    let settings = json!({"jit": true, "domains": ["lost.example"]});
    test.connect("copy.example", &metadata::usual(IDP), settings).await.expect(200);
    multiply(&test, "copy.example", 150).await;
    let last = Idp::at("d99.example", IDP);
    let as_ada = || named("ada@lost.example", "ada@lost.example");
    test.sign_in_at(last, as_ada()).await.1.expect(200);

    let path = format!("/v1/tenants/{}/connections/new.example", test.acme.id);
    let detail = refused((&test, &calls), Method::PUT, &path, json!({}), 409).await;
    assert!(detail.contains("100 connections"), "{detail}");

    let owner = test.tenant("Owner").await;
    let claim = format!("/v1/tenants/{}/domains/lost.example", owner.id);
    let claimed = test.operator(Method::PUT, &claim, Some(json!({}))).await.expect(200).json();
    let record = claimed["txt"]["value"].as_str().unwrap().to_owned();
    dns.set("_gatehouse.lost.example", DnsAnswer::Txt(vec![record]));
    let checked = test.operator(Method::POST, &format!("{claim}/check"), None).await.expect(200);
    assert_eq!(checked.text("state"), "verified");
    let speaks = |row: &Value| {
        text(row, "pk").starts_with(&test.acme.id) && text(row, "doms").contains("lost.example")
    };
    assert_eq!(test.items().await.into_iter().filter(speaks).count(), 0);
    for idp in [last, Idp::at("copy.example", IDP), Idp::at("d0.example", IDP)] {
        let (browser, answer) = test.sign_in_at(idp, as_ada()).await;
        answer.expect(403);
        assert!(!browser.has_session());
    }
}

/// Checks a claim against TXT records; returns the state.
async fn state_with(test: &TestApp, dns: &DnsServer, records: Vec<String>) -> String {
    dns.set("_gatehouse.acme.org", DnsAnswer::TxtByTcp(records));
    let path = format!("/v1/tenants/{}/domains/acme.org/check", test.acme.id);
    test.operator(Method::POST, &path, None).await.expect(200).text("state")
}

#[tokio::test]
async fn an_answer_of_sixty_kilobytes_is_read_and_proves_nothing_more() {
    let (test, calls, dns) = deployment().await;
    let path = format!("/v1/tenants/{}/domains/acme.org", test.acme.id);
    let claimed = test.operator(Method::PUT, &path, Some(json!({}))).await.expect(200).json();
    let record = claimed["txt"]["value"].as_str().unwrap().to_owned();
    calls.take();
    for records in [
        vec!["x".repeat(60_000)],
        vec!["y".to_owned(); 4_000],
        vec![String::new(); 4_000],
        // The right value is a part, or is split by others.
        vec![format!("{record}{}", "x".repeat(59_000))],
        vec![format!("{}{record}", "x".repeat(59_000))],
        vec![record[..30].to_owned(), record[30..].to_owned()],
        vec![record.to_uppercase()],
    ] {
        assert_eq!(state_with(&test, &dns, records).await, "pending");
        assert!(calls.take().len() <= 12);
    }
    // Among thousands of others, ours counts wherever it stands.
    let mut records = vec!["y".to_owned(); 4_000];
    records.push(record);
    assert_eq!(state_with(&test, &dns, records).await, "verified");
}

/// Signs in with a changed response and is refused; nothing but the record of it is written.
async fn sign_in_refused(
    test: &TestApp,
    calls: &CallLog<Dynamo>,
    change: impl FnOnce(&mut Draft),
) -> Value {
    let kept = async || -> Vec<Value> {
        let rows = test.items().await.into_iter();
        let by_sign_ins = ["#S", "#RA"];
        rows.filter(|row| {
            let pk = text(row, "pk");
            !pk.starts_with("Q#") && by_sign_ins.iter().all(|kind| !pk.ends_with(kind))
        })
        .collect()
    };
    let before = kept().await;
    calls.take();
    let mut browser = Browser::default();
    let answer: Answer =
        browser.sign_in(test, "/saml/sso/acme.com", Idp::USUAL, change).await.expect(403);
    assert!(calls.take().len() <= 20);
    assert!(answer.bytes.len() < 20_000, "{}", answer.bytes.len());
    assert!(!browser.has_session());
    assert_eq!(kept().await, before);
    let record = test.sign_ins().await.swap_remove(0);
    assert!(record.to_string().len() < 20_000);
    record["code"].clone()
}

#[tokio::test]
async fn too_long_or_too_many_addresses_in_a_response_sign_nobody_in() {
    let (test, calls, _dns) = deployment().await;
    let long = format!("{}@acme.com", "a".repeat(65_536));
    let many: Vec<String> = (0..500).map(|n| format!("ada{n}@acme.com")).collect();
    let code = sign_in_refused(&test, &calls, |draft| {
        draft.claims = vec![claim("email", &[&long])];
        draft.name_id = "<A:NameID>x</A:NameID>".to_owned();
    });
    assert_eq!(code.await, "user.domain");
    assert_eq!(sign_in_refused(&test, &calls, named(&long, &long)).await, "saml.subject");
    let code = sign_in_refused(&test, &calls, |draft| {
        let values: Vec<&str> = many.iter().map(String::as_str).collect();
        draft.claims = vec![claim("email", &values)];
    });
    assert_eq!(code.await, "saml.subject");
    // The same number in attributes of one value each.
    let code = sign_in_refused(&test, &calls, |draft| {
        draft.claims = many.iter().map(|address| claim("email", &[address])).collect();
    });
    assert_eq!(code.await, "saml.subject");
    assert_eq!(test.get("/Users").await.json()["totalResults"], 0);
}

#[tokio::test]
async fn an_address_of_sixty_four_kilobytes_is_no_address_of_a_user() {
    let (test, calls, _dns) = deployment().await;
    let ada = test.user("ada@acme.com").await;
    let before = test.items().await;
    let long = format!("{}@acme.com", "a".repeat(65_536));
    let emails = json!([{"value": long, "primary": true}]);
    let add = json!([{"op": "add", "path": "emails", "value": emails}]);
    calls.take();
    for answer in [
        test.post("/Users", json!({"userName": long})).await,
        test.post("/Users", json!({"userName": "bo@acme.com", "emails": emails})).await,
        test.post("/Users", json!({"userName": "bo@acme.com", "externalId": long})).await,
        test.patch(&format!("/Users/{ada}"), add).await,
    ] {
        let refused = answer.expect(400).json();
        assert_eq!(refused["scimType"], "invalidValue", "{refused}");
        assert!(refused["detail"].as_str().unwrap().len() < 500);
    }
    assert!(calls.take().len() <= 12);
    assert_eq!(test.items().await, before);
}
