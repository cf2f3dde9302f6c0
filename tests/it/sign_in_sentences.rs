//! The sentence that a refused person reads: it is true of their account, and names a way on.

use harness::TestApp;
use harness::browser::{Browser, draft, person};
use harness::saml::draft::Draft;
use serde_json::{Value, json};

async fn user(test: &TestApp, user: Value) -> String {
    let mut body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]});
    body.as_object_mut().unwrap().extend(user.as_object().unwrap().clone());
    test.post("/Users", body).await.expect(201).text("id")
}

async fn respond(test: &TestApp, change: impl FnOnce(&mut Draft)) -> (u16, String) {
    let mut browser = Browser::default();
    let request = browser.begin(test, "/saml/sso/acme.com").await;
    let mut draft = draft(Some(&request));
    change(&mut draft);
    let answer = browser.respond(test, &draft.response()).await;
    (answer.status.as_u16(), String::from_utf8(answer.bytes).unwrap())
}

async fn check(test: &TestApp, change: impl FnOnce(&mut Draft), code: &str, expected: &str) {
    let (status, page) = respond(test, change).await;
    assert_eq!(status, 403, "{expected}");
    let record = &test.sign_ins().await[0];
    assert_eq!(record["code"], code, "{record}");
    let page = page.replace("&#39;", "'").replace("&#x27;", "'");
    assert!(page.contains(expected), "{expected}: {page}");
    let has_way_on = page.contains("Ask an administrator") || expected.contains("did not tell us");
    assert!(has_way_on, "{page}");
    let is_unknown = expected.contains("no account");
    assert_eq!(page.contains("no account here"), is_unknown, "{page}");
    assert!(page.contains(record["reference"].as_str().unwrap()), "{page}");
}

#[tokio::test]
async fn each_refused_person_reads_what_is_true_of_their_account() {
    let test = TestApp::with_connection(json!({})).await;
    check(&test, person("n1", "ada@acme.com"), "user.state", "There is no account here").await;
    // Deactivated.
    user(&test, json!({"userName": "off@acme.com", "active": false})).await;
    check(&test, person("n2", "off@acme.com"), "user.state", "switched off by your").await;
    // Linked to another identity.
    user(&test, json!({"userName": "bo@acme.com"})).await;
    assert_eq!(respond(&test, person("n3", "bo@acme.com")).await.0, 200);
    check(&test, person("n4", "bo@acme.com"), "user.linked", "belongs to another sign-in").await;
    // Known to the directory, with an address of another domain.
    user(&test, json!({"userName": "cy@else.example", "externalId": "n5"})).await;
    check(&test, person("n5", "cy@acme.com"), "user.domain", "Your account here has no address")
        .await;
    // Two users with one address, and two with one externalId.
    for name in ["dee1", "dee2"] {
        let emails = json!([{"value": "dee@acme.com", "primary": true}]);
        user(&test, json!({"userName": name, "emails": emails})).await;
        user(&test, json!({"userName": format!("{name}@acme.com"), "externalId": "n7"})).await;
    }
    check(&test, person("n6", "dee@acme.com"), "user.ambiguous", "Several accounts here").await;
    check(&test, person("n7", "new@acme.com"), "user.ambiguous", "Several accounts here").await;
    // Another domain, and no address at all.
    check(&test, person("n8", "eve@evil.example"), "user.domain", "not in a domain of this").await;
    let nameless = |draft: &mut Draft| {
        person("n9", "x")(draft);
        draft.claims.clear();
    };
    check(&test, nameless, "user.domain", "did not tell us enough about you").await;
}

#[tokio::test]
async fn a_person_whose_name_is_taken_is_told_so() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    // The Kelvin sign folds to `k`.
    user(&test, json!({"userName": "\u{212a}im@acme.com"})).await;
    check(&test, person("n1", "kim@acme.com"), "user.state", "A name that looks like yours").await;
}
