//! Domains: how a tenant proves one, and what its connections may do with it.
//! The rules have the numbers of `docs/authority.md`.

use std::time::Duration;

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::browser::{BASE, Browser, draft, draft_for, person};
use harness::dns::{DnsAnswer, DnsServer};
use harness::saml::draft::claim;
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{Answer, TestApp};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_hours(24);

async fn domain(test: &TestApp, tenant: &str, method: Method, rest: &str, body: Value) -> Answer {
    let path = format!("/v1/tenants/{tenant}/domains/{rest}");
    test.operator(method, &path, (!body.is_null()).then_some(body)).await
}

/// Claims a domain and publishes its record.
async fn publish(test: &TestApp, dns: &DnsServer, tenant: &str, name: &str) -> Value {
    let claimed = domain(test, tenant, Method::PUT, name, json!({})).await.expect(200).json();
    let value = claimed["txt"]["value"].as_str().unwrap().to_owned();
    let other = "v=spf1 -all".to_owned();
    dns.set(claimed["txt"]["name"].as_str().unwrap(), DnsAnswer::Txt(vec![other, value]));
    claimed
}

async fn check(test: &TestApp, tenant: &str, name: &str) -> Answer {
    domain(test, tenant, Method::POST, &format!("{name}/check"), Value::Null).await
}

async fn state(test: &TestApp, tenant: &str, name: &str) -> String {
    domain(test, tenant, Method::GET, name, Value::Null).await.expect(200).text("state")
}

/// Creates or replaces the connection of the first tenant without claiming a domain for it.
async fn put_connection(test: &TestApp, mut settings: Value) -> Answer {
    settings["idp_metadata_xml"] = metadata::usual(IDP).into();
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    test.operator(Method::PUT, &path, Some(settings)).await
}

async fn sign_in(test: &TestApp, name_id: &str, email: &str) -> (Browser, Answer) {
    let mut browser = Browser::default();
    let request = browser.begin(test, "/saml/sso/acme.com").await;
    let mut draft = draft(Some(&request));
    person(name_id, email)(&mut draft);
    let answer = browser.respond(test, &draft.response()).await;
    (browser, answer)
}

async fn last_code(test: &TestApp) -> Value {
    test.sign_ins().await.swap_remove(0)["code"].clone()
}

#[tokio::test]
async fn a_record_in_dns_verifies_a_domain() {
    let (test, dns) = TestApp::with_dns().await;
    let acme = &test.acme.id;
    let claimed = publish(&test, &dns, acme, "acme.com").await;
    assert_eq!(
        (&claimed["state"], &claimed["txt"]["name"]),
        (&json!("pending"), &json!("_gatehouse.acme.com"))
    );
    assert_eq!(state(&test, acme, "acme.com").await, "pending");
    let checked = check(&test, acme, "acme.com").await.expect(200).json();
    assert_eq!((&checked["state"], &checked["verified_by"]), (&json!("verified"), &json!("dns")));
    // The same request again changes nothing: neither the record nor the state.
    let again = domain(&test, acme, Method::PUT, "acme.com", json!({})).await.expect(200).json();
    assert_eq!((&again["state"], &again["txt"]), (&json!("verified"), &claimed["txt"]));
}

#[tokio::test]
async fn only_the_own_record_verifies_a_domain() {
    let (test, dns) = TestApp::with_dns().await;
    let eve = test.tenant("Eve").await;
    publish(&test, &dns, &test.acme.id, "acme.com").await;
    domain(&test, &eve.id, Method::PUT, "acme.com", json!({})).await.expect(200);
    let checked = check(&test, &eve.id, "acme.com").await.expect(200).json();
    assert_eq!(checked["state"], "pending");
    for answer in [DnsAnswer::NoData, DnsAnswer::Txt(vec!["gatehouse-domain=".to_owned()])] {
        dns.set("_gatehouse.acme.com", answer);
        check(&test, &test.acme.id, "acme.com").await.expect(200);
        assert_eq!(state(&test, &test.acme.id, "acme.com").await, "pending");
    }
}

