//! Lists of the operator API: their filters, and that no parameter is ignored.

use std::collections::BTreeSet;

use axum::http::Method;
use harness::TestApp;
use harness::browser::{Idp, percent_encoded, person};
use harness::saml::draft::{Draft, at, conditions};
use serde_json::{Value, json};

/// Reads a list, page after page. Returns the items and the number of pages.
async fn read_all(test: &TestApp, path: &str) -> (Vec<Value>, usize) {
    let (mut items, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let separator = if path.contains('?') { '&' } else { '?' };
        let page = format!("{path}{separator}cursor={cursor}");
        let page = test.operator(Method::GET, &page, None).await.expect(200).json();
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return (items, pages),
        }
    }
}

/// Returns one field of all items of a list.
async fn listed(test: &TestApp, path: &str, field: &str) -> Vec<String> {
    let (items, _) = read_all(test, path).await;
    items.iter().map(|item| item[field].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn users_are_listed_by_user_name_e_mail_address_and_external_id() {
    let test = TestApp::new().await;
    for (name, external_id, emails) in [
        ("Ada@acme.com", "00u-1", vec!["ada@acme.com", "Countess@acme.com"]),
        ("grace@acme.com", "00u-2", vec!["grace@acme.com"]),
        ("linus", "00u-2", vec!["GRACE@acme.com"]),
        ("zoë@acme.com", "00u-3#x", vec![]),
        ("someone", "00u-4", vec!["ada@acme.com.example"]),
    ] {
        let emails: Vec<Value> = emails.iter().map(|value| json!({"value": value})).collect();
        let user = json!({"userName": name, "externalId": external_id, "emails": emails});
        test.post("/Users", user).await.expect(201);
    }
    let check = async |query: &str, expected: &[&str]| {
        let path = format!("/v1/tenants/{}/users?{query}", test.acme.id);
        let found: BTreeSet<String> = listed(&test, &path, "user_name").await.into_iter().collect();
        assert_eq!(found, expected.iter().map(|&name| name.to_owned()).collect(), "{query}");
    };
    check("user_name=ada@ACME.com", &["Ada@acme.com"]).await;
    check(&format!("user_name={}", percent_encoded("ZOE\u{308}@acme.com")), &["zoë@acme.com"])
        .await;
    check("user_name=ada", &[]).await;
    check("email=ADA@acme.com", &["Ada@acme.com"]).await;
    check("email=countess@acme.com", &["Ada@acme.com"]).await;
    check("email=grace@acme.com", &["grace@acme.com", "linus"]).await;
    // A userName is not an e-mail address.
    check("email=linus", &[]).await;
    check("external_id=00u-2", &["grace@acme.com", "linus"]).await;
    check("external_id=00U-2", &[]).await;
    check("external_id=00u-3", &[]).await;
    check("external_id=00u-3%23x", &["zoë@acme.com"]).await;
    // All filters have to match.
    check("email=grace@acme.com&external_id=00u-2&user_name=linus", &["linus"]).await;
    check("email=grace@acme.com&external_id=00u-1", &[]).await;
    check("user_name=linus&email=ada@acme.com", &[]).await;

    let path = format!("/v1/tenants/{}/users?external_id=00u-2&limit=1", test.acme.id);
    let (items, pages) = read_all(&test, &path).await;
    assert!(items.len() == 2 && pages > 1 && items[0]["id"] != items[1]["id"], "{items:?}");
    let path = format!("/v1/tenants/{}/users?user_name=linus&resource=true", test.acme.id);
    let whole = test.operator(Method::GET, &path, None).await.expect(200).json();
    assert_eq!(whole["items"][0]["resource"]["userName"], "linus");

    let other = test.tenant("Other").await;
    let path = format!("/v1/tenants/{}/users?user_name=linus", other.id);
    assert_eq!(listed(&test, &path, "id").await, [""; 0]);
}

#[tokio::test]
async fn a_user_is_read_by_its_id() {
    let test = TestApp::new().await;
    let id = test.user("ada@acme.com").await;
    let path = format!("/v1/tenants/{}/users/{id}", test.acme.id);
    let user = test.operator(Method::GET, &path, None).await.expect(200).json();
    assert_eq!((&user["id"], &user["user_name"]), (&json!(id), &json!("ada@acme.com")));
    assert_eq!((&user["links"], &user["sessions"]), (&json!([]), &json!([])));
    let other = test.tenant("Other").await;
    let path = format!("/v1/tenants/{}/users/{id}", other.id);
    test.operator(Method::GET, &path, None).await.expect(404);
}

#[tokio::test]
async fn sign_ins_are_listed_by_success_user_and_code() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let elsewhere = |draft: &mut Draft| {
        draft.conditions = conditions(None, None, &[&["https://other.example"]]);
    };
    let late = |draft: &mut Draft| {
        draft.conditions =
            conditions(None, Some(&at(-3600)), &[&["https://sp.example/saml/metadata/acme.com"]]);
    };
    for name_id in ["1", "2", "1"] {
        let email = format!("{name_id}@acme.com");
        test.sign_in_at(Idp::USUAL, person(name_id, &email)).await.1.expect_one_of(&[200, 303]);
    }
    test.sign_in_at(Idp::USUAL, elsewhere).await.1.expect(403);
    test.sign_in_at(Idp::USUAL, late).await.1.expect(403);
    test.sign_in_at(Idp::USUAL, elsewhere).await.1.expect(403);

    let all = test.sign_ins().await;
    let path = format!("/v1/tenants/{}/sign-ins", test.acme.id);
    let check = async |query: &str, count: usize, is_match: &dyn Fn(&Value) -> bool| {
        let expected: Vec<Value> = all.iter().filter(|record| is_match(record)).cloned().collect();
        assert_eq!(expected.len(), count, "{query}");
        for limit in [1, 2, 100] {
            let (found, _) = read_all(&test, &format!("{path}?{query}&limit={limit}")).await;
            assert_eq!(found, expected, "{query}");
        }
    };
    check("succeeded=true", 3, &|record| record["code"].is_null()).await;
    check("succeeded=false", 3, &|record| record["code"].is_string()).await;
    check("code=saml.audience", 2, &|record| record["code"] == "saml.audience").await;
    check("code=saml.audience&succeeded=true", 0, &|_| false).await;
    check("code=saml", 0, &|_| false).await;
    let users = format!("/v1/tenants/{}/users?email=1@acme.com", test.acme.id);
    let user = listed(&test, &users, "id").await.remove(0);
    check(&format!("user={user}"), 2, &|record| record["user"] == *user).await;
    check(&format!("user={user}&succeeded=false"), 0, &|_| false).await;
}

#[tokio::test]
async fn a_filter_that_matches_few_sign_ins_of_many_is_answered_in_bounded_pages() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    test.sign_in_at(Idp::USUAL, person("1", "1@acme.com")).await.1.expect_one_of(&[200, 303]);
    let records: Vec<Value> = test.items().await.into_iter().filter(is_record).collect();
    let [oldest] = records.as_slice() else { panic!("one record") };
    // Newer failures: their ids sort after that of the success.
    let newer = (0..1_200).map(|n| {
        let mut row = oldest.clone();
        row["sk"]["S"] = format!("ffffffff-ffff-7fff-8fff-{n:012x}").into();
        row["code"] = json!({"S": "saml.audience"});
        row
    });
    test.put_items(&newer.collect::<Vec<_>>()).await;
    let path = format!("/v1/tenants/{}/sign-ins", test.acme.id);
    let (found, pages) = read_all(&test, &format!("{path}?succeeded=true")).await;
    assert_eq!((found.len(), pages), (1, 2));
    let (found, _) = read_all(&test, &format!("{path}?code=saml.audience&limit=1000")).await;
    assert_eq!(found.len(), 1_200);
    assert_eq!(read_all(&test, &format!("{path}?limit=1000")).await.0.len(), 1_201);
}

