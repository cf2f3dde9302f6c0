//! Defects in the authority of identity providers that were seen once, each with the test that
//! would see it again. The rules have the numbers of `docs/authority.md`.
//!
//! | row | defect | test |
//! |---|---|---|
//! | A1 | one connection of a tenant signs in users of another's domain | `an_identity_provider_signs_in_no_user_of_another_connection`, `domains::a_member_of_a_federation_speaks_for_its_own_scopes_alone` |
//! | A2 | sessions outlive the connection, the provider or the domain that gave them | `adversaries`: `no_change_of_a_connection_leaves_a_way_in` and the others |
//! | A3 | names that only look alike match | `a_name_that_only_looks_the_same_signs_nobody_in` |
//! | A4 | a changed identifier locks people out | `a_new_identity_provider_leads_to_the_same_users`, `an_address_in_another_letter_case_is_the_same_person`, `another_format_of_the_name_id_keeps_the_user`, `a_renamed_user_signs_in_by_the_new_address`, `a_person_who_has_an_account_is_not_told_to_have_none` |
//! | A5 | an address leads to its former owner | `an_address_given_to_somebody_else_leads_to_that_person` |
//! | A6 | texts with two addresses count as verified | `a_text_with_two_addresses_is_never_a_verified_address` |
//! | A7 | a connection speaks for a public suffix or a host of free mail | `a_connection_named_after_a_public_domain_signs_nobody_in`, `domains::nobody_gets_a_public_suffix_or_a_host_of_free_mail_by_word` |
//! | A8 | a second domain needs a second connection | `a_second_domain_of_a_connection_signs_in_like_the_first` |
//! | A9 | a link replaces a live session | `a_link_to_another_connection_replaces_no_session` |
//! | A10 | many pending sign-ins hide the newest | in `sign_in` |
//! | A11 | parallel redemptions of a refresh token end the grant | `concurrency::fifty_redemptions_of_one_refresh_token_keep_one_grant` |
//! | A12 | a session that is over gives a token | `a_session_that_is_over_gives_no_token` |
//! | A13 | Entra's default claims are refused | `the_default_claims_of_entra_sign_in` |
//! | A14 | erasure leaves the digest of an identity | `an_erased_user_leaves_no_link_and_no_digest_that_can_be_guessed` |
//! | A15 | an external id that looks like an id of ours finds no tenant | `an_external_id_may_look_like_an_id_of_ours` |

use std::time::Duration;

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::TestApp;
use harness::browser::{Browser, Idp, named, person};
use harness::items::text;
use harness::oidc::{App, GOOD, claims};
use harness::saml::draft::{Draft, at, authn, claim};
use harness::saml::metadata;
use harness::saml::world::IDP;
use serde_json::{Value, json};
use types::digest::digest_of_parts;

use crate::sign_in_provider_initiated::sign_in_field;

const SECOND_IDP: &str = "https://second.example/saml";

/// The connection `acme.com` after its identity provider was replaced.
const REPLACED: Idp = Idp::at("acme.com", SECOND_IDP);

async fn last(test: &TestApp) -> Value {
    test.sign_ins().await.swap_remove(0)
}

/// Signs in at `acme.com`; returns the user.
async fn user_of(test: &TestApp, idp: Idp, change: impl FnOnce(&mut Draft)) -> Value {
    let (browser, answer) = test.sign_in_at(idp, change).await;
    answer.expect(200);
    assert!(browser.has_session());
    last(test).await["user"].clone()
}

/// Signs in at `acme.com` and is refused; returns the code of the failed check.
async fn refusal(test: &TestApp, idp: Idp, change: impl FnOnce(&mut Draft)) -> Value {
    let (browser, answer) = test.sign_in_at(idp, change).await;
    answer.expect(403);
    assert!(!browser.has_session());
    last(test).await["code"].clone()
}

async fn user(test: &TestApp, body: Value) -> String {
    test.post("/Users", body).await.expect(201).text("id")
}

async fn rename(test: &TestApp, user: &str, name: &str) {
    let operations = json!([{"op": "replace", "path": "userName", "value": name}]);
    test.patch(&format!("/Users/{user}"), operations).await.expect(200);
}

/// Signs in to an app by SAML; returns the tokens.
async fn tokens(test: &TestApp, app: &App, rest: &str, change: impl FnOnce(&mut Draft)) -> Value {
    let mut browser = Browser::default();
    let path = format!("/oauth2/authorize?{}", app.query(rest));
    let answer = browser.sign_in(test, &path, Idp::USUAL, change).await.expect(303);
    let form = App::redemption(&answer.redirected("code").unwrap());
    test.form_of(app, "/oauth2/token", &form).await.expect(200).json()
}

