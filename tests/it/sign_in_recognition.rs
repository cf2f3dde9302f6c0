//! Recognition: which user a person is after the person, the directory or the identity provider has
//! changed. Every sign-in here is explained before it is made, and both must say the same.

use std::time::Duration;

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::TestApp;
use harness::browser::{Browser, draft, person};
use harness::oidc::{App, GOOD};
use harness::saml::draft::{Draft, at, authn, claim};
use harness::saml::metadata;
use harness::saml::world::IDP;
use serde_json::{Value, json};

const NEW_IDP: &str = "https://sts.example.net/tenant/";

/// Signs in with a new browser and a changed response. Returns the id of the user, or the code of
/// the refusal.
async fn sign_in(test: &TestApp, change: impl FnOnce(&mut Draft)) -> String {
    let mut browser = Browser::default();
    let request = browser.begin(test, "/saml/sso/acme.com").await;
    let mut draft = draft(Some(&request));
    change(&mut draft);
    let response = draft.response();
    let path = format!("/v1/tenants/{}/connections/acme.com/explain", test.acme.id);
    let field = json!({"saml_response": BASE64_STANDARD.encode(&response)});
    let explained = test.operator(Method::POST, &path, Some(field)).await.expect(200).json();
    let answer = browser.respond(test, &response).await;
    let record = test.sign_ins().await.swap_remove(0);
    assert_eq!(explained["accepted"], answer.status == 200, "{explained} {record}");
    assert_eq!(explained["code"], record["code"]);
    let shown = if answer.status == 200 { &record["user"] } else { &record["code"] };
    shown.as_str().unwrap().to_owned()
}

/// The person is the address alone.
fn address(text: &str) -> impl FnOnce(&mut Draft) + use<> {
    named(text, "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", text)
}

fn named(name_id: &str, format: &str, email: &str) -> impl FnOnce(&mut Draft) + use<> {
    let name_id = format!("<A:NameID Format=\"{format}\">{name_id}</A:NameID>");
    let email = claim("email", &[email]);
    move |draft| {
        draft.name_id = name_id;
        draft.claims = vec![email];
    }
}

/// The same response, by the identity provider that the customer has moved to.
fn by_new_idp(change: impl FnOnce(&mut Draft)) -> impl FnOnce(&mut Draft) {
    move |draft| {
        change(draft);
        NEW_IDP.clone_into(&mut draft.issuer);
        draft.response_issuer = Some(NEW_IDP.to_owned());
    }
}

async fn trust(test: &TestApp, idp: &str) {
    test.connect("acme.com", &metadata::usual(idp), json!({})).await.expect(200);
}

async fn user(test: &TestApp, body: Value) -> String {
    test.post("/Users", body).await.expect(201).text("id")
}

async fn set(test: &TestApp, user: &str, name: &str, value: Value) {
    let operations = json!([{"op": "replace", "path": name, "value": value}]);
    test.patch(&format!("/Users/{user}"), operations).await.expect(200);
}

#[tokio::test]
async fn people_keep_their_users_when_the_customer_moves_to_another_provider_and_back() {
    let test = TestApp::with_connection(json!({})).await;
    let ada = user(&test, json!({"userName": "ada@acme.com", "externalId": "00u1"})).await;
    let grace = user(&test, json!({"userName": "grace@acme.com"})).await;
    let bo = user(&test, json!({"userName": "bo@acme.com"})).await;
    for round in 0..2 {
        trust(&test, IDP).await;
        assert_eq!(sign_in(&test, person("00u1", "x@acme.com")).await, ada, "{round}");
        assert_eq!(sign_in(&test, person("okta-grace", "grace@acme.com")).await, grace);
        assert_eq!(sign_in(&test, address("bo@acme.com")).await, bo);
        trust(&test, NEW_IDP).await;
        // By address, by another stable identity, and by an identity in place of an address.
        let now = by_new_idp(address("ada@acme.com"));
        assert_eq!(sign_in(&test, now).await, ada);
        let now = by_new_idp(person("entra-grace", "grace@acme.com"));
        assert_eq!(sign_in(&test, now).await, grace);
        let now = by_new_idp(person("entra-bo", "bo@acme.com"));
        assert_eq!(sign_in(&test, now).await, bo);
        // The identities of the former provider say nothing about the new one's.
        let stranger = by_new_idp(person("okta-grace", "nobody@acme.com"));
        assert_eq!(sign_in(&test, stranger).await, "user.state");
        let former = person("okta-grace", "grace@acme.com");
        assert_eq!(sign_in(&test, former).await, "saml.issuer");
    }
}

