//! Users without SCIM: their profile, address and groups follow the assertions.

use axum::http::Method;
use harness::TestApp;
use harness::browser::{Browser, Idp};
use harness::oidc::{App, GOOD, claims};
use harness::saml::draft::{Claim, Draft, claim};
use serde_json::{Value, json};

/// Signs in the person with this persistent identifier and these attributes. Returns the user.
async fn sign_in(test: &TestApp, id: &str, attributes: &[(&str, &[&str])]) -> Value {
    let name_id = format!(
        "<A:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">{id}</A:NameID>"
    );
    let attributes: Vec<Claim> =
        attributes.iter().map(|(name, values)| claim(name, values)).collect();
    let (_, answer) = test
        .sign_in_at(Idp::USUAL, |draft: &mut Draft| {
            draft.name_id = name_id;
            draft.claims = attributes;
        })
        .await;
    answer.expect_one_of(&[200, 303]);
    let user = test.sign_ins().await[0]["user"].as_str().unwrap().to_owned();
    test.scim(Method::GET, &format!("/Users/{user}"), None).await.expect(200).json()
}

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[tokio::test]
async fn the_profile_follows_the_assertions_of_later_sign_ins() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let first = sign_in(
        &test,
        "id-1",
        &[
            ("mail", &["ada@acme.com"]),
            ("displayName", &["Ada Byron"]),
            ("givenName", &["Ada"]),
            ("sn", &["Byron"]),
            ("title", &["Countess"]),
        ],
    )
    .await;
    let second = sign_in(
        &test,
        "id-1",
        &[
            ("mail", &["ada.lovelace@acme.com"]),
            ("displayName", &["Ada Lovelace"]),
            ("sn", &["Lovelace"]),
            ("department", &["Engines"]),
        ],
    )
    .await;
    assert_eq!(second["id"], first["id"]);
    assert_eq!(second["userName"], "ada@acme.com", "the name to sign in with stays");
    assert_eq!(second["displayName"], "Ada Lovelace");
    assert_eq!(second["name"], json!({"givenName": "Ada", "familyName": "Lovelace"}));
    assert_eq!(second["title"], "Countess", "an attribute that is not sent stays");
    assert_eq!(second[ENTERPRISE]["department"], "Engines");
    assert_eq!(second["emails"][0]["value"], "ada.lovelace@acme.com");
    assert_eq!(second["emails"].as_array().unwrap().len(), 1);
    assert_ne!(second["meta"]["version"], first["meta"]["version"]);
}

#[tokio::test]
async fn a_sign_in_that_says_nothing_new_writes_no_user() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let same: &[(&str, &[&str])] = &[("mail", &["ada@acme.com"]), ("groups", &["a", "b"])];
    let first = sign_in(&test, "id-1", same).await;
    assert_eq!(sign_in(&test, "id-1", same).await["meta"], first["meta"]);
}

#[tokio::test]
async fn scim_wins_once_it_has_written_the_user() {
    for write in [
        json!([{"op": "replace", "path": "displayName", "value": "Countess"}]),
        // Also if the request changes nothing.
        json!([{"op": "replace", "path": "displayName", "value": "Ada Byron"}]),
    ] {
        let test = TestApp::with_connection(json!({"jit": true})).await;
        let byron: &[(&str, &[&str])] =
            &[("mail", &["ada@acme.com"]), ("displayName", &["Ada Byron"])];
        let user = sign_in(&test, "id-1", byron).await;
        let path = format!("/Users/{}", user["id"].as_str().unwrap());
        test.patch(&path, write).await.expect(200);
        let written = test.scim(Method::GET, &path, None).await.expect(200).json();
        let renamed: &[(&str, &[&str])] =
            &[("mail", &["ada.l@acme.com"]), ("displayName", &["Ada Lovelace"])];
        assert_eq!(sign_in(&test, "id-1", renamed).await, written);
    }
    // A user whom SCIM created is never changed.
    let test = TestApp::with_connection(json!({"jit": true})).await;
    test.user("ada@acme.com").await;
    let user =
        sign_in(&test, "id-1", &[("mail", &["ada@acme.com"]), ("displayName", &["A"])]).await;
    assert_eq!(user["displayName"], Value::Null);
}

#[tokio::test]
async fn an_address_changes_only_to_a_free_one_in_a_domain_of_the_connection() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    test.user("grace@acme.com").await;
    sign_in(&test, "id-1", &[("mail", &["ada@acme.com"])]).await;
    for other in ["ada@elsewhere.example", "grace@acme.com", "GRACE@acme.com"] {
        let user = sign_in(&test, "id-1", &[("mail", &[other])]).await;
        assert_eq!(user["emails"][0]["value"], "ada@acme.com", "{other}");
    }
    // The first that the connection may speak for.
    let user = sign_in(&test, "id-1", &[("mail", &["a@elsewhere.example", "a@acme.com"])]).await;
    assert_eq!(user["emails"][0]["value"], "a@acme.com");
    let old = test.get("/Users?filter=emails.value+eq+%22ada%40acme.com%22").await.json();
    let new = test.get("/Users?filter=emails.value+eq+%22a%40acme.com%22").await.json();
    assert_eq!((&old["totalResults"], &new["totalResults"]), (&json!(0), &json!(1)));
}