/// A1, rule 7.
#[tokio::test]
async fn an_identity_provider_signs_in_no_user_of_another_connection() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let contractors = Idp::at("contractors.com", SECOND_IDP);
    test.connect("contractors.com", &metadata::usual(SECOND_IDP), json!({"jit": true}))
        .await
        .expect(200);
    test.user("ceo@acme.com").await;
    user(&test, json!({"userName": "cfo@acme.com", "externalId": "emp-1"})).await;
    user_of(&test, Idp::USUAL, person("id-1", "ceo@acme.com")).await;
    for (name_id, email) in [
        ("ceo@acme.com", "ceo@acme.com"),
        ("ceo@acme.com", "eve@contractors.com"),
        ("id-1", "ceo@acme.com"),
        ("emp-1", "cfo@acme.com"),
        ("emp-1", "eve@contractors.com"),
        ("eve", "ceo@acme.com"),
    ] {
        let refused = refusal(&test, contractors, person(name_id, email)).await;
        assert!(refused == "user.domain" || refused == "user.state", "{name_id} {email}");
    }
    // A `NameID` that is an address: only the one of this connection counts (rule 10).
    refusal(&test, contractors, named("ceo@acme.com", "ceo@acme.com")).await;
    let eve = user_of(&test, contractors, named("ceo@acme.com", "eve@contractors.com")).await;
    let found = test.get(&format!("/Users/{}", eve.as_str().unwrap())).await.expect(200).json();
    assert_eq!(found["userName"], "eve@contractors.com");
}

/// A3, rule 8. The name is unique in its folded form, so that no second user gets it either.
#[tokio::test]
async fn a_name_that_only_looks_the_same_signs_nobody_in() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    for (known, alike) in [
        ("kim@acme.com", "\u{212a}im@acme.com"),
        ("sam@acme.com", "\u{17f}am@acme.com"),
        ("ada@acme.com", "\u{ff41}da@acme.com"),
        ("eve@acme.com", "eve@\u{ff41}cme.com"),
        ("eva@acme.com", "eva@acme\u{3002}com"),
    ] {
        let known = test.user(known).await;
        refusal(&test, Idp::USUAL, named(alike, alike)).await;
        refusal(&test, Idp::USUAL, person(&format!("id of {known}"), alike)).await;
    }
    assert_eq!(test.get("/Users").await.json()["totalResults"], 5);
}

/// A4, rule 12: by address and by `externalId`.
#[tokio::test]
async fn a_new_identity_provider_leads_to_the_same_users() {
    let test = TestApp::with_connection(json!({})).await;
    let ada = user(&test, json!({"userName": "ada@acme.com"})).await;
    let bo = user(&test, json!({"userName": "bo@acme.com", "externalId": "emp-2"})).await;
    assert_eq!(user_of(&test, Idp::USUAL, person("okta-1", "ada@acme.com")).await, ada);
    assert_eq!(user_of(&test, Idp::USUAL, person("okta-2", "bo@acme.com")).await, bo);
    test.connect("acme.com", &metadata::usual(SECOND_IDP), json!({})).await.expect(200);
    for _ in 0..2 {
        assert_eq!(user_of(&test, REPLACED, person("entra-1", "ada@acme.com")).await, ada);
        assert_eq!(user_of(&test, REPLACED, person("emp-2", "new-name@acme.com")).await, bo);
    }
    // The links of the former provider lead nowhere: an equal `NameID` of the new one is not it.
    let refused = refusal(&test, REPLACED, person("okta-1", "x@acme.com")).await;
    assert_eq!(refused, "user.state");
}

/// A4, rule 8.
#[tokio::test]
async fn an_address_in_another_letter_case_is_the_same_person() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let bo = user_of(&test, Idp::USUAL, named("Bo@acme.com", "Bo@acme.com")).await;
    for address in ["bo@acme.com", "BO@ACME.COM", "Bo@Acme.com"] {
        assert_eq!(user_of(&test, Idp::USUAL, named(address, address)).await, bo, "{address}");
    }
}

/// A4, rule 11: address, opaque, persistent, subject-id, and back.
#[tokio::test]
async fn another_format_of_the_name_id_keeps_the_user() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let ada = user_of(&test, Idp::USUAL, named("ada@acme.com", "ada@acme.com")).await;
    assert_eq!(user_of(&test, Idp::USUAL, person("id-1", "ada@acme.com")).await, ada);
    let with_subject_id = |draft: &mut Draft| {
        person("id-1", "ada@acme.com")(draft);
        draft.claims.push(claim("urn:oasis:names:tc:SAML:attribute:subject-id", &["s1@acme.com"]));
    };
    assert_eq!(user_of(&test, Idp::USUAL, with_subject_id).await, ada);
    assert_eq!(user_of(&test, Idp::USUAL, named("ada@acme.com", "ada@acme.com")).await, ada);
}

