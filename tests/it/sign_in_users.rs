//! Matching: which user a response signs in.

use axum::http::Method;
use harness::browser::{Browser, draft, person};
use harness::saml::draft::{Draft, claim};
use harness::saml::metadata;
use harness::{Answer, TestApp};
use serde_json::{Value, json};

/// Signs in with a new browser and a changed response.
async fn sign_in(test: &TestApp, change: impl FnOnce(&mut Draft)) -> Answer {
    let mut browser = Browser::default();
    let request = browser.begin(test, "/saml/sso/acme.com").await;
    let mut draft = draft(Some(&request));
    change(&mut draft);
    let answer = browser.respond(test, &draft.response()).await;
    assert_eq!(answer.status == 200, browser.cookies().contains("session"));
    answer
}

async fn last(test: &TestApp) -> Value {
    test.sign_ins().await.first().unwrap().clone()
}

#[tokio::test]
async fn without_jit_only_known_people_sign_in() {
    let test = TestApp::with_connection(json!({})).await;
    sign_in(&test, |_| {}).await.expect(403);
    assert_eq!(last(&test).await["code"], "user.state");
    let ada = test.user("Ada@ACME.com").await;
    sign_in(&test, |_| {}).await.expect(200);
    assert_eq!(last(&test).await["user"], ada);
}

#[tokio::test]
async fn a_deactivated_user_cannot_sign_in() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    sign_in(&test, |_| {}).await.expect(200);
    let ada = last(&test).await["user"].as_str().unwrap().to_owned();
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    test.patch(&format!("/Users/{ada}"), off).await.expect(200);
    sign_in(&test, |_| {}).await.expect(403);
    assert_eq!(last(&test).await["code"], "user.state");
    // Nor can a user that was never linked.
    let off = json!({"userName": "grace@acme.com", "active": false});
    test.post("/Users", off).await.expect(201);
    sign_in(&test, person("grace", "grace@acme.com")).await.expect(403);
    let on = json!([{"op": "replace", "path": "active", "value": true}]);
    test.patch(&format!("/Users/{ada}"), on).await.expect(200);
    sign_in(&test, |_| {}).await.expect(200);
    assert_eq!(last(&test).await["user"], ada);
}

#[tokio::test]
async fn a_linked_identity_keeps_its_user_when_its_address_changes() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let ada = test.user("ada@acme.com").await;
    let grace = test.user("grace@acme.com").await;
    sign_in(&test, person("id-1", "ada@acme.com")).await.expect(200);
    assert_eq!(last(&test).await["user"], ada);
    sign_in(&test, person("id-1", "grace@acme.com")).await.expect(200);
    assert_eq!(last(&test).await["user"], ada);
    // The address of a linked user now belongs to another person, who must not get the account.
    sign_in(&test, person("id-2", "ada@acme.com")).await.expect(403);
    assert_eq!(last(&test).await["code"], "user.linked");
    sign_in(&test, person("id-2", "grace@acme.com")).await.expect(200);
    assert_eq!(last(&test).await["user"], grace);
}

#[tokio::test]
async fn external_id_matches_before_user_name() {
    let test = TestApp::with_connection(json!({})).await;
    test.user("ada@acme.com").await;
    let body = json!({"userName": "ada.lovelace@acme.com", "externalId": "obj-7"});
    let renamed = test.post("/Users", body).await.expect(201).text("id");
    sign_in(&test, person("obj-7", "ada@acme.com")).await.expect(200);
    assert_eq!(last(&test).await["user"], renamed);
}

/// The address of the response is Grace's, the identifier Ada's: Ada signs in.
#[tokio::test]
async fn a_first_sign_in_leaves_the_link_of_another_user_alone() {
    let test = TestApp::with_connection(json!({})).await;
    let grace = test.user("grace@acme.com").await;
    sign_in(&test, person("id-1", "grace@acme.com")).await.expect(200);
    let body = json!({"userName": "ada@acme.com", "externalId": "id-2"});
    let ada = test.post("/Users", body).await.expect(201).text("id");
    sign_in(&test, person("id-2", "grace@acme.com")).await.expect(200);
    assert_eq!(last(&test).await["user"], ada);
    // Only the link still says that this is Grace.
    sign_in(&test, person("id-1", "hopper@acme.com")).await.expect(200);
    assert_eq!(last(&test).await["user"], grace);
}

#[tokio::test]
async fn a_user_of_another_domain_is_not_matched_by_external_id() {
    let test = TestApp::with_connection(json!({})).await;
    let body = json!({"userName": "partner@elsewhere.example", "externalId": "obj-7"});
    test.post("/Users", body).await.expect(201);
    for address in ["partner@elsewhere.example", "ada@acme.com"] {
        sign_in(&test, person("obj-7", address)).await.expect(403);
    }
}