#[tokio::test]
async fn a_name_server_that_fails_changes_nothing() {
    let (test, dns) = TestApp::with_dns().await;
    let acme = &test.acme.id;
    publish(&test, &dns, acme, "acme.com").await;
    check(&test, acme, "acme.com").await.expect(200);
    test.clock.advance(30 * DAY);
    for answer in [DnsAnswer::Fails, DnsAnswer::Refuses, DnsAnswer::Silent] {
        dns.set("_gatehouse.acme.com", answer);
        let refused = check(&test, acme, "acme.com").await.expect(503);
        assert_eq!(refused.text("code"), "no_dns");
        assert_eq!(state(&test, acme, "acme.com").await, "verified");
    }
}

/// Rule 2, by the schedule: the first day without the record is noted, a week makes it lost.
#[tokio::test]
async fn a_domain_without_its_record_is_lost_after_a_week_and_its_sessions_end() {
    let (test, dns) = TestApp::with_dns().await;
    let acme = test.acme.id.clone();
    let claimed = publish(&test, &dns, &acme, "acme.com").await;
    check(&test, &acme, "acme.com").await.expect(200);
    put_connection(&test, json!({"jit": true})).await.expect(200);
    let (_, answer) = sign_in(&test, "id-1", "ada@acme.com").await;
    answer.expect(200);
    let round = async || {
        test.operator(Method::POST, "/v1/connections/refresh", None).await.expect(200).json()
    };
    assert_eq!(round().await["checked_domains"], json!([]), "it was checked today");
    dns.remove(claimed["txt"]["name"].as_str().unwrap());
    for day in 0..8 {
        assert_eq!(state(&test, &acme, "acme.com").await, "verified", "{day}");
        test.clock.advance(DAY);
        assert_eq!(round().await["checked_domains"], json!(["acme.com"]), "{day}");
    }
    assert_eq!(state(&test, &acme, "acme.com").await, "lost");
    let path = format!("/v1/tenants/{acme}/activity");
    let activity = test.operator(Method::GET, &path, None).await.expect(200).json();
    let count = |action| {
        let items = activity["items"].as_array().unwrap();
        items.iter().filter(|entry| entry["action"] == action).count()
    };
    assert_eq!((count("domain.record_missing"), count("domain.lost")), (1, 1), "{activity}");
}

/// Rule 3. The former holder keeps neither a sign-in nor a session.
#[tokio::test]
async fn a_tenant_that_proves_a_domain_takes_it_from_one_that_has_it_by_word() {
    let (test, dns) = TestApp::with_dns().await;
    test.connect("acme.com", &metadata::usual(IDP), json!({"jit": true})).await.expect(200);
    let (_, answer) = sign_in(&test, "id-1", "ada@acme.com").await;
    answer.expect(200);
    let app = test.app(false).await;
    let user = test.sign_ins().await[0]["user"].as_str().unwrap().to_owned();
    let tokens = test.tokens(&app, &user, harness::oidc::GOOD).await;
    let access_token = tokens["access_token"].as_str().unwrap();
    test.userinfo(access_token).await.expect(200);

    let owner = test.tenant("Owner").await;
    publish(&test, &dns, &owner.id, "acme.com").await;
    check(&test, &owner.id, "acme.com").await.expect(200);
    assert_eq!(state(&test, &test.acme.id, "acme.com").await, "lost");
    test.userinfo(access_token).await.expect(401);
    for (name_id, email) in [("id-1", "ada@acme.com"), ("id-2", "grace@acme.com")] {
        let (browser, answer) = sign_in(&test, name_id, email).await;
        answer.expect(403);
        assert!(!browser.cookies().contains("session"));
    }
    // By word the domain does not come back.
    let word = json!({"verified_by": "operator"});
    domain(&test, &test.acme.id, Method::PUT, "acme.com", word).await.expect(409);
}