/// A4, rule 11.
#[tokio::test]
async fn a_renamed_user_signs_in_by_the_new_address() {
    let test = TestApp::with_connection(json!({})).await;
    let ada = test.user("ada@acme.com").await;
    assert_eq!(user_of(&test, Idp::USUAL, named("ada@acme.com", "ada@acme.com")).await, ada);
    rename(&test, &ada, "byron@acme.com").await;
    assert_eq!(user_of(&test, Idp::USUAL, named("byron@acme.com", "byron@acme.com")).await, ada);
    let refused = refusal(&test, Idp::USUAL, named("ada@acme.com", "ada@acme.com")).await;
    assert_eq!(refused, "user.state");
}

/// A4, rules 13 and 15.
#[tokio::test]
async fn a_person_who_has_an_account_is_not_told_to_have_none() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let ada = test.user("ada@acme.com").await;
    user_of(&test, Idp::USUAL, person("id-1", "ada@acme.com")).await;
    let explain = format!("/v1/tenants/{}/connections/acme.com/explain", test.acme.id);
    let explained = async || {
        let mut draft = Idp::USUAL.draft(Some("_1"));
        person("id-2", "ada@acme.com")(&mut draft);
        let body = json!({"saml_response": BASE64_STANDARD.encode(draft.response())});
        test.operator(Method::POST, &explain, Some(body)).await.expect(200).json()
    };
    let (_, page) = test.sign_in_at(Idp::USUAL, person("id-2", "ada@acme.com")).await;
    let page = String::from_utf8(page.expect(403).bytes).unwrap();
    assert!(!page.contains("no account"), "{page}");
    assert_eq!(last(&test).await["code"], "user.linked");
    let explanation = explained().await;
    assert_eq!(
        (&explanation["accepted"], &explanation["code"]),
        (&json!(false), &json!("user.linked"))
    );
    let link = format!("/v1/tenants/{}/users/{ada}/links/acme.com", test.acme.id);
    test.operator(Method::DELETE, &link, None).await.expect(204);
    assert_eq!(explained().await["accepted"], true);
    assert_eq!(user_of(&test, Idp::USUAL, person("id-2", "ada@acme.com")).await, ada);
}

/// A5, rule 11.
#[tokio::test]
async fn an_address_given_to_somebody_else_leads_to_that_person() {
    let test = TestApp::with_connection(json!({})).await;
    let emails = json!([{"value": "ada@acme.com", "primary": true}]);
    let first = user(&test, json!({"userName": "ada@acme.com", "emails": emails})).await;
    let as_ada = || named("ada@acme.com", "ada@acme.com");
    assert_eq!(user_of(&test, Idp::USUAL, as_ada()).await, first);
    let renamed = json!({
        "userName": "byron@acme.com",
        "emails": [{"value": "byron@acme.com", "primary": true}],
    });
    test.scim(Method::PUT, &format!("/Users/{first}"), Some(renamed)).await.expect(200);
    assert_eq!(refusal(&test, Idp::USUAL, as_ada()).await, "user.state");
    let second = user(&test, json!({"userName": "ada@acme.com", "emails": emails})).await;
    assert_eq!(user_of(&test, Idp::USUAL, as_ada()).await, second);
}

/// A6, rule 8.
#[tokio::test]
async fn a_text_with_two_addresses_is_never_a_verified_address() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let rest = GOOD.replace("scope=openid", "scope=openid+email+profile");
    for (number, odd) in [
        "ceo@victim.com@acme.com",
        "ceo@victim.com,x@acme.com",
        "ceo@victim.com\n@acme.com",
        "<ceo@victim.com>@acme.com",
        "\"ceo@victim.com\"@acme.com",
        "ceo@victim.com x@acme.com",
        "ceo@victim.com;x@acme.com",
        "ceo@victim.com\u{200b}x@acme.com",
    ]
    .into_iter()
    .enumerate()
    {
        // Nobody becomes a user by it, neither as a `NameID` nor as an e-mail attribute.
        let xml = odd.replace('<', "&lt;").replace('>', "&gt;");
        refusal(&test, Idp::USUAL, named(&xml, &xml)).await;
        refusal(&test, Idp::USUAL, person("x", &xml)).await;
        // A provisioning client may store it; then it proves nothing.
        let name = format!("eve{number}@acme.com");
        let emails = json!([{"value": odd, "primary": true}]);
        let stored = test.post("/Users", json!({"userName": name, "emails": emails})).await;
        if stored.status == 400 {
            continue;
        }
        stored.expect(201);
        let tokens = tokens(&test, &app, &rest, named(&name, &name)).await;
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert_ne!(id_token["email_verified"], true, "{odd}: {id_token}");
        let access = tokens["access_token"].as_str().unwrap();
        let userinfo = test.userinfo(access).await.expect(200).json();
        assert_ne!(userinfo["email_verified"], true, "{odd}: {userinfo}");
    }
}