#[tokio::test]
async fn addresses_of_other_domains_create_and_match_no_user() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    test.user("eve@evil.example").await;
    for (name_id, email) in [
        ("x1", "eve@evil.example"),
        ("eve@evil.example", "ada@acme.com"),
        ("x2", "ada@sub.acme.com"),
        ("x3", "ada@acme.com.evil.example"),
    ] {
        sign_in(&test, person(name_id, email)).await.expect(403);
        assert_eq!(last(&test).await["code"], "user.domain", "{name_id} {email}");
    }
    assert_eq!(test.get("/Users").await.json()["totalResults"], 1);
    // A connection speaks for its own domains, not for those of another one of the tenant.
    let idp = metadata::usual("https://second.example/saml");
    test.connect("evil.example", &idp, json!({})).await.expect(200);
    sign_in(&test, person("x1", "eve@evil.example")).await.expect(403);
    assert_eq!(last(&test).await["code"], "user.domain");
}

#[tokio::test]
async fn a_deleted_user_is_created_anew_at_the_next_sign_in() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    sign_in(&test, |_| {}).await.expect(200);
    let first = last(&test).await["user"].as_str().unwrap().to_owned();
    test.scim(Method::DELETE, &format!("/Users/{first}"), None).await.expect(204);
    sign_in(&test, |_| {}).await.expect(200);
    assert_ne!(last(&test).await["user"], first);
    assert_eq!(test.get("/Users").await.json()["totalResults"], 1);
}

#[tokio::test]
async fn a_new_user_is_view_only_when_all_seats_are_taken() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let path = format!("/v1/tenants/{}/seats", test.acme.id);
    test.operator(Method::PUT, &path, Some(json!({"seats": 1}))).await.expect(200);
    sign_in(&test, |_| {}).await.expect(200);
    sign_in(&test, person("grace", "grace@acme.com")).await.expect(200);
    let path = format!("/v1/tenants/{}/users", test.acme.id);
    let users = test.operator(Method::GET, &path, None).await.expect(200).json();
    let mut licences: Vec<_> = users["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| (user["user_name"].as_str().unwrap(), user["license"].as_str().unwrap()))
        .collect();
    licences.sort_unstable();
    assert_eq!(licences, [("ada@acme.com", "full"), ("grace@acme.com", "view_only")]);
}

#[tokio::test]
async fn a_person_without_an_address_is_not_created() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let nameless = |draft: &mut Draft| {
        person("id-9", "x")(draft);
        draft.claims = Vec::new();
    };
    sign_in(&test, nameless).await.expect(403);
    assert_eq!(last(&test).await["code"], "user.domain");
    // A name says nothing about a domain; the identifier of the directory does, if the user has
    // an address of the connection.
    test.user("id-9").await;
    sign_in(&test, nameless).await.expect(403);
    let body = json!({"userName": "ada@acme.com", "externalId": "id-9"});
    let ada = test.post("/Users", body).await.expect(201).text("id");
    sign_in(&test, nameless).await.expect(200);
    assert_eq!(last(&test).await["user"], ada);
}

#[tokio::test]
async fn users_and_domains_of_other_tenants_are_not_matched() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let eve = test.tenant("Eve").await;
    let body = json!({"userName": "ada@acme.com", "externalId": "ada@acme.com"});
    test.scim_as(&eve.token, Method::POST, "/Users", Some(body)).await.expect(201);
    sign_in(&test, |_| {}).await.expect(200);
    assert_eq!(test.get("/Users").await.json()["totalResults"], 1);
    // A tenant cannot take the domain of another.
    let path = format!("/v1/tenants/{}/connections/acme.com", eve.id);
    test.operator(Method::PUT, &path, Some(json!({}))).await.expect(409);
    test.operator(Method::GET, &path, None).await.expect(404);
    test.operator(Method::DELETE, &path, None).await.expect(404);
    let path = format!("/v1/tenants/{}/sign-ins", eve.id);
    assert_eq!(test.operator(Method::GET, &path, None).await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_user_may_return_to_an_identity_that_the_directory_names() {
    let test = TestApp::with_connection(json!({})).await;
    let body = json!({"userName": "ada@acme.com", "externalId": "id-1"});
    let ada = test.post("/Users", body).await.expect(201).text("id");
    let by_subject_id = |draft: &mut Draft| {
        person("name-1", "ada@acme.com")(draft);
        draft.claims.push(claim("urn:oasis:names:tc:SAML:attribute:subject-id", &["id-1"]));
    };
    for _ in 0..2 {
        sign_in(&test, person("id-1", "ada@acme.com")).await.expect(200);
        assert_eq!(last(&test).await["user"], ada);
        sign_in(&test, by_subject_id).await.expect(200);
        assert_eq!(last(&test).await["user"], ada);
    }
}