/// The `groups` that an app gets for the user of the last sign-in.
async fn groups(test: &TestApp, app: &App) -> Value {
    let user = test.sign_ins().await[0]["user"].as_str().unwrap().to_owned();
    let rest = GOOD.replace("scope=openid", "scope=openid+groups");
    let tokens = test.tokens(app, &user, &rest).await;
    let userinfo = test.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200).json();
    let of_token = claims(tokens["id_token"].as_str().unwrap())["groups"].clone();
    assert_eq!(userinfo["groups"], of_token);
    of_token
}

#[tokio::test]
async fn apps_get_the_groups_of_the_last_assertion_until_scim_has_groups() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let app = test.app(false).await;
    let ada = ("mail", &["ada@acme.com"][..]);
    let user = sign_in(&test, "id-1", &[ada, ("groups", &["Engineers", "Admins"])]).await;
    assert_eq!(groups(&test, &app).await, json!(["Engineers", "Admins"]));
    sign_in(&test, "id-1", &[ada, ("memberOf", &["Engineers"])]).await;
    assert_eq!(groups(&test, &app).await, json!(["Engineers"]));
    sign_in(&test, "id-1", &[ada]).await;
    assert_eq!(groups(&test, &app).await, json!([]), "no group is asserted any more");
    sign_in(&test, "id-1", &[ada, ("groups", &["Engineers"])]).await;
    let members = json!([{"value": user["id"]}]);
    let group = json!({"displayName": "Of SCIM", "members": members});
    test.post("/Groups", group).await.expect(201);
    assert_eq!(groups(&test, &app).await, json!(["Of SCIM"]));
    // They are no groups of SCIM.
    let path = format!("/Users/{}", user["id"].as_str().unwrap());
    let user = test.scim(Method::GET, &path, None).await.expect(200).body();
    assert!(!user.contains("Engineers"), "{user}");
}

#[tokio::test]
async fn a_chosen_attribute_holds_the_groups() {
    let settings = json!({"jit": true, "group_attribute": "urn:acme:teams"});
    let test = TestApp::with_connection(settings).await;
    let app = test.app(false).await;
    let both: &[(&str, &[&str])] =
        &[("mail", &["ada@acme.com"]), ("groups", &["g"]), ("urn:acme:teams", &["t"])];
    sign_in(&test, "id-1", both).await;
    assert_eq!(groups(&test, &app).await, json!(["t"]));
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    for bad in [json!(""), json!(" x"), json!("x".repeat(257)), json!(7)] {
        let body = json!({"group_attribute": bad});
        test.operator(Method::PUT, &path, Some(body)).await.expect(400);
    }
    test.operator(Method::PUT, &path, Some(json!({"jit": true}))).await.expect(200);
    sign_in(&test, "id-1", both).await;
    assert_eq!(groups(&test, &app).await, json!(["g"]));
}

#[tokio::test]
async fn omitted_groups_are_a_warning_of_the_record() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let link = "http://schemas.microsoft.com/claims/groups.link";
    let attributes: &[(&str, &[&str])] =
        &[("mail", &["ada@acme.com"]), (link, &["https://graph.windows.net/x"])];
    sign_in(&test, "id-1", attributes).await;
    let record = test.sign_ins().await.swap_remove(0);
    let checks = record["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["id"] == "saml.attributes").unwrap();
    assert_eq!(check["outcome"], "warning", "{check}");
    assert!(check["expected"].as_str().unwrap().contains("Entra"), "{check}");
}

#[tokio::test]
async fn two_sign_ins_at_once_leave_one_user_with_one_of_the_profiles() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    sign_in(&test, "id-1", &[("mail", &["ada@acme.com"]), ("displayName", &["Ada"])]).await;
    let respond = async |name: &str| {
        let mut browser = Browser::default();
        let change = |draft: &mut Draft| draft.claims.push(claim("displayName", &[name]));
        let idp = Idp::USUAL;
        browser.sign_in(&test, "/saml/sso/acme.com", idp, change).await.expect(200);
    };
    tokio::join!(respond("One"), respond("Two"));
    let users = test.get("/Users?filter=userName+eq+%22ada%40acme.com%22").await.json();
    let name = users["Resources"][0]["displayName"].as_str().unwrap().to_owned();
    assert!(["One", "Two"].contains(&&*name), "{name}");
}