/// A7, rules 4 and 6.
#[tokio::test]
async fn a_connection_named_after_a_public_domain_signs_nobody_in() {
    let test = TestApp::with_connection(json!({})).await;
    for name in ["gmail.com", "co.uk", "github.io"] {
        let path = format!("/v1/tenants/{}/connections/{name}", test.acme.id);
        let body = json!({
            "jit": true,
            "domains": [name, "acme.org"],
            "idp_metadata_xml": metadata::usual(IDP),
        });
        test.operator(Method::PUT, &path, Some(body)).await.expect(200);
        let email = format!("ada@{name}");
        let (browser, answer) = test.sign_in_at(Idp::at(name, IDP), named(&email, &email)).await;
        answer.expect(403);
        assert!(!browser.has_session());
        assert_eq!(last(&test).await["code"], "user.domain");
    }
    assert_eq!(test.get("/Users").await.json()["totalResults"], 0);
}

/// A8, rule 6.
#[tokio::test]
async fn a_second_domain_of_a_connection_signs_in_like_the_first() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    test.verify_domain(&test.acme.id, "acme.de").await;
    let settings = json!({"jit": true, "domains": ["acme.com", "acme.de"]});
    test.connect("acme.com", &metadata::usual(IDP), settings).await.expect(200);
    let app = test.app(false).await;
    for organisation in ["login_hint=ada%40acme.de", "domain=acme.de", "domain=acme.com"] {
        let rest = GOOD.replace("domain=acme.com", organisation);
        let rest = rest.replace("scope=openid", "scope=openid+email");
        let tokens = tokens(&test, &app, &rest, named("ada@acme.de", "ada@acme.de")).await;
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(
            (&id_token["email"], &id_token["email_verified"]),
            (&json!("ada@acme.de"), &json!(true)),
            "{organisation}"
        );
    }
}

/// A9, rule 19.
#[tokio::test]
async fn a_link_to_another_connection_replaces_no_session() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let eve = test.tenant("Eve").await;
    let evil = Idp::at("evil.com", SECOND_IDP);
    test.verify_domain(&eve.id, "evil.com").await;
    let body = json!({"jit": true, "idp_metadata_xml": metadata::usual(SECOND_IDP)});
    let path = format!("/v1/tenants/{}/connections/evil.com", eve.id);
    test.operator(Method::PUT, &path, Some(body)).await.expect(200);

    let (mut browser, answer) = test.sign_in_at(Idp::USUAL, |_| {}).await;
    answer.expect(303);
    let session = browser.cookies();
    let link = "/saml/sso/evil.com?target=https://app.example/documents/7";
    let as_eve = || named("eve@evil.com", "eve@evil.com");
    let page = browser.sign_in(&test, link, evil, as_eve()).await.expect(200);
    assert!(browser.cookies().contains(&session), "the session is the same");
    let silent = format!("/oauth2/authorize?{}&prompt=none", app.query(GOOD));
    let answer = browser.get(&test, &silent).await.expect(303);
    assert!(answer.redirected("code").is_some());
    // A person who presses the button has decided.
    let field = sign_in_field(&page.bytes);
    let path = "/saml/sso/evil.com/continue";
    browser.post(&test, path, &[("sign_in", &field)]).await.expect(303);
    let answer = browser.get(&test, &silent).await.expect(303);
    assert_eq!(answer.redirected("error").as_deref(), Some("login_required"));
    // Without a session, and for the same person, there is no page in between.
    let (mut fresh, answer) = test.sign_in_at(evil, as_eve()).await;
    answer.expect(303);
    fresh.sign_in(&test, link, evil, as_eve()).await.expect(303);
}