fn is_record(row: &Value) -> bool {
    row["pk"]["S"].as_str().unwrap().ends_with("#S")
}

#[tokio::test]
async fn tenants_are_listed_by_external_id_and_name() {
    let test = TestApp::new().await;
    for (name, external_id) in
        [("Globex", Some("customer-17")), ("GLOBEX", None), ("Initech", Some("customer-18"))]
    {
        let body = json!({"name": name, "external_id": external_id});
        test.operator(Method::POST, "/v1/tenants", Some(body)).await.expect(201);
    }
    let check = async |query: &str, expected: &[&str]| {
        for limit in [1, 100] {
            let path = format!("/v1/tenants?{query}&limit={limit}");
            assert_eq!(listed(&test, &path, "name").await, expected, "{query}");
        }
    };
    check("external_id=customer-17", &["Globex"]).await;
    check("external_id=customer-1", &[]).await;
    check("name=globex", &["Globex", "GLOBEX"]).await;
    check("name=glob", &[]).await;
    check("name=Globex&external_id=customer-17", &["Globex"]).await;
    check("name=Initech&external_id=customer-17", &[]).await;
}

#[tokio::test]
async fn an_empty_filter_is_refused() {
    let test = TestApp::new().await;
    let tenant = format!("/v1/tenants/{}", test.acme.id);
    for query in [
        format!("{tenant}/users?user_name="),
        format!("{tenant}/users?email="),
        format!("{tenant}/users?external_id="),
        format!("{tenant}/sign-ins?succeeded="),
        format!("{tenant}/sign-ins?user="),
        format!("{tenant}/sign-ins?code="),
        "/v1/tenants?name=".to_owned(),
        "/v1/tenants?external_id=".to_owned(),
    ] {
        let answer = test.operator(Method::GET, &query, None).await.expect(400);
        assert_eq!(answer.text("code"), "invalid", "{query}");
    }
}