#[tokio::test]
async fn two_tenants_with_records_do_not_take_a_domain_from_each_other() {
    let (test, dns) = TestApp::with_dns().await;
    let claimed = publish(&test, &dns, &test.acme.id, "acme.com").await;
    check(&test, &test.acme.id, "acme.com").await.expect(200);
    let eve = test.tenant("Eve").await;
    let second =
        domain(&test, &eve.id, Method::PUT, "acme.com", json!({})).await.expect(200).json();
    let value = |claim: &Value| claim["txt"]["value"].as_str().unwrap().to_owned();
    dns.set("_gatehouse.acme.com", DnsAnswer::Txt(vec![value(&claimed), value(&second)]));
    check(&test, &eve.id, "acme.com").await.expect(409);
    dns.set("_gatehouse.acme.com", DnsAnswer::TxtByTcp(vec![value(&second)]));
    check(&test, &eve.id, "acme.com").await.expect(200);
    assert_eq!(state(&test, &eve.id, "acme.com").await, "verified");
    assert_eq!(state(&test, &test.acme.id, "acme.com").await, "lost");
}

/// Rule 4, row A7 of `authority_defects`.
#[tokio::test]
async fn nobody_gets_a_public_suffix_or_a_host_of_free_mail_by_word() {
    let (test, _dns) = TestApp::with_dns().await;
    for name in ["co.uk", "github.io", "gmail.com", "outlook.com"] {
        let word = json!({"verified_by": "operator"});
        domain(&test, &test.acme.id, Method::PUT, name, word).await.expect(400);
    }
}

/// Rule 6: the name of a connection gives no authority.
#[tokio::test]
async fn a_connection_without_a_verified_domain_signs_nobody_in() {
    let (test, _dns) = TestApp::with_dns().await;
    put_connection(&test, json!({"jit": true})).await.expect(200);
    test.user("ada@acme.com").await;
    for email in ["ada@acme.com", "grace@acme.com"] {
        let (browser, answer) = sign_in(&test, "id-1", email).await;
        answer.expect(403);
        assert!(!browser.cookies().contains("session"));
        assert_eq!(last_code(&test).await, "user.domain");
    }
    // The connection follows the domain at once.
    test.verify_domain(&test.acme.id, "acme.com").await;
    sign_in(&test, "id-1", "ada@acme.com").await.1.expect(200);
    domain(&test, &test.acme.id, Method::DELETE, "acme.com", Value::Null).await.expect(204);
    sign_in(&test, "id-1", "ada@acme.com").await.1.expect(403);
}

#[tokio::test]
async fn a_connection_speaks_for_the_domains_in_its_list_alone() {
    let (test, _dns) = TestApp::with_dns().await;
    for name in ["acme.com", "acme.org", "acme.net"] {
        test.verify_domain(&test.acme.id, name).await;
    }
    let settings = json!({"jit": true, "domains": ["acme.org", "acme.net"]});
    put_connection(&test, settings).await.expect(200);
    sign_in(&test, "id-1", "ada@acme.org").await.1.expect(200);
    sign_in(&test, "id-2", "grace@acme.net").await.1.expect(200);
    sign_in(&test, "id-3", "eve@acme.com").await.1.expect(403);
}

#[tokio::test]
async fn sessions_of_a_user_a_connection_and_a_tenant_can_be_ended() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let user = test.user("ada@acme.com").await;
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    for path in [format!("/users/{user}"), "/connections/acme.com".to_owned(), String::new()] {
        let tokens = test.tokens(&app, &user, harness::oidc::GOOD).await;
        let access_token = tokens["access_token"].as_str().unwrap();
        test.userinfo(access_token).await.expect(200);
        let path = format!("{tenant}{path}/end-sessions");
        test.operator(Method::POST, &path, None).await.expect(204);
        test.userinfo(access_token).await.expect(401);
    }
    let tokens = test.tokens(&app, &user, harness::oidc::GOOD).await;
    test.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200);
}