/// A12, rule 18.
#[tokio::test]
async fn a_session_that_is_over_gives_no_token() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let until =
        |seconds: i64| move |draft: &mut Draft| draft.authn = authn(&at(-300), Some(&at(seconds)));
    for ended in [-60, -1, 0] {
        assert_eq!(refusal(&test, Idp::USUAL, until(ended)).await, "saml.session", "{ended}");
    }
    let rest = GOOD.replace("scope=openid", "scope=openid+offline_access");
    let path = format!("/oauth2/authorize?{}", app.query(&rest));
    let code = async || {
        let mut browser = Browser::default();
        let answer = browser.sign_in(&test, &path, Idp::USUAL, until(20)).await.expect(303);
        App::redemption(&answer.redirected("code").unwrap())
    };
    let (early, late) = (code().await, code().await);
    test.clock.advance(Duration::from_millis(18_500));
    let tokens = test.form_of(&app, "/oauth2/token", &early).await.expect(200).json();
    let expires_in = tokens["expires_in"].as_i64().unwrap();
    assert!((1..=2).contains(&expires_in), "{expires_in}");
    // A code of a minute does not outlive the session.
    for seconds in [2, 20] {
        test.clock.advance(Duration::from_secs(seconds));
        let refused = test.form_of(&app, "/oauth2/token", &late).await.expect(400);
        assert_eq!(refused.json()["error"], "invalid_grant");
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let form = format!("grant_type=refresh_token&refresh_token={refresh}");
        test.form_of(&app, "/oauth2/token", &form).await.expect(400);
        test.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(401);
    }
}

/// A13, rule 10: the `NameID` is the principal name, in a domain that is not the customer's.
#[tokio::test]
async fn the_default_claims_of_entra_sign_in() {
    let entra = |draft: &mut Draft| {
        draft.name_id =
            "<A:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">\
            ada@acme.onmicrosoft.com</A:NameID>"
                .to_owned();
        let identity = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
        let directory = "http://schemas.microsoft.com/identity/claims";
        draft.claims = vec![
            claim(&format!("{directory}/tenantid"), &["f8a2d6b0-0000-4000-8000-000000000001"]),
            claim(
                &format!("{directory}/objectidentifier"),
                &["0b6f1a52-0000-4000-8000-00000000ada0"],
            ),
            claim(&format!("{identity}/emailaddress"), &["ada@acme.com"]),
            claim(&format!("{identity}/name"), &["ada@acme.onmicrosoft.com"]),
        ];
    };
    for jit in [true, false] {
        let test = TestApp::with_connection(json!({"jit": jit})).await;
        let known = if jit { None } else { Some(test.user("ada@acme.com").await) };
        let user = user_of(&test, Idp::USUAL, entra).await;
        assert!(known.is_none_or(|known| user == known));
        assert_eq!(user_of(&test, Idp::USUAL, entra).await, user);
        let id = user.as_str().unwrap();
        let found = test.get(&format!("/Users/{id}")).await.expect(200).json();
        assert_eq!(found["userName"], "ada@acme.com");
        // Nobody is signed in by an address in the provider's own domain alone.
        let refused = refusal(&test, Idp::USUAL, |draft| {
            entra(draft);
            draft.claims.remove(2);
            draft.claims.remove(1);
        });
        assert_eq!(refused.await, "user.domain");
    }
}

/// A14, rule 14.
#[tokio::test]
async fn an_erased_user_leaves_no_link_and_no_digest_that_can_be_guessed() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let address = user_of(&test, Idp::USUAL, named("ada@acme.com", "ada@acme.com")).await;
    let stable = user_of(&test, Idp::USUAL, person("emp-7", "bo@acme.com")).await;
    let partition = format!("{}#L", test.acme.id);
    let links = async || -> Vec<Value> {
        let rows = test.items().await.into_iter();
        rows.filter(|row| text(row, "pk") == partition).collect()
    };
    assert_eq!(links().await.len(), 3);
    let guessed = digest_of_parts(&["acme.com", IDP, "name_id", "emp-7"]);
    let rows = json!(test.items().await).to_string();
    assert!(!rows.contains(&guessed) && !rows.contains("emp-7"));
    for user in [address, stable] {
        let path = format!("/Users/{}", user.as_str().unwrap());
        test.scim(Method::DELETE, &path, None).await.expect(204);
    }
    assert_eq!(links().await, Vec::<Value>::new());
}

/// A15.
#[tokio::test]
async fn an_external_id_may_look_like_an_id_of_ours() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let external_id = "0199d3a0-0000-7000-8000-0000000000ff";
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    let body = json!({"external_id": external_id});
    test.operator(Method::PATCH, &tenant, Some(body)).await.expect(200);
    for name in [external_id, &test.acme.id] {
        let rest = GOOD.replace("domain=acme.com", &format!("tenant={name}"));
        let tokens = tokens(&test, &app, &rest, |_| {}).await;
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id_token["tenant"], test.acme.id, "{name}");
    }
}