#[tokio::test]
async fn an_identity_that_the_directory_takes_back_leads_to_its_user_again() {
    let test = TestApp::with_connection(json!({})).await;
    let ada = user(&test, json!({"userName": "ada@acme.com", "externalId": "id-1"})).await;
    assert_eq!(sign_in(&test, person("id-1", "ada@acme.com")).await, ada);
    for id in ["id-2", "id-1", "id-2"] {
        assert_eq!(sign_in(&test, person(id, "ada@acme.com")).await, "user.linked");
        set(&test, &ada, "externalId", json!(id)).await;
        for _ in 0..2 {
            assert_eq!(sign_in(&test, person(id, "ada@acme.com")).await, ada, "{id}");
        }
    }
    // An identity that moved on leads nowhere, and may become that of another user.
    let grace = user(&test, json!({"userName": "grace@acme.com"})).await;
    assert_eq!(sign_in(&test, person("id-1", "grace@acme.com")).await, grace);
    assert_eq!(sign_in(&test, person("id-1", "grace@acme.com")).await, grace);
    assert_eq!(sign_in(&test, person("id-2", "ada@acme.com")).await, ada);
}

#[tokio::test]
async fn the_letter_case_of_an_address_makes_no_other_person() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let ada = sign_in(&test, address("Ada@Acme.com")).await;
    for (name_id, format) in [
        ("ada@acme.com", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
        ("ADA@ACME.COM", "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"),
        ("t1", "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"),
    ] {
        assert_eq!(sign_in(&test, named(name_id, format, "aDa@acme.com")).await, ada, "{format}");
    }
    // A directory that writes the primary address in its own letters.
    let emails = json!([{"value": "Grace@ACME.com", "primary": true}]);
    let grace = user(&test, json!({"userName": "ghopper", "emails": emails})).await;
    assert_eq!(sign_in(&test, address("grace@acme.com")).await, grace);
    // A stable identifier is compared byte by byte.
    let bo = sign_in(&test, person("Bo", "bo@acme.com")).await;
    assert_eq!(sign_in(&test, person("bo", "bo@acme.com")).await, "user.linked");
    assert_eq!(sign_in(&test, person("Bo", "BO@acme.com")).await, bo);
}

#[tokio::test]
async fn a_renamed_user_signs_in_by_the_new_address_and_nobody_by_the_old_one() {
    let test = TestApp::with_connection(json!({})).await;
    let emails = |address: &str| json!([{"value": address, "primary": true}]);
    let (old, new) = ("ada.byron@acme.com", "ada.lovelace@acme.com");
    let ada = user(&test, json!({"userName": old, "emails": emails(old)})).await;
    assert_eq!(sign_in(&test, address(old)).await, ada);
    set(&test, &ada, "userName", json!(new)).await;
    // The primary address still is the old one: both lead to the user.
    assert_eq!(sign_in(&test, address(new)).await, ada);
    assert_eq!(sign_in(&test, address(old)).await, ada);
    set(&test, &ada, "emails", emails(new)).await;
    assert_eq!(sign_in(&test, address(old)).await, "user.state");
    assert_eq!(sign_in(&test, address(new)).await, ada);
    // The old address is given to another person.
    let heir = user(&test, json!({"userName": old})).await;
    assert_eq!(sign_in(&test, address(old)).await, heir);
    assert_eq!(sign_in(&test, address(new)).await, ada);
}

#[tokio::test]
async fn the_address_of_the_connection_decides_when_the_principal_name_is_of_another_domain() {
    let test = TestApp::with_connection(json!({})).await;
    let emails = json!([{"value": "ada@acme.com", "primary": true, "type": "work"}]);
    let upn = "ada@acme.onmicrosoft.com";
    let ada = user(&test, json!({"userName": upn, "emails": emails})).await;
    let grace = user(&test, json!({"userName": "grace@acme.com"})).await;
    let unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    let mail = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
    let name = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
    let entra = |name_id: &str, email: &str| {
        let (change, email) = (named(name_id, unspecified, email), email.to_owned());
        let upn = name_id.to_owned();
        move |draft: &mut Draft| {
            change(draft);
            draft.claims = vec![claim(mail, &[&email]), claim(name, &[&upn])];
        }
    };
    assert_eq!(sign_in(&test, entra(upn, "ada@acme.com")).await, ada);
    assert_eq!(sign_in(&test, entra(upn, "grace@acme.com")).await, grace);
    assert_eq!(sign_in(&test, entra("grace@acme.com", "g@outlook.com")).await, grace);
    // The NameID comes first if both are of the connection.
    assert_eq!(sign_in(&test, entra("grace@acme.com", "ada@acme.com")).await, grace);
    assert_eq!(sign_in(&test, entra(upn, "ada@outlook.com")).await, "user.domain");
}