/// Rule 13: the operator lets another identity of the provider have the user.
#[tokio::test]
async fn a_removed_link_lets_a_new_identity_have_the_user() {
    let test = TestApp::with_connection(json!({})).await;
    let user = test.user("ada@acme.com").await;
    sign_in(&test, "id-1", "ada@acme.com").await.1.expect(200);
    sign_in(&test, "id-2", "ada@acme.com").await.1.expect(403);
    assert_eq!(last_code(&test).await, "user.linked");
    let path = format!("/v1/tenants/{}/users/{user}/links/acme.com", test.acme.id);
    test.operator(Method::DELETE, &path, None).await.expect(204);
    // Without a link it is as wanted; a connection that does not exist is a mistake.
    test.operator(Method::DELETE, &path, None).await.expect(204);
    let mistake = path.replace("acme.com", "acme.org");
    test.operator(Method::DELETE, &mistake, None).await.expect(404);
    sign_in(&test, "id-2", "ada@acme.com").await.1.expect(200);
    assert_eq!(test.sign_ins().await[0]["user"], user);
    sign_in(&test, "id-1", "ada@acme.com").await.1.expect(403);
}

/// Rule 9, row A1 of `authority_defects`: a member of a federation has its scopes alone.
#[tokio::test]
async fn a_member_of_a_federation_speaks_for_its_own_scopes_alone() {
    let (test, _dns) = TestApp::with_dns().await;
    test.verify_domain(&test.acme.id, "acme.com").await;
    test.verify_domain(&test.acme.id, "acme.org").await;
    let other = metadata::usual("https://other.example/saml");
    let federation = metadata::federation(&format!("{}{other}", metadata::usual(IDP)));
    for (members, email, status) in [
        (json!({}), "ada@acme.com", 403),
        (json!({IDP: ["acme.org"]}), "ada@acme.com", 403),
        (json!({IDP: ["acme.com"]}), "ada@acme.com", 200),
        (json!({IDP: ["acme.com", "other.example"]}), "ada@other.example", 403),
    ] {
        let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
        let body = json!({
            "jit": true,
            "domains": ["acme.com", "acme.org", "other.example"],
            "member_domains": members,
            "idp_metadata_xml": federation,
        });
        test.operator(Method::PUT, &path, Some(body)).await.expect(200);
        let mut browser = Browser::default();
        let choice = browser.get(&test, "/saml/sso/acme.com").await.expect(200).body();
        let links = choice.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let link =
            links.map(|link| link.replace("&#38;", "&")).find(|link| link.contains("idp%2E"));
        let request = browser.begin(&test, &link.unwrap()).await;
        let acs = format!("{BASE}/saml/sso/acme.com/federated");
        let entity_id = format!("{BASE}/saml/metadata/acme.com");
        let mut draft = draft_for(&acs, &entity_id, Some(&request));
        draft.claims = vec![claim("email", &[email])];
        draft.name_id = format!("<A:NameID>{email}</A:NameID>");
        let field = BASE64_STANDARD.encode(draft.response());
        let answer = browser.post(&test, &acs, &[("SAMLResponse", &field)]).await;
        answer.expect(status);
    }
}

/// The name of a connection is its address; what an app names is a domain.
#[tokio::test]
async fn a_session_is_of_the_organisation_that_holds_the_domain_that_the_app_names() {
    let (test, _dns) = TestApp::with_dns().await;
    test.verify_domain(&test.acme.id, "acme.org").await;
    put_connection(&test, json!({"domains": ["acme.org"]})).await.expect(200);
    let user = test.user("ada@acme.org").await;
    let app = test.app(false).await;
    let request = harness::oidc::GOOD.replace("acme.com", "acme.org");
    let cookie = test.sign_in(&app, &user, &request).await.cookie;
    let is_signed_in = async |domain: &str| {
        let rest = harness::oidc::GOOD.replace("domain=acme.com", &format!("domain={domain}"));
        let query = app.query(&format!("{rest}&prompt=none"));
        test.authorize(&query, Some(&cookie)).await.redirected("code").is_some()
    };
    assert!(is_signed_in("acme.org").await);
    assert!(!is_signed_in("acme.com").await, "nobody has verified it");
    let owner = test.tenant("Owner").await;
    test.verify_domain(&owner.id, "acme.com").await;
    assert!(!is_signed_in("acme.com").await, "another tenant has verified it");
}