#[tokio::test]
async fn both_spellings_of_a_domain_of_another_script_name_one_person() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let ascii = "xn--bcher-kva.example";
    test.verify_domain(&test.acme.id, ascii).await;
    let settings = json!({"jit": true, "domains": [ascii]});
    test.connect("acme.com", &metadata::usual(IDP), settings).await.expect(200);
    let ada = user(&test, json!({"userName": "ada@bücher.example"})).await;
    let emails = json!([{"value": "grace@xn--bcher-kva.example", "primary": true}]);
    let grace = user(&test, json!({"userName": "grace", "emails": emails})).await;
    for domain in ["bücher.example", ascii, "BÜCHER.example"] {
        assert_eq!(sign_in(&test, address(&format!("ada@{domain}"))).await, ada, "{domain}");
        assert_eq!(sign_in(&test, address(&format!("grace@{domain}"))).await, grace, "{domain}");
    }
    assert_eq!(test.get("/Users").await.json()["totalResults"], 2);
}

#[tokio::test]
async fn nothing_is_given_after_the_end_of_the_session_at_the_identity_provider() {
    let test = TestApp::with_connection(json!({"jit": true, "allow_idp_initiated": true})).await;
    let app = test.app(false).await;
    let ends_soon = |draft: &mut Draft| draft.authn = authn(&at(-10), Some(&at(5)));
    // Within the allowed difference of the clocks it is over, too.
    for end in [-60, 0] {
        let over = |draft: &mut Draft| draft.authn = authn(&at(-10), Some(&at(end)));
        assert_eq!(sign_in(&test, over).await, "saml.session", "{end}");
    }
    let begin = async |browser: &mut Browser| {
        let scopes = GOOD.replace("scope=openid", "scope=openid%20offline_access");
        let path = format!("/oauth2/authorize?{}", app.query(&scopes));
        let mut draft = draft(Some(&browser.begin(&test, &path).await));
        ends_soon(&mut draft);
        let answer = browser.respond(&test, &draft.response()).await.expect(303);
        App::redemption(&answer.redirected("code").unwrap())
    };
    let (mut early, mut late) = (Browser::default(), Browser::default());
    let (redeemed, not_redeemed) = (begin(&mut early).await, begin(&mut late).await);
    let tokens = test.form_of(&app, "/oauth2/token", &redeemed).await.expect(200).json();
    assert!((1..=5).contains(&tokens["expires_in"].as_i64().unwrap()), "{tokens}");
    let mut unasked = Browser::default();
    let mut response = draft(None);
    ends_soon(&mut response);
    let page = unasked.respond(&test, &response.response()).await.expect(200);
    let page = String::from_utf8(page.bytes).unwrap();
    let (_, field) = page.split_once("name=\"sign_in\" value=\"").unwrap();
    let field = field.split('"').next().unwrap();

    test.clock.advance(Duration::from_secs(6));
    let refused = test.form_of(&app, "/oauth2/token", &not_redeemed).await.expect(400);
    assert_eq!(refused.text("error"), "invalid_grant");
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let refresh = format!("grant_type=refresh_token&refresh_token={refresh_token}");
    test.form_of(&app, "/oauth2/token", &refresh).await.expect(400);
    assert!(!test.is_active(&app, refresh_token).await);
    let silent = format!("/oauth2/authorize?{}", app.query(&format!("{GOOD}&prompt=none")));
    let answer = late.get(&test, &silent).await.expect(303);
    assert_eq!(answer.redirected("error").as_deref(), Some("login_required"));
    let button = [("sign_in", field)];
    unasked.post(&test, "/saml/sso/acme.com/continue", &button).await.expect(403);
    assert!(!unasked.cookies().contains("session"));
}

#[tokio::test]
async fn a_hint_at_another_person_is_only_a_hint_while_a_session_counts() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let path = |named: &str| {
        let rest = GOOD.replace("domain=acme.com", named);
        format!("/oauth2/authorize?{}", app.query(&rest))
    };
    let mut browser = Browser::default();
    let request = browser.begin(&test, &path("domain=acme.com")).await;
    browser.respond(&test, &draft(Some(&request)).response()).await.expect(303);
    for named in [
        "login_hint=bob%40acme.com",
        "login_hint=%20Bob%40ACME.com%20",
        "login_hint=bob",
        "login_hint=bob%40",
        "domain=acme.com&login_hint=eve%40elsewhere.example",
    ] {
        let answer = browser.get(&test, &path(named)).await.expect(303);
        assert!(answer.redirected("code").is_some(), "{named}");
    }
}
